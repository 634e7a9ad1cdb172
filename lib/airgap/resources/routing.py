"""Route tables, their routes and their associations (REQUIREMENTS: network).

A sealed table holds the local route and what gateway endpoints add; every other route in a table of ours is planned as
a deletion. AWS: VPC User Guide, "Configure route tables".
"""

from __future__ import annotations

from collections.abc import Iterator

from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.kind import Call, Fields, Kind, declares, tag_specifications
from airgap.resources.vpc import subnets, tier_of

ANYWHERE = "0.0.0.0/0"
_IN_USE = ("DependencyViolation",)
_TABLES = {
    "private": "the local route and those of the gateway endpoints, nothing else",
    "public": "the local route and the internet gateway",
    "ingress": "the local route",
}

ROUTE_TABLE = Kind(
    "route-table",
    "Route table",
    Reading(
        "ec2:DescribeRouteTables",
        "RouteTables",
        "RouteTableId",
        fields={"vpc": Field("VpcId", change=NEVER, why="a route table stays in its VPC")},
    ),
    create=(
        Call(
            "ec2:CreateRouteTable",
            lambda f: {"VpcId": f["vpc"], "TagSpecifications": tag_specifications("route-table")(f)},
            result="RouteTable",
        ),
    ),
    delete=(
        Call(
            "ec2:DeleteRouteTable",
            lambda f: {"RouteTableId": f["id"]},
            ignore=("InvalidRouteTableID.NotFound",),
            retry=_IN_USE,
        ),
    ),
)

MAIN_ROUTE_TABLE = Kind(
    "main-route-table",
    "Main route table of the VPC",
    Reading(
        "ec2:DescribeRouteTables",
        "RouteTables",
        "RouteTableId",
        owner="parent",
        natural=("vpc",),
        only=(("Associations[].Main", "true"),),
        fields={"vpc": Field("VpcId", change=NEVER)},
    ),
    create=(),
    born=Call("ec2:DescribeRouteTables", lambda f: {"Filters": [{"Name": "vpc-id", "Values": [f["vpc"]]}]}),
)


def _target(f: Fields) -> dict[str, str]:
    return {"RouteTableId": f["table"], "DestinationCidrBlock": f["cidr"], "GatewayId": f["gateway"]}


def _destination(f: Fields) -> dict[str, str | None]:
    return {
        "RouteTableId": f["table"],
        "DestinationCidrBlock": f["cidr"],
        "DestinationIpv6CidrBlock": f["cidr6"],
        "DestinationPrefixListId": f["prefix_list"],
    }


ROUTE = Kind(
    "route",
    "Route",
    Reading(
        "ec2:DescribeRouteTables",
        "RouteTables.Routes",
        "^.RouteTableId+DestinationCidrBlock+DestinationIpv6CidrBlock+DestinationPrefixListId",
        owner="parent",
        natural=("table", "cidr", "cidr6", "prefix_list"),
        # AWS's own: the local route, those of gateway endpoints, and propagated ones (they go with their propagation).
        unless=(
            ("GatewayId", "local"),
            ("DestinationPrefixListId+GatewayId", "pl-*|vpce-*"),
            ("Origin", "EnableVgwRoutePropagation"),
        ),
        fields={
            "table": Field("^.RouteTableId", change=NEVER),
            "cidr": Field("DestinationCidrBlock", change=NEVER),
            "cidr6": Field("DestinationIpv6CidrBlock", change=NEVER),
            "prefix_list": Field("DestinationPrefixListId", change=NEVER),
            "gateway": Field("GatewayId", risk="opens", why="a route leads somewhere else than declared"),
        },
    ),
    create=(Call("ec2:CreateRoute", _target, retry=("InvalidGatewayID.NotFound", "Gateway.NotAttached")),),
    updates={"gateway": (Call("ec2:ReplaceRoute", _target),)},
    delete=(Call("ec2:DeleteRoute", _destination, ignore=("InvalidRoute.NotFound", "InvalidRouteTableID.NotFound")),),
)

PROPAGATION = Kind(
    "route-propagation",
    "Route propagation into a table",
    Reading(
        "ec2:DescribeRouteTables",
        "RouteTables.PropagatingVgws",
        "^.RouteTableId+GatewayId",
        owner="parent",
        natural=("table", "gateway"),
        fields={"table": Field("^.RouteTableId", change=NEVER), "gateway": Field("GatewayId", change=NEVER)},
    ),
    create=(),
    delete=(
        Call(
            "ec2:DisableVgwRoutePropagation",
            lambda f: {"RouteTableId": f["table"], "GatewayId": f["gateway"]},
            ignore=("InvalidRouteTableID.NotFound",),
        ),
    ),
)

ASSOCIATION = Kind(
    "route-table-association",
    "Association of a route table with a subnet",
    Reading(
        "ec2:DescribeRouteTables",
        "RouteTables.Associations",
        "RouteTableAssociationId",
        owner="parent",
        natural=("table", "subnet", "gateway"),
        unless=(("Main", "true"), ("AssociationState.State", "disassociat*")),
        fields={
            "table": Field("RouteTableId", change=NEVER),
            "subnet": Field("SubnetId", change=NEVER),
            "gateway": Field("GatewayId", change=NEVER),
        },
    ),
    create=(
        Call(
            "ec2:AssociateRouteTable",
            lambda f: {"RouteTableId": f["table"], "SubnetId": f["subnet"]},
            retry=("InvalidRouteTableID.NotFound", "InvalidSubnetID.NotFound", "Resource.AlreadyAssociated"),
        ),
    ),
    delete=(
        Call(
            "ec2:DisassociateRouteTable",
            lambda f: {"AssociationId": f["id"]},
            ignore=("InvalidAssociationID.NotFound",),
        ),
    ),
)


@declares(ROUTE_TABLE, MAIN_ROUTE_TABLE, ROUTE, PROPAGATION, ASSOCIATION)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the route tables of every tier with their associations, and the public tier's one route of its own."""
    yield Desired("main-route-table", "main", {"vpc": ref("vpc:main")}, why="serves no subnet, holds the local route")
    for table in dict.fromkeys(map(table_of, subnets(intent))):
        yield Desired("route-table", table, {"vpc": ref("vpc:main")}, why=_TABLES[tier_of(table)])
    for name in subnets(intent):
        link = {"table": ref(f"route-table:{table_of(name)}"), "subnet": ref(f"subnet:{name}")}
        yield Desired("route-table-association", name, link, why="no subnet is left to the main table")
    if "public" in map(tier_of, subnets(intent)):
        way = {"table": ref("route-table:public"), "cidr": ANYWHERE, "gateway": ref("internet-gateway:main")}
        why = "the load balancer answers the internet"
        yield Desired("route", "public-default", way, needs=("internet-gateway-attachment:main",), why=why)


def table_of(subnet: str) -> str:
    """Return the name of the table that serves a subnet: one per sealed zone, one for each other tier."""
    return subnet if tier_of(subnet) == "private" else tier_of(subnet)


def private_tables(intent: Intent) -> list[str]:
    """Return the keys of the sealed route tables, which gateway endpoints are attached to."""
    return [f"route-table:{table_of(name)}" for name in subnets(intent) if tier_of(name) == "private"]
