"""What AWS's documents say of one packet, feature by feature: the walker's answer, and the prover's where it differs.

Sources: VPC User Guide ("Route priority", "Middlebox routing", "NAT gateways", "Block public access to VPCs and
subnets", "Network ACL rules"), EC2 User Guide ("Assigning prefixes"), Transit Gateways guide ("Network ACLs", "Route
evaluation order").
"""

from __future__ import annotations

from typing import Any

import pytest
from networks import ACCOUNT, ALLOW, OPEN, entry, network, vpc

from airgap.egress.boundary import Boundary
from airgap.egress.tracing import ask
from airgap.egress.verdict import Proof, prove

Items = dict[str, Any]
IN = {**entry(100, "allow", "0.0.0.0/0"), "Egress": False}
LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}
IGW = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}
NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"}
TGW = {"DestinationCidrBlock": "0.0.0.0/0", "TransitGatewayId": "tgw-1", "State": "active"}
EIGW = {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1", "State": "active"}
GATEWAY = {"InternetGateways": [{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1"}]}]}


def interface(name: str, address: str, subnet: str = "subnet-1", home: str = "vpc-1", **more: Any) -> Items:
    return {"NetworkInterfaceId": name, "SubnetId": subnet, "VpcId": home, "PrivateIpAddress": address,
            "OwnerId": ACCOUNT, "Groups": [], **more}  # fmt: skip


def add(items: Items, number: int, routes: list[Items], *, home: str = "vpc-1", block: str = "") -> Items:
    """Add a subnet with its own table and an ACL that admits everything; the subnet's range is 10.0.NUMBER.0/24."""
    name, start = f"subnet-{number}", ".".join((block or "10.0").split(".")[:2])
    local = {**LOCAL, "DestinationCidrBlock": f"{start}.0.0/16"}
    items["Subnets"].append({"SubnetId": name, "VpcId": home, "CidrBlock": block or f"10.0.{number}.0/24",
                             "OwnerId": ACCOUNT})  # fmt: skip
    items["RouteTables"].append({"RouteTableId": f"rtb-{number}", "VpcId": home, "Routes": [local, *routes],
                                 "Associations": [{"SubnetId": name}]})  # fmt: skip
    items["NetworkAcls"].append({"NetworkAclId": f"acl-{number}", "VpcId": home, "Entries": [*ALLOW, IN],
                                 "Associations": [{"SubnetId": name}]})  # fmt: skip
    return items


def traced(items: Items, to: str, **more: Any) -> tuple[str, str | None]:
    found = ask(network(items), more.pop("origin", "subnet-1"), to, more.pop("protocol", "tcp"),
                more.pop("port", 443), **more).as_data()  # fmt: skip
    return found["outcome"], found["reason"] or found["at"]


def proved(items: Items, boundary: Boundary | None = None) -> Proof:
    return prove(network(items), boundary or Boundary())


def verdict(items: Items) -> str:
    return {one.subnet: one.verdict for one in proved(items).judged}["subnet-1"]


# Routes


def listed(target: Items, **more: Any) -> Items:
    return {"DestinationPrefixListId": "pl-1", "State": "active", **target, **more}


def test_of_two_routes_of_one_length_the_static_one_decides() -> None:
    propagated = {**IGW, "DestinationCidrBlock": "192.168.0.0/16", "GatewayId": "vgw-1",
                  "Origin": "EnableVgwRoutePropagation"}  # fmt: skip
    fixed = {**TGW, "DestinationCidrBlock": "192.168.0.0/16", "State": "blackhole"}
    assert traced(vpc([propagated, fixed], ALLOW), "192.168.3.4") == ("dropped", "blackhole-route")
    assert verdict(vpc([propagated, fixed], ALLOW)) == "proven"
    assert verdict(vpc([propagated, {**fixed, "DestinationCidrBlock": "192.168.0.0/17"}], ALLOW)) == "refuted"


def test_a_prefix_list_stands_between_static_and_propagated() -> None:
    lists = {"PrefixListEntries": [{"PrefixListId": "pl-1", "Entries": [{"Cidr": "192.168.0.0/16"}]}]}
    closed = listed({"TransitGatewayId": "tgw-1"}, State="blackhole")
    fixed = {**IGW, "DestinationCidrBlock": "192.168.0.0/16"}
    propagated = {**fixed, "GatewayId": "vgw-1", "Origin": "EnableVgwRoutePropagation"}
    assert verdict({**vpc([closed, fixed], ALLOW), **lists}) == "refuted"
    assert verdict({**vpc([closed, propagated], ALLOW), **lists}) == "proven"
    assert traced({**vpc([closed, propagated], ALLOW), **lists}, "192.168.3.4") == ("dropped", "blackhole-route")


def test_two_lists_that_overlap_count_both() -> None:
    """AWS picks one of them, and says of neither that it is the one."""
    lists = {"PrefixListEntries": [{"PrefixListId": name, "Entries": [{"Cidr": "192.168.0.0/16"}]}
                                   for name in ("pl-1", "pl-2")]}  # fmt: skip
    routes = [listed({"TransitGatewayId": "tgw-1"}, State="blackhole"),
              listed({"GatewayId": "vgw-1"}, DestinationPrefixListId="pl-2")]  # fmt: skip
    for found in (routes, routes[::-1]):
        assert verdict({**vpc(found, ALLOW), **lists}) == "refuted"


def test_a_list_that_was_not_read_is_harmless_where_its_route_leads_nowhere() -> None:
    assert verdict(vpc([listed({"GatewayId": "vgw-1"}, State="blackhole")], ALLOW)) == "proven"
    assert verdict(vpc([listed({"GatewayId": "vgw-1"})], ALLOW)) == "unknown"


def test_a_table_of_no_subnet_is_the_main_one() -> None:
    items = vpc([IGW], ALLOW)
    items["RouteTables"][0]["Associations"] = [{"Main": True}]
    assert verdict(items) == "refuted"
    items["RouteTables"].append({"RouteTableId": "rtb-2", "VpcId": "vpc-1", "Routes": [LOCAL],
                                 "Associations": [{"SubnetId": "subnet-1",
                                                   "AssociationState": {"State": "disassociated"}}]})  # fmt: skip
    assert verdict(items) == "refuted"
    items["RouteTables"][1]["Associations"][0]["AssociationState"]["State"] = "associated"
    assert verdict(items) == "proven"


def test_a_route_of_more_than_the_local_one_leads_to_a_middlebox() -> None:
    items = vpc([{"DestinationCidrBlock": "10.0.2.0/24", "NetworkInterfaceId": "eni-7", "State": "active"}], ALLOW)
    assert verdict(items) == "refuted"
    assert traced(items, "10.0.2.9") == ("exits", "appliance")
    items["NetworkInterfaces"] = [interface("eni-7", "10.0.3.7", "subnet-3", SourceDestCheck=True)]
    assert traced(items, "10.0.2.9") == ("dropped", "source-dest-check")
    assert verdict(items) == "refuted"


def test_a_block_that_was_taken_from_a_subnet_is_no_longer_its_own() -> None:
    items = vpc([EIGW], [entry(5, "allow", "2600:1:2:3::/64")])
    gone = {"Ipv6CidrBlock": "2600:1:2:3::/64", "Ipv6CidrBlockState": {"State": "disassociated"}}
    items["Subnets"][0]["Ipv6CidrBlockAssociationSet"].append(gone)
    assert verdict(items) == "refuted"
    gone["Ipv6CidrBlockState"]["State"] = "associated"
    assert verdict(items) == "proven"


def test_a_secondary_range_is_local_and_one_that_is_gone_is_not() -> None:
    items = vpc([{**LOCAL, "DestinationCidrBlock": "10.9.0.0/16"}, TGW], ALLOW)
    items["Vpcs"][0]["CidrBlockAssociationSet"] = [{"CidrBlock": "10.0.0.0/16"}, {"CidrBlock": "10.9.0.0/16"}]
    assert traced(items, "10.9.1.1") == ("dropped", "no-subnet")
    add(items, 9, [], block="10.9.1.0/24")
    items["NetworkInterfaces"] = [interface("eni-9", "10.9.1.1", "subnet-9")]
    assert traced(items, "10.9.1.1") == ("delivered", "eni-9")
    known = network(items)
    items["Vpcs"][0]["CidrBlockAssociationSet"][1]["CidrBlockState"] = {"State": "disassociated"}
    assert [str(one) for one in known.ranges("vpc-1")] == ["10.0.0.0/16", "2001:db8::/56"]


# Network ACLs


@pytest.mark.parametrize(
    ("spoiled", "member"),
    [
        ({"RuleAction": "permit"}, "RuleAction"),
        ({"RuleAction": "ALLOW"}, "RuleAction"),
        ({"CidrBlock": None, "PrefixListId": "pl-1"}, "PrefixListId"),
        ({"CidrBlock": None}, "CidrBlock"),
        ({"Egress": None}, "Egress"),
        ({"Protocol": "gre"}, "Protocol"),
        ({"Protocol": "300"}, "Protocol"),
        ({"PortRange": {"From": 443}}, "PortRange"),
        ({"RuleNumber": None}, "RuleNumber"),
        ({"SourceZone": "somewhere"}, "SourceZone"),
    ],
    ids=str,
)
def test_an_entry_that_nobody_understands_proves_nothing(spoiled: Items, member: str) -> None:
    items = vpc([NAT], [{**entry(100, "allow", "0.0.0.0/0", "6"), **spoiled}])
    proof = proved(items)
    assert [one.verdict for one in proof.judged] == ["unknown"]
    assert any(one.what.startswith(f"what {member} of entry") for one in proof.missing)


def test_what_stands_before_an_entry_that_nobody_understands_is_sure() -> None:
    strange = entry(50, "permit", "0.0.0.0/0")
    assert verdict(vpc([NAT], [entry(10, "allow", "8.8.8.8/32"), strange])) == "refuted"
    assert verdict(vpc([NAT], [entry(60, "allow", "8.8.8.8/32"), strange])) == "unknown"
    assert traced(vpc([NAT], [entry(10, "allow", "8.8.8.8/32"), strange]), "8.8.8.8") == ("exits", "nat-1")
    assert traced(vpc([NAT], [strange]), "8.8.8.8") == ("unknown", "unread-entry")


def icmp(number: int, action: str, kind: int, code: int = -1) -> Items:
    return entry(number, action, "0.0.0.0/0", "1", IcmpTypeCode={"Type": kind, "Code": code})


def test_one_type_of_icmp_is_denied_and_the_others_leave() -> None:
    items = vpc([NAT], [icmp(90, "deny", 8), icmp(100, "allow", -1)])
    (witness,) = proved(items).witnesses
    assert (witness.packet.protocol, witness.trace.outcome) == (1, "exits")
    assert traced(items, "8.8.8.8", protocol="icmp", port=8 * 256) == ("dropped", "nacl-egress")
    assert traced(items, "8.8.8.8", protocol="icmp", port=3 * 256 + 1) == ("exits", "nat-1")
    (witness,) = proved(vpc([NAT], [icmp(100, "allow", -1)])).witnesses
    assert witness.packet.port == 8 * 256
    assert verdict(vpc([NAT], [icmp(90, "deny", 8), icmp(100, "allow", 8, 0)])) == "proven"


def test_the_last_rule_denies_what_no_other_has_decided() -> None:
    last = entry(32767, "deny", "0.0.0.0/0")
    assert verdict(vpc([NAT], [last])) == "proven"
    assert verdict(vpc([NAT], [last, entry(32766, "allow", "8.8.8.8/32", "6",
                                           PortRange={"From": 32768, "To": 60999})])) == "refuted"  # fmt: skip


# Interfaces and security groups


def grouped(**more: Any) -> Items:
    """An interface whose group admits only members of another, which one with a delegated prefix is."""
    first = {"GroupId": "sg-1", "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-2"}]}],
             "IpPermissionsEgress": []}  # fmt: skip
    second = {"GroupId": "sg-2", "IpPermissions": [OPEN], "IpPermissionsEgress": [OPEN]}
    return vpc([], ALLOW, SecurityGroups=[first, second], NetworkInterfaces=[
        interface("eni-1", "10.0.1.9", Groups=[{"GroupId": "sg-1"}]),
        interface("eni-2", "10.0.1.10", Groups=[{"GroupId": "sg-2"}], Ipv4Prefixes=[{"Ipv4Prefix": "10.0.1.16/28"}],
                  Ipv6Prefixes=[{"Ipv6Prefix": "2001:db8:0:1:a::/80"}], **more)])  # fmt: skip


