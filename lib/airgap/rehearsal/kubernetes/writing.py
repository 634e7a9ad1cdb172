"""Creating, replacing, patching and applying objects, each as the API server does it step by step."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import yaml

from airgap.rehearsal.kubernetes import admission, applying, changes
from airgap.rehearsal.kubernetes.applying import Writer
from airgap.rehearsal.kubernetes.cluster import Cluster, suffix
from airgap.rehearsal.kubernetes.defaults import completed, with_schema_defaults
from airgap.rehearsal.kubernetes.kinds import Kind
from airgap.rehearsal.kubernetes.patches import edited, merged
from airgap.rehearsal.kubernetes.refusals import Refusal, bad_request, conflict, exists, invalid, not_found
from airgap.rehearsal.kubernetes.requests import Request, decoded
from airgap.rehearsal.kubernetes.store import Object, stamp

_RBAC = "rbac.authorization.k8s.io"
# What only the server sets; a writer's own value is put aside.
_SERVER = ("uid", "creationTimestamp", "generation", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds")


@dataclass
class Written:
    """The outcome of a write: the HTTP code, the object, and warnings."""

    code: int
    item: Object
    warnings: list[str]


def create(cluster: Cluster, request: Request, item: Object | None = None) -> Written:
    """Create the object in a request's body."""
    item = _read(request, request.item() if item is None else item)
    meta = item["metadata"]
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = meta["generateName"] + suffix()
    if meta.get("resourceVersion"):
        raise bad_request("resourceVersion should not be set on objects to be created")
    for name in _SERVER:
        meta.pop(name, None)
    return _finish(cluster, request, None, item, _writer(request, "Update"))


def update(cluster: Cluster, request: Request) -> Written:
    """Replace an object with the one in a request's body."""
    live = cluster.need(request.kind, request.namespace, request.name)
    return _finish(cluster, request, live, _read(request, request.item()), _writer(request, "Update"))


def patch(cluster: Cluster, request: Request) -> Written:
    """Patch an object; an apply creates what is not there."""
    sort = request.patch
    live = cluster.store.get(request.kind, request.namespace, request.name)
    if sort == "apply":
        return _apply(cluster, request, live)
    if live is None:
        raise not_found(request.kind, request.name)
    change: Any = decoded(request.body, "application/json") if sort != "json" else yaml.safe_load(request.body)
    current = {**live, "apiVersion": request.kind.api_version(request.version)}
    if sort == "json":
        item = edited(current, change)
    elif sort == "merge":
        item = merged(current, change)
    else:
        item = cluster.strategic.merged(current, change, cluster.schema(request.kind, request.version))
    return _finish(cluster, request, live, _read(request, item), _writer(request, "Update"))


def _apply(cluster: Cluster, request: Request, live: Object | None) -> Written:
    if not request.params.get("fieldManager"):
        raise invalid_options("fieldManager", "Required value: is required for apply patch")
    config = _read(request, decoded(request.body, "application/yaml"))
    if config["metadata"].get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    if live is None and request.subresource:
        raise not_found(request.kind, request.name)
    version = config["metadata"].pop("resourceVersion", None)
    if version and (live is None or version != live["metadata"]["resourceVersion"]):
        raise conflict(request.kind, request.name)
    force = request.params.get("force") in ("true", "1")
    schema = cluster.schema(request.kind, request.version)
    cluster.validation.typed(request.kind, request.version, config, request.mode)
    current = None if live is None else {**live, "apiVersion": request.kind.api_version(request.version)}
    item = applying.applied(cluster.schemas, current, config, _writer(request, "Apply"), schema, force)
    return _finish(cluster, request, live, item, None)


def invalid_options(field: str, problem: str) -> Refusal:
    """422 for options that do not fit a request."""
    message = f'PatchOptions.meta.k8s.io "" is invalid: {field}: {problem}'
    causes = [{"reason": "FieldValueRequired", "message": problem, "field": field}]
    return Refusal(422, "Invalid", message, {"group": "meta.k8s.io", "kind": "PatchOptions", "causes": causes})


def _writer(request: Request, operation: str) -> Writer:
    return Writer(request.manager[:128], operation, request.kind.api_version(request.version), request.subresource)


