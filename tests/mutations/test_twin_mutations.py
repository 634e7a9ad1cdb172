"""The twin of the whole environment, good and broken, against the proof: on this machine's kernel, as root.

What the kernel lets out of a subnet by a gateway that nobody declared must be a leak to the prover, and the walker
must say of each packet what the kernel does. The names that the resolver of the twin answers to a stranger must be a
refuted channel.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from recorded_estate import Recording

from airgap.egress.boundary import Boundary, intended
from airgap.egress.facts import Facts
from airgap.egress.network import Network
from airgap.egress.prover import Prover
from airgap.egress.recorded import documents
from airgap.egress.verdict import prove
from airgap.lab import standing
from airgap.lab.agreement import Agreement, agreement
from airgap.lab.names import answer, names

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
EVERY = {path.stem: json.loads(path.read_text()) for path in sorted((Path(__file__).parent / "cases").glob("*.json"))}
PACKETS = ("ec2:DescribeRouteTables", "ec2:DescribeNetworkAcls", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets",
           "ec2:DescribeNatGateways", "ec2:DescribeInternetGateways", "ec2:DescribeNetworkInterfaces")  # fmt: skip
NAMES = ("route53resolver:ListFirewallRules", "route53resolver:ListFirewallDomains",
         "route53resolver:ListFirewallRuleGroupAssociations")  # fmt: skip


def touching(calls: tuple[str, ...]) -> list[str]:
    """The cases that change an answer of one of these calls."""
    return [name for name, case in EVERY.items() if {one["call"] for one in case.get("pages", [])} & set(calls)]


def network_of(recording: Recording, *cases: str) -> Network:
    broken = recording.copy()
    for name in cases:
        broken.mutate(EVERY[name])
    rows = [one.as_data() for one in broken.observations]
    return Network(Facts(documents(rows, broken.pages.get)))


def agreed(found: Agreement) -> None:
    told = found.as_data()
    assert told["differing"] == []
    assert told["agreed"] >= 0.9 * told["packets"] > 0, told


def escaping(found: Agreement, network: Network) -> list[str]:
    """Packets that the kernel let out of a subnet in which the prover sees no such leak."""
    judged = {one.subnet: one for one in Prover(network, Boundary()).subnets()}
    out = [one for one in found.compared if one.seen[0] == "exits" and one.probe.origin in judged]
    return [str(one) for one in out if not _held(judged[one.probe.origin].leaks, one.probe.packet)]


def _held(leaks: list, packet) -> bool:  # type: ignore[no-untyped-def, type-arg]
    point = int(packet.destination), packet.protocol, packet.port or 0
    return any(
        one.version == packet.version and all(low <= at <= high for (low, high), at in zip(one.box, point, strict=True))
        for one in leaks
    )


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    standing.install(print)


def test_the_good_estate(recording: Recording) -> None:
    network = network_of(recording)
    found = agreement(network, 1500, 1)
    agreed(found)
    assert escaping(found, network) == []
    kinds = found.as_data()["by_outcome"]
    assert {"delivered", "exits", "sg-egress", "sg-ingress", "nacl-egress", "nacl-ingress", "no-host"} <= set(kinds)
    sealed = {one.subnet for one in Prover(network, intended_of(recording)).subnets() if one.verdict == "proven"}
    out = {one.probe.origin for one in found.compared if one.seen[0] == "exits"}
    assert sealed
    assert not out & sealed


def intended_of(recording: Recording) -> Boundary:
    return Boundary.from_data(intended(recording.intent))


@pytest.mark.parametrize("name", touching(PACKETS))
def test_a_broken_estate(name: str, recording: Recording) -> None:
    network = network_of(recording, name)
    found = agreement(network, 250, 1)
    agreed(found)
    assert escaping(found, network) == []


def test_a_door_in_the_table_and_the_acl_lets_packets_out(recording: Recording) -> None:
    """In the good estate both close each subnet; with both open the kernel lets out what the prover shows."""
    network = network_of(recording, "acl-egress-anywhere", "route-to-nat-gateway")
    found = agreement(network, 600, 1)
    agreed(found)
    assert escaping(found, network) == []
    leaking = {one.subnet for one in Prover(network, intended_of(recording)).subnets() if one.verdict == "refuted"}
    assert leaking & {one.probe.origin for one in found.compared if one.seen[0] == "exits"}


@pytest.mark.parametrize("name", ["", *touching(NAMES)])
def test_names_of_strangers(name: str, recording: Recording) -> None:
    """What the twin's resolver answers to a stranger's name is a channel that the proof refutes."""
    network = network_of(recording, *[name] if name else [])
    data = names(network)
    strangers = ("example.com", "a.b.example.net", "evil.test", "amazonaws.com.evil.test", "s3.amazonaws.com.cn.test")
    answered = any(answer(data, vpc, one) != ("NXDOMAIN", []) and answer(data, vpc, one)[1]
                   for vpc in data["vpcs"] for one in strangers)  # fmt: skip
    proof = prove(network, intended_of(recording), ())
    verdict = next(one["verdict"] for one in proof.as_data()["channels"] if one["channel"] == "D1")
    if answered:
        assert verdict == "refuted"
    if not name:
        assert (answered, verdict) == (False, "proven")
