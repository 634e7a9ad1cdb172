"""Subresources that are more than a part of an object: scale, logs, evictions, bindings and what a node would do."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from airgap.rehearsal.kubernetes import deleting, writing
from airgap.rehearsal.kubernetes.cluster import Cluster
from airgap.rehearsal.kubernetes.kinds import Kind, core
from airgap.rehearsal.kubernetes.patches import edited, merged
from airgap.rehearsal.kubernetes.refusals import Refusal, bad_request
from airgap.rehearsal.kubernetes.requests import Request
from airgap.rehearsal.kubernetes.selecting import at
from airgap.rehearsal.kubernetes.store import Object, stamp

Answer = tuple[int, Any]
NOT_RUN = "the rehearsal runs no container"


def _scale_paths(kind: Kind) -> tuple[str, str, str]:
    paths = kind.scale_paths
    names = ("specReplicasPath", "statusReplicasPath", "labelSelectorPath")
    spec, status, selector = (paths.get(name, "").lstrip(".") for name in names)
    return spec or "spec.replicas", status or "status.replicas", selector


def _selector(item: Object, path: str) -> str:
    found = at(item, path or "spec.selector")
    if isinstance(found, dict):
        return ",".join(f"{name}={value}" for name, value in (found.get("matchLabels") or {}).items())
    return found or ""


def _scale_of(kind: Kind, item: Object) -> Object:
    spec, status, selector = _scale_paths(kind)
    names = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: item["metadata"][name] for name in names if name in item["metadata"]},
        "spec": {"replicas": at(item, spec) or 0},
        "status": {"replicas": at(item, status) or 0, "selector": _selector(item, selector)},
    }


def _scale(cluster: Cluster, request: Request, item: Object) -> Answer:
    scale = _scale_of(request.kind, item)
    if request.verb == "get":
        return 200, scale
    if request.verb == "update":
        wanted = request.item()
    else:
        change = json.loads(request.body)
        wanted = edited(scale, change) if request.patch == "json" else merged(scale, change)
    count = at(wanted, "spec.replicas") or 0
    if not isinstance(count, int) or count < 0:
        raise bad_request(f"Scale spec.replicas: Invalid value: {count}: must be greater than or equal to 0")
    if "resourceVersion" not in wanted.get("metadata", {}) or request.verb == "patch":
        wanted.get("metadata", {}).pop("resourceVersion", None)
    path = _scale_paths(request.kind)[0].split(".")
    change = count
    for step in reversed(path):
        change = {step: change}
    version = at(wanted, "metadata.resourceVersion")
    body = {**change, **({"metadata": {"resourceVersion": version}} if version else {})}
    inner = dataclasses.replace(
        request, content="application/merge-patch+json", body=json.dumps(body).encode(), verb="patch"
    )
    return 200, _scale_of(request.kind, writing.patch(cluster, inner).item)


def _log(_: Cluster, request: Request, item: Object) -> Answer:
    names = [one["name"] for one in item["spec"]["containers"]]
    name = request.params.get("container") or names[0]
    initial = [one["name"] for one in item["spec"].get("initContainers") or ()]
    if name not in names + initial:
        raise bad_request(f"container {name} is not valid for pod {request.name}")
    if len(names) > 1 and not request.params.get("container"):
        raise bad_request(
            f"a container name must be specified for pod {request.name}, choose one of: [{' '.join(names)}]"
        )
    statuses = (at(item, "status.containerStatuses") or []) + (at(item, "status.initContainerStatuses") or [])
    waiting = next(
        (at(one, "state.waiting") for one in statuses if one["name"] == name), {"reason": "ContainerCreating"}
    )
    if waiting:
        why = waiting.get("message") or waiting["reason"]
        raise bad_request(f'container "{name}" in pod "{request.name}" is waiting to start: {why}')
    return 200, f"{NOT_RUN}, so {name} has written nothing\n"


def _evict(cluster: Cluster, request: Request, item: Object) -> Answer:
    how = request.item().get("deleteOptions") or {}
    deleting.delete(cluster, core("Pod"), item, how | ({"dryRun": ["All"]} if request.dry else {}))
    return 201, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def _bind(cluster: Cluster, request: Request, item: Object) -> Answer:
    node = at(request.item(), "target.name")
    cluster.store.put(core("Pod"), {**item, "spec": {**item["spec"], "nodeName": node}})
    return 201, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def _token(_: Cluster, request: Request, __: Object) -> Answer:
    item = request.item()
    status = {"token": "rehearsal." + request.name, "expirationTimestamp": stamp()}
    return 201, {**item, "metadata": {"name": request.name, "namespace": request.namespace}, "status": status}


def _not_run(_: Cluster, request: Request, __: Object) -> Answer:
    raise Refusal(501, "NotImplemented", f"{NOT_RUN}: {request.subresource} needs one", {})


def _finalize(cluster: Cluster, request: Request, item: Object) -> Answer:
    wanted = at(request.item(), "spec.finalizers") or []
    changed = {**item, "spec": {**item.get("spec", {}), "finalizers": wanted}}
    return 200, cluster.store.put(request.kind, changed)


HANDLERS: dict[str, Callable[[Cluster, Request, Object], Answer]] = {
    "scale": _scale,
    "log": _log,
    "eviction": _evict,
    "binding": _bind,
    "token": _token,
    "finalize": _finalize,
    **dict.fromkeys(("exec", "attach", "portforward"), _not_run),
}


def handle(cluster: Cluster, request: Request) -> Answer | None:
    """Answer a request for a subresource of its own, None for one that is a part of its object (such as status)."""
    handler = HANDLERS.get(request.subresource)
    if handler is None:
        return None
    return handler(cluster, request, cluster.need(request.kind, request.namespace, request.name))
