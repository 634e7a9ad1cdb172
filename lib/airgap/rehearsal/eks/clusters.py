"""Clusters: creation, description and deletion."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Iterator
from typing import Any

from airgap.rehearsal import faces
from airgap.rehearsal.eks import versions
from airgap.rehearsal.eks.access import admit_creator
from airgap.rehearsal.eks.cluster_rules import LOG_TYPES, judge_creation
from airgap.rehearsal.eks.control_plane import ensure_log_group, held_by, occupy
from airgap.rehearsal.eks.roles import linked_role, role_of
from airgap.rehearsal.eks.state import (
    CLUSTER,
    NODEGROUP,
    PARTS,
    bad_request,
    cluster,
    in_use,
    kept,
    parts,
    shown,
    tags,
)
from airgap.rehearsal.eks.updates import refuse_while_busy
from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Record, new_id, now
from airgap.rehearsal.wire import Call

# Members that a request may set and whose default is plain; AWS's defaults, open ones too.
DEFAULTS: dict[str, Any] = {
    "computeConfig": {"enabled": False},
    "controlPlaneScalingConfig": {"tier": "standard"},
    "deletionProtection": False,
    "encryptionConfig": [],
    "remoteNetworkConfig": None,
    "storageConfig": {"blockStorage": {"enabled": False}},
    "upgradePolicy": {"supportType": "EXTENDED"},
    "zonalShiftConfig": {"enabled": False},
}
_KEY_ISSUES = {
    "Absent": "KmsKeyNotFound",
    "Disabled": "KmsKeyDisabled",
    "PendingDeletion": "KmsKeyMarkedForDeletion",
}
COMPONENTS = ("kubeApiServerConfig", "kubeSchedulerConfig", "kubeControllerManagerConfig")


@answers("eks", "CreateCluster")
def create(call: Call) -> dict[str, Any]:
    """Create a cluster: it is CREATING, without endpoint, certificate and group, and then ACTIVE with them."""
    judge_creation(call)
    linked_role(call, "eks")
    name, identifier = call.get("name"), new_id("", 32).upper()
    record = {
        "name": name,
        "arn": call.arn(f"cluster/{name}"),
        "createdAt": now(),
        "version": call.get("version", versions.DEFAULT_VERSION),
        "roleArn": call.get("roleArn"),
        "resourcesVpcConfig": _network(call),
        "kubernetesNetworkConfig": _service_network(call),
        "logging": logging_of(call.get("logging", {})),
        "status": "CREATING",
        "certificateAuthority": {},
        "platformVersion": versions.PLATFORM,
        "accessConfig": {"authenticationMode": call.get("accessConfig", {}).get("authenticationMode", "CONFIG_MAP")},
        "health": {"issues": []},
        "tags": tags(call),
        **{member: call.get(member, default) for member, default in DEFAULTS.items()},
        **{member: call.get(member) for member in COMPONENTS if call.get(member)},
        "_id": identifier,
        "_creator": call.caller.role,
        "_self_managed": call.get("bootstrapSelfManagedAddons", True),
        "_bootstrap": call.get("accessConfig", {}).get("bootstrapClusterCreatorAdminPermissions", True),
    }
    kept(call).put(CLUSTER, name, record)
    occupy(call, record)
    admit_creator(call, record)
    ensure_log_group(call.account, call.region, record)
    kept(call).later(CLUSTER, name, "eks:CreateCluster", _finished(call, record))
    answer = shown(record)
    answer["accessConfig"]["bootstrapClusterCreatorAdminPermissions"] = record["_bootstrap"]
    return {"cluster": answer}


def _network(call: Call) -> Record:
    """Return the network with AWS's defaults: an API open to the world, egress that AWS routes."""
    asked = call.get("resourcesVpcConfig", {})
    public = asked.get("endpointPublicAccess", True)
    subnets = asked.get("subnetIds", [])
    return {
        "subnetIds": subnets,
        "securityGroupIds": asked.get("securityGroupIds", []),
        "vpcId": call.backend("ec2").get_subnet(subnets[0]).vpc_id,
        "endpointPublicAccess": public,
        "endpointPrivateAccess": asked.get("endpointPrivateAccess", False),
        "publicAccessCidrs": asked.get("publicAccessCidrs", ["0.0.0.0/0"]) if public else [],
        "controlPlaneEgressMode": asked.get("controlPlaneEgressMode", "AWS_MANAGED"),
    }