def test_every_address_of_a_delegated_prefix_is_the_interfaces() -> None:
    """So Kubernetes gives addresses to pods; their packets carry the interface's groups."""
    items = grouped()
    assert traced(items, "10.0.1.20") == ("delivered", "eni-2")
    assert traced(items, "2001:db8:0:1:a::5") == ("delivered", "eni-2")
    assert traced(items, "10.0.1.9", origin="eni-2", source="10.0.1.20") == ("delivered", "eni-1")
    assert traced(items, "10.0.1.9", origin="eni-2", source="10.0.1.40") == ("dropped", "source-dest-check")
    assert traced(grouped(SourceDestCheck=False), "10.0.1.9", origin="eni-2", source="10.0.1.40") == (
        "dropped", "sg-ingress",
    )  # fmt: skip


def standing(inbound: list[Items], target: Items) -> tuple[str, ...]:
    group = {"GroupId": "sg-1", "IpPermissionsEgress": [], "IpPermissions": inbound}
    one = interface("eni-1", "10.0.1.9", Groups=[{"GroupId": "sg-1"}], Association={"PublicIp": "203.0.113.9"})
    items = vpc([target], ALLOW, SecurityGroups=[group], NetworkInterfaces=[one])
    (witness,) = proved(items).witnesses
    return witness.closed_only_by


