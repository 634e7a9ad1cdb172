"""The resources that are served: a table of the built-in ones, and those that definitions add."""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
# Subresources that are kinds of their own, with the verbs that they have.
SUBRESOURCES: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "scale": ("autoscaling", "v1", "Scale", ("get", "patch", "update")),
    "log": ("", "v1", "Pod", ("get",)),
    "eviction": ("policy", "v1", "Eviction", ("create",)),
    "binding": ("", "v1", "Binding", ("create",)),
    "token": ("authentication.k8s.io", "v1", "TokenRequest", ("create",)),
    "exec": ("", "v1", "PodExecOptions", ("create", "get")),
    "attach": ("", "v1", "PodAttachOptions", ("create", "get")),
    "portforward": ("", "v1", "PodPortForwardOptions", ("create", "get")),
    "finalize": ("", "v1", "Namespace", ("update",)),
    "approval": ("certificates.k8s.io", "v1", "CertificateSigningRequest", ("get", "patch", "update")),
}


@dataclass(frozen=True)
class Kind:
    """One resource: its names, where it is served, and for a custom one the schema of each version."""

    group: str
    versions: tuple[str, ...]
    name: str
    plural: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    singular: str = ""
    list_name: str = ""
    custom: bool = False
    schemas: dict[str, dict[str, Any]] = field(default_factory=dict, compare=False, hash=False)
    scale_paths: dict[str, str] = field(default_factory=dict, compare=False, hash=False)
    columns: tuple[dict[str, Any], ...] = field(default=(), compare=False, hash=False)

    @property
    def qualified(self) -> str:
        """The plural with its group, as refusals name it: ``deployments.apps``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def verbs(self) -> tuple[str, ...]:
        """What can be done with it; reviews can only be created."""
        return ("create",) if self.plural.endswith("reviews") else VERBS

    def api_version(self, version: str = "") -> str:
        """Return the ``apiVersion`` of its objects, by default of its preferred version."""
        version = version or self.versions[0]
        return f"{self.group}/{version}" if self.group else version


@functools.cache
def built_in() -> tuple[Kind, ...]:
    """Return the resources of ``kinds.tsv``."""
    text = files(__package__).joinpath("kinds.tsv").read_text()
    return tuple(_kind(row) for row in csv.DictReader(text.splitlines(), delimiter="\t"))


def _kind(row: dict[str, str]) -> Kind:
    def several(name: str) -> tuple[str, ...]:
        return tuple((row[name] or "").split(",")) if row[name] else ()

    return Kind(
        row["group"],
        (row["version"],),
        row["kind"],
        row["plural"],
        several("short"),
        row["scope"] == "namespaced",
        several("subresources"),
        several("categories"),
        row["kind"].lower(),
        f"{row['kind']}List",
    )


class Kinds:
    """The resources that one cluster serves at this moment."""

    def __init__(self) -> None:
        self._by_plural = {(kind.group, kind.plural): kind for kind in built_in()}
        self._by_name = {(kind.group, kind.name): kind for kind in built_in()}

    def __iter__(self) -> Iterator[Kind]:
        return iter(list(self._by_plural.values()))

    def add(self, kind: Kind) -> None:
        """Serve a custom resource, in the place of what it was before."""
        self._by_plural[kind.group, kind.plural] = kind
        self._by_name[kind.group, kind.name] = kind

    def drop(self, kind: Kind) -> None:
        """Serve a custom resource no longer."""
        self._by_plural.pop((kind.group, kind.plural), None)
        self._by_name.pop((kind.group, kind.name), None)

    def of_plural(self, group: str, version: str, plural: str) -> Kind | None:
        """Return the resource at a place of the API."""
        kind = self._by_plural.get((group, plural))
        return kind if kind is not None and version in kind.versions else None

    def named(self, group: str, name: str) -> Kind | None:
        """Return the resource of a kind's name."""
        return self._by_name.get((group, name))

    def of(self, item: dict[str, Any]) -> Kind | None:
        """Return the resource of an object."""
        group, _, version = item.get("apiVersion", "").rpartition("/")
        kind = self.named(group, item.get("kind", ""))
        return kind if kind is not None and version in kind.versions else None

    def groups(self) -> dict[str, list[str]]:
        """Return the versions of each group, preferred first; the core group is the empty name."""
        found: dict[str, list[str]] = {"": [], "autoscaling": []}
        for kind in self._by_plural.values():
            versions = found.setdefault(kind.group, [])
            versions.extend(version for version in kind.versions if version not in versions)
        return found


@functools.cache
def core(name: str, group: str = "") -> Kind:
    """Return a built-in resource by the name of its kind; KeyError where there is none."""
    return {(kind.group, kind.name): kind for kind in built_in()}[group, name]
