"""The EKS cluster, private from the first call on, and the security group that EKS makes with it.

AWS: EKS API Reference, "CreateCluster"; EKS User Guide, "Cluster API server endpoint", "Control plane egress", "Encrypt
Kubernetes secrets with KMS", "View Amazon EKS security group requirements".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model.cluster import EGRESS, LOG_TYPES, container_log_groups, control_plane_log_group
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import FIXED, FORWARD, NEVER, ONCE, Field, Reading
from airgap.resources.kind import Call, Fields, Kind, declares
from airgap.resources.logs import LOG_GROUP, log_group
from airgap.resources.security_groups import CLOSE
from airgap.resources.vpc import subnets, tier_of

GONE = ("ResourceNotFoundException",)
# EKS sees a new role a little later, and carries out one change of a cluster at a time.
NEW_ROLE = ("Role with arn", "could not be assumed", "The role with name")
BUSY = ("in progress", "is not in an appropriate state")
_VERSIONS = "eks:DescribeClusterVersions"


def _encryption(f: Fields) -> list[dict[str, Any]]:
    return [{"resources": ["secrets"], "provider": {"keyArn": key}} for key in f["secrets_keys"]]


def _logging(f: Fields) -> dict[str, Any]:
    off = sorted(set(LOG_TYPES) - set(f["log_types"]))
    entries = [{"types": list(f["log_types"]), "enabled": True}, *([{"types": off, "enabled": False}] if off else [])]
    return {"clusterLogging": entries}


def _placement(f: Fields) -> dict[str, Any]:
    return {"subnetIds": f["subnets"], "securityGroupIds": f["groups"]}


def _doors(f: Fields) -> dict[str, Any]:
    return {"endpointPublicAccess": f["public_access"], "endpointPrivateAccess": f["private_access"]}


def _config(**members: Any) -> tuple[Call, ...]:
    """Return the call that changes one part of a cluster's configuration; EKS takes one part a call."""
    return (
        Call(
            "eks:UpdateClusterConfig",
            lambda f: {"name": f["name"], **{name: value(f) for name, value in members.items()}},
            retry=BUSY,
        ),
    )


_NETWORK = _config(resourcesVpcConfig=_placement)
_ACCESS = _config(resourcesVpcConfig=_doors)

CLUSTER = Kind(
    "eks-cluster",
    "EKS cluster",
    Reading(
        "eks:DescribeCluster",
        "cluster",
        "name",
        owner="name",
        natural=("name",),
        tags="tags",
        attrs={
            "arn": "arn",
            "issuer": "identity.oidc.issuer",
            "endpoint": "endpoint",
            "security_group": "resourcesVpcConfig.clusterSecurityGroupId",
        },
        fields={
            "name": Field("name", change=NEVER, why="a cluster's name cannot be changed"),
            "role": Field("roleArn", change=FIXED, why="a cluster keeps its role"),
            "version": Field("version", change=FORWARD, why="EKS goes up one minor version at a time, and never back"),
            "subnets": Field("resourcesVpcConfig.subnetIds", form="set", risk="interrupts", why="the API moves"),
            "groups": Field("resourcesVpcConfig.securityGroupIds", form="set", risk="opens", why="who reaches the API"),
            "public_access": Field(
                "resourcesVpcConfig.endpointPublicAccess", risk="opens", why="the API on the internet"
            ),
            "private_access": Field("resourcesVpcConfig.endpointPrivateAccess", risk="interrupts", why="nodes need it"),
            "egress": Field(
                "resourcesVpcConfig.controlPlaneEgressMode",
                change=FORWARD,
                order=tuple(reversed(EGRESS.values())),
                absent="AWS_MANAGED",
                why="customer-routed egress is a one-way choice",
            ),
            "secrets_keys": Field(
                "encryptionConfig[].provider.keyArn", change=FIXED, why="the key of the secrets is set once, for good"
            ),
            "log_types": Field(
                "logging.clusterLogging", form="on:enabled:types", risk="blinds", why="what the control plane did"
            ),
            "authentication": Field(
                "accessConfig.authenticationMode",
                change=FORWARD,
                order=("CONFIG_MAP", "API_AND_CONFIG_MAP", "API"),
                why="access entries alone; there is no way back to aws-auth",
            ),
            "creator_admin": Field("accessConfig.bootstrapClusterCreatorAdminPermissions", change=ONCE, absent=False),
            "service_cidr": Field(
                "kubernetesNetworkConfig.serviceIpv4Cidr", change=FIXED, why="services keep their range"
            ),
            "deletion_protection": Field("deletionProtection", absent=False, risk="unprotects"),
        },
        state="status",
        settled=("ACTIVE",),
        failed=("FAILED",),
    ),
    create=(
        Call(
            "eks:CreateCluster",
            lambda f: {
                "name": f["name"],
                "version": f["version"],
                "roleArn": f["role"],
                "resourcesVpcConfig": {**_placement(f), **_doors(f), "controlPlaneEgressMode": f["egress"]},
                "kubernetesNetworkConfig": {"serviceIpv4Cidr": f["service_cidr"], "ipFamily": "ipv4"},
                "logging": _logging(f),
                "encryptionConfig": _encryption(f),
                "accessConfig": {
                    "authenticationMode": f["authentication"],
                    "bootstrapClusterCreatorAdminPermissions": f["creator_admin"],
                },
                "bootstrapSelfManagedAddons": False,
                "deletionProtection": f["deletion_protection"],
                "tags": f["tags"],
            },
            result="cluster",
            retry=NEW_ROLE,
            actions=("eks:TagResource", "iam:PassRole", "kms:CreateGrant", "kms:DescribeKey"),
        ),
    ),
    updates={
        "version": (
            Call("eks:UpdateClusterVersion", lambda f: {"name": f["name"], "version": f["version"]}, retry=BUSY),
        ),
        "subnets": _NETWORK,
        "groups": _NETWORK,
        "public_access": _ACCESS,
        "private_access": _ACCESS,
        "egress": _config(resourcesVpcConfig=lambda f: {"controlPlaneEgressMode": f["egress"]}),
        "log_types": _config(logging=_logging),
        "authentication": _config(accessConfig=lambda f: {"authenticationMode": f["authentication"]}),
        "deletion_protection": _config(deletionProtection=lambda f: f["deletion_protection"]),
        "secrets_keys": (
            Call(
                "eks:AssociateEncryptionConfig",
                lambda f: {"clusterName": f["name"], "encryptionConfig": _encryption(f)},
                retry=BUSY,
            ),
        ),
    },
    delete=(Call("eks:DeleteCluster", lambda f: {"name": f["name"]}, ignore=GONE, retry=BUSY),),
    poll=Call("eks:DescribeCluster", lambda f: {"name": f["name"]}, result="cluster", ignore=GONE),
    seconds=600,
    limit=2400,
    gone=True,
    serial=True,
    protection={"deletion_protection": False},
)

