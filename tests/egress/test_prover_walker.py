"""Prover, walker and checker on random networks: what one lets out the other calls a leak, and every tree holds."""

from __future__ import annotations

import copy
import ipaddress
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import ALLOW, answers, entry, estates, network, vpc

from airgap.egress.boundary import Boundary
from airgap.egress.certificate import certificate
from airgap.egress.checker import Checker
from airgap.egress.facts import Facts
from airgap.egress.journey import Interface
from airgap.egress.network import Network
from airgap.egress.prover import Judged, Prover
from airgap.egress.rules import Packet
from airgap.egress.verdict import prove
from airgap.egress.walker import Walker
from airgap.egress.witness import NoReplay, witnesses

THERE = ("8.8.8.8", "8.8.8.9", "1.1.1.1", "10.0.1.7", "10.0.2.5", "10.9.0.1", "192.168.3.4", "2001:4860:4860::8888",
         "2001:db8:9::1", "2001:db8:0:1::7", "2600::1")  # fmt: skip
packets = st.tuples(
    st.sampled_from(THERE), st.sampled_from([1, 6, 17, 47, 58]), st.sampled_from([0, 443, 1024, 8 * 256, 8 * 256 + 1])
)
Asked = tuple[str, int, int]


def leaks(items: dict[str, Any], boundary: Boundary | None = None) -> Judged:
    (found,) = Prover(network(items), boundary or Boundary()).subnets()
    return found


def leaves(items: dict[str, Any], asked: Asked) -> bool:
    """Tell whether the walker passes the router with a packet, by a route that is neither local nor to an endpoint."""
    known, there = network(items), ipaddress.ip_address(asked[0])
    here = ipaddress.ip_address("10.0.1.10" if there.version == 4 else "2001:db8:0:1::a")
    trace = Walker(known).send(Packet(here, there, asked[1], asked[2]), Interface("vpc-1", items["Subnets"][0]))
    taken = next((one["what"].rpartition(" to ")[2] for one in trace.hops if one["at"] == "rtb-1"), "local")
    own = {one["VpcEndpointId"] for one in items["VpcEndpoints"]}
    return trace.reason != "blackhole-route" and taken != "local" and taken not in own


def held(judged: Judged, asked: Asked) -> bool:
    there = ipaddress.ip_address(asked[0])
    point = int(there), asked[1], asked[2]
    return any(
        one.version == there.version and all(low <= at <= high for (low, high), at in zip(one.box, point, strict=True))
        for one in judged.leaks
    )


@settings(max_examples=300, deadline=None)
@given(estates, packets)
def test_what_the_walker_lets_out_is_a_leak_and_nothing_else(items: dict[str, Any], asked: Asked) -> None:
    assert leaves(items, asked) == held(leaks(items), asked)


@settings(max_examples=60, deadline=None)
@given(estates)
def test_every_witness_replays_and_every_leaf_is_verified(items: dict[str, Any]) -> None:
    known, boundary = network(items), Boundary()
    proof = prove(known, boundary)
    assert {one.leak.target for one in proof.witnesses} == {one.target for found in proof.judged for one in found.leaks}
    pages = {f"{kind}.json": json.dumps({kind: value}).encode() for kind, value in items.items()}
    checker = Checker(json.loads(json.dumps(certificate(known, boundary, proof, pages))), pages)
    assert checker.run() == []
    assert (checker.leaves > 0) == (proof.judged[0].subnet in certificate(known, boundary, proof, pages)["subnets"])


@settings(max_examples=100, deadline=None)
@given(estates, packets, st.integers(201, 300), st.sampled_from(THERE))
def test_a_deny_adds_no_egress(items: dict[str, Any], asked: Asked, number: int, block: str) -> None:
    before = leaks(items)
    denied = copy.deepcopy(items)
    denied["NetworkAcls"][0]["Entries"].append(entry(number % 7, "deny", f"{block}"))
    assert not held(leaks(denied), asked) or held(before, asked)


@settings(max_examples=80, deadline=None)
@given(estates, packets)
def test_names_mean_nothing(items: dict[str, Any], asked: Asked) -> None:
    text = json.dumps(items)
    for name in ("subnet-1", "rtb-1", "acl-1"):
        text = text.replace(name, name.replace("-1", "-zz"))
    (renamed,) = Prover(Network(Facts(answers(json.loads(text)))), Boundary()).subnets()
    assert held(renamed, asked) == held(leaks(items), asked)
    assert renamed.verdict == leaks(items).verdict


@settings(max_examples=80, deadline=None)
@given(estates, packets)
def test_a_declared_gateway_adds_no_egress(items: dict[str, Any], asked: Asked) -> None:
    declared = leaks(items, Boundary(gateways=("igw-1", "nat-1")))
    assert not held(declared, asked) or held(leaks(items), asked)
    assert not {one.target for one in declared.leaks} & {"igw-1", "nat-1"}


ENDPOINTS = ("Interface", "Gateway", "GatewayLoadBalancer", "Resource", "ServiceNetwork", "Tunnel", "Novel")


def refuted(items: dict[str, Any]) -> set[str]:
    return {one.channel.id for one in prove(network(items), Boundary()).channels if one.verdict == "refuted"}


@settings(max_examples=60, deadline=None)
@given(estates, st.sampled_from(ENDPOINTS), st.sampled_from(["com.amazonaws.us-east-1.sqs", "com.example.vpce-svc-1"]))
def test_removing_an_endpoint_adds_no_way_out(items: dict[str, Any], kind: str, service: str) -> None:
    """One that no route names; a gateway endpoint goes with its routes, and what was theirs takes the next shorter."""
    more = {"VpcEndpointId": "vpce-2", "VpcId": "vpc-1", "VpcEndpointType": kind, "ServiceName": service}
    before = {**items, "VpcEndpoints": [*items["VpcEndpoints"], more]}
    assert leaks(items).leaks == leaks(before).leaks
    assert refuted(items) <= refuted(before)


def test_a_packet_that_does_not_leave_is_no_witness() -> None:
    """The prover is told that a blackhole is open: the walker's contradiction stops the proof."""
    route = {"DestinationCidrBlock": "8.8.8.0/24", "NatGatewayId": "nat-1", "State": "active"}
    judged = leaks(vpc([route], ALLOW))
    closed = network(vpc([{**route, "State": "blackhole", "NatGatewayId": "nat-2"}], ALLOW))
    assert [one.leak.target for one in witnesses(network(vpc([route], ALLOW)), [judged])] == ["nat-1"]
    with pytest.raises(NoReplay, match="does not replay"):
        list(witnesses(closed, [judged]))


@settings(max_examples=80, deadline=None)
@given(estates)
def test_without_any_open_route_nothing_leaves(items: dict[str, Any]) -> None:
    closed = copy.deepcopy(items)
    for one in closed["RouteTables"][0]["Routes"]:
        one["State"] = "blackhole"
    assert leaks(closed).verdict == "proven"
    assert list(witnesses(network(closed), [leaks(closed)])) == []