def test_answers_to_what_a_group_admits_go_out_without_a_rule() -> None:
    """Groups are stateful: they close nothing towards who may begin; through a NAT gateway nobody can."""
    assert standing([OPEN], IGW) == ()
    assert standing([], IGW) == ("security groups sg-1",)
    assert standing([OPEN], NAT) == ("security groups sg-1",)


def test_behind_an_internet_gateway_a_packet_has_its_public_source() -> None:
    """A group that admits the VPC's range admits nobody by his public address, though he stands in the VPC."""
    inbound = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
    items = add(vpc([IGW], [*ALLOW, IN], **GATEWAY), 2, [IGW])
    items["SecurityGroups"] = [{"GroupId": "sg-1", "IpPermissions": [inbound]}]
    items["NetworkInterfaces"] = [
        interface("eni-1", "10.0.1.9", Association={"PublicIp": "203.0.113.1"}),
        interface("eni-2", "10.0.2.9", "subnet-2", Association={"PublicIp": "203.0.113.2"},
                  Groups=[{"GroupId": "sg-1"}]),
    ]  # fmt: skip
    assert traced(items, "10.0.2.9", origin="eni-1") == ("delivered", "eni-2")
    assert traced(items, "203.0.113.2", origin="eni-1") == ("dropped", "sg-ingress")
    inbound["IpRanges"] = [{"CidrIp": "203.0.113.1/32"}]
    assert traced(items, "203.0.113.2", origin="eni-1") == ("delivered", "eni-2")
    assert traced(items, "203.0.113.2") == ("dropped", "sg-ingress")


