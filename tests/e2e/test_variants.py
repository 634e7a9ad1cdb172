"""Other environments by params alone: tiers, zones, Regions and partitions, each from nothing to nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from account import inventory
from commandline import Airgap
from library import Library, changes, findings, project, variant
from rights import allowed, read_requests, record, refused, write_requests

from airgap import params
from airgap.functions import database
from airgap.model.permissions import by_iam, iam_action
from airgap.resources.rights import PUSH
from airgap.steps import STEPS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
MAKING = tuple(step.name for step in STEPS if step.declarations)
PLACED = ("identity", "network", "endpoints", "cluster", "data", "edge")  # what tiers and zones change
# A stand-in for the roots that AWS publishes for its other partitions: those of its first Region.
CARRIED_IN = database.AUTHORITIES.read_text()
AUTHORITIES = "".join(re.findall(r"# Amazon RDS af-south-1 Root CA .*\n(-----BEGIN[^#]+)", CARRIED_IN))


def subnets(region: str, tier: int, zones: str) -> list[dict[str, str]]:
    return [{"cidr": f"10.0.{tier + n}.0/24", "zone": f"{region}{zone}"} for n, zone in enumerate(zones)]


def network(region: str, zones: str, public_tier: str, *, ingress: bool = False) -> dict[str, Any]:
    return {
        "vpc_cidr": "10.0.0.0/16",
        "private_subnets": subnets(region, 10, zones),
        "public_tier": public_tier,
        "public_subnets": subnets(region, 1, zones) if public_tier != "none" else [],
        "ingress_subnets": subnets(region, 30, zones) if ingress else [],
    }


def place(region: str, partition: str, public_tier: str = "none") -> dict[str, Any]:
    placed = network(region, "ab", public_tier)
    return {"region": region, "partition": partition, "network": placed, "data": {"rds_authorities": AUTHORITIES}}


VARIANTS: Mapping[str, dict[str, Any]] = {
    "sealed": {"region": "eu-west-1", "network": network("eu-west-1", "abc", "none")},
    # Zone e of us-east-1 has no EKS and not every endpoint service: five is what the Region admits.
    "five": {"network": network("us-east-1", "abcdf", "ingress", ingress=True)},
    "govcloud": place("us-gov-west-1", "aws-us-gov", "ingress-and-nat"),
    "china": place("cn-north-1", "aws-cn"),
}
WHOLE = ("govcloud", "china")  # with every step; the others differ in what is placed in subnets


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = project(tmp_path_factory.mktemp("variants"))
    for name, wanted in VARIANTS.items():
        variant(root, name, wanted)
    return root


@pytest.mark.parametrize("name", VARIANTS)
def test_from_nothing_to_verified_to_nothing(airgap: Airgap, projects: Path, name: str) -> None:
    airgap.control("POST", "/rehearsal/reset")
    region = VARIANTS[name].get("region", "us-east-1")
    airgap.environment = {**airgap.environment, "AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    library = Library(airgap.environment, airgap.reports, projects, env=name)
    before = inventory(airgap.boto)

    making = MAKING if name in WHOLE else PLACED
    applied = library("apply", *making, verify=name not in WHOLE)
    assert [run.planned.unknowns for run in applied.values() if run.planned] == [()] * len(making)
    assert findings(applied, "fail", "unknown") == []
    assert changes(library("plan", *making)) == []
    judged = library("verify", "preflight", *("attest",) * (name in WHOLE))
    assert findings(judged, "fail", "unknown") == []
    assert {finding.status for run in judged.values() for finding in run.findings} <= {
        "pass",
        "not_applicable",
        "waived",
    }

    gone = library("destroy", *making, *("attest",) * (name in WHOLE))
    assert findings(gone, "fail", "unknown") == []
    left = inventory(airgap.boto) - before
    kept = {key for step in STEPS for key in _stays(gone, step.name)}
    assert {what for what in left if not what.startswith(("role AWSServiceRole", "dhcp"))} == set(), kept


@pytest.mark.parametrize("name", WHOLE)
def test_printed_policies_allow_every_call_of_the_story_and_miss_each_that_is_taken_away(
    airgap: Airgap, projects: Path, name: str
) -> None:
    intent = params.load(name, projects)
    seen = record(airgap.reports, intent)
    assert len(seen.writes) > 200
    asked = [*read_requests(seen, seen.reads), *write_requests(seen)]
    called = {call for call, _ in (*seen.reads, *seen.writes) if by_iam(call)}
    assert {one.action for one in asked} >= {iam_action(call) for call in called}
    assert {one.action for one in asked} >= {f"ecr:{name}" for name in PUSH.split()[1:]}
    assert refused(allowed("deployer", intent), asked) == []
    assert refused(allowed("verifier", intent), read_requests(seen, seen.verifying)) == []
    for action in {one.action for one in write_requests(seen)} if name == "govcloud" else ():
        mine = [one for one in asked if one.action == action]
        assert refused(allowed("deployer", intent, without=action), mine), action


def test_zone_without_what_is_needed_is_told_before_the_first_write(airgap: Airgap, tmp_path: Path) -> None:
    """Six zones of us-east-1, of which EKS admits five."""
    root = project(tmp_path / "six")
    variant(root, "six", {"network": network("us-east-1", "abcdef", "none")})
    places = {**airgap.environment, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    airgap.control("POST", "/rehearsal/reset")
    told = findings(Library(places, airgap.reports, root, env="six")("verify", "preflight"), "fail", "unknown")
    assert any("us-east-1e: EKS puts no control plane into use1-az3" in one for one in told)
    assert all("us-east-1e" in one for one in told)
    assert airgap.writes() == []


def _stays(runs: Mapping[str, Any], step: str) -> list[str]:
    """What destroy says that it leaves."""
    run = runs.get(step)
    return [one.key for one in run.desired] if run else []
