"""Custom resource definitions: served once they are established, and taken away with all their objects."""

from __future__ import annotations

from airgap.rehearsal.kubernetes import deleting
from airgap.rehearsal.kubernetes.controllers.loop import Loop, condition
from airgap.rehearsal.kubernetes.custom import kind_of
from airgap.rehearsal.kubernetes.kinds import core

_KIND = core("CustomResourceDefinition", "apiextensions.k8s.io")


def act(loop: Loop) -> None:
    """Serve what is established; end what is being deleted or gone."""
    kinds, live = loop.cluster.kinds, set()
    for item in loop.store.all(_KIND):
        spec, meta = item["spec"], item["metadata"]
        live.add((spec["group"], spec["names"]["plural"]))
        if meta.get("deletionTimestamp"):
            _end(loop, item)
        elif loop.after(item, "established", "EstablishDefinition"):
            _establish(loop, item)
    for kind in kinds:
        if kind.custom and (kind.group, kind.plural) not in live:
            for one in loop.store.all(kind):
                loop.store.remove(kind, one)
            kinds.drop(kind)


def _establish(loop: Loop, item: dict[str, object]) -> None:
    kinds = loop.cluster.kinds
    new = kind_of(item)
    held = kinds.named(new.group, new.name)
    if held is None or held != new or held.schemas != new.schemas:
        kinds.add(new)
    status = item.get("status") or {}
    assert isinstance(status, dict)
    before = status.get("conditions")
    conditions = [
        condition("NamesAccepted", True, "NoConflicts", "no conflicts found", before),
        condition("Established", True, "InitialNamesAccepted", "the initial names have been accepted", before),
    ]
    spec = item["spec"]
    assert isinstance(spec, dict)
    stored = [version["name"] for version in spec["versions"] if version.get("storage")]
    loop.cluster.status(
        _KIND, item, {"conditions": conditions, "acceptedNames": spec["names"], "storedVersions": stored}
    )


def _end(loop: Loop, item: dict[str, object]) -> None:
    kind = kind_of(item)
    for one in loop.store.all(kind):
        if not one["metadata"].get("deletionTimestamp"):
            deleting.delete(loop.cluster, kind, one, {})