CLUSTER_GROUP = Kind(
    "cluster-security-group",
    "Security group that EKS makes",
    Reading(
        "ec2:DescribeSecurityGroups",
        "SecurityGroups",
        "GroupId",
        owner="parent",
        natural=("group",),
        only=(("GroupName", "eks-cluster-sg-*"),),
        fields={"group": Field("GroupId", change=NEVER, why="EKS makes it and takes it away")},
    ),
    born=Call("ec2:DescribeSecurityGroups", lambda f: {"GroupIds": [f["group"]]}),
    create=(CLOSE,),
)


@declares(LOG_GROUP)
def declare_log_groups(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the log groups that EKS and the shipper would else make themselves, without retention and key."""
    days = intent.logs.retention_days
    yield log_group("control-plane", control_plane_log_group(intent), days, why="what the control plane was asked")
    for name in container_log_groups(intent):
        yield log_group(f"containers-{name.rpartition('/')[2]}", name, days, why="what containers and hosts say")


@declares(CLUSTER, CLUSTER_GROUP, reads=(_VERSIONS,))
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the cluster, and its own security group with the open egress that it is born with revoked."""
    fields = {
        "name": intent.cluster.name,
        "role": ref("role:cluster", "arn"),
        "version": intent.cluster.version,
        "subnets": [ref(f"subnet:{name}") for name in subnets(intent) if tier_of(name) == "private"],
        "groups": [ref("security-group:cluster")],
        "public_access": False,
        "private_access": True,
        "egress": EGRESS[intent.cluster.control_plane_egress],
        "secrets_keys": [ref("kms-key:cluster", "arn")],
        "log_types": list(LOG_TYPES),
        "authentication": "API",
        "creator_admin": False,
        "service_cidr": intent.cluster.service_cidr,
        "deletion_protection": True,
    }
    needs = ("log-group:control-plane",)
    why = "private API; its own calls take the VPC's ways, for good"
    refused = not_supported(intent, facts)
    yield Desired("eks-cluster", "main", fields, needs=needs, why=why, refused={"version": refused} if refused else {})
    group = {"group": ref("eks-cluster:main", "security_group")}
    yield Desired("cluster-security-group", "main", group, why="born with open egress, which is revoked at once")


def not_supported(intent: Intent, facts: Estate) -> str:
    """Return why the declared version cannot be had, with those that can; '' where EKS has it in standard support."""
    offered = {one["clusterVersion"]: one for one in facts.items(_VERSIONS, "clusterVersions")}
    standard = [name for name, one in offered.items() if one.get("versionStatus") == "STANDARD_SUPPORT"]
    if intent.cluster.version in standard:
        return ""
    known = offered.get(intent.cluster.version)
    status = f"in {known.get('versionStatus')}" if known else "not offered"
    return f"Kubernetes {intent.cluster.version} is {status}; in standard support: {', '.join(sorted(standard))}"
