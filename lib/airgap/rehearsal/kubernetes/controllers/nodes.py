"""Nodes: one for each instance that has joined, ready once the network plug-in runs on it."""

from __future__ import annotations

import uuid
from typing import Any

from airgap.rehearsal.kubernetes.controllers.loop import Loop, condition
from airgap.rehearsal.kubernetes.kinds import core
from airgap.rehearsal.kubernetes.quantities import quantity
from airgap.rehearsal.kubernetes.selecting import at
from airgap.rehearsal.kubernetes.setting import NodeFacts
from airgap.rehearsal.kubernetes.store import Object

_NODE, _POD = core("Node"), core("Pod")
NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
_NO_NETWORK = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin"
    " returns error: cni plugin not initialized"
)
# Processors and GiB of memory by the size of an instance type, for the families with four GiB for each processor.
_SIZES = {
    "large": 2,
    "xlarge": 4,
    "2xlarge": 8,
    "4xlarge": 16,
    "8xlarge": 32,
    "12xlarge": 48,
    "16xlarge": 64,
    "24xlarge": 96,
}
_GIB_PER_CPU = {"c": 2, "m": 4, "t": 4, "r": 8}


def act(loop: Loop) -> None:
    """Make, change and remove nodes as instances come and go."""
    wanted = {facts.name: facts for facts in loop.cluster.facts.nodes}
    for node in loop.store.all(_NODE):
        if node["metadata"]["name"] not in wanted:
            _remove(loop, node)
    for name, facts in wanted.items():
        held = loop.store.get(_NODE, "", name)
        node = held or loop.store.put(_NODE, _node(loop, facts))
        if not node["metadata"].get("deletionTimestamp"):
            _report(loop, node, facts)


def _remove(loop: Loop, node: Object) -> None:
    for pod in loop.store.all(_POD):
        if pod["spec"].get("nodeName") == node["metadata"]["name"]:
            loop.store.remove(_POD, pod)
    loop.store.remove(_NODE, node)


def _node(loop: Loop, facts: NodeFacts) -> Object:
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "eks.amazonaws.com/nodegroup": facts.nodegroup,
        "eks.amazonaws.com/capacityType": "ON_DEMAND",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": facts.name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": facts.instance_type,
        "topology.kubernetes.io/region": loop.cluster.facts.region,
        "topology.kubernetes.io/zone": facts.zone,
    }
    instance = "i-" + uuid.uuid5(uuid.NAMESPACE_DNS, facts.name).hex[:17]
    spec = {"providerID": f"aws:///{facts.zone}/{instance}", "taints": [NOT_READY]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": facts.name, "labels": labels}, "spec": spec}


def _capacity(instance_type: str) -> dict[str, str]:
    family, _, size = instance_type.partition(".")
    cpus = _SIZES.get(size, 4)
    return {"cpu": str(cpus), "memory": f"{cpus * _GIB_PER_CPU.get(family[:1], 4)}Gi", "pods": "58"}


def _report(loop: Loop, node: Object, facts: NodeFacts) -> None:
    ready = _network(loop, facts.name)
    held = at(node, "status.conditions")
    reason, message = ("KubeletReady", "kubelet is posting ready status") if ready else ("KubeletNotReady", _NO_NETWORK)
    pressures = [
        condition(f"{name}Pressure", False, f"KubeletHasNo{name}Pressure", "", held)
        for name in ("Memory", "Disk", "PID")
    ]
    capacity = _capacity(facts.instance_type)
    version = f"v{loop.cluster.facts.version}.0-eks-rehearsal"
    status: dict[str, Any] = {
        "addresses": [{"type": "InternalIP", "address": facts.private_ip}, {"type": "Hostname", "address": facts.name}],
        "capacity": capacity,
        "allocatable": {**capacity, "cpu": f"{int((quantity(capacity['cpu']) or 0) * 1000 - 80)}m"},
        "conditions": [*pressures, condition("Ready", ready, reason, message, held)],
        "nodeInfo": {
            **dict.fromkeys(("machineID", "systemUUID", "bootID", "kernelVersion", "kubeProxyVersion"), ""),
            "architecture": "amd64",
            "operatingSystem": "linux",
            "osImage": "Bottlerocket",
            "kubeletVersion": version,
            "containerRuntimeVersion": "containerd://rehearsal",
        },
    }
    taints = [taint for taint in node["spec"].get("taints") or () if taint != NOT_READY] + (
        [] if ready else [NOT_READY]
    )
    spec = {name: value for name, value in node["spec"].items() if name != "taints"} | (
        {"taints": taints} if taints else {}
    )
    loop.store.put(_NODE, {**node, "spec": spec, "status": status})


def _network(loop: Loop, node: str) -> bool:
    """Say whether the network plug-in (aws-node of the add-on vpc-cni) runs on a node."""
    return any(
        pod["spec"].get("nodeName") == node
        and (pod["metadata"].get("labels") or {}).get("k8s-app") == "aws-node"
        and at(pod, "status.phase") == "Running"
        for pod in loop.store.all(_POD, "kube-system")
    )
