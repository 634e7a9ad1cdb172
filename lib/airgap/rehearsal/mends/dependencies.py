"""What EC2 does not delete or detach because something still uses it, in the words of EC2's error codes.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from airgap.rehearsal.hook import before
from airgap.rehearsal.store import store
from airgap.rehearsal.wire import Call, Refusal


def _violation(message: str) -> Refusal:
    return Refusal("DependencyViolation", message)


def _refuse_first(holders: Iterable[str], message: str) -> None:
    for holder in holders:
        raise _violation(f"{message} ({holder})")


@before("ec2", "DeleteVpc")
def delete_vpc(call: Call) -> None:
    """A VPC goes last: nothing but its main route table, default group and default ACL may be left."""
    vpc_id = call.get("VpcId")
    backend = call.backend("ec2")
    if vpc_id in backend.vpcs:
        message = f"The vpc '{vpc_id}' has dependencies and cannot be deleted."
        _refuse_first(_of_vpc(backend, vpc_id), message)
        firewall = store(call.account, call.region, "route53resolver").all("association")
        _refuse_first((x["Id"] for x in firewall if x["VpcId"] == vpc_id), message)


def _of_vpc(backend: Any, vpc_id: str) -> Iterator[str]:
    """Yield the ids of what keeps a VPC from being deleted."""
    yield from (x.id for zone in backend.subnets.values() for x in zone.values() if x.vpc_id == vpc_id)
    yield from (x.id for x in backend.groups.get(vpc_id, {}).values() if not x.is_default)
    tables = [x for x in backend.route_tables.values() if x.vpc_id == vpc_id]
    yield from (x.id for x in tables if not x.main_association_id)
    yield from (x.id for x in backend.network_acls.values() if x.vpc_id == vpc_id and str(x.default).lower() != "true")
    gateways = [*backend.internet_gateways.values(), *backend.egress_only_internet_gateways.values()]
    yield from (x.id for x in gateways if _attached(x) == vpc_id)
    yield from (x.id for x in backend.vpc_end_points.values() if x.vpc_id == vpc_id)
    peers = (x for x in backend.vpc_pcxs.values() if x._status.code in ("active", "pending-acceptance"))
    yield from (x.id for x in peers if vpc_id in (x.vpc.id, x.peer_vpc.id))


def _attached(gateway: Any) -> str | None:
    vpc = getattr(gateway, "vpc", None)
    return vpc.id if vpc is not None else getattr(gateway, "vpc_id", None)


@before("ec2", "DeleteSubnet")
def delete_subnet(call: Call) -> None:
    """A subnet with network interfaces stays."""
    subnet = call.get("SubnetId")
    message = f"The subnet '{subnet}' has dependencies and cannot be deleted."
    _refuse_first((x.id for x in call.backend("ec2").enis.values() if x.subnet.id == subnet), message)


@before("ec2", "DeleteSecurityGroup")
def delete_group(call: Call) -> None:
    """A group stays while an interface is in it, an endpoint names it or another group's rule refers to it."""
    backend = call.backend("ec2")
    group = backend.get_security_group_from_id(call.get("GroupId", ""))
    if group is None:
        return
    if group.is_default:
        raise Refusal("CannotDelete", f'the specified group: "{group.id}" name: "default" cannot be deleted by a user')
    message = f"resource {group.id} has a dependent object"
    _refuse_first((x.id for x in backend.enis.values() if group in x.group_set), message)
    _refuse_first((x.id for x in backend.vpc_end_points.values() if group.id in x.security_group_ids), message)
    others = [x for vpc in backend.groups.values() for x in vpc.values() if x.id != group.id]
    _refuse_first((x.id for x in others if group.id in _referred(x)), message)


def _referred(group: Any) -> set[str]:
    rules = [*group.ingress_rules, *group.egress_rules]
    return {rule.source_group.get("GroupId", "") for rule in rules}