# NAT gateways and Block Public Access


def behind_nat(onward: Items, **more: Any) -> Items:
    nat = {"NatGatewayId": "nat-1", "VpcId": "vpc-1", "SubnetId": "subnet-2", "State": "available",
           "ConnectivityType": "public", "NatGatewayAddresses": [{"PrivateIp": "10.0.2.5", "PublicIp": "203.0.113.5"}],
           **more}  # fmt: skip
    return {**add(vpc([NAT], [*ALLOW, IN], **GATEWAY), 2, [onward]), "NatGateways": [nat]}


def test_behind_a_nat_gateway_a_packet_has_its_address() -> None:
    items = behind_nat({"DestinationCidrBlock": "10.1.0.0/16", "VpcPeeringConnectionId": "pcx-1"},
                       ConnectivityType="private")  # fmt: skip
    items["VpcPeeringConnections"] = [{"VpcPeeringConnectionId": "pcx-1", "Status": {"Code": "active"},
                                       "RequesterVpcInfo": {"VpcId": "vpc-1"}, "AccepterVpcInfo": {"VpcId": "vpc-2"}}
                                      ]  # fmt: skip
    items["Vpcs"].append({"VpcId": "vpc-2", "CidrBlock": "10.1.0.0/16"})
    add(items, 3, [], home="vpc-2", block="10.1.1.0/24")
    rule = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.2.5/32"}]}
    items["SecurityGroups"] = [{"GroupId": "sg-1", "IpPermissions": [rule]}]
    items["NetworkInterfaces"] = [interface("eni-3", "10.1.1.9", "subnet-3", "vpc-2", Groups=[{"GroupId": "sg-1"}])]
    assert traced(items, "10.1.1.9") == ("delivered", "eni-3")
    rule["IpRanges"] = [{"CidrIp": "10.0.1.0/24"}]
    assert traced(items, "10.1.1.9") == ("dropped", "sg-ingress")
    items["NatGateways"][0]["State"] = "deleted"
    assert traced(items, "10.1.1.9") == ("dropped", "nat-gone")


