"""Deleting objects: preconditions, finalizers, dependents and grace."""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.kubernetes.cluster import Cluster
from airgap.rehearsal.kubernetes.kinds import Kind
from airgap.rehearsal.kubernetes.refusals import conflict, forbidden
from airgap.rehearsal.kubernetes.requests import Request
from airgap.rehearsal.kubernetes.store import Object, stamp

# Namespaces that cannot be deleted.
KEPT = ("default", "kube-system", "kube-public", "kube-node-lease")


def options(request: Request) -> Object:
    """Return the ``DeleteOptions`` of a request: its body, and what its query says."""
    found: dict[str, Any] = request.item() if request.body.strip() else {}
    for name in ("propagationPolicy", "gracePeriodSeconds"):
        if name in request.params:
            found[name] = request.params[name]
    if request.dry:
        found["dryRun"] = ["All"]
    return found


def delete(cluster: Cluster, kind: Kind, item: Object, how: Object) -> Object:
    """Delete an object, and return it as it is then, or the ``Status`` of success where it is gone."""
    _hold(kind, item, how.get("preconditions") or {})
    meta = item["metadata"]
    if kind.name == "Namespace" and meta["name"] in KEPT:
        raise forbidden(kind, meta["name"], "this namespace may not be deleted")
    finalizers = [*(meta.get("finalizers") or ()), *_policies(how)]
    waits = finalizers or _lingers(kind, item, how)
    if how.get("dryRun"):
        return item if waits else _gone(kind, item)
    if not waits:
        cluster.store.remove(kind, item)
        return _gone(kind, item)
    if meta.get("deletionTimestamp"):
        return item
    grace = int(how.get("gracePeriodSeconds") or (30 if kind.name == "Pod" else 0))
    marked = {**meta, "deletionTimestamp": stamp(), "deletionGracePeriodSeconds": grace}
    if finalizers:
        marked["finalizers"] = list(dict.fromkeys(finalizers))
    changed = {**item, "metadata": marked}
    if kind.name == "Namespace" and not kind.custom:
        changed["status"] = {**(item.get("status") or {}), "phase": "Terminating"}
    return cluster.store.put(kind, changed)


def _hold(kind: Kind, item: Object, conditions: Object) -> None:
    meta = item["metadata"]
    for name, field in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        wanted = conditions.get(name)
        if wanted and wanted != meta[name]:
            why = f"Precondition failed: {field} in precondition: {wanted}, {field} in object meta: {meta[name]}"
            raise conflict(kind, meta["name"], why)


def _policies(how: Object) -> list[str]:
    policy = how.get("propagationPolicy")
    if policy == "Orphan" or how.get("orphanDependents"):
        return ["orphan"]
    return ["foregroundDeletion"] if policy == "Foreground" else []


def _lingers(kind: Kind, item: Object, how: Object) -> bool:
    """Say whether an object without finalizers is ended by a controller: namespaces, pods that a node runs."""
    if kind.custom:
        return False
    if kind.name == "Namespace":
        return bool(item.get("spec", {}).get("finalizers"))
    immediate = how.get("gracePeriodSeconds") in (0, "0")
    return kind.name == "Pod" and bool(item["spec"].get("nodeName")) and not immediate


def _gone(kind: Kind, item: Object) -> Object:
    meta = item["metadata"]
    details = {"name": meta["name"], "group": kind.group, "kind": kind.plural, "uid": meta["uid"]}
    details = {name: value for name, value in details.items() if value}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
