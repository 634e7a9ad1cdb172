"""Where one concrete packet goes next: longest prefix, transit gateway tables, VPNs, Block Public Access.

Sources: VPC User Guide, "Route priority"; Transit Gateways guide, "Route evaluation order"; VPC User Guide, "Block
public access to VPCs and subnets".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Optional

from airgap.egress.facts import Item
from airgap.egress.interfaces import Address
from airgap.egress.network import Network, live, propagated, rank, target

DYNAMIC = "dynamic"
"""The kind of a hop to a neighbour whose routes, announced by BGP, were not recorded."""
_ANNOUNCING = ("vpc", "direct-connect-gateway", "connect", "vpn")
"""Kinds of attachments in the order in which their propagated routes are tried ("Route evaluation order")."""


def best(
    network: Network, table: Item, destination: Address, assumed: list[str], prefer: str = ""
) -> tuple[Optional[Item], str]:
    """Return the route that decides for a destination, with its prefix; None where there is none.

    The longest prefix wins; of equal ones the static, then a prefix list's, then a propagated one. A propagated route
    never overrides the local one, however long its prefix. Of lists that overlap AWS takes any; ``prefer`` is a target.
    """
    found: list[tuple[int, int, Item, str]] = []
    local = False
    for route in table.get("Routes") or []:
        ranges = network.destinations(route)
        if ranges is None:
            assumed.append(f"prefix list {route.get('DestinationPrefixListId')} is not recorded: it holds nothing")
            continue
        for one in ranges:
            if destination.version == one.version and destination in one:
                local = local or target(route)[1] == "local"
                found.append((-one.prefixlen, rank(route), route, str(one)))
    standing = [one for one in found if not (local and propagated(one[2]))]
    if not standing:
        return None, ""
    first = min(one[:2] for one in standing)
    ties = sorted((one for one in standing if one[:2] == first), key=lambda one: target(one[2])[1] != prefer)
    if len(ties) > 1:
        names = " and ".join(target(one[2])[1] for one in ties)
        assumed.append(f"of routes that tie for {ties[0][3]}, to {names}, the first one is taken")
    return ties[0][2], ties[0][3]


def blocked(network: Network, subnet: Item, *, outbound: bool, answers_only: bool = False) -> bool:
    """Tell whether Block Public Access stands in the way of a subnet's traffic with the internet.

    ``answers_only``: it goes by a NAT or egress-only gateway, which let in nothing but answers; blocking ingress alone
    leaves those open.
    """
    home = network.facts.home(subnet)
    options = [one for one in network.facts.items("VpcBlockPublicAccessOptions") if network.facts.home(one) == home]
    mode = str(options[0].get("InternetGatewayBlockMode", "off")) if options else "off"
    if mode == "off" or (mode == "block-ingress" and answers_only):
        return False
    for one in network.facts.items("VpcBlockPublicAccessExclusions"):
        covers = str(one.get("ResourceArn", "")).rpartition("/")[2] in (subnet["SubnetId"], subnet["VpcId"])
        ready = str(one.get("State", "")).startswith(("create-complete", "update-complete"))
        allows = one.get("InternetGatewayExclusionMode")
        if covers and ready and (allows == "allow-bidirectional" or (allows == "allow-egress" and outbound)):
            return False
    return True


def vpn_forwards(network: Network, gateway: str, destination: Address) -> bool:
    """Tell whether a virtual private gateway may forward: only VPNs that all have static routes alone can say no."""
    vpns = [one for one in network.facts.where("VpnConnections", VpnGatewayId=gateway) if live(one)]
    if not vpns or not all((one.get("Options") or {}).get("StaticRoutesOnly") for one in vpns):
        return True
    routes = [each["DestinationCidrBlock"] for one in vpns for each in one.get("Routes") or []]
    return any(destination in ipaddress.ip_network(one) for one in routes)


def vpc_attachment(network: Network, gateway: str, vpc: str) -> Optional[Item]:
    """Return the live attachment of a VPC to a transit gateway."""
    found = network.facts.where("TransitGatewayVpcAttachments", TransitGatewayId=gateway, VpcId=vpc)
    return next((one for one in found if live(one)), None)


def attachment_subnet(network: Network, attachment: str, zone: str = "") -> Optional[Item]:
    """Return the subnet in which a VPC's transit gateway attachment stands: of several that of a zone, or the first."""
    item = network.facts.find("TransitGatewayVpcAttachments", "TransitGatewayAttachmentId", attachment) or {}
    found = [one for one in map(network.subnet, item.get("SubnetIds") or []) if one is not None]
    near = [one for one in found if zone and one.get("AvailabilityZone") == zone]
    return next(iter([*near, *found]), None)


def known_gateway(network: Network, gateway: str) -> bool:
    """Tell whether a transit gateway is recorded."""
    return network.facts.find("TransitGateways", "TransitGatewayId", gateway) is not None