@pytest.mark.parametrize(
    ("mode", "exclusion", "straight", "by_nat"),
    [
        ("off", "", "exits", "exits"),
        ("block-ingress", "", "dropped", "exits"),
        ("block-bidirectional", "", "dropped", "dropped"),
        ("block-ingress", "allow-egress", "exits", "exits"),
        ("block-bidirectional", "allow-egress", "exits", "exits"),
        ("block-bidirectional", "allow-bidirectional", "exits", "exits"),
    ],
)
def test_block_public_access_leaves_open_what_only_answers(
    mode: str, exclusion: str, straight: str, by_nat: str
) -> None:
    items = behind_nat(IGW)
    items["VpcBlockPublicAccessOptions"] = {"InternetGatewayBlockMode": mode}
    items["VpcBlockPublicAccessExclusions"] = [
        {"ResourceArn": "arn:aws:ec2:us-east-1:1:subnet/subnet-2", "State": "create-complete",
         "InternetGatewayExclusionMode": exclusion}] if exclusion else []  # fmt: skip
    assert traced(items, "8.8.8.8", origin="subnet-2")[0] == straight
    assert traced(items, "8.8.8.8")[0] == by_nat
    assert verdict(items) == "refuted"


@pytest.mark.parametrize(("mode", "closed"), [("block-ingress", ()), ("block-bidirectional", ("Block Public Access",))])
def test_an_egress_only_gateway_is_closed_by_blocking_both_ways_alone(mode: str, closed: tuple[str, ...]) -> None:
    items = vpc([EIGW], ALLOW, VpcBlockPublicAccessOptions={"InternetGatewayBlockMode": mode})
    items["NetworkInterfaces"] = [interface("eni-1", "10.0.1.9", Ipv6Addresses=[{"Ipv6Address": "2001:db8:0:1::9"}])]
    (witness,) = proved(items).witnesses
    assert witness.closed_only_by == closed


# What comes in


