"""Networks for tests: described as EC2 answers, with every other call of the channels answered as empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hypothesis import strategies as st

from airgap.egress.facts import Document, Facts
from airgap.egress.network import Network
from airgap.model.channels import CHANNELS

ACCOUNT, REGION = "111122223333", "us-east-1"
CALLS = {
    "Vpcs": "ec2:DescribeVpcs",
    "Subnets": "ec2:DescribeSubnets",
    "RouteTables": "ec2:DescribeRouteTables",
    "NetworkAcls": "ec2:DescribeNetworkAcls",
    "SecurityGroups": "ec2:DescribeSecurityGroups",
    "NetworkInterfaces": "ec2:DescribeNetworkInterfaces",
    "InternetGateways": "ec2:DescribeInternetGateways",
    "EgressOnlyInternetGateways": "ec2:DescribeEgressOnlyInternetGateways",
    "NatGateways": "ec2:DescribeNatGateways",
    "VpcEndpoints": "ec2:DescribeVpcEndpoints",
    "VpcPeeringConnections": "ec2:DescribeVpcPeeringConnections",
    "VpcBlockPublicAccessOptions": "ec2:DescribeVpcBlockPublicAccessOptions",
    "VpcBlockPublicAccessExclusions": "ec2:DescribeVpcBlockPublicAccessExclusions",
}
OPEN = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}


def answers(items: Mapping[str, Any], more: Iterable[Document] = ()) -> list[Document]:
    """Return the items' answers, and an empty one of every other call of the channels."""
    more = list(more)
    found = [Document(ACCOUNT, REGION, {}, {kind: value}, CALLS.get(kind, "")) for kind, value in items.items()]
    found += [] if any(one.call == "ec2:DescribeVpcAttribute" for one in more) else [
        Document(ACCOUNT, REGION, {}, {"VpcId": one["VpcId"], "EnableDnsSupport": {"Value": False}},
                 "ec2:DescribeVpcAttribute")
        for one in items.get("Vpcs", [])
    ]  # fmt: skip
    found += more
    asked = {one.call for one in found}
    calls = {call for channel in CHANNELS.values() for call in channel.calls} - asked
    return found + [Document(ACCOUNT, REGION, {}, {}, call) for call in sorted(calls)]


def network(items: Mapping[str, Any], more: Iterable[Document] = ()) -> Network:
    """Return a network of items, everything else known to be empty."""
    return Network(Facts(answers(items, more)))


def vpc(routes: list[dict[str, Any]], entries: list[dict[str, Any]], **kinds: Any) -> dict[str, Any]:
    """Return one VPC with one private subnet, its table and its network ACL."""
    local = [
        {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "Origin": "CreateRouteTable", "State": "active"},
        {"DestinationIpv6CidrBlock": "2001:db8::/56", "GatewayId": "local", "State": "active"},
    ]
    return {
        "Vpcs": [{"VpcId": "vpc-1", "OwnerId": ACCOUNT, "CidrBlock": "10.0.0.0/16",
                  "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": "2001:db8::/56"}]}],
        "Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "OwnerId": ACCOUNT,
                     "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": "2001:db8:0:1::/64"}]}],
        "RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{"SubnetId": "subnet-1"}],
                         "Routes": local + routes}],
        "NetworkAcls": [{"NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": False,
                         "Associations": [{"SubnetId": "subnet-1"}], "Entries": entries}],
        **kinds,
    }  # fmt: skip


def entry(number: int, action: str, block: str, protocol: str = "-1", **more: Any) -> dict[str, Any]:
    """Return an outbound entry of a network ACL."""
    member = "Ipv6CidrBlock" if ":" in block else "CidrBlock"
    return {"Egress": True, "RuleNumber": number, "RuleAction": action, member: block, "Protocol": protocol, **more}


ALLOW = [entry(100, "allow", "0.0.0.0/0"), entry(101, "allow", "::/0")]
BLOCKS = ("0.0.0.0/0", "10.0.0.0/8", "10.0.1.0/24", "10.0.2.0/24", "8.8.8.0/24", "8.8.8.8/32", "192.168.0.0/16")
BLOCKS6 = ("::/0", "2001:4860::/32", "2001:db8:0:1::/64", "2001:db8:9::/48")
TARGETS = (
    ("GatewayId", "igw-1"),
    ("GatewayId", "vgw-1"),
    ("GatewayId", "vpce-1"),
    ("NatGatewayId", "nat-1"),
    ("TransitGatewayId", "tgw-1"),
    ("VpcPeeringConnectionId", "pcx-1"),
    ("NetworkInterfaceId", "eni-1"),
    ("EgressOnlyInternetGatewayId", "eigw-1"),
    ("SomethingNewId", "new-1"),
)


def _route(block: str, target: tuple[str, str], origin: str, state: str) -> dict[str, Any]:
    member = "DestinationIpv6CidrBlock" if ":" in block else "DestinationCidrBlock"
    return {member: block, target[0]: target[1], "Origin": origin, "State": state}


LISTED = ("8.8.8.0/24", "192.168.0.0/16", "10.0.2.0/24", "2001:4860::/32")
LIST = {"PrefixListEntries": [{"PrefixListId": "pl-1", "Entries": [{"Cidr": one} for one in LISTED]}]}
single = st.lists(
    st.builds(
        _route,
        st.sampled_from(BLOCKS + BLOCKS6),
        st.sampled_from(TARGETS),
        st.sampled_from(["CreateRoute", "CreateRoute", "EnableVgwRoutePropagation"]),
        st.sampled_from(["active", "active", "active", "blackhole"]),
    ),
    max_size=6,
    unique_by=lambda one: (one.get("DestinationCidrBlock"), one.get("DestinationIpv6CidrBlock")),
)
by_list = st.builds(lambda route: {"DestinationPrefixListId": "pl-1", **{
    name: value for name, value in route.items() if not name.endswith("CidrBlock")}},
    st.builds(_route, st.just("0.0.0.0/0"), st.sampled_from(TARGETS), st.just("CreateRoute"),
              st.sampled_from(["active", "blackhole"])))  # fmt: skip
routes = st.builds(lambda some, more: some + more, single, st.lists(by_list, max_size=1))
entries = st.lists(
    st.builds(
        entry,
        st.integers(1, 200),
        st.sampled_from(["allow", "allow", "deny"]),
        st.sampled_from(BLOCKS + BLOCKS6),
        st.sampled_from(["-1", "6", "17", "1", "58", "47"]),
        PortRange=st.sampled_from([{}, {"From": 443, "To": 443}, {"From": 0, "To": 1023}]),
        IcmpTypeCode=st.sampled_from([{"Type": -1, "Code": -1}, {"Type": 8, "Code": -1}, {"Type": 8, "Code": 0}]),
    ),
    max_size=6,
    unique_by=lambda one: one["RuleNumber"],
)
estates = st.builds(
    vpc,
    routes,
    entries,
    PrefixListEntries=st.just(LIST["PrefixListEntries"]),
    VpcEndpoints=st.sampled_from([[], [{"VpcEndpointId": "vpce-1", "VpcId": "vpc-1", "VpcEndpointType": "Gateway",
                                        "ServiceName": "com.amazonaws.us-east-1.s3", "State": "available"}]]),
    NetworkInterfaces=st.sampled_from([[], [{"NetworkInterfaceId": "eni-9", "SubnetId": "subnet-1", "VpcId": "vpc-1",
                                            "PrivateIpAddress": "10.0.1.9", "Groups": []}]]),
)  # fmt: skip
