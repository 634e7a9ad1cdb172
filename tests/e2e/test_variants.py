"""Other environments by params alone: tiers, zones, Regions and partitions, each from nothing to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from account import inventory
from commandline import Airgap
from library import Library, changes, findings, project, variant

from airgap.steps import STEPS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
MAKING = ("identity", "network", "endpoints")


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
    return {"region": region, "partition": partition, "network": network(region, "ab", public_tier)}


VARIANTS: Mapping[str, dict[str, Any]] = {
    "sealed": {"network": network("us-east-1", "abc", "none")},
    # Zone e of us-east-1 has no EKS and not every endpoint service: five is what the Region admits.
    "five": {"network": network("us-east-1", "abcdf", "ingress", ingress=True)},
    "govcloud": place("us-gov-west-1", "aws-us-gov", "ingress-and-nat"),
    "china": place("cn-north-1", "aws-cn"),
    "ireland": place("eu-west-1", "aws", "ingress-and-nat"),
}


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

    planned = library("plan", *MAKING)
    assert [run.planned.unknowns for run in planned.values() if run.planned] == [()] * len(MAKING)
    assert airgap.writes() == []
    applied = library("apply", *MAKING, verify=False)
    assert changes(applied) == changes(planned)
    assert changes(library("plan", *MAKING)) == []
    judged = library("verify", "attest")
    assert findings(judged, "fail", "unknown") == []
    assert {finding.status for finding in judged["attest"].findings} <= {"pass", "not_applicable"}

    gone = library("destroy", *MAKING, "attest")
    assert findings(gone, "fail", "unknown") == []
    left = inventory(airgap.boto) - before
    kept = {key for step in STEPS for key in _stays(gone, step.name)}
    assert {what for what in left if not what.startswith(("role AWSServiceRole", "dhcp"))} == set(), kept


def _stays(runs: Mapping[str, Any], step: str) -> list[str]:
    """What destroy says that it leaves."""
    run = runs.get(step)
    return [one.key for one in run.desired] if run else []
