"""ReplicaSets: as many pods as they say."""

from __future__ import annotations

from airgap.rehearsal.kubernetes.controllers import pods
from airgap.rehearsal.kubernetes.controllers.loop import Loop, condition
from airgap.rehearsal.kubernetes.kinds import core
from airgap.rehearsal.kubernetes.selecting import at
from airgap.rehearsal.kubernetes.store import Object

KIND = core("ReplicaSet", "apps")


def act(loop: Loop) -> None:
    """Make what is missing, end what is too many, and report."""
    for replica_set in loop.store.all(KIND):
        if not replica_set["metadata"].get("deletionTimestamp"):
            _act(loop, replica_set)


def _act(loop: Loop, replica_set: Object) -> None:
    wanted = replica_set["spec"].get("replicas", 1)
    held = [pod for pod in loop.owned(pods.POD, replica_set) if at(pod, "status.phase") not in ("Failed", "Succeeded")]
    refused = ""
    for _ in range(wanted - len(held)):
        refused = refused or pods.make(loop, KIND, replica_set)
    surplus = len(held) - wanted
    for pod in sorted(held, key=pods.ready)[: max(0, surplus)]:
        pods.end(loop, pod)
    _report(loop, replica_set, refused)


def _report(loop: Loop, replica_set: Object, refused: str) -> None:
    held = loop.owned(pods.POD, replica_set)
    good = sum(pods.ready(pod) for pod in held)
    status: Object = {"replicas": len(held), "observedGeneration": replica_set["metadata"].get("generation", 1)}
    status |= {"fullyLabeledReplicas": len(held)} if held else {}
    status |= {"readyReplicas": good, "availableReplicas": good} if good else {}
    if refused:
        before = at(replica_set, "status.conditions")
        status["conditions"] = [condition("ReplicaFailure", True, "FailedCreate", refused, before)]
    loop.cluster.status(KIND, replica_set, status)
