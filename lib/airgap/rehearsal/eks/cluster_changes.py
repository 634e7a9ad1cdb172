"""Changes of a cluster: one kind of change at a time, none without effect, some in one direction only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airgap.rehearsal.eks import versions
from airgap.rehearsal.eks.cluster_rules import (
    judge_auto_mode,
    judge_encryption,
    judge_endpoints,
    judge_groups,
    judge_logging,
    judge_routed,
    judge_subnets,
)
from airgap.rehearsal.eks.clusters import COMPONENTS, logging_of
from airgap.rehearsal.eks.control_plane import admit_itself, ensure_log_group, held_by, place
from airgap.rehearsal.eks.state import CLUSTER, NODEGROUP, bad_request, cluster, invalid, kept, parts
from airgap.rehearsal.eks.updates import begin, refuse_while_busy
from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Record
from airgap.rehearsal.wire import Call

MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")
EGRESS = ("AWS_MANAGED", "CUSTOMER_ROUTED")
_ENDPOINTS = ("endpointPublicAccess", "endpointPrivateAccess", "publicAccessCidrs")
_NETWORK = ("subnetIds", "securityGroupIds")
_AUTO_MODE = ("computeConfig", "storageConfig", "kubernetesNetworkConfig")

# What a change is: the members of the record after it, and the parameters that its update shows.
Change = tuple[Record, dict[str, Any]]


def _same(what: str) -> Exception:
    return invalid(f"Cluster is already at the desired configuration with {what}")


def _endpoints(call: Call, record: Record) -> Change:
    present, asked = record["resourcesVpcConfig"], call.get("resourcesVpcConfig")
    chosen = {member: asked.get(member, present[member]) for member in _ENDPOINTS}
    if not chosen["endpointPublicAccess"]:
        chosen["publicAccessCidrs"] = []
    elif not chosen["publicAccessCidrs"]:
        chosen["publicAccessCidrs"] = ["0.0.0.0/0"]
    judge_endpoints(chosen)
    if all(present[member] == value for member, value in chosen.items()):
        words = {True: "true", False: "false"}
        private, public = words[chosen["endpointPrivateAccess"]], words[chosen["endpointPublicAccess"]]
        raise _same(
            f"endpointPrivateAccess: {private} , endpointPublicAccess: {public}, and Public Endpoint Restrictions: "
            f"[{', '.join(chosen['publicAccessCidrs'])}]"
        )
    shown = {member[0].upper() + member[1:]: value for member, value in chosen.items()}
    return {"resourcesVpcConfig": {**present, **chosen}}, shown


def _network(call: Call, record: Record) -> Change:
    present, asked = record["resourcesVpcConfig"], call.get("resourcesVpcConfig")
    chosen = {**present, **{member: asked[member] for member in _NETWORK if member in asked}}
    judge_subnets(call, chosen["subnetIds"], present["vpcId"])
    judge_groups(call, chosen["securityGroupIds"], present["vpcId"])
    if chosen == present:
        raise _same(f"subnets {present['subnetIds']} and security groups {present['securityGroupIds']}")
    place(call.backend("ec2"), held_by(kept(call), record), record["name"], chosen)
    return {"resourcesVpcConfig": chosen}, {
        "Subnets": chosen["subnetIds"],
        "SecurityGroups": chosen["securityGroupIds"],
    }


def _egress(call: Call, record: Record) -> Change:
    present, asked = record["resourcesVpcConfig"], call.get("resourcesVpcConfig")["controlPlaneEgressMode"]
    if asked == present["controlPlaneEgressMode"]:
        raise _same(f"controlPlaneEgressMode: {asked}")
    if present["controlPlaneEgressMode"] != "AWS_MANAGED":
        was = present["controlPlaneEgressMode"]
        raise invalid(f"The control plane egress mode cannot be changed from {was} to {asked}")
    judge_routed(call, record["roleArn"], present["vpcId"])
    return {"resourcesVpcConfig": {**present, "controlPlaneEgressMode": asked}}, {"ControlPlaneEgressMode": asked}


def _logging(call: Call, record: Record) -> Change:
    judge_logging(call.get("logging"))
    chosen = logging_of(call.get("logging"), record["logging"])
    if chosen == record["logging"]:
        raise invalid("No changes needed for the logging config provided")
    ensure_log_group(call.account, call.region, {**record, "logging": chosen})
    return {"logging": chosen}, {"ClusterLogging": chosen}


def _access(call: Call, record: Record) -> Change:
    present, asked = record["accessConfig"]["authenticationMode"], call.get("accessConfig").get("authenticationMode")
    if present == asked:
        raise _same(f"authentication mode {asked}")
    if asked is None or MODES.index(asked) < MODES.index(present):
        raise invalid(f"Unsupported authentication mode update from {present} to {asked}")
    return {"accessConfig": {"authenticationMode": asked}}, {"AuthenticationMode": asked}


def _upgrade_policy(call: Call, record: Record) -> Change:
    asked = call.get("upgradePolicy")
    if asked == record["upgradePolicy"]:
        raise _same(f"support type {asked.get('supportType')}")
    if versions.support(record["version"], versions.today()) != "standard-support":
        raise bad_request("The support type can only be changed while the version is in standard support")
    return {"upgradePolicy": asked}, {"UpgradePolicy": asked}


def _auto_mode(call: Call, record: Record) -> Change:
    judge_auto_mode(call)
    return _plain(*_AUTO_MODE)(call, record)


def _plain(*members: str) -> Callable[[Call, Record], Change]:
    def change(call: Call, record: Record) -> Change:
        chosen = {member: call.get(member) for member in members if member in call.params}
        chosen = {name: {**(record.get(name) or {}), **x} if isinstance(x, dict) else x for name, x in chosen.items()}
        if all(record.get(member) == value for member, value in chosen.items()):
            raise _same(", ".join(chosen))
        return chosen, {member[0].upper() + member[1:]: value for member, value in chosen.items()}

    return change


# update type: (the request's members that ask for it, how it changes the record)
CHANGES: dict[str, tuple[tuple[str, ...], Callable[[Call, Record], Change]]] = {
    "EndpointAccessUpdate": (_ENDPOINTS, _endpoints),
    "VpcConfigUpdate": (_NETWORK, _network),
    "ControlPlaneEgressUpdate": (("controlPlaneEgressMode",), _egress),
    "LoggingUpdate": (("logging",), _logging),
    "AccessConfigUpdate": (("accessConfig",), _access),
    "UpgradePolicyUpdate": (("upgradePolicy",), _upgrade_policy),
    "ZonalShiftConfigUpdate": (("zonalShiftConfig",), _plain("zonalShiftConfig")),
    "AutoModeUpdate": (_AUTO_MODE, _auto_mode),
    "RemoteNetworkConfigUpdate": (("remoteNetworkConfig",), _plain("remoteNetworkConfig")),
    "DeletionProtectionUpdate": (("deletionProtection",), _plain("deletionProtection")),
    "ControlPlaneScalingConfigUpdate": (("controlPlaneScalingConfig",), _plain("controlPlaneScalingConfig")),
    "ControlPlaneComponentConfigUpdate": (COMPONENTS, _plain(*COMPONENTS)),
}


@answers("eks", "UpdateClusterConfig")
def update_config(call: Call) -> dict[str, Any]:
    """Change one thing of a cluster; what the request leaves out stays as it is."""
    record = cluster(call)
    named = {*call.params, *call.get("resourcesVpcConfig", {})}
    asked = [kind for kind, (members, _) in CHANGES.items() if named & set(members)]
    if not asked:
        raise invalid("The type for cluster update was not provided.")
    if len(asked) > 1:
        raise invalid(f"Only one type of update can be allowed. Types requested: {', '.join(asked)}")
    refuse_while_busy(call, CLUSTER, record["name"])
    change, params = CHANGES[asked[0]][1](call, record)
    _repair_group(call, record)
    return begin(call, CLUSTER, record, change, asked[0], **params)


def _repair_group(call: Call, record: Record) -> None:
    """With each update EKS puts its own rule back into the cluster group."""
    backend = call.backend("ec2")
    group = backend.get_security_group_from_id(held_by(kept(call), record)["group"])
    if group is not None:
        admit_itself(backend, group)


@answers("eks", "UpdateClusterVersion")
def update_version(call: Call) -> dict[str, Any]:
    """Go to the next minor version, when every node group is at the present one."""
    record, asked = cluster(call), call.get("version")
    present = record["version"]
    if asked == present:
        raise invalid(f"Cluster is already at version {asked}")
    if not versions.offered(asked) or versions.minor(asked) != versions.minor(present) + 1:
        raise invalid(f"Unsupported Kubernetes minor version update from {present} to {asked}")
    behind = [x["nodegroupName"] for x in parts(call, NODEGROUP) if x["version"] != present]
    if behind:
        message = "must be updated to match cluster version before updating cluster version"
        raise bad_request(f"Nodegroups {', '.join(behind)} {message}")
    params = {"Version": asked, "PlatformVersion": versions.PLATFORM}
    return begin(call, CLUSTER, record, {"version": asked}, "VersionUpdate", **params)


@answers("eks", "AssociateEncryptionConfig")
def encrypt(call: Call) -> dict[str, Any]:
    """Encrypt the secrets of a cluster with a customer's key, once and for good."""
    record, asked = cluster(call), call.get("encryptionConfig", [])
    if record["encryptionConfig"]:
        raise bad_request(f"Cluster {record['name']} already has an encryption configuration, which cannot be changed")
    judge_encryption(call, asked)
    change = {"encryptionConfig": asked}
    return begin(call, CLUSTER, record, change, "AssociateEncryptionConfig", EncryptionConfig=asked)
