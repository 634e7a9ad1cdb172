"""Several VPCs, a transit gateway and peerings at random: prover, walker, solver, relay level and checker agree."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from joined_networks import joined
from networks import network
from second_opinion import leaks

from airgap.egress.boundary import Boundary
from airgap.egress.certificate import certificate
from airgap.egress.checker import Checker
from airgap.egress.journey import DELIVERED, EXITS, Interface, Trace
from airgap.egress.network import Network
from airgap.egress.rules import Packet
from airgap.egress.verdict import Proof, prove
from airgap.egress.walker import Walker

Walk = tuple[Any, str, Trace]
THERE = ("8.8.8.8", "1.1.1.1", "10.0.0.9", "10.0.1.9", "10.1.0.9", "10.1.1.9", "10.2.0.9", "10.2.1.9", "10.1.1.200")
BOUNDARIES = (Boundary(), Boundary(gateways=("tgw-1", "pcx-01", "pcx-12")))
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
THOROUGH = settings(max_examples=4000, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def walks(known: Network) -> Iterator[Walk]:
    """Every subnet's hypothetical interface sends HTTPS to every address of the list."""
    for subnet in known.facts.items("Subnets"):
        here = ipaddress.ip_address(subnet["CidrBlock"].replace(".0/24", ".10"))
        for there in THERE:
            packet = Packet(here, ipaddress.ip_address(there), 6, 443)
            yield subnet, there, Walker(known).send(packet, Interface(subnet["VpcId"], subnet))


def judged(items: dict[str, Any], boundary: Boundary) -> None:
    known = network(items)
    proof = prove(known, boundary)
    verdicts = {one.subnet: one.verdict for one in proof.judged}
    walked = list(walks(known))
    for subnet, there, trace in walked:
        taken = set(trace.boundary[:1])
        if trace.leaves and taken - set(boundary.gateways):
            assert verdicts[subnet["SubnetId"]] == "refuted", (subnet["SubnetId"], there, trace)
    _relays(known, walked, proof, verdicts)
    _solved(items, proof, boundary)
    pages = {f"{kind}.json": json.dumps({kind: value}).encode() for kind, value in items.items()}
    assert Checker(json.loads(json.dumps(certificate(known, boundary, proof, pages))), pages).run() == []


def _relays(known: Network, walked: list[Walk], proof: Proof, verdicts: dict[str, str]) -> None:
    """Whoever can deliver to a subnet with an exit, itself or by others, is refuted or stands at the relay level."""
    reach = {
        (subnet["SubnetId"], there.rpartition(".")[0]) for subnet, there, trace in walked
        if trace.outcome == DELIVERED
    }  # fmt: skip
    out = {subnet["SubnetId"] for subnet, _, trace in walked if trace.outcome == EXITS}
    names = {one["CidrBlock"].rpartition(".")[0]: one["SubnetId"] for one in known.facts.items("Subnets")}
    grown = True
    while grown:
        more = {here for here, there in reach if names.get(there) in out} - out
        grown, out = bool(more), out | more
    relayed = {one.subnet for one in proof.relayed} | {name for name, one in verdicts.items() if one == "refuted"}
    assert out <= relayed


def _solved(items: dict[str, Any], proof: Proof, boundary: Boundary) -> None:
    for subnet, table, acl in zip(items["Subnets"], items["RouteTables"], items["NetworkAcls"], strict=True):
        found = next(one for one in proof.judged if one.subnet == subnet["SubnetId"])
        packet = leaks(subnet, table["Routes"], acl["Entries"], boundary.gateways)
        assert (packet is not None) == bool(found.leaks), subnet["SubnetId"]


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=["nothing declared", "gateways declared"])
def test_they_agree_on_joined_networks(boundary: Boundary) -> None:
    @QUICK
    @given(joined())
    def each(items: dict[str, Any]) -> None:
        judged(items, boundary)

    each()


@pytest.mark.lab
@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("boundary", BOUNDARIES, ids=["nothing declared", "gateways declared"])
def test_they_agree_on_thousands(boundary: Boundary) -> None:
    @THOROUGH
    @given(joined())
    def each(items: dict[str, Any]) -> None:
        judged(items, boundary)

    each()
