"""Own networks with known verdicts: what no public vector holds. Each file: answers, packets, and verdicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from networks import answers

from airgap.egress.boundary import Boundary
from airgap.egress.facts import Document, Facts
from airgap.egress.network import Network
from airgap.egress.tracing import ask
from airgap.egress.verdict import prove

FILES = sorted((Path(__file__).parent / "cases").glob("*.json"))
CASES = {one.stem: json.loads(one.read_text()) for one in FILES}


def network(case: dict[str, Any]) -> Network:
    more = [Document("111122223333", "us-east-1", one.get("params", {}), one["body"], one["call"])
            for one in case.get("more", [])]  # fmt: skip
    return Network(Facts(answers(case["answers"], more)))


def boundary(case: dict[str, Any]) -> Boundary:
    return Boundary.from_data({"schema": "airgap/boundary/v1", **case.get("boundary", {})})


PACKETS = [pytest.param(case, one, id=f"{name}-{at}") for name, case in CASES.items()
           for at, one in enumerate(case.get("packets", []))]  # fmt: skip


@pytest.mark.parametrize(("case", "packet"), PACKETS)
def test_the_walker(case: dict[str, Any], packet: dict[str, Any]) -> None:
    found = ask(network(case), packet.get("from", "subnet-1"), packet["to"], packet.get("protocol", "tcp"),
                packet.get("port", 443), packet.get("source", ""))  # fmt: skip
    expected = {name: packet[name] for name in ("outcome", "reason", "at", "boundary") if name in packet}
    assert {name: found.as_data()[name] for name in expected} == expected, found.as_data()


@pytest.mark.parametrize("name", CASES)
def test_the_verdict(name: str) -> None:
    case = CASES[name]
    proof = prove(network(case), boundary(case))
    data = proof.as_data()
    assert {one.subnet: one.verdict for one in proof.judged} == case["subnets"], data["unknowns"]
    refuted = sorted(one.channel.id for one in proof.channels if one.verdict == "refuted")
    assert refuted == sorted(case.get("refuted", []))
    assert sorted({one.leak.target for one in proof.witnesses}) == sorted(case.get("exits", []))
    closed = sorted({each for one in proof.witnesses for each in one.closed_only_by}
                    | {each for one in proof.judged for each in one.closed_by})  # fmt: skip
    assert closed == sorted(
        case.get("closed_only_by", ["no interface stands in the subnet"] if case.get("exits") else [])
    )
