"""Connections: nothing joins the VPC to another network, account or party unless it is registered (NET-11).

One row a kind of connection. Its items are read whole: one that names the VPC, or a part of it, anywhere concerns it,
so that a member which AWS adds later cannot hide a connection. Registered is what ``adopt`` names by its id.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from airgap.checks.check import check
from airgap.checks.scope import (
    INTERFACE_READS,
    SUBNET_READS,
    Item,
    Populated,
    all_subnets,
    every,
    strings,
    vpc_ids,
    with_interfaces,
)
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent


class Sort(NamedTuple):
    """A sort of connection: its name, the call and list that show it, and where its id and state stand."""

    title: str
    call: str
    items: str
    id: str
    state: str = "State"


_OVER = ("delet", "reject", "fail", "expir", "detached", "disassociated", "disconnected", "withdrawn", "revoked")
SORTS = (
    Sort("VPC peering", "ec2:DescribeVpcPeeringConnections", "VpcPeeringConnections", "VpcPeeringConnectionId",
         "Status.Code"),
    Sort("transit gateway attachment", "ec2:DescribeTransitGatewayAttachments", "TransitGatewayAttachments",
         "TransitGatewayAttachmentId"),
    Sort("virtual private gateway", "ec2:DescribeVpnGateways", "VpnGateways", "VpnGatewayId"),
    Sort("site-to-site VPN", "ec2:DescribeVpnConnections", "VpnConnections", "VpnConnectionId"),
    Sort("client VPN", "ec2:DescribeClientVpnEndpoints", "ClientVpnEndpoints", "ClientVpnEndpointId", "Status.Code"),
    Sort("Direct Connect gateway association", "directconnect:DescribeDirectConnectGatewayAssociations",
         "directConnectGatewayAssociations", "associationId", "associationState"),
    Sort("carrier gateway", "ec2:DescribeCarrierGateways", "CarrierGateways", "CarrierGatewayId"),
    Sort("local gateway", "ec2:DescribeLocalGatewayRouteTableVpcAssociations",
         "LocalGatewayRouteTableVpcAssociations", "LocalGatewayRouteTableVpcAssociationId"),
    Sort("Cloud WAN attachment", "networkmanager:ListAttachments", "Attachments", "AttachmentId"),
    Sort("Oracle Database@AWS peering", "odb:ListOdbPeeringConnections", "odbPeeringConnections",
         "odbPeeringConnectionId", "status"),
    Sort("route server", "ec2:DescribeRouteServerEndpoints", "RouteServerEndpoints", "RouteServerEndpointId"),
    Sort("VPC Lattice service network", "vpc-lattice:ListServiceNetworkVpcAssociations", "items", "id", "status"),
    Sort("VPC Lattice resource gateway", "vpc-lattice:ListResourceGateways", "items", "id", "status"),
    Sort("endpoint service offered to others", "ec2:DescribeVpcEndpointServiceConfigurations",
         "ServiceConfigurations", "ServiceId", "ServiceState"),
    Sort("Instance Connect endpoint", "ec2:DescribeInstanceConnectEndpoints", "InstanceConnectEndpoints",
         "InstanceConnectEndpointId"),
    Sort("Verified Access endpoint", "ec2:DescribeVerifiedAccessEndpoints", "VerifiedAccessEndpoints",
         "VerifiedAccessEndpointId", "Status.Code"),
    Sort("traffic mirroring", "ec2:DescribeTrafficMirrorSessions", "TrafficMirrorSessions", "TrafficMirrorSessionId"),
    Sort("security group association with another VPC", "ec2:DescribeSecurityGroupVpcAssociations",
         "SecurityGroupVpcAssociations", "GroupId"),
    Sort("permission on a network interface", "ec2:DescribeNetworkInterfacePermissions",
         "NetworkInterfacePermissions", "NetworkInterfacePermissionId", "PermissionState.State"),
    Sort("secondary network", "ec2:DescribeSecondaryInterfaces", "SecondaryInterfaces", "SecondaryInterfaceId",
         "Status"),
    Sort("API Gateway VPC link", "apigatewayv2:GetVpcLinks", "Items", "VpcLinkId", "VpcLinkStatus"),
)  # fmt: skip

# What is a part of the VPC, by which a connection may name it.
PARTS = (
    ("ec2:DescribeSubnets", "Subnets", "SubnetId"),
    ("ec2:DescribeNetworkInterfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ("ec2:DescribeSecurityGroups", "SecurityGroups", "GroupId"),
    ("ec2:DescribeVpnGateways", "VpnGateways", "VpnGatewayId"),
    ("elbv2:DescribeLoadBalancers", "LoadBalancers", "LoadBalancerArn"),
)


def parts(intent: Intent, estate: Estate) -> set[str]:
    """Return the ids of the VPC and of what is a part of it."""
    ours = vpc_ids(intent, estate)
    found = set(ours)
    for call, items, path in PARTS:
        found.update(str(one[path]) for one in every(estate, call, items) if not ours.isdisjoint(strings(one)))
    return found


def concerns(item: Item, known: set[str]) -> bool:
    """Tell whether any text of an item is, or ends as an ARN in, one of the known ids."""
    return any(one in known or one.rpartition("/")[2] in known for one in strings(item))


def _sorts(intent: Intent, estate: Estate) -> list[tuple[str, tuple[Sort, set[str]]]]:
    known = parts(intent, estate)
    return [(sort.title, (sort, known)) for sort in SORTS] if known else []


@check(
    "connections-registered",
    "No connection of this sort joins the VPC to anything that is not registered",
    severity="critical",
    properties=("NET-11",),
    reads=("ec2:DescribeVpcs", *(call for call, _, _ in PARTS), *(sort.call for sort in SORTS)),
    remedy="remove the connection, or register its id under adopt",
    over=_sorts,
)
def registered(item: tuple[Sort, set[str]], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each standing connection of the sort that concerns the VPC."""
    sort, known = item
    for one in every(estate, sort.call, sort.items):
        identity, state = str(dig(one, sort.id)), str(dig(one, sort.state) or "")
        over = state.lower().startswith(_OVER)
        if not over and identity not in intent.adopt.values() and concerns(one, known):
            yield f"{sort.title} {identity} ({state or 'state unknown'})"