def transit(network: Network, gateway: str, came_by: str, destination: Address) -> Optional[tuple[str, str, str]]:
    """Return (kind, resource, attachment) of the next hop of a packet that came into a transit gateway.

    None where the associated route table has no route for it, and nothing that announces routes by BGP.
    """
    table = _associated(network, gateway, came_by)
    found = sorted(_transit_routes(network, table, destination), key=lambda one: one[:2])
    return found[0][2] if found else _announced(network, table)


def _associated(network: Network, gateway: str, attachment: str) -> str:
    for one in network.facts.where("TransitGatewayAttachments", TransitGatewayId=gateway):
        if one.get("TransitGatewayAttachmentId") == attachment:
            return str((one.get("Association") or {}).get("TransitGatewayRouteTableId", ""))
    return ""


_Transit = Iterator[tuple[int, int, tuple[str, str, str]]]


def _transit_routes(network: Network, table: str, destination: Address) -> _Transit:
    """Yield every matching route with what decides: its length, then how it came into the table."""
    held = network.facts.find("TransitGatewayStaticRoutes", "TransitGatewayRouteTableId", table) or {}
    for route in held.get("Routes") or []:
        if not route.get("DestinationCidrBlock") or route.get("State") in ("deleting", "deleted"):
            continue
        block = ipaddress.ip_network(route["DestinationCidrBlock"])
        if destination.version == block.version and destination in block:
            first = (route.get("TransitGatewayAttachments") or [{}])[0]
            fixed = route.get("Type", "static") == "static"
            listed = bool(route.get("PrefixListId"))
            order = int(listed) if fixed else _order(str(first.get("ResourceType")))
            yield -block.prefixlen, order, _hop(first, route.get("State") == "blackhole")
    for one in _propagations(network, table):
        if one.get("ResourceType") == "vpc":
            for block in network.ranges(str(one.get("ResourceId"))):
                if destination.version == block.version and destination in block:
                    yield -block.prefixlen, _order("vpc"), _hop(one)
    for one in network.facts.where("TransitGatewayPrefixListReferences", TransitGatewayRouteTableId=table):
        for block in network.prefix_list(str(one.get("PrefixListId"))) or []:
            if destination.version == block.version and destination in block:
                to = one.get("TransitGatewayAttachment") or {}
                yield -block.prefixlen, 1, _hop(to, bool(one.get("Blackhole")))


def _order(kind: str) -> int:
    """Return how late a propagated route is tried among those of one length, by what announced it."""
    return 2 + (_ANNOUNCING.index(kind) if kind in _ANNOUNCING else len(_ANNOUNCING))


def _hop(attachment: Item, blackhole: bool = False) -> tuple[str, str, str]:
    kind = "blackhole" if blackhole else str(attachment.get("ResourceType", "unknown"))
    return kind, str(attachment.get("ResourceId", "")), str(attachment.get("TransitGatewayAttachmentId", ""))


def _propagations(network: Network, table: str) -> Iterator[Item]:
    held = network.facts.find("TransitGatewayPropagations", "TransitGatewayRouteTableId", table) or {}
    for one in held.get("TransitGatewayRouteTablePropagations") or []:
        if one.get("State") in ("enabled", "enabling"):
            yield one


def _announced(network: Network, table: str) -> Optional[tuple[str, str, str]]:
    """Return the first attachment whose routes come by BGP, of which the recorded answer shows none: it may be any."""
    held = network.facts.find("TransitGatewayStaticRoutes", "TransitGatewayRouteTableId", table) or {}
    if any(one.get("Type") == "propagated" for one in held.get("Routes") or []):
        return None
    for one in _propagations(network, table):
        if one.get("ResourceType") in _ANNOUNCING[1:]:
            return DYNAMIC, str(one.get("ResourceId", "")), str(one.get("TransitGatewayAttachmentId", ""))
    return None


def peer_of(connection: Item, vpc: str) -> str:
    """Return the VPC at the other end of a peering connection."""
    ends = [str((connection.get(end) or {}).get("VpcId", "")) for end in ("AccepterVpcInfo", "RequesterVpcInfo")]
    return next((one for one in ends if one != vpc), "")


def vpc_of(network: Network, gateway: str, destination: Address) -> str:
    """Return the VPC into which a gateway leads a packet, nothing where it leads into none that is recorded."""
    found: list[str] = []
    for kind, member in (("VpnGateways", "VpnGatewayId"), ("InternetGateways", "InternetGatewayId")):
        item = network.facts.find(kind, member, gateway) or {}
        found += [str(link.get("VpcId")) for link in item.get("VpcAttachments") or item.get("Attachments") or []]
    peering = network.facts.find("VpcPeeringConnections", "VpcPeeringConnectionId", gateway) or {}
    found += [str((peering.get(end) or {}).get("VpcId")) for end in ("AccepterVpcInfo", "RequesterVpcInfo")]
    attached = network.facts.where("TransitGatewayVpcAttachments", TransitGatewayId=gateway)
    found += [str(one.get("VpcId")) for one in attached if live(one)]
    known = [one for one in found if network.vpc(one) is not None]
    return next((one for one in known if any(destination in each for each in network.ranges(one))), "")
