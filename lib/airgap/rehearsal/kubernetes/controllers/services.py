"""Endpoint slices: the addresses of the pods behind each service."""

from __future__ import annotations

from airgap.rehearsal.kubernetes.controllers.loop import Loop, owner_reference
from airgap.rehearsal.kubernetes.controllers.pods import ready
from airgap.rehearsal.kubernetes.defaults import containers
from airgap.rehearsal.kubernetes.kinds import core
from airgap.rehearsal.kubernetes.selecting import at
from airgap.rehearsal.kubernetes.store import Object

_SERVICE, _POD, _NODE = core("Service"), core("Pod"), core("Node")
SLICE = core("EndpointSlice", "discovery.k8s.io")
NAME = "kubernetes.io/service-name"


def act(loop: Loop) -> None:
    """Keep the slice of each service that selects pods."""
    for service in loop.store.all(_SERVICE):
        if service["spec"].get("selector") and not service["metadata"].get("deletionTimestamp"):
            _keep(loop, service)


def behind(loop: Loop, service: Object) -> list[Object]:
    """Return the pods with an address that a service selects."""
    wanted = service["spec"].get("selector") or {}
    return [
        pod
        for pod in loop.store.all(_POD, service["metadata"]["namespace"])
        if wanted
        and at(pod, "status.podIP")
        and at(pod, "status.phase") not in ("Succeeded", "Failed")
        and wanted.items() <= (pod["metadata"].get("labels") or {}).items()
    ]


def target_port(pod: Object, port: Object) -> int | None:
    """Return the number of a service's port on a pod, None where the pod names no such port."""
    wanted = port.get("targetPort", port["port"])
    if isinstance(wanted, int):
        return wanted
    ports = (one for _, container in containers(pod["spec"], "containers") for one in container.get("ports") or ())
    return next((int(one["containerPort"]) for one in ports if one.get("name") == wanted), None)


def _keep(loop: Loop, service: Object) -> None:
    meta, pods = service["metadata"], behind(loop, service)
    ports = []
    for port in service["spec"].get("ports") or ():
        numbers = [number for pod in pods if (number := target_port(pod, port)) is not None]
        if numbers or not pods:
            found = {"name": port.get("name", ""), "protocol": port.get("protocol", "TCP")}
            ports.append(found | ({"port": numbers[0]} if numbers else {}))
    item: Object = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{meta['name']}-{meta['uid'][:5]}",
            "namespace": meta["namespace"],
            "generateName": f"{meta['name']}-",
            "labels": {NAME: meta["name"], "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"},
            "ownerReferences": [owner_reference(service, _SERVICE)],
        },
        "addressType": "IPv4",
        "endpoints": [_endpoint(loop, pod) for pod in pods],
        "ports": ports,
    }
    held = loop.store.get(SLICE, meta["namespace"], item["metadata"]["name"])
    if held is not None:
        item["metadata"] = held["metadata"]
    loop.store.put(SLICE, item)


def _endpoint(loop: Loop, pod: Object) -> Object:
    meta = pod["metadata"]
    good, ending = ready(pod), bool(meta.get("deletionTimestamp"))
    node = loop.store.get(_NODE, "", pod["spec"].get("nodeName") or "")
    zone = (at(node, "metadata.labels") or {}).get("topology.kubernetes.io/zone", "")
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": good and not ending, "serving": good, "terminating": ending},
        "nodeName": pod["spec"].get("nodeName", ""),
        "targetRef": {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]},
        "zone": zone,
    }
