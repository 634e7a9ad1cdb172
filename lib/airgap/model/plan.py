"""Desired resources, changes and plans: what is wanted, what will be done for it, and what an approval covers.

In declared fields, ``${kind:name.attr}`` stands for an attribute of another resource, so a plan reads and digests the
same before and after anything exists, and no id is needed to approve it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airgap.model.canonical import digest_of, encode, plain

CREATE, UPDATE, REPLACED, DELETE, DIFFERS = "create", "update", "replace", "delete", "differs"
IMPOSSIBLE = "impossible"
"""The risk of a change that AWS cannot make; a plan that holds one is carried out by nobody."""
LOSES = "loses data"
"""The risk of a change with which data go for good; only the digest of a plan that says so approves it."""
REFERENCE = re.compile(r"\$\{([a-z0-9-]+:[^}]+)\.([a-z_]+)\}")


def ref(key: str, attr: str = "id") -> str:
    """Return a reference to an attribute of another resource; equal before and after it exists."""
    return "${" + key + "." + attr + "}"


def references(value: Any) -> set[str]:
    """Return the keys of all resources that a declared value refers to."""
    return {match[0] for match in REFERENCE.findall(encode(plain(value)))}


@dataclass(frozen=True)
class Desired:
    """One declared resource: its fields as plain data, with references to others.

    ``adopted`` is the id of what somebody else made; ``kept`` says why a destroy leaves this one ('': it goes);
    ``refused`` names fields whose declared value cannot be had, each with the reason.
    """

    kind: str
    name: str
    fields: Mapping[str, Any]
    step: str = ""
    needs: tuple[str, ...] = ()
    why: str = ""
    label: str = ""
    adopted: str = ""
    kept: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The logical key, ``kind:name``."""
        return f"{self.kind}:{self.name}"

    @property
    def after(self) -> set[str]:
        """The keys of the resources that must exist before this one."""
        return references(self.fields) | set(self.needs)

    def as_data(self) -> dict[str, Any]:
        """Return the declaration as JSON data."""
        return {name: plain(getattr(self, name)) for name in self.__dataclass_fields__}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Desired:
        """Return the declaration that ``as_data`` gave."""
        return cls(**{**data, "needs": tuple(data.get("needs", ()))})


@dataclass(frozen=True)
class Change:
    """One field that will be set, or one resource that will go; with its risk and the reason."""

    op: str
    resource: str
    field: str = ""
    before: Any = None
    after: Any = None
    risk: str = "none"
    why: str = ""
    label: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return the change as JSON data."""
        return {name: plain(getattr(self, name)) for name in self.__dataclass_fields__}

    @property
    def canonical(self) -> dict[str, Any]:
        """The members that a digest and an approval rest on."""
        return {name: plain(getattr(self, name)) for name in ("op", "resource", "field", "before", "after")}


@dataclass(frozen=True)
class Plan:
    """The changes of one step, what could not be read, and where adopted resources differ."""

    step: str
    changes: tuple[Change, ...] = ()
    unknowns: tuple[tuple[str, str], ...] = ()
    differing: tuple[Change, ...] = ()

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 over the canonical form of the step's changes, in their order of resources and fields."""
        ordered = sorted((one.canonical for one in self.changes), key=encode)
        return digest_of({"step": self.step, "changes": ordered})

    @property
    def impossible(self) -> tuple[Change, ...]:
        """The changes that AWS cannot make."""
        return tuple(one for one in self.changes if one.risk == IMPOSSIBLE)

    @property
    def losing(self) -> tuple[Change, ...]:
        """The changes with which data go for good."""
        return tuple(one for one in self.changes if one.risk == LOSES)

    def resources(self) -> dict[str, list[Change]]:
        """Return the changes grouped by resource, in plan order."""
        grouped: dict[str, list[Change]] = {}
        for change in self.changes:
            grouped.setdefault(change.resource, []).append(change)
        return grouped

    def as_data(self) -> dict[str, Any]:
        """Return the plan as JSON data, digest included."""
        return {
            "step": self.step,
            "digest": self.digest,
            "changes": [one.as_data() for one in self.changes],
            "unknowns": [list(one) for one in self.unknowns],
            "differing": [one.as_data() for one in self.differing],
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Plan:
        """Return the plan that ``as_data`` gave."""
        return cls(
            step=data["step"],
            changes=tuple(Change(**one) for one in data["changes"]),
            unknowns=tuple((one[0], one[1]) for one in data.get("unknowns", ())),
            differing=tuple(Change(**one) for one in data.get("differing", ())),
        )


def run_digest(plans: Sequence[Plan]) -> str:
    """Return the digest of a run's plan: over the step digests, in their order."""
    return digest_of([[plan.step, plan.digest] for plan in plans])


def uncovered(changes: Iterable[Change], approved: Iterable[Change]) -> list[Change]:
    """Return the changes that an approved plan does not cover.

    An approved create covers setting any of its (resource, field, after), whether by creating or by updating;
    updates match on before and after too; deletes and replacements only themselves.
    """
    exact = {encode(one.canonical) for one in approved}
    created = {(one.resource, one.field, encode(plain(one.after))) for one in approved if one.op == CREATE}
    return [
        one
        for one in changes
        if encode(one.canonical) not in exact
        and not (one.op in (CREATE, UPDATE) and (one.resource, one.field, encode(plain(one.after))) in created)
    ]
