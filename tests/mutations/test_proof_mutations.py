"""What the zero-egress proof says of the broken estates: each case names what is refuted, and all else stays proven.

``proof`` of a case lists channels, and ``subnets`` where a sealed one is refuted. What breaks a rule of the house and
lets nothing out is not refuted: a case without ``proof`` may say so with an empty list.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from recorded_estate import Recording

from airgap.checks import proof
from airgap.checks.check import judge
from airgap.model.channels import CALLS
from airgap.model.finding import FAIL, PASS, UNKNOWN

pytestmark = pytest.mark.timeout(600)
EVERY = {path.stem: json.loads(path.read_text()) for path in sorted((Path(__file__).parent / "cases").glob("*.json"))}
CASES = {name: one for name, one in EVERY.items() if "proof" in one}
LOOSE = {"cloudtrail:LookupEvents"}
"""A call that compares two moments decides nothing about one."""


def refuted(recording: Recording) -> set[str]:
    found = [one for one in judge(proof.CHECKS, recording.intent, recording.estate()) if one.status == FAIL]
    assert all("refuted" in one.message and "closes" in one.message and one.observations for one in found)
    return {"subnets" if one.check == proof.subnets.id else one.resource.split()[0] for one in found}


def test_the_recorded_estate_is_proven(recording: Recording) -> None:
    findings = judge(proof.CHECKS, recording.intent, recording.estate())
    assert {one.status for one in findings} == {PASS}, [one.message for one in findings if one.status != PASS]
    assert sum(one.check != proof.subnets.id for one in findings) == 46
    assert all(one.observations for one in findings)
    assert {name for one in findings for name in one.properties} >= {"NET-01", "NET-03", "NET-09", "NET-10", "NET-11"}


@pytest.mark.parametrize("name", CASES)
def test_a_mutation_refutes_exactly_what_its_case_names(name: str, recording: Recording) -> None:
    broken = recording.copy()
    broken.mutate(CASES[name])
    assert refuted(broken) == set(CASES[name]["proof"])


def test_every_check_of_the_proof_is_refuted_by_some_case() -> None:
    named = {channel for one in CASES.values() for channel in one["proof"]}
    for id_, _, _, members in proof.FAMILIES:
        assert named & set(members.split()), id_
    assert "subnets" in named


def test_a_door_opened_in_the_acl_and_the_table_shows_its_packet(recording: Recording) -> None:
    """In the good estate routes and ACLs both close every subnet; a case of both is a leak with its witness."""
    broken = recording.copy()
    for name in ("acl-egress-anywhere", "route-to-nat-gateway"):
        broken.mutate(EVERY[name])
    assert refuted(broken) == {"P3", "subnets"}
    message = next(one.message for one in judge(proof.CHECKS, broken.intent, broken.estate()) if one.status == FAIL)
    assert "8.8.8.8, protocol 6 port 443" in message
    assert "closes: delete the route" in message


@pytest.mark.parametrize("call", sorted({
    "ec2:DescribeRouteTables", "ec2:DescribeNetworkAcls", "ec2:DescribeSubnets",
    "eks:DescribeCluster", "s3:GetBucketPolicy", "route53resolver:ListFirewallRules",
    "ec2:DescribeTrafficMirrorSessions",
    "iam:GetAccountAuthorizationDetails", "ram:GetResourceShareAssociations"}))  # fmt: skip
def test_a_refused_call_leaves_its_channels_open_and_is_named(call: str, recording: Recording) -> None:
    broken = recording.copy()
    broken.deny(call)
    findings = judge(proof.CHECKS, broken.intent, broken.estate())
    assert call in CALLS
    assert FAIL not in {one.status for one in findings}
    assert any(call in one.message for one in findings if one.status == UNKNOWN)


def test_what_the_attestation_read_is_the_whole_table(recording: Recording) -> None:
    assert set(CALLS) - LOOSE <= {one.call for one in recording.observations}
