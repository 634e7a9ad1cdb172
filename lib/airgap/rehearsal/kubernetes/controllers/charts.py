"""Controllers that charts bring: they act only where one of their pods runs."""

from __future__ import annotations

from airgap.rehearsal.kubernetes.controllers.loop import Loop
from airgap.rehearsal.kubernetes.controllers.pods import ready
from airgap.rehearsal.kubernetes.kinds import core
from airgap.rehearsal.kubernetes.store import Object

_NAME = "app.kubernetes.io/name"


def running(loop: Loop, name: str) -> Object | None:
    """Return a ready pod of the controller whose chart labels it with this name, None where none is ready."""
    for pod in loop.store.all(core("Pod")):
        if (pod["metadata"].get("labels") or {}).get(_NAME) == name and ready(pod):
            return pod
    return None


def without_finalizer(item: Object, name: str) -> Object:
    """Return an object without one of its finalizers."""
    meta = dict(item["metadata"])
    rest = [one for one in meta.pop("finalizers", None) or () if one != name]
    return {**item, "metadata": meta | ({"finalizers": rest} if rest else {})}
