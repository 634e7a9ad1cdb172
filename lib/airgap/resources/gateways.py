"""The gateways of the declared public tier: internet gateway, NAT gateways and their addresses (REQUIREMENTS: network).

NAT gateways are for resources of the public subnets; no sealed table points at one. AWS: VPC User Guide, "Internet
gateways", "NAT gateways".
"""

from __future__ import annotations

from collections.abc import Iterator

from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.kind import Call, Kind, declares, tag_specifications
from airgap.resources.vpc import subnets, tier_of

_IN_USE = ("DependencyViolation",)

INTERNET_GATEWAY = Kind(
    "internet-gateway",
    "Internet gateway",
    Reading("ec2:DescribeInternetGateways", "InternetGateways", "InternetGatewayId"),
    create=(
        Call(
            "ec2:CreateInternetGateway",
            lambda f: {"TagSpecifications": tag_specifications("internet-gateway")(f)},
            result="InternetGateway",
        ),
    ),
    delete=(
        Call(
            "ec2:DeleteInternetGateway",
            lambda f: {"InternetGatewayId": f["id"]},
            ignore=("InvalidInternetGatewayID.NotFound",),
            retry=_IN_USE,
        ),
    ),
)

GATEWAY_ATTACHMENT = Kind(
    "internet-gateway-attachment",
    "Attachment of the internet gateway",
    Reading(
        "ec2:DescribeInternetGateways",
        "InternetGateways.Attachments",
        "^.InternetGatewayId+VpcId",
        owner="parent",
        natural=("gateway", "vpc"),
        unless=(("State", "detach*"),),
        fields={"gateway": Field("^.InternetGatewayId", change=NEVER), "vpc": Field("VpcId", change=NEVER)},
    ),
    create=(Call("ec2:AttachInternetGateway", lambda f: {"InternetGatewayId": f["gateway"], "VpcId": f["vpc"]}),),
    delete=(
        Call(
            "ec2:DetachInternetGateway",
            lambda f: {"InternetGatewayId": f["gateway"], "VpcId": f["vpc"]},
            ignore=("Gateway.NotAttached", "InvalidInternetGatewayID.NotFound"),
            retry=_IN_USE,
        ),
    ),
)

ADDRESS = Kind(
    "elastic-ip",
    "Elastic IP address",
    Reading(
        "ec2:DescribeAddresses",
        "Addresses",
        "AllocationId",
        fields={"domain": Field("Domain", change=NEVER, why="an address keeps its domain")},
    ),
    create=(
        Call(
            "ec2:AllocateAddress",
            lambda f: {"Domain": f["domain"], "TagSpecifications": tag_specifications("elastic-ip")(f)},
        ),
    ),
    delete=(
        Call(
            "ec2:ReleaseAddress",
            lambda f: {"AllocationId": f["id"]},
            ignore=("InvalidAllocationID.NotFound",),
            retry=("InvalidIPAddress.InUse",),
        ),
    ),
)

NAT_GATEWAY = Kind(
    "nat-gateway",
    "NAT gateway",
    Reading(
        "ec2:DescribeNatGateways",
        "NatGateways",
        "NatGatewayId",
        # A deleted gateway is listed, tags included, for about an hour.
        unless=(("State", "delet*"),),
        fields={
            "subnet": Field("SubnetId", change=NEVER, why="a NAT gateway stays in its subnet"),
            "addresses": Field(
                "NatGatewayAddresses[].AllocationId", form="set", change=NEVER, why="a NAT gateway keeps its address"
            ),
        },
        state="State",
        settled=("available",),
        failed=("failed",),
    ),
    create=(
        Call(
            "ec2:CreateNatGateway",
            lambda f: {
                "SubnetId": f["subnet"],
                "AllocationId": f["addresses"][0],
                "TagSpecifications": tag_specifications("natgateway")(f),
            },
            result="NatGateway",
            retry=("InvalidElasticIpID.NotFound", "InvalidAllocationID.NotFound", "Gateway.NotAttached"),
        ),
    ),
    delete=(Call("ec2:DeleteNatGateway", lambda f: {"NatGatewayId": f["id"]}, ignore=("NatGatewayNotFound",)),),
    poll=Call("ec2:DescribeNatGateways", lambda f: {"NatGatewayIds": [f["id"]]}, ignore=("NatGatewayNotFound",)),
    seconds=90.0,
    limit=600.0,
    gone=True,
)


@declares(INTERNET_GATEWAY, GATEWAY_ATTACHMENT, ADDRESS, NAT_GATEWAY)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield what ``public_tier`` declares: nothing, the internet gateway, or NAT gateways beside it."""
    tier = intent.network.public_tier
    if tier == "none":
        return
    why = f"public_tier is {tier}"
    yield Desired("internet-gateway", "main", {}, why=why)
    attached = {"gateway": ref("internet-gateway:main"), "vpc": ref("vpc:main")}
    yield Desired("internet-gateway-attachment", "main", attached, why=why)
    needs = ("internet-gateway-attachment:main",)
    for name in subnets(intent):
        if tier != "ingress-and-nat" or tier_of(name) != "public":
            continue
        yield Desired("elastic-ip", f"nat-{name}", {"domain": "vpc"}, needs=needs, why=why)
        fields = {"subnet": ref(f"subnet:{name}"), "addresses": [ref(f"elastic-ip:nat-{name}")]}
        yield Desired("nat-gateway", name, fields, needs=needs, why="for resources of the public subnets only")
