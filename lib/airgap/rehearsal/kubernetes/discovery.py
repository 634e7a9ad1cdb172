"""What is served, as clients ask for it: groups, resources, version, and OpenAPI v3."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from airgap.rehearsal.kubernetes.kinds import SUBRESOURCES, Kind, Kinds
from airgap.rehearsal.kubernetes.schemas import Schemas, name_of

Document = dict[str, Any]
# What a rehearsed cluster does not prove; it says so in ``/version`` and in a ConfigMap.
NOT_PROVEN = (
    "No container runs: a pod is Running when its image is in the registry and its node's role may pull it.",
    "No packet is sent: network policies, services and load balancers are stored and not enforced.",
    "No admission webhook is called, and no certificate of one is checked.",
    "Probes succeed, jobs end well unless an annotation says otherwise, and metrics do not exist.",
    "Controllers of charts do not act: external secrets and target group bindings are acted out by the rehearsal.",
    "Rules in CEL, of definitions and of admission policies, are stored and not evaluated.",
    "Quotas, limit ranges, disruption budgets, autoscalers and schedules are stored and do nothing.",
    "The scheduler knows labels, taints and requests; it knows no topology, volumes or preemption.",
    "Schemas, server-side apply, RBAC and Pod Security follow published rules, and are not the API server's own code.",
)


def version(number: str) -> Document:
    """Return ``/version``."""
    major, _, minor = number.partition(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{number}.0-eks-rehearsal",
        "gitCommit": "0" * 40,
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": "none",
        "compiler": "none",
        "platform": "linux/amd64",
        "notProven": list(NOT_PROVEN),
    }


def versions(host: str) -> Document:
    """Return ``/api``."""
    address = {"clientCIDR": "0.0.0.0/0", "serverAddress": f"{host}:443"}
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [address]}


def groups(kinds: Kinds) -> Document:
    """Return ``/apis``."""
    found = [group(name, held) for name, held in kinds.groups().items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}


def group(name: str, held: Iterable[str]) -> Document:
    """Return ``/apis/GROUP``."""
    listed = [{"groupVersion": f"{name}/{one}", "version": one} for one in held]
    return {"kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": listed, "preferredVersion": listed[0]}


def resources(kinds: Kinds, group: str, version: str) -> Document:
    """Return ``/apis/GROUP/VERSION`` or ``/api/v1``."""
    found: list[Document] = []
    for kind in kinds:
        if kind.group == group and version in kind.versions:
            found.append(_resource(kind))
            found.extend(_subresource(kind, name) for name in kind.subresources)
    name = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": found}


def _resource(kind: Kind) -> Document:
    found = {"name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.name}
    more = {"verbs": list(kind.verbs), "shortNames": list(kind.short), "categories": list(kind.categories)}
    return {**found, **{name: value for name, value in more.items() if value}}


def _subresource(kind: Kind, name: str) -> Document:
    found = {"name": f"{kind.plural}/{name}", "singularName": "", "namespaced": kind.namespaced}
    if name not in SUBRESOURCES:
        return {**found, "kind": kind.name, "verbs": ["get", "patch", "update"]}
    group, version, sort, verbs = SUBRESOURCES[name]
    return {**found, "group": group, "version": version, "kind": sort, "verbs": list(verbs)}


class OpenAPI:
    """OpenAPI v3 of what is served: schemas, and for each kind the operation that takes ``fieldValidation``."""

    def __init__(self, kinds: Kinds, schemas: Schemas) -> None:
        self.kinds = kinds
        self.schemas = schemas
        self._kept: dict[tuple[str, str], tuple[list[Kind], bytes]] = {}

    def index(self) -> Document:
        """Return ``/openapi/v3``."""
        paths = {}
        for group, versions in self.kinds.groups().items():
            for one in versions:
                place = f"apis/{group}/{one}" if group else f"api/{one}"
                paths[place] = {"serverRelativeURL": f"/openapi/v3/{place}"}
        return {"paths": paths}

    def document(self, group: str, version: str) -> bytes:
        """Return the document of a group's version, encoded; it is made again when its kinds change."""
        held = [kind for kind in self.kinds if kind.group == group and version in kind.versions]
        kept = self._kept.get((group, version))
        if kept is None or [id(kind) for kind in kept[0]] != [id(kind) for kind in held]:
            kept = self._kept[group, version] = (held, json.dumps(self._document(held, version)).encode())
        return kept[1]

    def _document(self, held: list[Kind], version: str) -> Document:
        paths = {path: item for kind in held for path, item in _paths(kind, version)}
        schemas: Document = {}
        for kind in held:
            self._add(schemas, kind, version)
        info = {"title": "Kubernetes, as the rehearsal serves it", "version": f"v{self.schemas.version}.0"}
        return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}}

    def _add(self, schemas: Document, kind: Kind, version: str) -> None:
        name = name_of(self.schemas.version, kind.group, version, kind.name)
        if name is None:
            sort = {"group": kind.group, "version": version, "kind": kind.name}
            own = {**kind.schemas.get(version, {"type": "object"}), "x-kubernetes-group-version-kind": [sort]}
            schemas[f"{kind.group}.{version}.{kind.name}"] = own
            return
        waiting = [name]
        while waiting:
            one = waiting.pop()
            if one not in schemas:
                text = json.dumps(self.schemas.definitions[one])
                waiting.extend(re.findall(r'"#/\$defs/([^"]+)"', text))
                schemas[one] = _opened(json.loads(text))


def _opened(node: Any) -> Any:
    """Return a strict JSON Schema as OpenAPI has it: one type, references to components.

    Descriptions are left out: helm reads these documents twice in an upgrade, and they are four fifths of them.
    """
    if isinstance(node, list):
        return [_opened(one) for one in node]
    if not isinstance(node, dict):
        return node
    result = {name: _opened(value) for name, value in node.items() if not _apart(name, value)}
    if isinstance(result.get("type"), list):
        result["type"] = result["type"][0]
    if isinstance(result.get("$ref"), str):
        result["$ref"] = result["$ref"].replace("#/$defs/", "#/components/schemas/")
    return result


def _apart(name: str, value: Any) -> bool:
    return (name == "additionalProperties" and value is False) or (name == "description" and isinstance(value, str))


def _paths(kind: Kind, version: str) -> list[tuple[str, Document]]:
    base = f"/apis/{kind.group}/{version}" if kind.group else f"/api/{version}"
    place = f"{base}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"{base}/{kind.plural}"
    sort = {"group": kind.group, "version": version, "kind": kind.name}
    queries = [
        {"name": name, "in": "query", "schema": {"type": "string"}}
        for name in ("dryRun", "fieldManager", "fieldValidation")
    ]
    one = {"parameters": queries, "responses": {"200": {"description": "OK"}}, "x-kubernetes-group-version-kind": sort}
    patch = {**one, "x-kubernetes-action": "patch"}
    post = {**one, "x-kubernetes-action": "post"}
    return [(f"{place}/{{name}}", {"patch": patch}), (place, {"post": post})]
