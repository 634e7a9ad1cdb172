"""EKS add-ons in the cluster: the objects that each brings, with the image that EKS names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from airgap.rehearsal.kubernetes.birth import keep
from airgap.rehearsal.kubernetes.cluster import Cluster
from airgap.rehearsal.kubernetes.kinds import Kind, core
from airgap.rehearsal.kubernetes.selecting import at
from airgap.rehearsal.kubernetes.store import Object

NAMESPACE = "kube-system"
_LABEL = "airgap.rehearsal/addon"
_ANYWHERE = [{"operator": "Exists"}]


@dataclass(frozen=True)
class Workload:
    """A workload of an add-on: its kind, name and service account, and whether it shares its node's network."""

    kind: str
    name: str
    account: str
    host_network: bool = False
    replicas: int = 2


ADDONS: dict[str, tuple[Workload, ...]] = {
    "vpc-cni": (Workload("DaemonSet", "aws-node", "aws-node", True),),
    "kube-proxy": (Workload("DaemonSet", "kube-proxy", "kube-proxy", True),),
    "coredns": (Workload("Deployment", "coredns", "coredns"),),
    "eks-pod-identity-agent": (Workload("DaemonSet", "eks-pod-identity-agent", "eks-pod-identity-agent", True),),
    "metrics-server": (Workload("Deployment", "metrics-server", "metrics-server"),),
    "aws-ebs-csi-driver": (
        Workload("DaemonSet", "ebs-csi-node", "ebs-csi-node-sa"),
        Workload("Deployment", "ebs-csi-controller", "ebs-csi-controller-sa"),
    ),
    "aws-efs-csi-driver": (
        Workload("DaemonSet", "efs-csi-node", "efs-csi-node-sa", True),
        Workload("Deployment", "efs-csi-controller", "efs-csi-controller-sa"),
    ),
    "aws-guardduty-agent": (Workload("DaemonSet", "aws-guardduty-agent", "aws-guardduty-agent", True),),
    "amazon-cloudwatch-observability": (
        Workload("DaemonSet", "cloudwatch-agent", "cloudwatch-agent", True),
        Workload("DaemonSet", "fluent-bit", "cloudwatch-agent", True),
    ),
    "snapshot-controller": (Workload("Deployment", "snapshot-controller", "snapshot-controller"),),
}


def workloads(name: str) -> tuple[Workload, ...]:
    """Return the workloads of an add-on; one that is not in the table has a deployment of its name."""
    return ADDONS.get(name, (Workload("Deployment", name, name),))


def install(cluster: Cluster, name: str, version: str, images: tuple[str, ...], namespace: str = NAMESPACE) -> None:
    """Bring an add-on in, or change its version and images; the first image is the main one of each workload."""
    if cluster.namespace(namespace) is None:
        keep(cluster, "Namespace", "", {"metadata": {"name": namespace}})
    for workload in workloads(name):
        kind = core(workload.kind, "apps")
        meta = {"name": workload.account, "namespace": namespace, "labels": {_LABEL: name}}
        if cluster.store.get(core("ServiceAccount"), namespace, workload.account) is None:
            keep(cluster, "ServiceAccount", "", {"metadata": meta})
        held = cluster.store.get(kind, namespace, workload.name)
        item = _object(workload, name, version, images, namespace)
        if held is not None:
            generation = held["metadata"].get("generation", 1) + 1
            item["metadata"] = {**held["metadata"], "labels": item["metadata"]["labels"], "generation": generation}
        keep(cluster, workload.kind, "apps", item)
    if name == "coredns":
        _dns(cluster)


def _object(workload: Workload, addon: str, version: str, images: tuple[str, ...], namespace: str) -> Object:
    labels = {"k8s-app": "kube-dns" if addon == "coredns" else workload.name}
    names = [workload.name, *(f"{workload.name}-{number}" for number in range(1, len(images)))]
    containers = [
        {"name": name, "image": image, "imagePullPolicy": "IfNotPresent"}
        for name, image in zip(names, images, strict=True)
    ]
    pod: Object = {
        "serviceAccountName": workload.account,
        "priorityClassName": "system-node-critical",
        "tolerations": _ANYWHERE,
        "containers": containers,
    }
    pod |= {"hostNetwork": True} if workload.host_network else {}
    spec: Object = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    spec |= {"replicas": workload.replicas} if workload.kind == "Deployment" else {}
    held = {**labels, _LABEL: addon, "app.kubernetes.io/version": version}
    return {"metadata": {"name": workload.name, "namespace": namespace, "labels": held}, "spec": spec}


def _dns(cluster: Cluster) -> None:
    if cluster.store.get(core("Service"), NAMESPACE, "kube-dns") is None:
        ports = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]
        spec = {
            "clusterIP": "172.20.0.10",
            "clusterIPs": ["172.20.0.10"],
            "selector": {"k8s-app": "kube-dns"},
            "ports": ports,
        }
        keep(cluster, "Service", "", {"metadata": {"name": "kube-dns", "namespace": NAMESPACE}, "spec": spec})


def _found(cluster: Cluster, addon: str) -> Iterator[tuple[Workload, Kind, Object | None]]:
    """Yield the workloads of an add-on with what the cluster has of them, in whichever namespace."""
    for workload in workloads(addon):
        kind = core(workload.kind, "apps")
        named = (item for item in cluster.store.all(kind) if item["metadata"]["name"] == workload.name)
        ours = (item for item in named if (item["metadata"].get("labels") or {}).get(_LABEL) == addon)
        yield workload, kind, next(ours, None)


def remove(cluster: Cluster, name: str) -> None:
    """Take an add-on away."""
    for workload, kind, item in _found(cluster, name):
        if item is not None:
            account = cluster.store.get(core("ServiceAccount"), item["metadata"]["namespace"], workload.account)
            cluster.store.remove(kind, item)
            if account is not None:
                cluster.store.remove(core("ServiceAccount"), account)


def ready(cluster: Cluster, name: str) -> bool:
    """Say whether every workload of an add-on is whole: its controllers have seen it, and all its pods are ready."""
    return all(item is not None and _whole(kind, item) for _, kind, item in _found(cluster, name))


def _whole(kind: Kind, item: Object) -> bool:
    if at(item, "status.observedGeneration") != item["metadata"].get("generation"):
        return False
    status = item["status"]
    if kind.name == "DaemonSet":
        names = ("numberReady", "updatedNumberScheduled", "currentNumberScheduled")
        return all(status[name] == status["desiredNumberScheduled"] for name in names)
    names = ("replicas", "updatedReplicas", "availableReplicas")
    return all(status.get(name, 0) == item["spec"]["replicas"] for name in names)
