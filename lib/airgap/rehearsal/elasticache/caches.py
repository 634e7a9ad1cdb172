"""Replication groups and their nodes: made in minutes, changed one thing at a time, deleted with their nodes."""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.elasticache.snapshots import take
from airgap.rehearsal.elasticache.state import (
    CACHE,
    GROUP,
    NODE,
    SERVICE,
    SUBNETS,
    free,
    kept,
    listed,
    one,
    shown,
    tags,
)
from airgap.rehearsal.hook import answers, before
from airgap.rehearsal.mends.addresses import managed_interface, release
from airgap.rehearsal.store import Record, new_id, now, store
from airgap.rehearsal.wire import Call, Refusal

HELD = "held"
VERSIONS = {"valkey": "8.1", "redis": "7.1"}
# Parameters of a change that are members of the answer, by their other name.
_MEMBERS = {
    "ReplicationGroupDescription": "Description",
    "CacheNodeType": "CacheNodeType",
    "SnapshotRetentionLimit": "SnapshotRetentionLimit",
    "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "TransitEncryptionEnabled": "TransitEncryptionEnabled",
    "TransitEncryptionMode": "TransitEncryptionMode",
}


def _combination(message: str) -> Refusal:
    return Refusal("InvalidParameterCombination", message)


def _judge(call: Call, replicas: int) -> None:
    if call.get("MultiAZEnabled") and not call.get("AutomaticFailoverEnabled"):
        raise _combination("Multi-AZ needs automatic failover")
    if call.get("AutomaticFailoverEnabled") and replicas < 1:
        raise _combination("Automatic failover needs a replica")
    if call.get("UserGroupIds") and not call.get("TransitEncryptionEnabled"):
        raise _combination("User groups need encryption in transit")
    if call.get("Engine") not in VERSIONS:
        raise Refusal("InvalidParameterValue", f"{call.get('Engine')} is not an engine of replication groups")
    for group in call.get("UserGroupIds", []):
        one(call, GROUP, group)


def _deliveries(call: Call) -> list[Record]:
    """Logs are delivered to groups that exist."""
    asked = call.get("LogDeliveryConfigurations", [])
    for each in asked:
        group = each.get("DestinationDetails", {}).get("CloudWatchLogsDetails", {}).get("LogGroup")
        if group and group not in call.backend("logs").groups:
            raise Refusal("InvalidParameterValue", f"The log group {group} does not exist")
    return [{**each, "Status": "active"} for each in asked if each.get("Enabled") is not False]


def _node(call: Call, cache: Record, name: str, zone: str, groups: list[str]) -> Record:
    engine = cache["Engine"]
    version = VERSIONS[engine]
    family = f"default.{engine}{version.partition('.')[0]}"
    return {
        "CacheClusterId": name,
        "CacheNodeType": cache["CacheNodeType"],
        "Engine": engine,
        "EngineVersion": f"{version}.0",
        "CacheClusterStatus": "creating",
        "NumCacheNodes": 1,
        "PreferredAvailabilityZone": zone,
        "CacheClusterCreateTime": now(),
        "PreferredMaintenanceWindow": "sun:05:00-sun:06:00",
        "PendingModifiedValues": {},
        "CacheSecurityGroups": [],
        "CacheParameterGroup": {"CacheParameterGroupName": family, "ParameterApplyStatus": "in-sync"},
        "CacheSubnetGroupName": cache["_subnets"],
        "AutoMinorVersionUpgrade": cache["AutoMinorVersionUpgrade"],
        "SecurityGroups": [{"SecurityGroupId": group, "Status": "active"} for group in groups],
        "ReplicationGroupId": cache["ReplicationGroupId"],
        "SnapshotRetentionLimit": 0,
        "AuthTokenEnabled": False,
        "TransitEncryptionEnabled": cache["TransitEncryptionEnabled"],
        "AtRestEncryptionEnabled": cache["AtRestEncryptionEnabled"],
        "ARN": call.arn(f"cluster:{name}"),
        "ReplicationGroupLogDeliveryEnabled": bool(cache["LogDeliveryConfigurations"]),
        "NetworkType": "ipv4",
        "IpDiscovery": "ipv4",
        "_tags": dict(cache["_tags"]),
    }


