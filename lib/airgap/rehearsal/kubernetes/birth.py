"""What a cluster has when EKS hands it over: namespaces, roles, the service of its own API, and a word about itself."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from airgap.rehearsal.kubernetes.cluster import Cluster
from airgap.rehearsal.kubernetes.defaults import completed
from airgap.rehearsal.kubernetes.discovery import NOT_PROVEN
from airgap.rehearsal.kubernetes.kinds import core
from airgap.rehearsal.kubernetes.store import Object

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
ABOUT = "airgap-rehearsal"
_RBAC = "rbac.authorization.k8s.io"


def keep(cluster: Cluster, name: str, group: str, item: Object) -> Object:
    """Keep an object as the cluster's own components write theirs: with defaults, and without admission."""
    kind = core(name, group)
    whole = completed({"apiVersion": kind.api_version(), "kind": kind.name, **item})
    meta = {"generation": 1, **whole["metadata"]} if "spec" in whole else whole["metadata"]
    return cluster.store.put(kind, {**whole, "metadata": meta})


def populate(cluster: Cluster) -> None:
    """Put into an empty cluster what every EKS cluster has."""
    for name in NAMESPACES:
        keep(cluster, "Namespace", "", {"metadata": {"name": name}})
    bootstrap: dict[str, Any] = json.loads(files(__package__).joinpath("roles.json").read_text())
    for role in bootstrap["roles"]:
        keep(cluster, "ClusterRole", _RBAC, role)
    for binding in bootstrap["bindings"]:
        keep(cluster, "ClusterRoleBinding", _RBAC, binding)
    ports = [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 443}]
    spec = {"clusterIP": "172.20.0.1", "clusterIPs": ["172.20.0.1"], "ports": ports}
    labels = {"component": "apiserver", "provider": "kubernetes"}
    keep(
        cluster,
        "Service",
        "",
        {"metadata": {"name": "kubernetes", "namespace": "default", "labels": labels}, "spec": spec},
    )
    data = {"not-proven": "\n".join(NOT_PROVEN), "webhooks-not-called": ""}
    keep(cluster, "ConfigMap", "", {"metadata": {"name": ABOUT, "namespace": "kube-public"}, "data": data})
    for name, value in (("system-node-critical", 2000001000), ("system-cluster-critical", 2000000000)):
        keep(cluster, "PriorityClass", "scheduling.k8s.io", {"metadata": {"name": name}, "value": value})
    storage = {"provisioner": "kubernetes.io/aws-ebs", "parameters": {"type": "gp2", "fsType": "ext4"}}
    storage |= {"volumeBindingMode": "WaitForFirstConsumer"}
    keep(cluster, "StorageClass", "storage.k8s.io", {"metadata": {"name": "gp2"}, **storage})
