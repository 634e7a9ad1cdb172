"""Random estates of several VPCs, joined by a transit gateway and peerings, as EC2 describes them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from networks import ACCOUNT, entry

VPCS = (0, 1, 2)
PEERED = ((0, 1), (1, 2))
ACLS = (
    [entry(100, "allow", "0.0.0.0/0")],
    [entry(90, "deny", "8.8.8.0/24"), entry(100, "allow", "0.0.0.0/0")],
    [entry(100, "allow", "10.0.0.0/8", "6", PortRange={"From": 443, "To": 443})],
    [],
)
BLOCKS = ("0.0.0.0/0", "10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16", "10.1.1.0/24", "8.8.8.0/24")


def _target(vpc: int, at: int) -> dict[str, str]:
    """A target that a table of this VPC can have: its internet or NAT gateway, the transit gateway, a peering."""
    peers = [f"pcx-{one}{other}" for one, other in PEERED if vpc in (one, other)]
    found = [("GatewayId", f"igw-{vpc}"), ("NatGatewayId", f"nat-{vpc}"), ("TransitGatewayId", "tgw-1"),
             *(("VpcPeeringConnectionId", one) for one in peers)]  # fmt: skip
    member, value = found[at % len(found)]
    return {member: value}


@st.composite
def joined(draw: st.DrawFn) -> dict[str, Any]:
    """Three VPCs of two subnets each: the first with the NAT gateway, each subnet with its own table and ACL."""
    kinds = ("Vpcs", "Subnets", "RouteTables", "NetworkAcls", "NetworkInterfaces", "NatGateways", "InternetGateways",
             "TransitGatewayVpcAttachments", "TransitGatewayAttachments", "TransitGateways", "VpcPeeringConnections",
             "SecurityGroups")  # fmt: skip
    held: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    held["TransitGateways"].append({"TransitGatewayId": "tgw-1", "State": "available"})
    for one, other in PEERED:
        status = draw(st.sampled_from(["active", "deleted"]))
        held["VpcPeeringConnections"].append({
            "VpcPeeringConnectionId": f"pcx-{one}{other}", "Status": {"Code": status},
            "RequesterVpcInfo": {"VpcId": f"vpc-{one}"}, "AccepterVpcInfo": {"VpcId": f"vpc-{other}"}})  # fmt: skip
    for vpc in VPCS:
        _vpc(draw, held, vpc)
    routes = draw(st.lists(st.tuples(st.sampled_from(BLOCKS), st.sampled_from([*VPCS, None])), max_size=3,
                           unique_by=lambda one: one[0]))  # fmt: skip
    held["TransitGatewayStaticRoutes"] = [
        {"TransitGatewayRouteTableId": "tgw-rtb-1", "Routes": [_transit(*one) for one in routes]}
    ]
    spread = draw(st.lists(st.sampled_from(VPCS), unique=True))
    held["TransitGatewayPropagations"] = [
        {"TransitGatewayRouteTableId": "tgw-rtb-1", "TransitGatewayRouteTablePropagations": [
            {"TransitGatewayAttachmentId": f"tgw-attach-{vpc}", "ResourceId": f"vpc-{vpc}", "ResourceType": "vpc",
             "State": "enabled"} for vpc in spread]}]  # fmt: skip
    return held


def _transit(block: str, vpc: int | None) -> dict[str, Any]:
    if vpc is None:
        return {"DestinationCidrBlock": block, "Type": "static", "State": "blackhole"}
    return {"DestinationCidrBlock": block, "Type": "static", "State": "active", "TransitGatewayAttachments": [
        {"TransitGatewayAttachmentId": f"tgw-attach-{vpc}", "ResourceId": f"vpc-{vpc}", "ResourceType": "vpc"}
    ]}  # fmt: skip


def _vpc(draw: st.DrawFn, held: dict[str, list[dict[str, Any]]], vpc: int) -> None:
    name = f"vpc-{vpc}"
    held["Vpcs"].append({"VpcId": name, "CidrBlock": f"10.{vpc}.0.0/16", "OwnerId": ACCOUNT})
    held["InternetGateways"].append({"InternetGatewayId": f"igw-{vpc}", "Attachments": [{"VpcId": name}]})
    held["NatGateways"].append({"NatGatewayId": f"nat-{vpc}", "VpcId": name, "SubnetId": f"subnet-{vpc}-0",
                                "ConnectivityType": "public", "State": "available", "NatGatewayAddresses": []}
                               )  # fmt: skip
    held["TransitGatewayVpcAttachments"].append({
        "TransitGatewayAttachmentId": f"tgw-attach-{vpc}", "TransitGatewayId": "tgw-1", "VpcId": name,
        "State": "available", "SubnetIds": [f"subnet-{vpc}-0"]})  # fmt: skip
    held["TransitGatewayAttachments"].append({
        "TransitGatewayAttachmentId": f"tgw-attach-{vpc}", "TransitGatewayId": "tgw-1", "ResourceType": "vpc",
        "ResourceId": name, "State": "available", "Association": {"TransitGatewayRouteTableId": "tgw-rtb-1"}}
    )  # fmt: skip
    for at in (0, 1):
        _subnet(draw, held, vpc, at)


def _subnet(draw: st.DrawFn, held: dict[str, list[dict[str, Any]]], vpc: int, at: int) -> None:
    subnet, vpc_id = f"subnet-{vpc}-{at}", f"vpc-{vpc}"
    more = draw(st.lists(st.tuples(st.sampled_from(BLOCKS), st.integers(0, 9), st.sampled_from(["active"] * 4 +
                ["blackhole"])), max_size=2, unique_by=lambda one: one[0]))  # fmt: skip
    routes = [{"DestinationCidrBlock": f"10.{vpc}.0.0/16", "GatewayId": "local", "State": "active"}]
    routes += [{"DestinationCidrBlock": block, "State": state, "Origin": "CreateRoute", **_target(vpc, number)}
               for block, number, state in more if block != f"10.{vpc}.0.0/16"]  # fmt: skip
    ingress = draw(st.sampled_from([[], [{**entry(100, "allow", "0.0.0.0/0"), "Egress": False}]]))
    egress = draw(st.sampled_from(ACLS))
    block = f"10.{vpc}.{at}.0/24"
    held["Subnets"].append({"SubnetId": subnet, "VpcId": vpc_id, "CidrBlock": block, "OwnerId": ACCOUNT})
    held["RouteTables"].append({"RouteTableId": f"rtb-{vpc}-{at}", "VpcId": vpc_id, "Routes": routes,
                                "Associations": [{"SubnetId": subnet}]})  # fmt: skip
    held["NetworkAcls"].append({"NetworkAclId": f"acl-{vpc}-{at}", "VpcId": vpc_id, "Entries": [*egress, *ingress],
                                "Associations": [{"SubnetId": subnet}]})  # fmt: skip
    held["NetworkInterfaces"].append({"NetworkInterfaceId": f"eni-{vpc}-{at}", "SubnetId": subnet, "VpcId": vpc_id,
                                      "PrivateIpAddress": f"10.{vpc}.{at}.9", "OwnerId": ACCOUNT, "Groups": []}
                                     )  # fmt: skip
