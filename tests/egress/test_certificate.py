"""A certificate holds for the pages that were judged, and for nothing else: every leaf and every page counts."""

from __future__ import annotations

import copy
import hashlib
import ipaddress
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from networks import ALLOW, entry, network, vpc

from airgap.egress.boundary import Boundary
from airgap.egress.certificate import certificate, leaves
from airgap.egress.checker import Checker
from airgap.egress.verdict import prove

BOUNDARY = Boundary(ranges=("192.168.0.0/16",), gateways=("tgw-1",))
ITEMS = vpc(
    [
        {"DestinationCidrBlock": "8.8.8.0/24", "GatewayId": "igw-1", "State": "blackhole"},
        {"DestinationCidrBlock": "192.168.0.0/16", "GatewayId": "vgw-1", "State": "active"},
        {"DestinationCidrBlock": "172.16.0.0/12", "TransitGatewayId": "tgw-1", "State": "active"},
        {"DestinationCidrBlock": "203.0.113.0/24", "NatGatewayId": "nat-1", "State": "active"},
        {"DestinationCidrBlock": "10.0.1.0/24", "NetworkInterfaceId": "eni-1", "State": "active"},
    ],
    [entry(90, "deny", "203.0.113.0/25", "6", PortRange={"From": 0, "To": 65535}), entry(91, "deny", "203.0.113.0/24"),
     *ALLOW],
)  # fmt: skip
PAGES = {f"{kind}.json": json.dumps({kind: value}).encode() for kind, value in ITEMS.items()}


def written() -> dict[str, Any]:
    known = network(ITEMS)
    proof = prove(known, BOUNDARY)
    assert proof.verdict == "proven", proof.as_data()
    found: dict[str, Any] = json.loads(json.dumps(certificate(known, BOUNDARY, proof, PAGES)))
    return found


CERTIFICATE = written()


def test_it_holds() -> None:
    checker = Checker(CERTIFICATE, PAGES)
    assert checker.run() == []
    kinds = {leaf["why"] for one in CERTIFICATE["classes"] for tree in one.get("trees", {}).values()
             for leaf in leaves(tree)}  # fmt: skip
    assert kinds == {"no-route", "route", "range", "own", "acl"}


SPOTS = range(sum(1 for one in CERTIFICATE["classes"] for tree in one.get("trees", {}).values() for _ in leaves(tree)))


def leaf_of(found: dict[str, Any], number: int) -> dict[str, Any]:
    trees = [tree for one in found["classes"] for tree in one.get("trees", {}).values()]
    return [leaf for tree in trees for leaf in leaves(tree)][number]


WRONG = ({"why": "no-route"}, {"why": "route", "route": "10.0.0.0/16", "targets": ["local"]}, {"why": "open"},
         {"why": "acl", "rule": "100"}, {"why": "acl", "rule": "*"}, {"why": "range", "cidr": "192.168.0.0/16"},
         {"why": "own", "cidr": "10.0.1.0/24"})  # fmt: skip


@pytest.mark.parametrize("number", SPOTS)
def test_a_corrupted_leaf_is_found(number: int) -> None:
    for wrong in WRONG:
        found = copy.deepcopy(CERTIFICATE)
        leaf = leaf_of(found, number)
        if leaf == wrong:
            continue
        leaf.clear()
        leaf.update(wrong)
        assert Checker(found, PAGES).run(), wrong


@pytest.mark.parametrize("number", SPOTS)
def test_a_corrupted_citation_is_found(number: int) -> None:
    cited = leaf_of(copy.deepcopy(CERTIFICATE), number)
    for member in set(cited) - {"why"}:
        found = copy.deepcopy(CERTIFICATE)
        leaf_of(found, number)[member] = (
            ["igw-9"] if member == "targets" else "9.9.9.9/32" if "/" in cited[member] else "7"
        )
        assert Checker(found, PAGES).run(), member


