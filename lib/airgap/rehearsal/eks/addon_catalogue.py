"""The add-ons that EKS offers: their versions for each Kubernetes version, settings, service accounts and images.

Versions are those of November 2026 as estimated; registries are of "Amazon container image registries" in the EKS User
Guide.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from airgap.rehearsal.eks.state import invalid, not_found
from airgap.rehearsal.eks.versions import VERSIONS
from airgap.rehearsal.hook import answers
from airgap.rehearsal.wire import Call

_POD_SETTINGS = ("affinity", "nodeSelector", "podAnnotations", "podLabels", "resources", "tolerations")


@dataclass(frozen=True)
class Offer:
    """An add-on: type, versions (newest first, ``{kubernetes}`` is the minor version), settings beside those of pods.

    ``account`` is the service account that takes a role, with the recommended policies; ``needs_nodes`` says that its
    replicas wait for nodes (a daemon set has none to wait for); ``images`` are repositories of AWS's add-on registry.
    """

    kind: str
    versions: tuple[str, ...]
    images: tuple[str, ...]
    settings: tuple[str, ...] = ()
    account: str = ""
    recommended: tuple[str, ...] = ()
    needs_nodes: bool = False
    namespace: str = "kube-system"


OFFERS = {
    "amazon-cloudwatch-observability": Offer(
        "observability",
        ("v4.7.0", "v4.6.0"),
        ("cloudwatch-agent-operator", "cloudwatch-agent", "aws-for-fluent-bit"),
        ("agent", "agents", "containerLogs", "dcgmExporter", "manager", "neuronMonitor", "region", "clusterName"),
        "cloudwatch-agent",
        ("CloudWatchAgentServerPolicy", "AWSXrayWriteOnlyAccess"),
        needs_nodes=True,
        namespace="amazon-cloudwatch",
    ),
    "aws-ebs-csi-driver": Offer(
        "storage",
        ("v1.50.1", "v1.48.0"),
        ("eks/aws-ebs-csi-driver", "eks/csi-provisioner", "eks/csi-attacher", "eks/csi-resizer", "eks/livenessprobe"),
        ("controller", "defaultStorageClass", "node", "sidecars", "image"),
        "ebs-csi-controller-sa",
        ("service-role/AmazonEBSCSIDriverPolicy",),
        needs_nodes=True,
    ),
    "coredns": Offer(
        "networking",
        ("v1.13.1", "v1.12.4"),
        ("eks/coredns",),
        ("autoScaling", "computeType", "corefile", "podDisruptionBudget", "replicaCount", "topologySpreadConstraints"),
        needs_nodes=True,
    ),
    "eks-pod-identity-agent": Offer(
        "security", ("v1.3.10", "v1.3.9"), ("eks/eks-pod-identity-agent",), ("agent", "priorityClassName")
    ),
    "kube-proxy": Offer(
        "networking", ("v{kubernetes}.0",), ("eks/kube-proxy",), ("ipvs", "mode", "priorityClassName", "featureGates")
    ),
    "metrics-server": Offer(
        "observability",
        ("v0.8.0", "v0.7.2"),
        ("eks/metrics-server",),
        ("addonResizer", "podDisruptionBudget", "replicas", "updateStrategy"),
        needs_nodes=True,
    ),
    "vpc-cni": Offer(
        "networking",
        ("v1.21.1", "v1.20.4"),
        ("amazon-k8s-cni", "amazon-k8s-cni-init", "amazon/aws-network-policy-agent"),
        ("enableNetworkPolicy", "enableWindowsIpam", "env", "init", "nodeAgent", "livenessProbeTimeoutSeconds"),
        "aws-node",
        ("AmazonEKS_CNI_Policy",),
    ),
}
REGISTRY = "602401143452"
REGISTRIES = {
    "af-south-1": "877085696533",
    "ap-east-1": "800184023465",
    "ap-south-2": "900889452093",
    "ap-southeast-3": "296578399912",
    "ap-southeast-4": "491585149902",
    "ca-west-1": "761377655185",
    "cn-north-1": "918309763551",
    "cn-northwest-1": "961992271922",
    "eu-central-2": "900612956339",
    "eu-south-1": "590381155156",
    "eu-south-2": "455263428931",
    "il-central-1": "066635153087",
    "me-central-1": "759879836304",
    "me-south-1": "558608220178",
    "us-gov-east-1": "151742754352",
    "us-gov-west-1": "013241004608",
}


def versions_for(name: str, kubernetes: str) -> list[str]:
    """Return the versions of an add-on that a Kubernetes version takes, newest first; the first is the default."""
    return [f"{version.format(kubernetes=kubernetes)}-eksbuild.1" for version in OFFERS[name].versions]


def images(name: str, version: str, region: str) -> tuple[str, ...]:
    """Return the images of an add-on's version in AWS's registry of a Region."""
    end = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    host = f"{REGISTRIES.get(region, REGISTRY)}.dkr.ecr.{region}.{end}"
    return tuple(f"{host}/{repository}:{version}" for repository in OFFERS[name].images)


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of an add-on's settings; EKS refuses a setting that it does not have."""
    names = sorted({*OFFERS[name].settings, *_POD_SETTINGS})
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "additionalProperties": False,
        "properties": {setting: {} for setting in names},
        "type": "object",
    }


