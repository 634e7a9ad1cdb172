"""AWS Load Balancer Controller, acted out for TargetGroupBinding: the addresses of ready pods in a target group."""

from __future__ import annotations

from airgap.rehearsal.kubernetes.controllers import charts
from airgap.rehearsal.kubernetes.controllers.loop import Loop
from airgap.rehearsal.kubernetes.controllers.pods import ready
from airgap.rehearsal.kubernetes.controllers.services import behind, target_port
from airgap.rehearsal.kubernetes.kinds import Kind, core
from airgap.rehearsal.kubernetes.selecting import at
from airgap.rehearsal.kubernetes.store import Object

GROUP = "elbv2.k8s.aws"
FINALIZER = "elbv2.k8s.aws/resources"
_SERVICE = core("Service")


def act(loop: Loop) -> None:
    """Register what is ready, as the controller's pod would; without one nothing happens, and deletions hang."""
    kind = loop.cluster.kinds.named(GROUP, "TargetGroupBinding")
    if kind is None or charts.running(loop, "aws-load-balancer-controller") is None:
        return
    for item in loop.store.all(kind):
        act_on = _release if item["metadata"].get("deletionTimestamp") else _bind
        try:
            act_on(loop, kind, item)
        except KeyError as error:  # a definition may let anything be missing
            loop.note(item, "FailedBuildModel", f"{error} is missing")


def _release(loop: Loop, kind: Kind, item: Object) -> None:
    if FINALIZER not in (item["metadata"].get("finalizers") or ()):
        return
    loop.cluster.around.register_targets(item["spec"]["targetGroupARN"], ())
    rest = charts.without_finalizer(item, FINALIZER)
    if rest["metadata"].get("finalizers"):
        loop.store.put(kind, rest)
    else:
        loop.store.remove(kind, rest)


def _bind(loop: Loop, kind: Kind, item: Object) -> None:
    meta = item["metadata"]
    finalizers = meta.get("finalizers") or []
    if FINALIZER not in finalizers:
        item = loop.store.put(kind, {**item, "metadata": {**meta, "finalizers": [*finalizers, FINALIZER]}})
    targets = _targets(loop, item)
    key = (meta["uid"], "targets")
    if targets is None or loop.memory.get(key) == targets:
        return
    refused = loop.cluster.around.register_targets(item["spec"]["targetGroupARN"], targets)
    if refused:
        loop.note(item, "FailedNetworkReconcile", refused)
        loop.retry(item, "targets")
        return
    loop.memory[key] = targets
    loop.note(item, "SuccessfullyReconciled", "Successfully reconciled", "Normal")
    loop.cluster.status(kind, item, {"observedGeneration": meta.get("generation", 1)})


def _targets(loop: Loop, item: Object) -> tuple[tuple[str, int], ...] | None:
    reference = item["spec"]["serviceRef"]
    service = loop.store.get(_SERVICE, item["metadata"]["namespace"], reference["name"])
    if service is None:
        loop.note(item, "BackendNotFound", f'backend not found: Service "{reference["name"]}" not found')
        return None
    wanted = reference["port"]
    port = next((one for one in service["spec"].get("ports") or () if wanted in (one["port"], one.get("name"))), None)
    if port is None:
        loop.note(
            item, "BackendNotFound", f"backend not found: unable to find port {wanted} on service {reference['name']}"
        )
        return None
    found = ((at(pod, "status.podIP"), target_port(pod, port)) for pod in behind(loop, service) if ready(pod))
    return tuple(sorted((str(address), number) for address, number in found if number is not None))
