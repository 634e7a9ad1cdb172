"""Garbage collection: dependents whose owners are gone, and owners that wait for their dependents."""

from __future__ import annotations

from collections import defaultdict

from airgap.rehearsal.kubernetes import deleting
from airgap.rehearsal.kubernetes.controllers.loop import Loop
from airgap.rehearsal.kubernetes.kinds import Kind
from airgap.rehearsal.kubernetes.store import Object

_WAITING = ("orphan", "foregroundDeletion")


def act(loop: Loop) -> None:
    """Delete what has lost all its owners; end the waiting of owners without dependents."""
    everything = [(kind, item) for kind in loop.cluster.kinds for item in loop.store.all(kind)]
    alive = {item["metadata"]["uid"] for _, item in everything}
    dependents: dict[str, list[tuple[Kind, Object]]] = defaultdict(list)
    for kind, item in everything:
        owners = item["metadata"].get("ownerReferences") or ()
        for owner in owners:
            dependents[owner["uid"]].append((kind, item))
        gone = owners and all(owner["uid"] not in alive for owner in owners)
        if gone and not item["metadata"].get("deletionTimestamp"):
            deleting.delete(loop.cluster, kind, item, {})
    for kind, item in everything:
        finalizers = item["metadata"].get("finalizers") or ()
        if item["metadata"].get("deletionTimestamp") and any(name in finalizers for name in _WAITING):
            _release(loop, kind, item, dependents[item["metadata"]["uid"]])


def _release(loop: Loop, kind: Kind, item: Object, dependents: list[tuple[Kind, Object]]) -> None:
    uid, finalizers = item["metadata"]["uid"], item["metadata"]["finalizers"]
    left = 0
    for other, dependent in dependents:
        live = loop.store.get(other, dependent["metadata"].get("namespace", ""), dependent["metadata"]["name"])
        if live is None:
            continue
        if "orphan" in finalizers:
            kept = [one for one in live["metadata"]["ownerReferences"] if one["uid"] != uid]
            loop.store.put(other, {**live, "metadata": {**live["metadata"], "ownerReferences": kept}})
        else:
            left += 1
            if not live["metadata"].get("deletionTimestamp"):
                deleting.delete(loop.cluster, other, live, {"propagationPolicy": "Foreground"})
    live = loop.store.get(kind, item["metadata"].get("namespace", ""), item["metadata"]["name"])
    if left or live is None:
        return
    rest = [name for name in finalizers if name not in _WAITING]
    meta = {name: value for name, value in live["metadata"].items() if name != "finalizers"}
    if rest or kind.name == "Namespace":
        loop.store.put(kind, {**live, "metadata": meta | ({"finalizers": rest} if rest else {})})
    else:
        loop.store.remove(kind, {**live, "metadata": meta})
