"""Internet gateways: none beyond the declared public tier, none within reach of a sealed subnet (NET-01)."""

from __future__ import annotations

from collections.abc import Iterator

from airgap.checks.check import Undecided, check
from airgap.checks.scope import TABLE_READS, VPC_READS, Item, Served, every, label, sealed_subnets, served, vpcs
from airgap.model.estate import Estate
from airgap.model.intent import Intent


def _attached(estate: Estate, call: str, path: str, vpc: Item) -> list[Item]:
    return [
        gateway
        for gateway in every(estate, call, path)
        for link in gateway.get("Attachments", [])
        if link.get("VpcId") == vpc["VpcId"] and link.get("State") != "detached"
    ]


@check(
    "gateways-internet",
    "An internet gateway is attached only where the declared public tier has one",
    severity="critical",
    properties=("NET-01",),
    reads=(*VPC_READS, "ec2:DescribeInternetGateways"),
    remedy="detach the gateway, or declare the public tier in the params and have the plan approved",
    over=vpcs,
)
def internet_gateways(vpc: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each gateway that the declared tier has no place for."""
    for gateway in _attached(estate, "ec2:DescribeInternetGateways", "InternetGateways", vpc):
        if intent.network.public_tier == "none":
            yield f"internet gateway {gateway['InternetGatewayId']} is attached, and public_tier is none"


@check(
    "gateways-egress-only",
    "No egress-only internet gateway is attached",
    severity="critical",
    properties=("NET-01",),
    reads=(*VPC_READS, "ec2:DescribeEgressOnlyInternetGateways"),
    remedy="delete the egress-only gateway; the environment has no IPv6",
    over=vpcs,
)
def egress_only(vpc: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each egress-only gateway of the VPC."""
    found = _attached(estate, "ec2:DescribeEgressOnlyInternetGateways", "EgressOnlyInternetGateways", vpc)
    for gateway in found:
        yield f"egress-only internet gateway {gateway['EgressOnlyInternetGatewayId']} is attached"


@check(
    "gateways-unreachable",
    "No route leads from the sealed subnet to an internet gateway",
    severity="critical",
    properties=("NET-01",),
    reads=TABLE_READS,
    remedy="delete the route; a sealed subnet reaches AWS through endpoints only",
    over=lambda intent, estate: served(sealed_subnets(intent, estate), estate),
)
def unreachable(item: Served, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each route of the subnet's table whose target is an internet gateway of either sort."""
    subnet, table = item
    if table is None:
        raise Undecided(f"no route table of {subnet['SubnetId']} is recorded, not even its VPC's main one")
    for route in table.get("Routes", []):
        target = route.get("EgressOnlyInternetGatewayId") or route.get("GatewayId") or ""
        if target.startswith(("igw-", "eigw-")):
            yield f"{label(table, 'RouteTableId')} sends {destination(route)} to {target}"


def destination(route: Item) -> str:
    """Return the destination of a route: a range or a prefix list."""
    members = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    return next((str(route[one]) for one in members if route.get(one)), "an unknown destination")


CHECKS = (internet_gateways, egress_only, unreachable)