def _settle(call: Call, cache: Record, change: Record) -> None:
    """Let a cache and its nodes be busy until the operation's seconds are over; then the change is made."""
    operation = f"{SERVICE}:{call.operation}"
    cache["Status"] = "creating" if call.operation.startswith("Create") else "modifying"
    kept(call).later(CACHE, cache["ReplicationGroupId"], operation, {"Status": "available", **change})
    for name in cache["MemberClusters"]:
        node = one(call, NODE, name)
        node["CacheClusterStatus"] = cache["Status"]
        kept(call).later(NODE, name, operation, {"CacheClusterStatus": "available"})


def _members(call: Call, cache: Record, nodes: int, groups: list[str]) -> None:
    """Put the nodes into the zones of the subnet group in turn, each with an interface."""
    subnets = one(call, SUBNETS, cache["_subnets"])["Subnets"]
    address = f"{cache['ReplicationGroupId']}.{new_id('', 6)}.{call.region}.cache.amazonaws.com"
    members = []
    for number in range(nodes):
        name, place = f"{cache['ReplicationGroupId']}-{number + 1:03}", subnets[number % len(subnets)]
        zone = place["SubnetAvailabilityZone"]["Name"]
        kept(call).put(NODE, name, _node(call, cache, name, zone, groups))
        ends = call.backend("ec2"), place["SubnetIdentifier"], "interface", f"ElastiCache {name}", groups
        kept(call).put(HELD, name, {"name": name, "interface": managed_interface(*ends).id})
        role = "replica" if number else "primary"
        members.append(
            {
                "CacheClusterId": name,
                "CacheNodeId": "0001",
                "PreferredAvailabilityZone": zone,
                "CurrentRole": role,
                "ReadEndpoint": {"Address": f"{name}.{address}", "Port": cache["_port"]},
            }
        )
    cache["MemberClusters"] = [member["CacheClusterId"] for member in members]
    cache["NodeGroups"] = [
        {
            "NodeGroupId": "0001",
            "Status": "available",
            "PrimaryEndpoint": {"Address": f"master.{address}", "Port": cache["_port"]},
            "ReaderEndpoint": {"Address": f"replica.{address}", "Port": cache["_port"]},
            "NodeGroupMembers": members,
        }
    ]


@answers(SERVICE, "CreateReplicationGroup")
def create(call: Call) -> dict[str, Any]:
    """Make a cache of one shard with its nodes."""
    name = free(call, CACHE, "ReplicationGroupAlreadyExists")
    nodes = int(call.get("NumCacheClusters") or int(call.get("ReplicasPerNodeGroup", 0)) + 1)
    _judge(call, nodes - 1)
    tls = bool(call.get("TransitEncryptionEnabled"))
    record: Record = {
        "ReplicationGroupId": name,
        "Description": call.get("ReplicationGroupDescription"),
        "Status": "creating",
        "PendingModifiedValues": {},
        "AutomaticFailover": "enabled" if call.get("AutomaticFailoverEnabled") else "disabled",
        "MultiAZ": "enabled" if call.get("MultiAZEnabled") else "disabled",
        "SnapshotRetentionLimit": int(call.get("SnapshotRetentionLimit", 0)),
        "SnapshotWindow": "03:00-04:00",
        "ClusterEnabled": False,
        "CacheNodeType": call.get("CacheNodeType"),
        "AuthTokenEnabled": bool(call.get("AuthToken")),
        "TransitEncryptionEnabled": tls,
        "AtRestEncryptionEnabled": bool(call.get("AtRestEncryptionEnabled")),
        "ARN": call.arn(f"replicationgroup:{name}"),
        "UserGroupIds": list(call.get("UserGroupIds", [])),
        "LogDeliveryConfigurations": _deliveries(call),
        "ReplicationGroupCreateTime": now(),
        "DataTiering": "disabled",
        "AutoMinorVersionUpgrade": call.get("AutoMinorVersionUpgrade", True),
        "NetworkType": "ipv4",
        "IpDiscovery": "ipv4",
        "ClusterMode": "disabled",
        "Engine": call.get("Engine"),
        "_subnets": one(call, SUBNETS, call.get("CacheSubnetGroupName", "default"))["CacheSubnetGroupName"],
        "_port": int(call.get("Port", 6379)),
        "_tags": tags(call),
    }
    record |= {"TransitEncryptionMode": call.get("TransitEncryptionMode", "required")} if tls else {}
    record |= {"KmsKeyId": call.get("KmsKeyId")} if call.get("KmsKeyId") else {}
    _members(call, kept(call).put(CACHE, name, record), nodes, list(call.get("SecurityGroupIds", [])))
    _settle(call, record, {})
    return {"ReplicationGroup": shown(record)}