def test_what_comes_in_takes_the_gateways_own_table() -> None:
    items = add(vpc([], ALLOW, **GATEWAY), 2, [IGW])
    items["NetworkInterfaces"] = [interface("eni-2", "10.0.2.9", "subnet-2", Association={"PublicIp": "203.0.113.2"})]
    assert traced(items, "203.0.113.2", origin="internet") == ("delivered", "eni-2")
    edge = {"RouteTableId": "rtb-edge", "VpcId": "vpc-1", "Associations": [{"GatewayId": "igw-1"}],
            "Routes": [LOCAL, {**IGW, "DestinationCidrBlock": "10.0.2.0/24", "GatewayId": "vpce-7"}]}  # fmt: skip
    items["RouteTables"].append(edge)
    assert traced(items, "203.0.113.2", origin="internet") == ("unknown", "appliance")
    edge["Routes"][1]["State"] = "blackhole"
    assert traced(items, "203.0.113.2", origin="internet") == ("dropped", "blackhole-route")
    edge["Routes"][1].update(GatewayId="local", State="active")
    assert traced(items, "203.0.113.2", origin="internet") == ("delivered", "eni-2")


# Transit gateways


def transit(routes: list[Items], spread: list[Items] | None = None, **kinds: Any) -> Items:
    items = vpc([TGW], [*ALLOW, IN], TransitGateways=[{"TransitGatewayId": "tgw-1"}], **kinds)
    items["Vpcs"].append({"VpcId": "vpc-2", "CidrBlock": "10.1.0.0/16"})
    add(items, 2, [], home="vpc-2", block="10.1.1.0/24")
    items["NetworkInterfaces"] = [interface("eni-2", "10.1.1.9", "subnet-2", "vpc-2")]
    items["TransitGatewayVpcAttachments"] = [
        {"TransitGatewayAttachmentId": f"tgw-attach-{one}", "TransitGatewayId": "tgw-1", "VpcId": f"vpc-{one}",
         "State": "available", "SubnetIds": [f"subnet-{one}"]} for one in (1, 2)]  # fmt: skip
    items["TransitGatewayAttachments"] = [
        {"TransitGatewayAttachmentId": f"tgw-attach-{one}", "TransitGatewayId": "tgw-1", "ResourceType": "vpc",
         "Association": {"TransitGatewayRouteTableId": "tgw-rtb-1"}} for one in (1, 2)]  # fmt: skip
    items["TransitGatewayStaticRoutes"] = [{"TransitGatewayRouteTableId": "tgw-rtb-1", "Routes": routes}]
    items["TransitGatewayPropagations"] = [
        {"TransitGatewayRouteTableId": "tgw-rtb-1", "TransitGatewayRouteTablePropagations": spread or []}
    ]
    return items


def hop(kind: str, name: str, block: str = "10.1.0.0/16", **more: Any) -> Items:
    to = {"ResourceType": kind, "ResourceId": name, "TransitGatewayAttachmentId": f"tgw-attach-{name[-1]}"}
    return {"DestinationCidrBlock": block, "Type": "static", "State": "active", "TransitGatewayAttachments": [to],
            **more}  # fmt: skip


SPREAD = {"ResourceType": "vpc", "ResourceId": "vpc-2", "TransitGatewayAttachmentId": "tgw-attach-2",
          "State": "enabled"}  # fmt: skip


def test_routes_of_a_transit_gateway_by_length_then_by_how_they_came() -> None:
    there = "10.1.1.9"
    assert traced(transit([]), there) == ("dropped", "no-tgw-route")
    assert traced(transit([hop("vpc", "vpc-2")]), there) == ("delivered", "eni-2")
    assert traced(transit([], [SPREAD]), there) == ("delivered", "eni-2")
    assert traced(transit([hop("vpc", "vpc-2", State="blackhole")], [SPREAD]), there) == ("dropped", "tgw-blackhole")
    assert traced(transit([hop("vpc", "vpc-2", State="deleted")]), there) == ("dropped", "no-tgw-route")
    longer = hop("vpn", "vpn-3", "10.1.1.0/24", Type="propagated")
    assert traced(transit([longer], [SPREAD]), there) == ("exits", "tgw-1")
    same = hop("vpn", "vpn-3", Type="propagated")
    assert traced(transit([same], [SPREAD]), there) == ("delivered", "eni-2")
    both = [same, hop("direct-connect-gateway", "dx-4", Type="propagated", State="blackhole")]
    assert traced(transit(both), there) == ("dropped", "tgw-blackhole")


