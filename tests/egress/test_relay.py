"""The relay level: who could hand data to a subnet with an exit; and the boundary, and snapshots with old answers."""

from __future__ import annotations

import copy
from typing import Any

from networks import ALLOW, network, vpc

from airgap.egress.boundary import Boundary
from airgap.egress.verdict import prove

IN = [
    {"Egress": False, "RuleNumber": 100, "RuleAction": "allow", "CidrBlock": "0.0.0.0/0", "Protocol": "-1"},
    {"Egress": False, "RuleNumber": 101, "RuleAction": "allow", "Ipv6CidrBlock": "::/0", "Protocol": "-1"},
]
OUT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"}
LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}


def chain(*entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Subnets subnet-1, subnet-2, ... of one VPC with these network ACLs; the last one has an exit."""
    items = vpc([], entries[0])
    del items["Subnets"][0]["Ipv6CidrBlockAssociationSet"]
    for number, each in enumerate(entries[1:], 2):
        name = f"subnet-{number}"
        items["Subnets"].append({**items["Subnets"][0], "SubnetId": name, "CidrBlock": f"10.0.{number}.0/24"})
        last = number == len(entries)
        items["RouteTables"].append(
            {
                "RouteTableId": f"rtb-{number}",
                "VpcId": "vpc-1",
                "Associations": [{"SubnetId": name}],
                "Routes": [LOCAL, *([OUT] if last else [])],
            }
        )
        items["NetworkAcls"].append({"NetworkAclId": f"acl-{number}", "VpcId": "vpc-1", "IsDefault": False,
                                     "Associations": [{"SubnetId": name}], "Entries": each})  # fmt: skip
    return items


def acl(direction: bool, protocol: str, low: int, high: int, block: str) -> dict[str, Any]:
    return {"Egress": direction, "RuleNumber": 90, "RuleAction": "allow", "CidrBlock": block, "Protocol": protocol,
            "PortRange": {"From": low, "To": high}}  # fmt: skip


def test_whoever_receives_may_send_on() -> None:
    proof = prove(network(chain(ALLOW + IN, ALLOW + IN)), Boundary())
    verdicts = {one.subnet: one.verdict for one in proof.judged}
    assert verdicts == {"subnet-1": "proven", "subnet-2": "refuted"}
    assert [(one.subnet, one.path) for one in proof.relayed] == [("subnet-1", ("subnet-2",))]


def test_a_chain_of_relays_is_found_and_its_order_is_told() -> None:
    first = [acl(True, "6", 443, 443, "10.0.2.0/24")]
    middle = [acl(False, "6", 443, 443, "10.0.1.0/24"), acl(True, "6", 80, 80, "10.0.3.0/24")]
    last = [*ALLOW, acl(False, "6", 80, 80, "10.0.2.0/24")]
    proof = prove(network(chain(first, middle, last)), Boundary())
    assert {one.subnet: one.path for one in proof.relayed} == {
        "subnet-2": ("subnet-3",), "subnet-1": ("subnet-2", "subnet-3"),
    }  # fmt: skip


def test_acls_that_share_no_port_end_the_chain() -> None:
    first = [acl(True, "6", 443, 443, "10.0.2.0/24")]
    last = [*ALLOW, acl(False, "6", 80, 80, "10.0.1.0/24")]
    assert prove(network(chain(first, last)), Boundary()).relayed == []


def test_a_peering_that_the_boundary_declares_is_a_way_to_relay() -> None:
    items = chain(ALLOW + IN, ALLOW + IN)
    other = copy.deepcopy(items)
    items["Subnets"][1] = {**items["Subnets"][1], "VpcId": "vpc-2", "CidrBlock": "10.9.2.0/24"}
    items["RouteTables"][1]["VpcId"] = items["NetworkAcls"][1]["VpcId"] = "vpc-2"
    items["Vpcs"].append({"VpcId": "vpc-2", "CidrBlock": "10.9.0.0/16"})
    assert prove(network(items), Boundary(gateways=("pcx-1",))).relayed == []
    peered = {"DestinationCidrBlock": "10.9.0.0/16", "VpcPeeringConnectionId": "pcx-1", "State": "active"}
    items["RouteTables"][0]["Routes"].append(peered)
    proof = prove(network(items), Boundary(gateways=("pcx-1",)))
    assert {one.subnet: one.verdict for one in proof.judged}["subnet-1"] == "proven"
    assert [one.subnet for one in proof.relayed] == ["subnet-1"]
    assert prove(network(other), Boundary()).relayed
