"""The scheduler: a node for each pod, by selectors, taints and requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from airgap.rehearsal.kubernetes.controllers.loop import Loop, condition
from airgap.rehearsal.kubernetes.defaults import containers
from airgap.rehearsal.kubernetes.kinds import core
from airgap.rehearsal.kubernetes.quantities import quantity
from airgap.rehearsal.kubernetes.selecting import at, meets
from airgap.rehearsal.kubernetes.store import Object

_POD, _NODE, _CLAIM = core("Pod"), core("Node"), core("PersistentVolumeClaim")
_CORDON = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def act(loop: Loop) -> None:
    """Give a node to each pod that has none."""
    nodes = loop.store.all(_NODE)
    waiting = [pod for pod in loop.store.all(_POD) if not pod["spec"].get("nodeName")]
    for pod in waiting:
        if not pod["metadata"].get("deletionTimestamp") and loop.after(pod, "scheduled", "SchedulePod"):
            _place(loop, pod, nodes)


def _place(loop: Loop, pod: Object, nodes: list[Object]) -> None:
    refused: Counter[str] = Counter()
    good = []
    for node in nodes:
        why = _unbound(loop, pod) or _why_not(loop, node, pod["spec"])
        if why:
            refused[why] += 1
        else:
            good.append(node)
    if good:
        best = min(good, key=lambda node: len(_on(loop, node["metadata"]["name"])))
        held = at(pod, "status.conditions")
        status = {**(pod.get("status") or {}), "conditions": [condition("PodScheduled", True, held=held)]}
        loop.store.put(_POD, {**pod, "spec": {**pod["spec"], "nodeName": best["metadata"]["name"]}, "status": status})
        return
    reasons = ", ".join(f"{count} {why}" for why, count in sorted(refused.items()))
    message = f"0/{len(nodes)} nodes are available: {reasons}." if nodes else "no nodes available to schedule pods"
    one = condition("PodScheduled", False, "Unschedulable", message, at(pod, "status.conditions"))
    loop.cluster.status(_POD, pod, {**(pod.get("status") or {}), "conditions": [one]})
    loop.note(pod, "FailedScheduling", message)


def _on(loop: Loop, name: str) -> list[Object]:
    return [pod for pod in loop.store.all(_POD) if pod["spec"].get("nodeName") == name]


def _unbound(loop: Loop, pod: Object) -> str:
    """A claim waits for a pod that is scheduled only where its class exists; here every such claim is bound at once."""
    for volume in pod["spec"].get("volumes") or ():
        name = at(volume, "persistentVolumeClaim.claimName")
        if name:
            claim = loop.store.get(_CLAIM, pod["metadata"]["namespace"], name)
            if claim is None:
                return f'persistentvolumeclaim "{name}" not found'
            if at(claim, "status.phase") != "Bound":
                return "pod has unbound immediate PersistentVolumeClaims"
    return ""


def fits(node: Object, spec: Object) -> bool:
    """Say whether labels and taints of a node let a pod be there."""
    return not (_labels(node, spec) or _taints(node, spec))


def _why_not(loop: Loop, node: Object, spec: Object) -> str:
    return _labels(node, spec) or _taints(node, spec) or _room(loop, node, spec)


def _labels(node: Object, spec: Object) -> str:
    held = node["metadata"]["labels"]
    terms = at(spec, "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms")
    good = all(held.get(name) == value for name, value in (spec.get("nodeSelector") or {}).items())
    good = good and (not terms or any(meets(term.get("matchExpressions") or [], held) for term in terms))
    return "" if good else "node(s) didn't match Pod's node affinity/selector"


def _taints(node: Object, spec: Object) -> str:
    taints = [*(node["spec"].get("taints") or ()), *([_CORDON] if node["spec"].get("unschedulable") else ())]
    for taint in taints:
        if taint["effect"] in ("NoSchedule", "NoExecute") and not _tolerated(taint, spec.get("tolerations") or ()):
            text = f"{{{taint['key']}: {taint.get('value', '')}}}"
            return "node(s) were unschedulable" if taint is _CORDON else f"node(s) had untolerated taint {text}"
    return ""


def _tolerated(taint: Object, tolerations: Iterable[Object]) -> bool:
    for one in tolerations:
        if one.get("effect") not in (None, "", taint["effect"]):
            continue
        if one.get("operator") == "Exists" and one.get("key") in (None, "", taint["key"]):
            return True
        if one.get("key") == taint["key"] and one.get("value", "") == taint.get("value", ""):
            return True
    return False


def _requests(spec: Object, name: str) -> float:
    plain = (at(container, "resources.requests") or {} for _, container in containers(spec, "containers"))
    return sum(quantity(one.get(name, "0")) or 0.0 for one in plain)


def _room(loop: Loop, node: Object, spec: Object) -> str:
    held = _on(loop, node["metadata"]["name"])
    offered = at(node, "status.allocatable") or {}
    if len(held) >= (quantity(offered.get("pods", "0")) or 0):
        return "Too many pods"
    for name in ("cpu", "memory"):
        used = sum(_requests(pod["spec"], name) for pod in held)
        if used + _requests(spec, name) > (quantity(offered.get(name, "0")) or 0):
            return f"Insufficient {name}"
    return ""