def offer(name: str) -> Offer:
    """Return an add-on; refuse a name that EKS does not offer."""
    if name not in OFFERS:
        raise not_found(f"Addon {name} specified is not supported", addonName=name)
    return OFFERS[name]


@answers("eks", "DescribeAddonVersions")
def describe_versions(call: Call) -> dict[str, Any]:
    """Return the add-on versions that fit a Kubernetes version."""
    kubernetes = [call.get("kubernetesVersion")] if call.get("kubernetesVersion") else sorted(VERSIONS, reverse=True)
    names = [call.get("addonName")] if call.get("addonName") else sorted(OFFERS)
    types = call.get("types") or {offer(name).kind for name in names}
    owners = set(call.get("owners") or ["aws"]) & {"aws"} and set(call.get("publishers") or ["eks"]) & {"eks"}
    return {"addons": [_described(name, kubernetes) for name in names if offer(name).kind in types and owners]}


def _described(name: str, kubernetes: list[str]) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {}
    for number in kubernetes:
        for place, version in enumerate(versions_for(name, number)):
            fits = {"clusterVersion": number, "platformVersions": ["*"], "defaultVersion": place == 0}
            found.setdefault(version, []).append(fits)
    versions = [
        {
            "addonVersion": version,
            "architecture": ["amd64", "arm64"],
            "computeTypes": ["ec2"],
            "compatibilities": fits,
            "requiresConfiguration": False,
            "requiresIamPermissions": bool(OFFERS[name].account),
        }
        for version, fits in found.items()
    ]
    owner = {"publisher": "eks", "owner": "aws", "defaultNamespace": OFFERS[name].namespace}
    return {"addonName": name, "type": OFFERS[name].kind, "addonVersions": versions, **owner}


@answers("eks", "DescribeAddonConfiguration")
def describe_configuration(call: Call) -> dict[str, Any]:
    """Return the settings of an add-on and the service account that takes a role."""
    name, version = call.get("addonName"), call.get("addonVersion")
    wanted = offer(name)
    if not any(version in versions_for(name, kubernetes) for kubernetes in VERSIONS):
        raise invalid(f"Addon version specified is not supported: {version}", addonName=name)
    identity = {"serviceAccount": wanted.account, "recommendedManagedPolicies": _arns(call, wanted)}
    return {
        "addonName": name,
        "addonVersion": version,
        "configurationSchema": json.dumps(schema(name)),
        "podIdentityConfiguration": [identity] if wanted.account else [],
    }


def _arns(call: Call, wanted: Offer) -> list[str]:
    return [f"arn:{call.partition}:iam::aws:policy/{policy}" for policy in wanted.recommended]
