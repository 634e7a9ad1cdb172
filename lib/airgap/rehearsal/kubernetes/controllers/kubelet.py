"""What a node makes of its pods: images, states and conditions. No container runs.

A container with the annotation ``airgap.rehearsal/exit-code`` on its pod ends with that code; without it, containers
that are to end, end well, and all others run and are ready.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from airgap.rehearsal.kubernetes.controllers import images
from airgap.rehearsal.kubernetes.controllers.images import Waiting
from airgap.rehearsal.kubernetes.controllers.loop import Loop, condition
from airgap.rehearsal.kubernetes.controllers.nodes import NOT_READY
from airgap.rehearsal.kubernetes.kinds import core
from airgap.rehearsal.kubernetes.selecting import at
from airgap.rehearsal.kubernetes.store import Object, stamp

_POD, _NODE = core("Pod"), core("Node")
EXIT_CODE = "airgap.rehearsal/exit-code"
_INITIALIZING = Waiting("PodInitializing")
_CREATING = Waiting("ContainerCreating")


def act(loop: Loop) -> None:
    """Bring each pod of a node one step on."""
    for pod in loop.store.all(_POD):
        node = loop.store.get(_NODE, "", pod["spec"].get("nodeName") or "")
        if pod["metadata"].get("deletionTimestamp"):
            _stop(loop, pod)
        elif node is not None and at(pod, "status.phase") not in ("Succeeded", "Failed"):
            _run(loop, pod, node)


def _stop(loop: Loop, pod: Object) -> None:
    if loop.after(pod, "stopped", "StopPod") and not pod["metadata"].get("finalizers"):
        loop.store.remove(_POD, pod)


def _run(loop: Loop, pod: Object, node: Object) -> None:
    waiting = _held_back(loop, pod, node)
    initial = pod["spec"].get("initContainers") or []
    plain = pod["spec"]["containers"]
    states: dict[str, Any] = {}
    for container in initial:
        states[container["name"]] = waiting or _first(loop, pod, container)
        if isinstance(states[container["name"]], Waiting):
            waiting = waiting or _INITIALIZING
    for container in plain:
        states[container["name"]] = waiting or _image(loop, pod, container)
    started = waiting is None and not any(isinstance(states[one["name"]], Waiting) for one in plain)
    started = started and loop.after(pod, "started", "StartContainers")
    loop.cluster.status(_POD, pod, _status(loop, pod, node, states, initialized=waiting is None, started=started))


def _held_back(loop: Loop, pod: Object, node: Object) -> Waiting | None:
    if NOT_READY in (node["spec"].get("taints") or ()) and not pod["spec"].get("hostNetwork"):
        return _CREATING
    missing = images.unmounted(loop, pod)
    if missing:
        loop.note(pod, "FailedMount", missing)
        return _CREATING
    return None


def _image(loop: Loop, pod: Object, container: Object) -> Any:
    """Return a container's image or why it waits."""
    outcome = images.pulled(loop, pod, container)
    if isinstance(outcome, Waiting):
        return outcome
    missing = images.unset(loop, pod, container)
    return Waiting("CreateContainerConfigError", missing) if missing else outcome


def _first(loop: Loop, pod: Object, container: Object) -> Any:
    """Return an init container's image once it has ended, or why it waits; what restarts always need only start."""
    outcome = _image(loop, pod, container)
    if isinstance(outcome, Waiting):
        return outcome
    ended = loop.after(pod, ("ended", container["name"]), "RunInitContainer")
    return outcome if ended else Waiting("PodInitializing", "init container is running")


