"""An SMT solver, asked the same question in an encoding of its own, says what the prover says."""

from __future__ import annotations

import ipaddress
from typing import Any

import second_opinion
from hypothesis import given, settings
from networks import LISTED, estates, network
from second_opinion import leaks

from airgap.egress.boundary import Boundary
from airgap.egress.prover import Judged, Prover


def proved(items: dict[str, Any]) -> Judged:
    (found,) = Prover(network(items), Boundary()).subnets()
    return found


def asked(items: dict[str, Any]) -> Any:
    own = [one["VpcEndpointId"] for one in items["VpcEndpoints"]]
    routes = second_opinion.expanded(items["RouteTables"][0]["Routes"], {"pl-1": LISTED})
    return leaks(items["Subnets"][0], routes, items["NetworkAcls"][0]["Entries"], own)


@settings(max_examples=100, deadline=None)
@given(estates)
def test_the_solver_agrees(items: dict[str, Any]) -> None:
    judged, packet = proved(items), asked(items)
    assert bool(judged.leaks) == (packet is not None)
    if packet is not None:
        version, *point = packet
        held = [one for one in judged.leaks if one.version == version]
        assert any(all(low <= at <= high for (low, high), at in zip(one.box, point, strict=True)) for one in held)


def test_the_solver_can_disagree() -> None:
    """The encoding is no echo: told of other routes than the prover, it says something else."""
    subnet = {"CidrBlock": "10.0.1.0/24"}
    allow = [{"Egress": True, "RuleNumber": 1, "RuleAction": "allow", "CidrBlock": "0.0.0.0/0", "Protocol": "-1"}]
    out = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"}
    version, address, *_ = leaks(subnet, [out], allow)
    assert version == 4
    assert ipaddress.ip_address(address) not in ipaddress.ip_network("10.0.1.0/24")
    assert leaks(subnet, [{**out, "State": "blackhole"}], allow) is None
    assert leaks(subnet, [out], []) is None
    assert second_opinion.WIDTHS == {4: 32, 6: 128}