@before("ec2", "DetachInternetGateway")
def detach_gateway(call: Call) -> None:
    """An internet gateway stays while the VPC has mapped public addresses."""
    backend, vpc_id = call.backend("ec2"), call.get("VpcId")
    public = (x.public_ip for x in backend.enis.values() if x.subnet.vpc_id == vpc_id)
    mapped = (x.public_ip for x in backend.addresses if x.eni is not None and x.eni.subnet.vpc_id == vpc_id)
    message = f"Network {vpc_id} has some mapped public address(es). Please unmap those public address(es) before "
    _refuse_first((x for x in (*public, *mapped) if x), message + "detaching the gateway.")


@before("ec2", "DeleteInternetGateway")
def delete_gateway(call: Call) -> None:
    """An attached internet gateway stays."""
    gateway = call.backend("ec2").internet_gateways.get(call.get("InternetGatewayId"))
    if gateway is not None and gateway.vpc is not None:
        raise _violation(f"The internetGateway '{gateway.id}' has dependencies and cannot be deleted.")


@before("ec2", "AttachInternetGateway")
def attach_gateway(call: Call) -> None:
    """A gateway is attached to one VPC, and a VPC has one gateway."""
    backend, vpc_id = call.backend("ec2"), call.get("VpcId")
    gateway = backend.internet_gateways.get(call.get("InternetGatewayId"))
    if gateway is not None and gateway.vpc is not None:
        message = f"resource {gateway.id} is already attached to network {gateway.vpc.id}"
        raise Refusal("Resource.AlreadyAssociated", message)
    if any(_attached(x) == vpc_id for x in backend.internet_gateways.values()):
        raise Refusal("InvalidParameterValue", f"Network {vpc_id} already has an internet gateway attached")


@before("ec2", "DeleteRouteTable")
def delete_table(call: Call) -> None:
    """A route table with associations, or the main one, stays."""
    table = call.backend("ec2").route_tables.get(call.get("RouteTableId"))
    if table is not None and (table.associations or table.main_association_id):
        raise _violation(f"The routeTable '{table.id}' has dependencies and cannot be deleted.")


@before("ec2", "DeleteNetworkAcl")
def delete_acl(call: Call) -> None:
    """A network ACL with associated subnets, or the default one, stays."""
    acl = call.backend("ec2").network_acls.get(call.get("NetworkAclId"))
    if acl is None:
        return
    if str(acl.default).lower() == "true":
        raise Refusal("Client.CannotDelete", f"You cannot delete the default network ACL {acl.id}")
    if acl.associations:
        raise _violation(f"The networkAcl '{acl.id}' has dependencies and cannot be deleted.")


@before("ec2", "DeleteDhcpOptions")
def delete_dhcp_options(call: Call) -> None:
    """DHCP options that a VPC uses stay."""
    identifier = call.get("DhcpOptionsId")
    users = [x.id for x in call.backend("ec2").vpcs.values() if x.dhcp_options and x.dhcp_options.id == identifier]
    _refuse_first(users, f"The dhcpOptions '{identifier}' has dependencies and cannot be deleted.")


@before("ec2", "ReleaseAddress")
def release_address(call: Call) -> None:
    """An address in use stays."""
    for address in call.backend("ec2").addresses:
        if address.allocation_id == call.get("AllocationId") and address.association_id:
            message = f"Address with allocation id [{address.allocation_id}] is in use and cannot be released."
            raise Refusal("InvalidIPAddress.InUse", message)


@before("ec2", "CreateRoute", "ReplaceRoute")
def route_target(call: Call) -> None:
    """The gateway of a route exists and is attached to the VPC of the table."""
    backend = call.backend("ec2")
    table = backend.route_tables.get(call.get("RouteTableId"))
    gateway_id, nat = call.get("GatewayId", ""), call.get("NatGatewayId")
    if table is None:
        return
    if nat and nat not in backend.nat_gateways:
        raise Refusal("InvalidNatGatewayID.NotFound", f"The natGateway ID '{nat}' does not exist")
    if not gateway_id.startswith("igw-"):
        return
    gateway = backend.internet_gateways.get(gateway_id)
    if gateway is None:
        raise Refusal("InvalidGatewayID.NotFound", f"The gateway ID '{gateway_id}' does not exist")
    if _attached(gateway) != table.vpc_id:
        message = f"route table {table.id} and network gateway {gateway_id} belong to different networks"
        raise Refusal("InvalidParameterValue", message)