def _status(
    loop: Loop, pod: Object, node: Object, states: dict[str, Any], *, initialized: bool, started: bool
) -> Object:
    before = pod.get("status") or {}
    ends = pod["spec"].get("restartPolicy") != "Always"
    given = str((pod["metadata"].get("annotations") or {}).get(EXIT_CODE, ""))
    code = int(given) if given.isdigit() else 0
    ended = started and ends and loop.after(pod, "ended", "RunJob")
    crashes = started and not ends and code != 0
    good = started and not ended and not crashes and loop.after(pod, "ready", "BecomeReady")
    phase = "Running" if started else "Pending"
    if ended:
        phase = "Failed" if code else "Succeeded"
    status = {
        **before,
        "phase": phase,
        "hostIP": at(node, "status.addresses")[0]["address"],
        "startTime": before.get("startTime") or stamp(),
    }
    status["podIP"] = before.get("podIP") or _address(loop, pod, status["hostIP"])
    status |= {"hostIPs": [{"ip": status["hostIP"]}], "podIPs": [{"ip": status["podIP"]}]}
    initial = pod["spec"].get("initContainers") or []
    if initial:
        status["initContainerStatuses"] = [_first_status(one, states[one["name"]], before) for one in initial]
    state = {"started": started, "ended": ended, "crashes": crashes, "ready": good}
    status["containerStatuses"] = [
        _container_status(one, states[one["name"]], code, before, **state) for one in pod["spec"]["containers"]
    ]
    status["conditions"] = _conditions(before.get("conditions"), initialized, good, ended)
    return status


def _conditions(held: Any, initialized: bool, good: bool, ended: bool) -> list[Object]:
    unready = ("PodCompleted", "") if ended else ("ContainersNotReady", "containers with unready status")
    words = ("", "") if good else unready
    return [
        condition("PodReadyToStartContainers", initialized and not ended, held=held),
        condition("Initialized", initialized, "" if initialized else "ContainersNotInitialized", held=held),
        condition("Ready", good, *words, held),
        condition("ContainersReady", good, *words, held),
        condition("PodScheduled", True, held=held),
    ]


def _base(container: Object, outcome: Any) -> Object:
    named = {
        "name": container["name"],
        "image": container["image"],
        "restartCount": 0,
        "ready": False,
        "started": False,
    }
    return {**named, "imageID": "" if isinstance(outcome, Waiting) else outcome.image_id}


def _waiting(outcome: Waiting) -> Object:
    return {"waiting": {"reason": outcome.reason} | ({"message": outcome.message} if outcome.message else {})}


def _ended(before: Object, name: str, code: int) -> Object:
    statuses = (before.get("containerStatuses") or []) + (before.get("initContainerStatuses") or [])
    held = next((one for one in statuses if one["name"] == name), None)
    moment = at(held, "state.terminated.finishedAt") or stamp()
    return {
        "terminated": {
            "exitCode": code,
            "reason": "Error" if code else "Completed",
            "startedAt": moment,
            "finishedAt": moment,
        }
    }


def _first_status(container: Object, outcome: Any, before: Object) -> Object:
    found = _base(container, outcome)
    if isinstance(outcome, Waiting):
        return {**found, "state": _waiting(outcome)}
    if container.get("restartPolicy") == "Always":
        return {**found, "state": {"running": {"startedAt": _since(before, container)}}, "ready": True, "started": True}
    return {**found, "state": _ended(before, container["name"], 0), "ready": True}


def _since(before: Object, container: Object) -> str:
    statuses = (before.get("containerStatuses") or []) + (before.get("initContainerStatuses") or [])
    held = next((one for one in statuses if one["name"] == container["name"]), None)
    return str(at(held, "state.running.startedAt") or stamp())


def _container_status(
    container: Object,
    outcome: Any,
    code: int,
    before: Object,
    *,
    started: bool,
    ended: bool,
    crashes: bool,
    ready: bool,
) -> Object:
    found = _base(container, outcome)
    if isinstance(outcome, Waiting):
        return {**found, "state": _waiting(outcome)}
    if not started:
        return {**found, "state": _waiting(_CREATING)}
    if ended:
        return {**found, "state": _ended(before, container["name"], code)}
    if crashes:
        message = f"back-off 10s restarting failed container={container['name']}"
        last = _ended(before, container["name"], code)
        return {**found, "restartCount": 1, "state": _waiting(Waiting("CrashLoopBackOff", message)), "lastState": last}
    return {**found, "state": {"running": {"startedAt": _since(before, container)}}, "ready": ready, "started": True}


def _address(loop: Loop, pod: Object, host: str) -> str:
    """Return an address for a pod, of its node's subnet as the network plug-in takes them."""
    if pod["spec"].get("hostNetwork"):
        return host
    used = {at(one, "status.podIP") for one in loop.store.all(_POD)} | {
        one.private_ip for one in loop.cluster.facts.nodes
    }
    subnet = ipaddress.ip_network(f"{host}/24", strict=False)
    return next(str(address) for address in list(subnet.hosts())[99:] if str(address) not in used)