@answers(SERVICE, "DescribeReplicationGroups")
def describe(call: Call) -> dict[str, Any]:
    """Return all replication groups, or one."""
    return {"ReplicationGroups": listed(call, CACHE)}


@answers(SERVICE, "DescribeCacheClusters")
def describe_nodes(call: Call) -> dict[str, Any]:
    """Return all nodes, or one."""
    return {"CacheClusters": listed(call, NODE)}


def _available(call: Call) -> Record:
    cache = one(call, CACHE)
    if cache["Status"] != "available":
        message = f"Replication group {cache['ReplicationGroupId']} is {cache['Status']}."
        raise Refusal("InvalidReplicationGroupState", message)
    return cache


def _in_transit(call: Call, cache: Record) -> None:
    """TLS comes in two changes: clients in the clear are tolerated first, and refused later."""
    turned_on = call.get("TransitEncryptionEnabled") is True and not cache["TransitEncryptionEnabled"]
    if turned_on and call.get("TransitEncryptionMode") != "preferred":
        raise _combination("Transit encryption is first turned on in the mode preferred")


@answers(SERVICE, "ModifyReplicationGroup")
def modify(call: Call) -> dict[str, Any]:
    """Change a cache that is not being changed; it is busy for a while."""
    cache = _available(call)
    _in_transit(call, cache)
    change = {member: call.get(name) for name, member in _MEMBERS.items() if call.get(name) is not None}
    for name, member in (("AutomaticFailoverEnabled", "AutomaticFailover"), ("MultiAZEnabled", "MultiAZ")):
        if call.get(name) is not None:
            change[member] = "enabled" if call.get(name) else "disabled"
    groups = [x for x in cache["UserGroupIds"] if x not in call.get("UserGroupIdsToRemove", [])]
    change["UserGroupIds"] = [] if call.get("RemoveUserGroups") else [*groups, *call.get("UserGroupIdsToAdd", [])]
    if call.get("LogDeliveryConfigurations"):
        change["LogDeliveryConfigurations"] = _deliveries(call)
    for name in cache["MemberClusters"] if call.get("SecurityGroupIds") else ():
        wanted = call.get("SecurityGroupIds")
        one(call, NODE, name)["SecurityGroups"] = [{"SecurityGroupId": x, "Status": "active"} for x in wanted]
    _settle(call, cache, change)
    return {"ReplicationGroup": shown(cache)}


@answers(SERVICE, "TestFailover")
def fail_over(call: Call) -> dict[str, Any]:
    """Make the first replica the primary."""
    cache = _available(call)
    shard = next((x for x in cache["NodeGroups"] if x["NodeGroupId"] == call.get("NodeGroupId")), None)
    if shard is None:
        raise Refusal("NodeGroupNotFoundFault", f"Node group {call.get('NodeGroupId')} not found", 404)
    if cache["AutomaticFailover"] != "enabled":
        raise Refusal("APICallRateForCustomerExceeded", "Automatic failover is not enabled")
    members = shard["NodeGroupMembers"]
    turned = {"primary": "replica", "replica": "primary"}
    for member in [next(x for x in members if x["CurrentRole"] == role) for role in turned]:
        member["CurrentRole"] = turned[member["CurrentRole"]]
    _settle(call, cache, {})
    return {"ReplicationGroup": shown(cache)}


@answers(SERVICE, "DeleteReplicationGroup")
def delete(call: Call) -> dict[str, Any]:
    """Delete a cache with its nodes, after a last snapshot where one is wanted."""
    cache = _available(call)
    if call.get("FinalSnapshotIdentifier"):
        take(call, cache, call.get("FinalSnapshotIdentifier"))
    cache["Status"] = "deleting"
    operation = f"{SERVICE}:{call.operation}"
    kept(call).later(CACHE, cache["ReplicationGroupId"], operation, None)
    for name in cache["MemberClusters"]:
        one(call, NODE, name)["CacheClusterStatus"] = "deleting"
        kept(call).later(NODE, name, operation, None)
    return {"ReplicationGroup": shown(cache)}


@before("ec2", "*")
def give_back(call: Call) -> None:
    """A node that is gone leaves no interface; one that is there has the groups of its node."""
    held, backend = store(call.account, call.region, SERVICE), call.backend("ec2")
    for one_held in held.all(HELD):
        node = held.get(NODE, one_held["name"])
        if node is None:
            release(backend, one_held["interface"])
            held.remove(HELD, one_held["name"])