def test_a_list_that_a_transit_gateway_refers_to_routes_too() -> None:
    lists = [{"PrefixListId": "pl-1", "Entries": [{"Cidr": "10.1.0.0/16"}]}]
    refers = {"TransitGatewayRouteTableId": "tgw-rtb-1", "PrefixListId": "pl-1", "State": "available",
              "TransitGatewayAttachment": hop("vpc", "vpc-2")["TransitGatewayAttachments"][0]}  # fmt: skip
    items = transit([], PrefixListEntries=lists, TransitGatewayPrefixListReferences=[refers])
    assert traced(items, "10.1.1.9") == ("delivered", "eni-2")
    refers["Blackhole"] = True
    assert traced(items, "10.1.1.9") == ("dropped", "tgw-blackhole")


def test_a_neighbour_whose_routes_come_by_bgp_may_have_announced_any() -> None:
    spread = {**SPREAD, "ResourceType": "vpn", "ResourceId": "vpn-3"}
    found = ask(network(transit([], [spread])), "subnet-1", "8.8.8.8", "tcp", 443)
    assert (found.outcome, found.assumed[-1]) == ("exits", "vpn-3 may have announced any route to tgw-1")


def test_the_acl_where_a_transit_gateway_stands() -> None:
    """Inbound entries judge what a VPC sends there; what comes from there passes its outbound ones, or none."""
    items = transit([hop("vpc", "vpc-2")])
    items["NetworkAcls"][0]["Entries"].remove(IN)
    assert traced(items, "10.1.1.9") == ("dropped", "nacl-ingress")
    assert verdict(items) == "refuted"
    items = transit([hop("vpc", "vpc-2")])
    items["NetworkAcls"][1]["Entries"] = []
    assert traced(items, "10.1.1.9") == ("delivered", "eni-2")


def test_a_peering_leads_into_the_other_vpc_and_no_further() -> None:
    items = vpc([{**IGW, "GatewayId": None, "VpcPeeringConnectionId": "pcx-1"}], ALLOW)
    items["Vpcs"].append({"VpcId": "vpc-2", "CidrBlock": "10.1.0.0/16"})
    add(items, 2, [IGW], home="vpc-2", block="10.1.1.0/24")
    items["VpcPeeringConnections"] = [{"VpcPeeringConnectionId": "pcx-1", "Status": {"Code": "active"},
                                       "RequesterVpcInfo": {"VpcId": "vpc-1"}, "AccepterVpcInfo": {"VpcId": "vpc-2"}}
                                      ]  # fmt: skip
    group = {"GroupId": "sg-2", "IpPermissions": [{"IpProtocol": "6", "FromPort": 443, "ToPort": 443,
                                                   "UserIdGroupPairs": [{"GroupId": "sg-1"}]}]}  # fmt: skip
    items["SecurityGroups"] = [{"GroupId": "sg-1", "IpPermissionsEgress": [OPEN]}, group]
    items["NetworkInterfaces"] = [interface("eni-1", "10.0.1.9", Groups=[{"GroupId": "sg-1"}]),
                                  interface("eni-2", "10.1.1.9", "subnet-2", "vpc-2", Groups=[{"GroupId": "sg-2"}])
                                  ]  # fmt: skip
    assert traced(items, "10.1.1.9", origin="eni-1") == ("delivered", "eni-2")
    assert traced(items, "10.1.1.9", origin="eni-1", port=80) == ("dropped", "sg-ingress")
    assert traced(items, "10.1.1.9") == ("dropped", "sg-ingress")
    assert traced(items, "8.8.8.8", origin="eni-1") == ("dropped", "no-subnet")
    items["VpcPeeringConnections"][0]["Status"]["Code"] = "deleted"
    assert traced(items, "10.1.1.9", origin="eni-1") == ("dropped", "peering-inactive")
    assert verdict(items) == "refuted"


