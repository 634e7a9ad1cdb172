"""Route tables, the gateways of the declared public tier, and that no route of ours stays undeclared."""

from __future__ import annotations

import dataclasses

import pytest
from embedded import AWS, DEMO

from airgap.model.intent import Subnet
from airgap.resources import gateways, routing, vpc
from airgap.resources.routing import private_tables

PLACE = (vpc.declare, vpc.declare_subnets, gateways.declare, routing.declare)
ZONES = "abcdef"


def keys(aws: AWS, *kinds: str) -> set[str]:
    return {one.key for one in aws.desired(*PLACE) if one.kind in kinds}


def test_a_sealed_table_per_zone_and_one_public_table(aws: AWS) -> None:
    assert keys(aws, "route-table") == {"route-table:private-a", "route-table:private-b", "route-table:public"}
    assert keys(aws, "route") == {"route:public-default"}
    assert keys(aws, "nat-gateway") == {"nat-gateway:public-a", "nat-gateway:public-b"}
    assert private_tables(DEMO) == ["route-table:private-a", "route-table:private-b"]


def test_public_tier_none_has_no_gateway_and_no_route(aws: AWS) -> None:
    aws.network(public_tier="none", public_subnets=())
    assert keys(aws, "internet-gateway", "nat-gateway", "elastic-ip", "route") == set()
    aws.settled(*PLACE)
    routes = [route for table in aws.client("ec2").describe_route_tables()["RouteTables"] for route in table["Routes"]]
    assert {route["GatewayId"] for route in routes} == {"local"}


def test_public_tier_ingress_has_a_gateway_and_no_nat(aws: AWS) -> None:
    aws.network(public_tier="ingress", ingress_subnets=(Subnet("10.0.3.0/24", "us-east-1a"),))
    assert keys(aws, "nat-gateway", "elastic-ip") == set()
    assert "route-table:ingress" in keys(aws, "route-table")
    aws.settled(*PLACE)


def test_six_zones(aws: AWS) -> None:
    aws.network(private_subnets=tuple(Subnet(f"10.0.{10 + n}.0/24", f"us-east-1{z}") for n, z in enumerate(ZONES)))
    assert {f"route-table:private-{zone}" for zone in ZONES} <= keys(aws, "route-table")
    aws.settled(*PLACE)


def test_apply_destroy_apply(aws: AWS) -> None:
    ec2 = aws.client("ec2")
    aws.settled(*PLACE)
    aws.destroy(*PLACE)
    assert ec2.describe_vpcs()["Vpcs"] == ec2.describe_addresses()["Addresses"] == []
    assert ec2.describe_internet_gateways()["InternetGateways"] == []
    aws.settled(*PLACE)


def test_an_undeclared_route_is_taken_out_and_a_bent_one_is_set_right(aws: AWS) -> None:
    aws.settled(*PLACE)
    ec2, lives = aws.client("ec2"), aws.plan(*PLACE).found.lives
    gateway = lives["internet-gateway:main"].id
    main, sealed = lives["main-route-table:main"].id, lives["route-table:private-a"].id
    for table in (main, sealed):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.replace_route(
        RouteTableId=lives["route-table:public"].id,
        DestinationCidrBlock="0.0.0.0/0",
        NatGatewayId=lives["nat-gateway:public-a"].id,
    )
    changes = aws.plan(*PLACE).changes
    assert {key: op for key, fields in changes.items() for op, _, _ in fields.values()} == {
        f"route:undeclared {main}|0.0.0.0/0||": "delete",
        f"route:undeclared {sealed}|0.0.0.0/0||": "delete",
        "route:public-default": "update",
    }
    aws.settled(*PLACE)


def test_a_subnet_moved_to_another_table_comes_back(aws: AWS) -> None:
    aws.settled(*PLACE)
    ec2, lives = aws.client("ec2"), aws.plan(*PLACE).found.lives
    link = lives["route-table-association:private-a"].id
    ec2.replace_route_table_association(AssociationId=link, RouteTableId=lives["route-table:public"].id)
    ops = {key.split(" ")[0]: [op for op, _, _ in fields.values()] for key, fields in aws.plan(*PLACE).changes.items()}
    assert ops == {
        "route-table-association:undeclared": ["delete"],
        "route-table-association:private-a": ["create", "create"],
    }
    aws.settled(*PLACE)


def test_gateway_endpoint_and_local_routes_are_not_ours_to_remove(aws: AWS) -> None:
    aws.settled(*PLACE)
    lives = aws.plan(*PLACE).found.lives
    aws.client("ec2").create_vpc_endpoint(
        VpcId=lives["vpc:main"].id,
        ServiceName="com.amazonaws.us-east-1.s3",
        RouteTableIds=[lives["route-table:private-a"].id],
    )
    assert aws.plan(*PLACE).changes == {}


@pytest.mark.parametrize(("partition", "region"), [("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1")])
def test_other_partitions_change_only_params(aws: AWS, partition: str, region: str) -> None:
    subnets = tuple(Subnet(one.cidr, region + one.zone[-1]) for one in DEMO.network.private_subnets)
    public = tuple(Subnet(one.cidr, region + one.zone[-1]) for one in DEMO.network.public_subnets)
    network = dataclasses.replace(DEMO.network, private_subnets=subnets, public_subnets=public)
    aws.change(partition=partition, region=region, network=network)
    wanted = [one.key for one in aws.desired(*PLACE)]
    aws.change(**{name: getattr(DEMO, name) for name in ("partition", "region", "network")})
    assert wanted == [one.key for one in aws.desired(*PLACE)]
