"""Routes: sealed tables hold the local route and gateway endpoints, every other table what its tier admits (NET-03).

The world is closed: a route with a member that is not known here may lead anywhere, and is a finding.
"""

from __future__ import annotations

from collections.abc import Iterator

from airgap.checks.check import NotApplicable, check
from airgap.checks.gateways import destination
from airgap.checks.scope import TABLE_READS, Item, Named, all_subnets, in_vpc, inside, is_main, links, served, tier
from airgap.egress.network import GATEWAYS as TARGETS
from airgap.model.components import GATEWAYS, service_name
from airgap.model.estate import Estate
from airgap.model.intent import Intent

READS = (*TABLE_READS, "ec2:DescribeVpcEndpoints")
_OTHERS = {
    "DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId", "InstanceOwnerId", "Origin",
    "State",
}  # fmt: skip
MAIN = "main-route-table:main"
_ATTACHMENTS = ("TransitGatewayId", "CoreNetworkArn")


def tables(intent: Intent, estate: Estate) -> dict[str, Named]:
    """Return the VPC's route tables by the strictest tier that each serves; one that serves nothing is sealed."""
    found: dict[str, Named] = {"private": [], "ingress": [], "public": [], "main": []}
    subnets = {one["SubnetId"]: tier(one, intent) for _, one in all_subnets(intent, estate)}
    for name, table in in_vpc(intent, estate, "ec2:DescribeRouteTables", "RouteTables", "RouteTableId"):
        served = {subnets.get(link["SubnetId"], "private") for link in links(table) if link.get("SubnetId")}
        strictest = next((one for one in ("private", "ingress", "public") if one in served), "private")
        place, known = ("main", MAIN) if is_main(table) else (strictest, name)
        found[place].append((known, table))
    return found


def target(route: Item) -> str:
    """Return what a route leads to; empty where no known member says it."""
    return next((str(route[one]) for one in TARGETS if route.get(one)), "")


def _is_local(route: Item, intent: Intent) -> bool:
    within = inside(route.get("DestinationCidrBlock") or "::/0", [intent.network.vpc_cidr])
    return route.get("GatewayId") == "local" and within


def _gateway_endpoints(intent: Intent, estate: Estate, vpc: str) -> set[str]:
    """The VPC's own gateway endpoints of S3 and DynamoDB; those of Gateway Load Balancers look alike in a route."""
    names = {service_name(one, intent.region, intent.partition) for one in GATEWAYS}
    return {
        one["VpcEndpointId"]
        for one in estate.items("ec2:DescribeVpcEndpoints", "VpcEndpoints")
        if one.get("VpcId") == vpc and one.get("VpcEndpointType") == "Gateway" and one.get("ServiceName") in names
    }


def common(table: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield what no table may have: propagation, edge associations, unknown members, IPv6, stale routes."""
    for one in table.get("PropagatingVgws", []):
        yield f"{one.get('GatewayId')} propagates routes into it"
    for one in links(table):
        if one.get("GatewayId") or one.get("PublicIpv4Pool"):
            yield f"it is associated with the edge {one.get('GatewayId') or one.get('PublicIpv4Pool')}"
    for route in table.get("Routes", []):
        unknown = sorted(set(route) - set(TARGETS) - _OTHERS)
        if unknown:
            yield f"the route to {destination(route)} has the unknown member {', '.join(unknown)}"
        if route.get("DestinationIpv6CidrBlock"):
            yield f"it routes the IPv6 range {route['DestinationIpv6CidrBlock']}"
        if route.get("State") == "blackhole":
            yield f"the route to {destination(route)} through {target(route)} is stale, and lives when its target does"


def _beyond(table: Item, intent: Intent, admitted: set[str]) -> Iterator[tuple[Item, str]]:
    """Yield (route, sentence) of every route but local ones and those to admitted endpoints by prefix list."""
    for route in table.get("Routes", []):
        by_list = route.get("DestinationPrefixListId") and route.get("GatewayId") in admitted
        if not by_list and not _is_local(route, intent):
            yield route, f"{destination(route)} goes to {target(route) or 'an unknown target'}"


@check(
    "routes-sealed",
    "The sealed table holds the local route and those of gateway endpoints, nothing else",
    severity="critical",
    properties=("NET-03",),
    reads=READS,
    remedy="delete the route; a table that serves no declared public or ingress subnet is judged as sealed",
    over=lambda intent, estate: tables(intent, estate)["private"],
)
def sealed(table: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield every route that leads beyond the VPC and its gateway endpoints."""
    yield from common(table, intent, estate)
    admitted = _gateway_endpoints(intent, estate, table["VpcId"])
    yield from (sentence for _, sentence in _beyond(table, intent, admitted))


@check(
    "routes-main",
    "The main route table is local only and serves no subnet",
    severity="high",
    properties=("NET-03",),
    reads=TABLE_READS,
    remedy="give the subnet a table of its own and delete every route but the local one",
    over=lambda intent, estate: tables(intent, estate)["main"],
)
def main(table: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each route of the main table beside the local one, and each subnet that is left to it."""
    yield from common(table, intent, estate)
    yield from (sentence for _, sentence in _beyond(table, intent, set()))
    for name, (_, serving) in served(all_subnets(intent, estate), estate):
        if serving and serving["RouteTableId"] == table["RouteTableId"]:
            yield f"it serves {name}"


@check(
    "routes-public",
    "The public tier's table leads to its own internet gateway at most",
    severity="high",
    properties=("NET-03",),
    reads=(*READS, "ec2:DescribeInternetGateways"),
    remedy="delete the route; NAT gateways, transit and peering have no place in the public tier",
    over=lambda intent, estate: _or_none(tables(intent, estate)["public"], intent.network.public_subnets, "public"),
)
def public(table: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each route to anything but the VPC, its endpoints and its own internet gateway."""
    yield from common(table, intent, estate)
    own = {
        gateway["InternetGatewayId"]
        for gateway in estate.items("ec2:DescribeInternetGateways", "InternetGateways")
        if any(link.get("VpcId") == table["VpcId"] for link in gateway.get("Attachments", []))
    }
    admitted = _gateway_endpoints(intent, estate, table["VpcId"])
    for route, sentence in _beyond(table, intent, admitted):
        if target(route) not in own:
            yield sentence


@check(
    "routes-ingress",
    "The ingress tier's table leads to declared on-premises ranges at most",
    severity="high",
    properties=("NET-03",),
    reads=READS,
    remedy="delete the route, or declare the range under network.on_premises_cidrs",
    over=lambda intent, estate: _or_none(tables(intent, estate)["ingress"], intent.network.ingress_subnets, "ingress"),
)
def ingress(table: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each route that is neither local nor to a declared range through an attachment."""
    yield from common(table, intent, estate)
    admitted = _gateway_endpoints(intent, estate, table["VpcId"])
    for route, sentence in _beyond(table, intent, admitted):
        attached = any(route.get(one) for one in _ATTACHMENTS) or str(route.get("GatewayId", "")).startswith("vgw-")
        if not (attached and inside(route.get("DestinationCidrBlock") or "::/0", intent.network.on_premises_cidrs)):
            yield sentence


def _or_none(found: Named, declared: tuple[object, ...], name: str) -> Named:
    """The population, or the reason why there is none: the params declare no such tier."""
    if not declared and not found:
        raise NotApplicable(f"the params declare no {name} subnets")
    return found


CHECKS = (sealed, main, public, ingress)
