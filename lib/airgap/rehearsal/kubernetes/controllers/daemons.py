"""DaemonSets: one pod on each node that fits."""

from __future__ import annotations

from airgap.rehearsal.kubernetes.controllers import pods
from airgap.rehearsal.kubernetes.controllers.loop import Loop
from airgap.rehearsal.kubernetes.controllers.scheduling import fits
from airgap.rehearsal.kubernetes.kinds import core
from airgap.rehearsal.kubernetes.selecting import at
from airgap.rehearsal.kubernetes.store import Object

KIND = core("DaemonSet", "apps")
HASH = "controller-revision-hash"
# What the controller lets its pods tolerate by itself.
_TOLERATED = [
    {"key": f"node.kubernetes.io/{name}", "operator": "Exists"}
    for name in ("not-ready", "unreachable", "unschedulable")
]


def act(loop: Loop) -> None:
    """Make and end pods as nodes and templates change."""
    for daemons in loop.store.all(KIND):
        if not daemons["metadata"].get("deletionTimestamp"):
            _act(loop, daemons)


def _act(loop: Loop, daemons: Object) -> None:
    spec = daemons["spec"]["template"]["spec"]
    spec = {**spec, "tolerations": [*(spec.get("tolerations") or ()), *_TOLERATED]}
    mark = pods.template_hash(daemons["spec"]["template"])
    nodes = [node["metadata"]["name"] for node in loop.store.all(core("Node")) if fits(node, spec)]
    held = {pod["spec"]["nodeName"]: pod for pod in loop.owned(pods.POD, daemons)}
    ending = {
        pod["spec"].get("nodeName") for pod in loop.store.all(pods.POD) if pod["metadata"].get("deletionTimestamp")
    }
    for name, pod in held.items():
        if name not in nodes or at(pod, "status.phase") in ("Failed", "Succeeded"):
            pods.end(loop, pod)
    for name in nodes:
        if name not in held and name not in ending:
            pods.make(loop, KIND, daemons, {HASH: mark}, spec={"nodeName": name, "tolerations": spec["tolerations"]})
    old = [pod for name, pod in held.items() if name in nodes and pod["metadata"]["labels"].get(HASH) != mark]
    _replace(loop, daemons, old, list(held.values()))
    _report(loop, daemons, nodes, mark)


def _replace(loop: Loop, daemons: Object, old: list[Object], held: list[Object]) -> None:
    if at(daemons, "spec.updateStrategy.type") == "OnDelete":
        return
    most = max(1, pods.share(at(daemons, "spec.updateStrategy.rollingUpdate.maxUnavailable"), len(held), up=True))
    unready = [pod for pod in old if not pods.ready(pod)]
    allowed = most - sum(not pods.ready(pod) for pod in held if pod not in old)
    for pod in (unready + [pod for pod in old if pods.ready(pod)])[: max(allowed, 0)]:
        pods.end(loop, pod)


def _report(loop: Loop, daemons: Object, nodes: list[str], mark: str) -> None:
    held = loop.owned(pods.POD, daemons)
    good = sum(pods.ready(pod) for pod in held)
    status = {
        "currentNumberScheduled": len(held),
        "desiredNumberScheduled": len(nodes),
        "numberMisscheduled": 0,
        "numberReady": good,
        "observedGeneration": daemons["metadata"].get("generation", 1),
        "updatedNumberScheduled": sum(pod["metadata"]["labels"].get(HASH) == mark for pod in held),
    }
    status |= {"numberAvailable": good} if good else {}
    status |= {"numberUnavailable": len(nodes) - good} if len(nodes) > good else {}
    loop.cluster.status(KIND, daemons, status)