def test_a_vpcs_own_router_knows_its_addresses_alone() -> None:
    items = vpc([IGW], [*ALLOW, IN], NetworkInterfaces=[interface("eni-1", "10.0.1.9")])
    assert traced(items, "10.0.1.9", origin="vpc-1", source="10.0.9.9") == ("delivered", "eni-1")
    assert traced(items, "10.0.7.9", origin="vpc-1") == ("dropped", "no-subnet")
    assert traced(items, "8.8.8.8", origin="vpc-1") == ("dropped", "no-route")


# Lattice, and what receives in several subnets


def test_the_route_that_lattice_adds_is_its_own_channel() -> None:
    items = vpc([{**IGW, "DestinationCidrBlock": "169.254.171.0/24", "GatewayId": "VpcLattice"}], ALLOW)
    proof = proved(items)
    assert verdict(items) == "refuted"
    assert [one.channel.id for one in proof.channels if one.verdict == "refuted"] == ["P19"]
    assert traced(items, "169.254.171.9") == ("exits", "VpcLattice")


def sealed_and_open(*interfaces: Items) -> Items:
    items = add(vpc([], []), 2, [NAT])
    items["NetworkInterfaces"] = list(interfaces)
    return items


def relayed(items: Items, boundary: Boundary | None = None) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.subnet, one.path) for one in proved(items, boundary).relayed]


@pytest.mark.parametrize(
    "more",
    [
        {"Attachment": {"InstanceId": "i-1"}},
        {"RequesterManaged": True, "Description": "Amazon EKS demo"},
    ],
    ids=["instance", "service"],
)
def test_what_stands_in_two_subnets_hands_over_without_a_route(more: Items) -> None:
    here, there = interface("eni-1", "10.0.1.9", **more), interface("eni-2", "10.0.2.9", "subnet-2", **more)
    assert relayed(sealed_and_open(here, there)) == [("subnet-1", ("subnet-2",))]
    assert relayed(sealed_and_open(here)) == []
    other = {**there, "Attachment": {"InstanceId": "i-2"}, "Description": "another"}
    assert relayed(sealed_and_open(here, other)) == []


def test_an_instance_with_interfaces_in_two_vpcs_joins_them() -> None:
    items = add(vpc([], []), 2, [NAT], home="vpc-2", block="10.1.1.0/24")
    items["Vpcs"].append({"VpcId": "vpc-2", "CidrBlock": "10.1.0.0/16"})
    attached = {"Attachment": {"InstanceId": "i-1"}}
    items["NetworkInterfaces"] = [interface("eni-1", "10.0.1.9", **attached),
                                  interface("eni-2", "10.1.1.9", "subnet-2", "vpc-2", **attached)]  # fmt: skip
    assert relayed(items) == [("subnet-1", ("subnet-2",))]


def test_a_declared_transit_gateway_leads_to_the_exits_of_where_it_stands() -> None:
    """The ACL admits one address abroad and none of the other VPC: still the packet leaves by that VPC."""
    items = transit([hop("vpc", "vpc-2", "0.0.0.0/0")])
    items["NetworkAcls"][0]["Entries"] = [entry(10, "allow", "8.8.8.8/32"), IN]
    items["RouteTables"][1]["Routes"].append(NAT)
    assert traced(items, "8.8.8.8") == ("exits", "nat-1")
    assert relayed(items, Boundary(gateways=("tgw-1",))) == [("subnet-1", ("subnet-2",))]
    items["NetworkAcls"][0]["Entries"] = [IN]
    assert relayed(items, Boundary(gateways=("tgw-1",))) == []