@check(
    "connections-shares",
    "Nothing of the environment is shared with an account out of scope",
    severity="critical",
    properties=("NET-11",),
    reads=(*SUBNET_READS, "ram:GetResourceShareAssociations"),
    remedy="delete the resource share",
    over=lambda intent, estate: [(f"account:{intent.account}", parts_shared(intent, estate))],
)
def shares(known: set[str], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each principal out of scope that a share of ours admits; in an account of our own, of any share."""
    resources = _associations(estate, "RESOURCE")
    ours = {one["resourceShareArn"] for one in resources if intent.exclusive_account or concerns(one, known)}
    for one in _associations(estate, "PRINCIPAL"):
        if one["resourceShareArn"] in ours and one.get("associatedEntity") not in intent.accounts:
            yield f"the share {one.get('resourceShareName')} admits {one.get('associatedEntity')}"


def parts_shared(intent: Intent, estate: Estate) -> set[str]:
    """Return the ids of the VPC and its subnets, by which a share may name them."""
    return vpc_ids(intent, estate) | {one["SubnetId"] for _, one in all_subnets(intent, estate)}


def _associations(estate: Estate, sort: str) -> list[Item]:
    found = estate.items("ram:GetResourceShareAssociations", "resourceShareAssociations", associationType=sort)
    return [one for one in found if not str(one.get("status", "")).lower().startswith(_OVER)]


@check(
    "connections-owned",
    "The subnet and every interface in it belong to accounts in scope, or to AWS's own services",
    severity="high",
    properties=("NET-11",),
    reads=INTERFACE_READS,
    remedy="remove the foreign interface; do not share the subnet",
    over=with_interfaces(all_subnets),
)
def owned(place: Populated, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the subnet, or an interface in it, is another account's."""
    if place.subnet.get("OwnerId", intent.account) not in intent.accounts:
        yield f"it belongs to the account {place.subnet['OwnerId']}"
    for one in place.interfaces:
        if one.get("OwnerId", intent.account) not in intent.accounts:
            yield f"interface {one['NetworkInterfaceId']} belongs to the account {one['OwnerId']}"


CHECKS = (registered, shares, owned)
