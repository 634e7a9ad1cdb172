"""The walker agrees with every recorded network of known verdicts."""

from __future__ import annotations

import ipaddress
from functools import cache
from typing import Any

import pytest
import vectors

from airgap.egress.facts import Facts
from airgap.egress.journey import Trace, sender
from airgap.egress.network import Network
from airgap.egress.rules import Packet
from airgap.egress.walker import Walker
from airgap.run.estates import documents

CASES = [(name, one) for name in vectors.names() for one in vectors.expectations(name)]
pytestmark = pytest.mark.skipif(not CASES, reason="the recorded networks are not beside this project")
# Whose ranges these are is not in the recorded pages: to AWS's own services beyond an internet gateway.
SAME = {"aws-service": "internet"}


@cache
def network(name: str) -> Network:
    return Network(Facts(documents(vectors.ROOT / name)))


def walked(name: str, case: dict[str, Any]) -> Trace:
    source, there = case["source"], ipaddress.ip_address(case["destination"]["ip"])
    packet = Packet(ipaddress.ip_address(source["ip"] or "8.8.8.8"), there, case["protocol_number"], case["dst_port"])
    walker = Walker(network(name))
    if source["type"] == "internet":
        return walker.from_internet(packet)
    if not source.get("eni"):
        return walker.from_gateway(packet, source["id"])
    return walker.send(packet, sender(network(name), network(name).interfaces[source["eni"]], packet.source))


@pytest.mark.parametrize(("name", "case"), CASES, ids=[case["id"] for _, case in CASES])
def test_the_walker_agrees(name: str, case: dict[str, Any]) -> None:
    trace, expected = walked(name, case), case["expect"]
    assert trace.outcome == expected["outcome"], trace.as_data()
    assert trace.leaves == expected["leaves_source_vpc"], trace.as_data()
    assert (trace.reason or None) == expected["drop_reason"], trace.as_data()
    if expected["drop_at"]:
        assert trace.at == expected["drop_at"], trace.as_data()
    if expected["boundary"]:
        assert trace.boundary[0] == expected["boundary"][0], trace.as_data()
