"""Recorded rules of security groups, network ACLs and prefix lists admit exactly what is known of them."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any

import pytest
import vectors
from networks import network

from airgap.egress.boxes import Box, meet, of_entry
from airgap.egress.filters import Filters
from airgap.egress.network import Network
from airgap.egress.rules import Packet, group_rule

FOLDER = vectors.ROOT / "bf-unit-filters"
CASES = json.loads((FOLDER / "expectations.json").read_text())["assertions"] if FOLDER.exists() else []
pytestmark = pytest.mark.skipif(not CASES, reason="the recorded rules are not beside this project")
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "any": 6}


def of_kind(kind: str) -> list[Any]:
    found = [one for one in CASES if one["kind"] == kind]
    return [pytest.param(one, id=one["id"]) for one in found]


def recorded(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


def point(example: list[Any]) -> tuple[str, int, int]:
    address, protocol, port = example
    kind = re.match(r"type (\d+)(?: code (\d+))?", str(port))
    if kind:
        port = int(kind[1]) * 256 + int(kind[2] or 0)
    return address, NUMBERS.get(protocol, protocol), int(port or 0)


def admits(known: Network, group: str, outbound: bool, example: list[Any]) -> bool:
    """Ask the boxes and the walker's reading of the same group; they must agree."""
    address, protocol, port = point(example)
    here, there = ipaddress.ip_address("10.0.0.5"), ipaddress.ip_address(address)
    at = int(there)
    boxes = Filters(known).admitted([group], outbound, there.version)
    boxed = any(meet(one, Box((at, at), (protocol, protocol), (port, port))) for one in boxes)
    packet = Packet(here if outbound else there, there if outbound else here, protocol, port)
    assert (group_rule(known, [group], packet, there, outbound) is not None) == boxed
    return boxed


def group_of(case: dict[str, Any]) -> tuple[Network, str]:
    held = recorded(case["file"])
    groups = held["SecurityGroups"] if isinstance(held, dict) else held
    found = groups[case["index"]]
    return network({"SecurityGroups": [found]}), found["GroupId"]


@pytest.mark.parametrize("case", of_kind("sg-rule-set"))
def test_a_rule_set(case: dict[str, Any]) -> None:
    known, group = group_of(case)
    outbound = case["direction"] == "egress"
    if isinstance(case["expect"], str):
        # The malformed allowance is widened to all of ICMP, and to nothing else.
        assert admits(known, group, outbound, ["9.9.9.9", "icmp", "type 3 code 1"])
        assert not admits(known, group, outbound, ["9.9.9.9", "tcp", 9])
        return
    for example in case["expect"]["allow_examples"]:
        assert admits(known, group, outbound, example), example
    for example in case["expect"]["deny_examples"]:
        assert not admits(known, group, outbound, example), example


@pytest.mark.parametrize("case", of_kind("sg-packet"))
def test_what_is_no_reply_is_judged_by_the_rules(case: dict[str, Any]) -> None:
    known, group = group_of(case)
    packet = case["packet"]
    assert not admits(known, group, True, [packet["dst"], packet["protocol"], packet["dst_port"]])


@pytest.mark.parametrize("case", of_kind("sg-prefix-list"))
def test_a_prefix_list(case: dict[str, Any]) -> None:
    ((name, blocks),) = case["inline"]["prefix_list"].items()
    rule = {"IpProtocol": case["inline"]["protocol"], "PrefixListIds": [{"PrefixListId": name}]}
    group = {"GroupId": "sg-1", "IpPermissionsEgress": [rule]}
    known = network({"SecurityGroups": [group], "PrefixLists": [{"PrefixListId": name, "Cidrs": blocks}]})
    assert all(admits(known, "sg-1", True, one) for one in case["expect"]["allow_examples"])
    assert not any(admits(known, "sg-1", True, one) for one in case["expect"]["deny_examples"])
    # The entries were not recorded: anything may be in it.
    assert admits(network({"SecurityGroups": [group]}), "sg-1", True, case["expect"]["deny_examples"][0])


@pytest.mark.parametrize("case", of_kind("sg-reference"))
def test_a_reference(case: dict[str, Any]) -> None:
    ((name, members),) = case["inline"]["members"].items()
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": name}]}
    interfaces = [
        {"NetworkInterfaceId": f"eni-{one}", "PrivateIpAddress": one, "Groups": [{"GroupId": name}]} for one in members
    ]
    groups = [{"GroupId": "sg-1", "IpPermissions": [rule]}, {"GroupId": name}]
    known = network({"SecurityGroups": groups, "NetworkInterfaces": interfaces})
    assert all(admits(known, "sg-1", False, one) for one in case["expect"]["allow_examples"])
    assert not any(admits(known, "sg-1", False, one) for one in case["expect"]["deny_examples"])


@pytest.mark.parametrize("case", of_kind("nacl-entry"))
def test_an_entry_of_an_acl(case: dict[str, Any]) -> None:
    inline = case["inline"]
    entry = {"RuleAction": inline["action"], "Protocol": inline["protocol"], "CidrBlock": inline["cidr"]}
    if "port_range" in inline:
        entry["PortRange"] = {"From": inline["port_range"][0], "To": inline["port_range"][1]}
    if "icmp" in inline:
        entry["IcmpTypeCode"] = {"Type": inline["icmp"][0], "Code": inline["icmp"][1]}
    box = of_entry(entry, 4)
    ports = {
        "tcp dst ports 1-21": (1, 21),
        "icmp type 1 code 2": (258, 258),
    }.get(case["expect"], (0, 65535))
    number = int(inline["protocol"])
    net = ipaddress.ip_network(inline["cidr"])
    ends = int(net.network_address), int(net.broadcast_address)
    assert box == Box(ends, (number, number) if number >= 0 else (0, 255), ports)
    assert of_entry(entry, 6) is None


def test_a_malformed_entry_denies_nothing() -> None:
    entry = {"Protocol": "1", "CidrBlock": "0.0.0.0/0", "IcmpTypeCode": {"Type": -1, "Code": 9}}
    assert of_entry({**entry, "RuleAction": "deny"}, 4) is None
    assert of_entry({**entry, "RuleAction": "allow"}, 4) == Box((0, 2**32 - 1), (1, 1))


def test_entries_of_ipv6_count() -> None:
    (acl,) = recorded("NetworkAclV6Test.json")["NetworkAcls"]
    assert of_entry(acl["Entries"][0], 6) == Box((0, 2**128 - 1))


def test_a_list_of_aws() -> None:
    known = network(recorded("PrefixListTest.json"))
    assert [str(one) for one in known.prefix_list("pl-00a54069") or []] == ["52.94.28.0/23", "52.94.10.0/24"]
