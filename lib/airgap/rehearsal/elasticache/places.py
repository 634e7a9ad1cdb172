"""Subnet groups: in which subnets of one VPC the nodes of a cache stand."""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.elasticache.state import CACHE, SERVICE, SUBNETS, free, kept, listed, one, shown, tags
from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Record
from airgap.rehearsal.wire import Call, Refusal


def _placed(call: Call) -> Record:
    backend = call.backend("ec2")
    known = {subnet.id: subnet for subnet in backend.describe_subnets()}
    wanted = call.get("SubnetIds", [])
    missing = [one for one in wanted if one not in known]
    if missing or not wanted:
        raise Refusal("InvalidSubnet", f"The subnet ID {missing} does not exist")
    vpcs = {known[one].vpc_id for one in wanted}
    if len(vpcs) > 1:
        raise Refusal("InvalidParameterValue", "The subnets of a cache subnet group stand in one VPC")
    subnets = [
        {
            "SubnetIdentifier": one,
            "SubnetAvailabilityZone": {"Name": known[one].availability_zone},
            "SupportedNetworkTypes": ["ipv4"],
        }
        for one in wanted
    ]
    return {"VpcId": vpcs.pop(), "Subnets": subnets, "SupportedNetworkTypes": ["ipv4"]}


@answers(SERVICE, "CreateCacheSubnetGroup")
def create(call: Call) -> dict[str, Any]:
    """Make a subnet group of subnets that exist."""
    name = free(call, SUBNETS, "CacheSubnetGroupAlreadyExists")
    record = {
        "CacheSubnetGroupName": name,
        "CacheSubnetGroupDescription": call.get("CacheSubnetGroupDescription"),
        "ARN": call.arn(f"subnetgroup:{name}"),
        **_placed(call),
        "_tags": tags(call),
    }
    return {"CacheSubnetGroup": shown(kept(call).put(SUBNETS, name, record))}


@answers(SERVICE, "DescribeCacheSubnetGroups")
def describe(call: Call) -> dict[str, Any]:
    """Return all subnet groups, or one."""
    return {"CacheSubnetGroups": listed(call, SUBNETS)}


@answers(SERVICE, "ModifyCacheSubnetGroup")
def modify(call: Call) -> dict[str, Any]:
    """Change description and subnets."""
    record = one(call, SUBNETS)
    if call.get("CacheSubnetGroupDescription"):
        record["CacheSubnetGroupDescription"] = call.get("CacheSubnetGroupDescription")
    if call.get("SubnetIds"):
        record.update(_placed(call))
    return {"CacheSubnetGroup": shown(record)}


@answers(SERVICE, "DeleteCacheSubnetGroup")
def delete(call: Call) -> None:
    """Delete a subnet group in which no cache stands."""
    name = one(call, SUBNETS)["CacheSubnetGroupName"]
    if any(cache["_subnets"] == name for cache in kept(call).all(CACHE)):
        raise Refusal("CacheSubnetGroupInUse", f"Cache subnet group {name} is currently in use by a cache cluster.")
    kept(call).remove(SUBNETS, name)
