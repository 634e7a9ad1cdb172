"""What EKS has in the account for a control plane: its security group, its interfaces and its log group."""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.eks.state import CLUSTER, SERVICE
from airgap.rehearsal.hook import before
from airgap.rehearsal.mends.addresses import managed_interface, release
from airgap.rehearsal.store import Record, Store, new_id, store
from airgap.rehearsal.wire import Call, backend_of

HELD = "held"
INTERFACES = 2


def occupy(call: Call, record: Record) -> None:
    """Create the cluster's security group, and interfaces in two of its subnets that have both its groups."""
    backend, network = call.backend("ec2"), record["resourcesVpcConfig"]
    group = _security_group(backend, record["name"], network["vpcId"])
    held = {"arn": record["arn"], "group": group.id, "interfaces": [], "id": record["_id"]}
    store(call.account, call.region, SERVICE).put(HELD, record["_id"], held)
    place(backend, held, record["name"], network)


def _security_group(backend: Any, name: str, vpc_id: str) -> Any:
    """EKS's group admits itself and, as every new group, sends anywhere."""
    description = (
        "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as any "
        "managed workloads."
    )
    named = f"eks-cluster-sg-{name}-{int(new_id('', 8), 16)}"
    tags = {"Name": named, "aws:eks:cluster-name": name, f"kubernetes.io/cluster/{name}": "owned"}
    group = backend.create_security_group(named, description, vpc_id, tags)
    admit_itself(backend, group)
    return group


def admit_itself(backend: Any, group: Any) -> None:
    """Put back the rule by which the cluster group admits itself, where it is missing."""
    own = [x for x in group.ingress_rules if x.source_group.get("GroupId") == group.id and x.ip_protocol == "-1"]
    if not own:
        backend.authorize_security_group_ingress(group.id, "-1", None, None, [], source_groups=[{"GroupId": group.id}])


def place(backend: Any, held: Record, name: str, network: Record) -> None:
    """Put the control plane's interfaces into subnets of two zones, with the cluster's groups."""
    for identifier in held["interfaces"]:
        release(backend, identifier)
    zones: dict[str, str] = {}
    for identifier in network["subnetIds"]:
        zones.setdefault(backend.get_subnet(identifier).availability_zone, identifier)
    groups = [held["group"], *network["securityGroupIds"]]
    held["interfaces"] = [
        managed_interface(backend, subnet, "interface", f"Amazon EKS {name}", groups).id
        for subnet in list(zones.values())[:INTERFACES]
    ]


def held_by(kept: Store, record: Record) -> Record:
    """Return what a cluster has in EC2: group, interfaces."""
    return kept.get(HELD, record["_id"]) or {"group": "", "interfaces": []}


@before("ec2", "*")
def give_back(call: Call) -> None:
    """A cluster that is gone leaves neither interfaces nor its group."""
    kept, backend = store(call.account, call.region, SERVICE), call.backend("ec2")
    alive = {record["_id"] for record in kept.all(CLUSTER)}
    for held in kept.all(HELD):
        if held["id"] in alive:
            continue
        for identifier in held["interfaces"]:
            release(backend, identifier)
        group = backend.get_security_group_from_id(held["group"])
        if group is not None and not any(group in x.group_set for x in backend.enis.values()):
            backend.groups[group.vpc_id].pop(group.id, None)
        kept.remove(HELD, held["id"])


@before("logs", "*")
def deliver_logs(call: Call) -> None:
    """A cluster that logs writes all the time: a log group that is missing comes back, without retention or key."""
    for record in store(call.account, call.region, SERVICE).all(CLUSTER):
        ensure_log_group(call.account, call.region, record)


def ensure_log_group(account: str, region: str, record: Record) -> None:
    """Create the log group of a cluster that logs, where nobody has."""
    logs = any(entry["enabled"] for entry in record["logging"]["clusterLogging"])
    backend, name = backend_of("logs", account, region), f"/aws/eks/{record['name']}/cluster"
    if logs and name not in backend.groups:
        backend.create_log_group(name, {})