def _service_network(call: Call) -> Record:
    """Return the service network; without a range AWS takes the one of two that is not the VPC's."""
    asked = call.get("kubernetesNetworkConfig", {})
    subnet = call.backend("ec2").get_subnet(call.get("resourcesVpcConfig")["subnetIds"][0])
    vpc = ipaddress.ip_network(call.backend("ec2").vpcs[subnet.vpc_id].cidr_block)
    ten = ipaddress.ip_network("10.0.0.0/8")
    chosen = "172.20.0.0/16" if vpc.overlaps(ten) else "10.100.0.0/16"
    return {
        "serviceIpv4Cidr": asked.get("serviceIpv4Cidr", chosen),
        "ipFamily": asked.get("ipFamily", "ipv4"),
        "elasticLoadBalancing": asked.get("elasticLoadBalancing", {"enabled": False}),
    }


def logging_of(asked: Record, present: Record | None = None) -> Record:
    """Return the logging of a cluster after a request: types it does not name stay as they are, off at first."""
    switched = dict.fromkeys(LOG_TYPES, False)
    for entry in [*(present or {}).get("clusterLogging", []), *asked.get("clusterLogging", [])]:
        switched.update(dict.fromkeys(entry.get("types", []), entry.get("enabled", False)))
    lists = {state: [kind for kind in LOG_TYPES if switched[kind] is state] for state in (True, False)}
    return {"clusterLogging": [{"types": lists[state], "enabled": state} for state in (True, False) if lists[state]]}


def _finished(call: Call, record: Record) -> Record:
    """Return what an active cluster has more: endpoint, certificate authority, issuer, security group."""
    suffix = "amazonaws.com.cn" if call.partition == "aws-cn" else "amazonaws.com"
    network = dict(record["resourcesVpcConfig"], clusterSecurityGroupId=held_by(kept(call), record)["group"])
    return {
        "status": "ACTIVE",
        "endpoint": f"https://{record['_id']}.gr7.{call.region}.eks.{suffix}",
        "certificateAuthority": {"data": base64.b64encode(faces.ca_pem().encode()).decode()},
        "identity": {"oidc": {"issuer": f"https://oidc.eks.{call.region}.{suffix}/id/{record['_id']}"}},
        "resourcesVpcConfig": network,
    }


@answers("eks", "DescribeCluster")
def describe(call: Call) -> dict[str, Any]:
    """Return a cluster; whether its creator was made an administrator shows in the access entries alone."""
    record = cluster(call)
    return {"cluster": shown(record) | {"health": {"issues": list(_issues(call, record))}}}


def _issues(call: Call, record: Record) -> Iterator[Record]:
    """Yield what a cluster is ill of: a role or group that is gone, a key that cannot be used."""
    role, network = record["roleArn"], record["resourcesVpcConfig"]
    if role_of(call, role) is None:
        yield _issue("IamRoleNotFound", "We couldn't find the cluster's role", role)
    for group in network["securityGroupIds"]:
        if call.backend("ec2").get_security_group_from_id(group) is None:
            yield _issue("Ec2SecurityGroupNotFound", "We couldn't find the security group", group)
    for one in record["encryptionConfig"]:
        arn = one["provider"]["keyArn"]
        key = call.backend("kms").keys.get(arn.rpartition("/")[2])
        state = key.key_state if key is not None else "Absent"
        if state in _KEY_ISSUES:
            yield _issue(_KEY_ISSUES[state], f"The key of the cluster's secrets is {state}", arn)


def _issue(code: str, message: str, resource: str) -> Record:
    return {"code": code, "message": message, "resourceIds": [resource]}


@answers("eks", "ListClusters")
def list_clusters(call: Call) -> dict[str, Any]:
    """Return the names of the clusters."""
    return {"clusters": [record["name"] for record in kept(call).all(CLUSTER)]}


@answers("eks", "DeleteCluster")
def delete(call: Call) -> dict[str, Any]:
    """Delete a cluster that has no node groups and no deletion protection; what else it has ends with it."""
    record = cluster(call)
    name = record["name"]
    if record["deletionProtection"]:
        raise bad_request(f"Cluster {name} has deletion protection enabled", clusterName=name)
    if parts(call, NODEGROUP):
        raise in_use("Cluster has nodegroups attached", clusterName=name)
    refuse_while_busy(call, CLUSTER, name)
    for kind in PARTS:
        for one in parts(call, kind):
            kept(call).remove(kind, one["_key"])
    record["status"] = "DELETING"
    kept(call).later(CLUSTER, name, "eks:DeleteCluster", None)
    return {"cluster": shown(record)}
