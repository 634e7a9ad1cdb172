"""The VPC, its DHCP options and its subnets (REQUIREMENTS: network). AWS: VPC User Guide, "Subnets for your VPC"."""

from __future__ import annotations

from collections.abc import Iterator

from airgap.model.estate import Estate
from airgap.model.intent import Intent, Subnet
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.kind import Call, Kind, declares, tag_specifications


def _attribute(name: str) -> Call:
    """Return the call that sets one DNS attribute of a VPC; AWS takes one a call."""
    member = name[0].upper() + name[1:]
    return Call("ec2:ModifyVpcAttribute", lambda f: {"VpcId": f["id"], member: {"Value": f[name]}})


VPC = Kind(
    "vpc",
    "VPC",
    Reading(
        "ec2:DescribeVpcs",
        "Vpcs",
        "VpcId",
        fields={
            "cidr": Field("CidrBlock", change=NEVER, why="a VPC's first range cannot be changed"),
            "dhcp_options": Field("DhcpOptionsId", risk="interrupts", why="name resolution of every host follows it"),
            **{
                name: Field(
                    f"{name[0].upper()}{name[1:]}.Value",
                    call="ec2:DescribeVpcAttribute",
                    by={"VpcId": "VpcId", "Attribute": f"={name}"},
                    risk="interrupts",
                    why="endpoints' private names need both DNS attributes",
                )
                for name in ("enableDnsSupport", "enableDnsHostnames")
            },
        },
        state="State",
        settled=("available",),
    ),
    create=(
        Call(
            "ec2:CreateVpc",
            lambda f: {"CidrBlock": f["cidr"], "TagSpecifications": tag_specifications("vpc")(f)},
            result="Vpc",
        ),
    ),
    later=("dhcp_options", "enableDnsSupport", "enableDnsHostnames"),
    updates={
        "dhcp_options": (
            Call("ec2:AssociateDhcpOptions", lambda f: {"VpcId": f["id"], "DhcpOptionsId": f["dhcp_options"]}),
        ),
        **{name: (_attribute(name),) for name in ("enableDnsSupport", "enableDnsHostnames")},
    },
    delete=(
        Call(
            "ec2:DeleteVpc",
            lambda f: {"VpcId": f["id"]},
            ignore=("InvalidVpcID.NotFound",),
            retry=("DependencyViolation",),
        ),
    ),
    poll=Call("ec2:DescribeVpcs", lambda f: {"VpcIds": [f["id"]]}),
)

DHCP_OPTIONS = Kind(
    "dhcp-options",
    "DHCP options",
    Reading(
        "ec2:DescribeDhcpOptions",
        "DhcpOptions",
        "DhcpOptionsId",
        fields={
            "options": Field(
                "DhcpConfigurations",
                form="pairs:Key:Values[].Value",
                change=NEVER,
                why="DHCP options are replaced, not changed",
            )
        },
    ),
    create=(
        Call(
            "ec2:CreateDhcpOptions",
            lambda f: {
                "DhcpConfigurations": [{"Key": key, "Values": values} for key, values in sorted(f["options"].items())],
                "TagSpecifications": tag_specifications("dhcp-options")(f),
            },
            result="DhcpOptions",
        ),
    ),
    delete=(
        Call(
            "ec2:DeleteDhcpOptions",
            lambda f: {"DhcpOptionsId": f["id"]},
            ignore=("InvalidDhcpOptionsID.NotFound", "InvalidDhcpOptionID.NotFound"),
            retry=("DependencyViolation",),
        ),
    ),
)

SUBNET = Kind(
    "subnet",
    "Subnet",
    Reading(
        "ec2:DescribeSubnets",
        "Subnets",
        "SubnetId",
        attrs={"arn": "SubnetArn"},
        fields={
            "vpc": Field("VpcId", change=NEVER, why="a subnet stays in its VPC"),
            "cidr": Field("CidrBlock", change=NEVER, why="a subnet's range cannot be changed"),
            "zone": Field("AvailabilityZone", change=NEVER, why="a subnet stays in its zone"),
            "map_public_ip": Field("MapPublicIpOnLaunch", risk="opens", why="instances would get public addresses"),
        },
        state="State",
        settled=("available",),
    ),
    create=(
        Call(
            "ec2:CreateSubnet",
            lambda f: {
                "VpcId": f["vpc"],
                "CidrBlock": f["cidr"],
                "AvailabilityZone": f["zone"],
                "TagSpecifications": tag_specifications("subnet")(f),
            },
            result="Subnet",
        ),
    ),
    updates={
        "map_public_ip": (
            Call(
                "ec2:ModifySubnetAttribute",
                lambda f: {"SubnetId": f["id"], "MapPublicIpOnLaunch": {"Value": f["map_public_ip"]}},
            ),
        )
    },
    delete=(
        Call(
            "ec2:DeleteSubnet",
            lambda f: {"SubnetId": f["id"]},
            ignore=("InvalidSubnetID.NotFound",),
            retry=("DependencyViolation",),
        ),
    ),
    poll=Call("ec2:DescribeSubnets", lambda f: {"SubnetIds": [f["id"]]}),
)


@declares(DHCP_OPTIONS, VPC)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the VPC and its DHCP options."""
    servers = {"domain-name-servers": ["AmazonProvidedDNS"]}
    yield Desired("dhcp-options", "main", {"options": servers}, why="endpoints' private names resolve there alone")
    attributes = {"enableDnsSupport": True, "enableDnsHostnames": True}
    options = {"dhcp_options": ref("dhcp-options:main")}
    yield Desired("vpc", "main", {"cidr": intent.network.vpc_cidr, **attributes, **options}, why="holds everything")


@declares(SUBNET)
def declare_subnets(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the subnets of every declared tier; none gives out public addresses."""
    for name, subnet in subnets(intent).items():
        fields = {"vpc": ref("vpc:main"), "cidr": subnet.cidr, "zone": subnet.zone, "map_public_ip": False}
        yield Desired("subnet", name, fields, why=f"the {tier_of(name)} tier in {subnet.zone}")


def tier_of(name: str) -> str:
    """Return the tier that the name of a subnet, or of anything named after its tier, begins with."""
    return name.split("-")[0]


def subnets(intent: Intent) -> dict[str, Subnet]:
    """Return every declared subnet by name: tier and the zone's letter, as ``private-a``."""
    tiers = {
        "private": intent.network.private_subnets,
        "public": intent.network.public_subnets,
        "ingress": intent.network.ingress_subnets,
    }
    named = {}
    for tier, members in tiers.items():
        for subnet in members:
            named[f"{tier}-{subnet.zone.removeprefix(intent.region)}"] = subnet
    return named