def splits(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "why" not in tree:
        yield tree
        yield from splits(tree["below"])
        yield from splits(tree["from"])


def splits_of(found: dict[str, Any]) -> list[dict[str, Any]]:
    trees = [tree for one in found["classes"] for tree in one.get("trees", {}).values()]
    return [split for tree in trees for split in splits(tree)]


@pytest.mark.parametrize("number", range(len(splits_of(CERTIFICATE))))
@pytest.mark.parametrize("side", ["below", "from"])
def test_a_leaf_that_stands_for_more_than_its_fact_is_found(number: int, side: str) -> None:
    """A split is replaced by one of its own leaves: the tree still covers, but that leaf's fact does not."""
    found = copy.deepcopy(CERTIFICATE)
    split = splits_of(found)[number]
    leaf = next(leaves(split[side]))
    split.clear()
    split.update(leaf)
    assert Checker(found, PAGES).run()


@pytest.mark.parametrize("number", range(len(splits_of(CERTIFICATE))))
def test_a_split_outside_its_region_is_found(number: int) -> None:
    found = copy.deepcopy(CERTIFICATE)
    splits_of(found)[number]["at"] = -1
    assert Checker(found, PAGES).run()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_an_altered_page_is_found(name: str) -> None:
    assert Checker(CERTIFICATE, {**PAGES, name: PAGES[name].replace(b"{", b"{ ", 1)}).run()
    assert Checker(CERTIFICATE, {key: value for key, value in PAGES.items() if key != name}).run()
    assert Checker(CERTIFICATE, {**PAGES, "more.json": b"{}"}).run()


def by_facts(items: dict[str, Any]) -> list[str]:
    """Check the certificate against other pages, their digests put right: only the facts can give them away."""
    pages = {f"{kind}.json": json.dumps({kind: value}).encode() for kind, value in items.items()}
    stated = {name: hashlib.sha256(raw).hexdigest() for name, raw in pages.items()}
    return Checker({**CERTIFICATE, "pages": stated}, pages).run()


def test_a_declared_range_around_the_vpc_is_certified_without_it() -> None:
    route = {"DestinationCidrBlock": "10.0.0.0/8", "TransitGatewayId": "tgw-1", "State": "active"}
    boundary = Boundary(ranges=("10.0.0.0/8",))
    items = vpc([route], ALLOW)
    proof = prove(network(items), boundary)
    found = certificate(network(items), boundary, proof, PAGES)
    pages = {f"{kind}.json": json.dumps({kind: value}).encode() for kind, value in items.items()}
    found["pages"] = {name: hashlib.sha256(raw).hexdigest() for name, raw in pages.items()}
    assert (proof.verdict, Checker(found, pages).run()) == ("proven", [])
    detour = {"DestinationCidrBlock": "10.0.9.0/24", "NetworkInterfaceId": "eni-7", "State": "active"}
    items["RouteTables"][0]["Routes"].append(detour)
    changed = {**pages, "RouteTables.json": json.dumps({"RouteTables": items["RouteTables"]}).encode()}
    found["pages"] = {name: hashlib.sha256(raw).hexdigest() for name, raw in changed.items()}
    assert Checker(found, changed).run()


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a blackhole comes to life": lambda one: one["RouteTables"][0]["Routes"][2].update(State="active"),
    "a declared target is another": lambda one: one["RouteTables"][0]["Routes"][4].update(TransitGatewayId="tgw-2"),
    "a new member names a target": lambda one: one["RouteTables"][0]["Routes"][4].update(SomethingNewId="x-1"),
    "a route covers more than the subnet": lambda one: one["RouteTables"][0]["Routes"][6].update(
        DestinationCidrBlock="10.0.0.0/17"
    ),
    "a default route": lambda one: one["RouteTables"][0]["Routes"].append(
        {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}
    ),
    "a default route of IPv6": lambda one: one["RouteTables"][0]["Routes"].append(
        {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1"}
    ),
    "a deny is gone": lambda one: one["NetworkAcls"][0]["Entries"].pop(1),
    "a deny admits": lambda one: one["NetworkAcls"][0]["Entries"][1].update(RuleAction="allow"),
    "an earlier entry admits": lambda one: one["NetworkAcls"][0]["Entries"].append(entry(1, "allow", "0.0.0.0/0")),
    "the ACL is of no subnet": lambda one: one["NetworkAcls"][0].update(Associations=[]),
    "the table is of no subnet": lambda one: one["RouteTables"][0].update(Associations=[]),
    "another subnet": lambda one: one["Subnets"].append({**one["Subnets"][0], "SubnetId": "subnet-2"}),
    "the subnet lies elsewhere": lambda one: one["Subnets"][0].update(CidrBlock="10.0.3.0/24"),
}


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_a_fact_that_changes_breaks_it(name: str) -> None:
    assert by_facts(ITEMS) == []
    changed = copy.deepcopy(ITEMS)
    CHANGES[name](changed)
    assert by_facts(changed)


@pytest.mark.parametrize("name", sorted(set(CHANGES) - {"the subnet lies elsewhere", "another subnet"}))
def test_a_fact_that_changes_refutes_the_proof(name: str) -> None:
    changed = copy.deepcopy(ITEMS)
    CHANGES[name](changed)
    assert prove(network(changed), BOUNDARY).verdict != "proven"


def test_what_two_accounts_show_of_one_table_counts_together() -> None:
    """A participant of a shared VPC sees of the tables the associations with its own subnets alone."""
    items = copy.deepcopy(ITEMS)
    items["Subnets"].append({**ITEMS["Subnets"][0], "SubnetId": "subnet-2", "CidrBlock": "10.0.2.0/24"})
    for kind in ("RouteTables", "NetworkAcls"):
        seen = {**items[kind][0], "Associations": [{"SubnetId": "subnet-2"}]}
        items[kind] = [items[kind][0], seen]
    proof = prove(network(items), BOUNDARY)
    assert {one.verdict for one in proof.judged} == {"proven", "refuted"}
    pages = {f"{kind}.json": json.dumps({kind: value}).encode() for kind, value in items.items()}
    found = json.loads(json.dumps(certificate(network(items), BOUNDARY, proof, pages)))
    assert (sorted(found["subnets"]), sorted(found["open"])) == (["subnet-1"], ["subnet-2"])
    assert Checker(found, pages).run() == []


STRANGE = ({"RuleAction": "permit"}, {"CidrBlock": None, "PrefixListId": "pl-1"}, {"SourceZone": "somewhere"})


@pytest.mark.parametrize("strange", STRANGE, ids=str)
def test_an_entry_that_nobody_understands_certifies_nothing(strange: dict[str, Any]) -> None:
    changed = copy.deepcopy(ITEMS)
    changed["NetworkAcls"][0]["Entries"].append({**entry(1, "allow", "0.0.0.0/0"), **strange})
    assert by_facts(changed)


def test_a_page_whose_keys_are_spelled_otherwise_is_read() -> None:
    """JSON may write a letter as its number; what the proof reads so, the checker reads too."""
    pages = dict(PAGES)
    pages["RouteTables.json"] = PAGES["RouteTables.json"].replace(b'"RouteTables"', b'"\\u0052outeTables"')
    stated = {name: hashlib.sha256(raw).hexdigest() for name, raw in pages.items()}
    assert b"RouteTables" not in pages["RouteTables.json"].partition(b":")[0]
    assert Checker({**CERTIFICATE, "pages": stated}, pages).run() == []


def regions(tree: dict[str, Any], low: int, high: int) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Every leaf of a tree with the interval of addresses in which it stands."""
    if "why" in tree:
        yield tree, low, high
    elif tree["axis"] == 0:
        yield from regions(tree["below"], low, tree["at"] - 1)
        yield from regions(tree["from"], tree["at"], high)
    else:
        yield from regions(tree["below"], low, high)
        yield from regions(tree["from"], low, high)


CITED = [
    (version, leaf, low)
    for one in CERTIFICATE["classes"]
    for version, tree in one.get("trees", {}).items()
    for leaf, low, _ in regions(tree, 0, 2 ** (32 if version == "4" else 128) - 1)
]


@pytest.mark.parametrize("number", range(len(CITED)))
def test_the_opposite_of_any_cited_fact_refutes_the_proof(number: int) -> None:
    """Each leaf's fact is turned round in the pages (or, for a declared range, in the boundary): nothing is proven."""
    version, leaf, low = CITED[number]
    items, boundary = copy.deepcopy(ITEMS), BOUNDARY
    routes, entries = items["RouteTables"][0]["Routes"], items["NetworkAcls"][0]["Entries"]
    member = "DestinationCidrBlock" if version == "4" else "DestinationIpv6CidrBlock"
    there = ipaddress.ip_address(low) if version == "4" else ipaddress.IPv6Address(low)
    out = {member: f"{there}/{32 if version == '4' else 128}", "GatewayId": "igw-9", "State": "active"}
    if leaf["why"] == "no-route":
        routes.append(out)
    elif leaf["why"] == "route":
        route = next(one for one in routes if one.get(member) == leaf["route"])
        for name in ("GatewayId", "TransitGatewayId"):
            route.pop(name, None)
        route.update(GatewayId="igw-9", State="active")
    elif leaf["why"] == "acl":
        cited = [one for one in entries if str(one["RuleNumber"]) == leaf["rule"]]
        for one in cited:
            one["RuleAction"] = "allow"
        assert cited, leaf
    elif leaf["why"] == "range":
        boundary = Boundary(gateways=("tgw-1",))
    else:
        items["Subnets"][0]["CidrBlock"] = "10.0.3.0/24"
    assert prove(network(items), boundary).verdict == "refuted"
