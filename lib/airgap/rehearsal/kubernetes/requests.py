"""Requests as the API server reads them: the resource that a path names, options, and the object in a body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import yaml

from airgap.rehearsal.kubernetes import protobuf
from airgap.rehearsal.kubernetes.identities import User
from airgap.rehearsal.kubernetes.kinds import Kind, Kinds
from airgap.rehearsal.kubernetes.refusals import Refusal, bad_request, no_such_path, unsupported

Object = dict[str, Any]
_PATCHES = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
    "application/apply-patch+json": "apply",
}


@dataclass(frozen=True)
class Request:
    """A request for a resource by a caller, with its verb as RBAC names it."""

    verb: str
    user: User
    kind: Kind
    version: str
    namespace: str
    name: str
    subresource: str
    params: Mapping[str, str] = field(default_factory=dict)
    agent: str = ""
    content: str = ""
    accept: str = ""
    body: bytes = b""

    @property
    def dry(self) -> bool:
        """Whether nothing is to be stored."""
        return self.params.get("dryRun") == "All"

    @property
    def manager(self) -> str:
        """The field manager: as the caller names it, else the program that calls."""
        return self.params.get("fieldManager") or self.agent.split("/")[0] or "unknown"

    @property
    def mode(self) -> str:
        """How unknown fields are treated; the server's default is to warn."""
        return self.params.get("fieldValidation") or "Warn"

    @property
    def patch(self) -> str:
        """The sort of patch: json, merge, strategic or apply; a Refusal (415) for any other."""
        sort = _PATCHES.get(self.content)
        if sort is None or (sort == "strategic" and self.kind.custom):
            raise unsupported()
        return sort

    def item(self) -> Object:
        """Return the object in the body; a Refusal where it is none."""
        return decoded(self.body, self.content)


def decoded(body: bytes, content: str) -> Object:
    """Return the object in a body of JSON, YAML or protobuf."""
    if content == "application/vnd.kubernetes.protobuf" or body.startswith(protobuf.MAGIC):
        return protobuf.decoded(body)
    try:
        found = yaml.load(body, _Loader) if "yaml" in content else json.loads(body)  # a safe loader
    except (ValueError, yaml.YAMLError) as error:
        raise bad_request(f"error decoding request: {error}") from error
    if not isinstance(found, dict):
        raise bad_request("couldn't get version/kind; json parse error: cannot unmarshal into Go value")
    return found


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Place:
    """What a path names: a resource, or an object of it, or a subresource of that."""

    kind: Kind
    version: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def _within(steps: list[str]) -> tuple[str, list[str]]:
    """Return the namespace of a path's steps, and what follows: resource, name, subresource."""
    rest = steps[{"api": 2, "apis": 3}.get(steps[0], len(steps)) :] if steps else []
    if len(rest) >= 3 and rest[0] == "namespaces" and rest[2] not in ("status", "finalize"):
        return rest[1], rest[2:]
    return "", rest


def place(path: str, kinds: Kinds) -> Place:
    """Return what a path under ``/api/v1`` or ``/apis/GROUP/VERSION`` names; a Refusal (404) for what is not served."""
    steps = [step for step in path.split("/") if step]
    group = "" if steps[0] == "api" else steps[1]
    version = steps[1] if steps[0] == "api" else steps[2]
    namespace, rest = _within(steps)
    kind = kinds.of_plural(group, version, rest[0])
    if kind is None or (namespace and not kind.namespaced):
        raise no_such_path()
    name, subresource = (*rest[1:3], "", "")[:2]
    if subresource and subresource not in kind.subresources:
        raise no_such_path()
    if kind.plural == "namespaces" and not kind.namespaced:
        namespace = name
    return Place(kind, version, namespace, name, subresource)


def verb(method: str, name: str, params: Mapping[str, str]) -> str:
    """Return the verb of a request; a Refusal (405) where a method does not fit."""
    if method == "GET" and not name:
        return "watch" if params.get("watch") in ("true", "1") else "list"
    verbs = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
    found = verbs.get(method)
    if found is None:
        raise Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})
    return "deletecollection" if found == "delete" and not name else found


def params(query: str) -> dict[str, str]:
    """Return the parameters of a query; of several with one name the last counts."""
    return dict(parse_qsl(query, keep_blank_values=True))


def operation(method: str, path: str, query: str) -> tuple[str, str]:
    """Return what a request does as faults name it (``list:pods``, ``get:pods/log``, ``get:/version``), and its object.

    The object is ``namespace/name``, as far as the path names it; nothing is looked up, so any path has a name.
    """
    namespace, rest = _within([step for step in path.split("/") if step])
    if not rest:
        return f"{method.lower()}:{path}", ""
    name, subresource = (*rest[1:3], "", "")[:2]
    resource = f"{rest[0]}/{subresource}" if subresource else rest[0]
    return f"{verb(method, name, params(query))}:{resource}", f"{namespace}/{name}".strip("/")
