"""Prowler itself, in its own environment, against the embedded AWS: its checks and ours in one of its reports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from bundled import ROOT, Site

from airgap.checks import suite
from airgap.evidence.bundle.peer import compare, verdicts
from airgap.evidence.peer.crosswalk import crosswalk
from airgap.evidence.peer.offered import name_of, write
from airgap.evidence.peer.scanning import events, scan
from airgap.model.finding import Finding
from airgap.model.peer import AGREES, DISAGREES

pytestmark = [pytest.mark.lab, pytest.mark.long]  # 1.4 GB are installed first
PROGRAM = ROOT / ".venv" / "prowler" / "bin" / "prowler"
CHECKS = ("kms_cmk_rotation_enabled", "iam_inline_policy_no_administrative_privileges")


@pytest.fixture(scope="module")
def prowler() -> Path:
    """Prowler, installed where it is not yet."""
    if shutil.which("make"):
        subprocess.run(["make", "-s", ".venv/prowler/.ready"], cwd=ROOT, check=True, timeout=280)
    return PROGRAM


def test_its_checks_agree_and_ours_stand_in_its_report(site: Site, bundle: Path, prowler: Path, tmp_path: Path) -> None:
    run = bundle.with_suffix("")
    own = [one for one in suite.ALL if one.id in ("keys-rotate", "roles-bounded", "preflight-quotas")]
    write(tmp_path / "ours", own)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AIRGAP_"))}
    environment = {**inherited, **site.environment, "AIRGAP_FINDINGS": str(run / "findings.json")}
    asked = [*CHECKS, *(name_of(one.id) for one in own)]
    told = verdicts(events(scan(prowler, "us-east-1", asked, ("-x", str(tmp_path / "ours")), environment)))
    findings = [Finding.from_data(one) for one in json.loads((run / "findings.json").read_text())["findings"]]
    table = [one for one in crosswalk() if one.peer in CHECKS]
    rows = compare(findings, {}, told, table, []).rows
    assert {one.check for one in told} == set(asked)
    assert [one for one in rows if one.standing == AGREES]
    assert not [one for one in rows if one.standing == DISAGREES]
    expected = {"pass": "PASS", "fail": "FAIL", "waived": "FAIL"}
    for one in own:
        mine = Counter(expected.get(each.status, "MANUAL") for each in findings if each.check == one.id)
        assert mine == Counter(each.status for each in told if each.check == name_of(one.id))