def _read(request: Request, item: Object) -> Object:
    """Return an object of a body held against its place, without members that are null."""
    kind = request.kind
    wanted = kind.api_version(request.version)
    if item.get("kind", kind.name) != kind.name or item.get("apiVersion", wanted) != wanted:
        given = f"{item.get('apiVersion')}, Kind={item.get('kind')}"
        raise bad_request(f"the object provided is unrecognized (must be of type {kind.name}): {given}")
    if not isinstance(item.get("metadata", {}), dict):
        raise bad_request("metadata must be an object")
    item = {"apiVersion": wanted, "kind": kind.name, "metadata": {}, **(item if kind.custom else _filled(item))}
    meta = item["metadata"] = _filled(item["metadata"])
    if kind.namespaced:
        if meta.setdefault("namespace", request.namespace) != request.namespace:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    else:
        meta.pop("namespace", None)
    if request.name and meta.setdefault("name", request.name) != request.name:
        raise bad_request(
            f"the name of the object ({meta['name']}) does not match the name on the URL ({request.name})"
        )
    return item


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _filled(member) for name, member in value.items() if member is not None}
    return [_filled(one) for one in value] if isinstance(value, list) else value


def _finish(cluster: Cluster, request: Request, live: Object | None, item: Object, writer: Writer | None) -> Written:
    """Check, default, admit and keep an object; ``writer`` is None where its fields' owners are settled already."""
    kind = request.kind
    if live is not None:
        item = _carried(kind, request, live, item)
    elif not item["metadata"].get("uid"):
        item["metadata"]["uid"] = str(uuid.uuid4())
    if live is None:
        _refuse_taken(cluster, request, item)
        if "status" in kind.subresources or kind.name == "Pod":
            item = {name: value for name, value in item.items() if name != "status"}
        admission.in_namespace(cluster, kind, item)
    warnings = cluster.validation.typed(kind, request.version, item, request.mode)
    full = _completed(kind, request.version, item)
    cluster.validation.check(kind, request.version, full)
    if live is not None:
        problems = list(changes.problems(kind, live, full))
        if problems:
            raise invalid(kind, request.name, problems)
    if not request.subresource:
        cluster.authorizer.guard(request.user, kind, full)
        full = admission.admitted(cluster, kind, full, live)
    if writer is not None:
        full = applying.updated(cluster.schemas, live, full, writer, cluster.schema(kind, request.version))
    full = _counted(live, full)
    warnings += admission.warnings(cluster, kind, full)
    kept = full if request.dry else _keep(cluster, kind, full, live)
    return Written(201 if live is None else 200, kept, warnings)


def _refuse_taken(cluster: Cluster, request: Request, item: Object) -> None:
    name = item["metadata"].get("name", "")
    if name and cluster.store.get(request.kind, request.namespace, name) is not None:
        raise exists(request.kind, name)


def _completed(kind: Kind, version: str, item: Object) -> Object:
    return with_schema_defaults(item, kind.schemas.get(version, {})) if kind.custom else completed(item)


def _carried(kind: Kind, request: Request, live: Object, item: Object) -> Object:
    """Return a written object with what a write of this sort cannot change taken from the live one."""
    meta, held = item["metadata"], live["metadata"]
    version = meta.get("resourceVersion")
    if version and version != held["resourceVersion"]:
        raise conflict(kind, request.name)
    if meta.get("uid") and meta["uid"] != held["uid"]:
        why = f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {held['uid']}"
        raise conflict(kind, request.name, why)
    meta = {**{name: value for name, value in meta.items() if name not in _SERVER}}
    meta |= {name: held[name] for name in (*_SERVER, "resourceVersion") if name in held}
    if request.subresource == "status":
        return {
            **live,
            "apiVersion": item["apiVersion"],
            "status": item.get("status", {}),
            "metadata": {**held, **_managed(meta)},
        }
    if "status" in kind.subresources:
        item = {name: value for name, value in item.items() if name != "status"}
        item |= {"status": live["status"]} if "status" in live else {}
    return {**item, "metadata": meta}


def _managed(meta: Object) -> Object:
    return {"managedFields": meta["managedFields"]} if "managedFields" in meta else {}


def _counted(live: Object | None, item: Object) -> Object:
    """Return an object with its generation: it rises where anything but metadata and status changes."""
    if "spec" not in item and "webhooks" not in item:
        return item
    held = (live or {}).get("metadata", {}).get("generation", 0)
    apart = ("metadata", "status", "apiVersion")
    same = live is not None and {k: v for k, v in live.items() if k not in apart} == {
        k: v for k, v in item.items() if k not in apart
    }
    return {**item, "metadata": {**item["metadata"], "generation": held if same else held + 1}}


def _keep(cluster: Cluster, kind: Kind, item: Object, live: Object | None) -> Object:
    """Store an object; one that is being deleted and has no finalizer left goes away."""
    item["metadata"].setdefault("creationTimestamp", stamp())
    meta = item["metadata"]
    if live is not None and meta.get("deletionTimestamp") and not meta.get("finalizers") and _ends(kind, item):
        return cluster.store.remove(kind, item)
    return cluster.store.put(kind, item)


def _ends(kind: Kind, item: Object) -> bool:
    if kind.custom or kind.name not in ("Namespace", "Pod"):
        return True
    return kind.name == "Namespace" and not item.get("spec", {}).get("finalizers")
