"""What earlier runs did: which of their writes a later run still has to find in CloudTrail."""

from __future__ import annotations

import json
from pathlib import Path

from airgap.evidence.applied import unreconciled
from airgap.evidence.folder import RunFolder
from airgap.evidence.journal import JournalFile


def run(reports: Path, run_id: str, *statuses: str, trail: str = "") -> None:
    """A run with one write for each status of its answer ("" is none); ``trail``: what it said of CloudTrail."""
    step = RunFolder.open(reports, "demo", run_id).step(13, "attest")
    journal = JournalFile(step.journal)
    for number, status in enumerate(statuses):
        write = journal.append("write", {"call": "ec2:CreateVpc", "resource": f"vpc:{number}"})
        if status:
            journal.append("answer", {"write": write, "status": status, "request_id": f"{run_id}-{number}"})
    if trail:
        findings = [{"check": "change-in-trail", "status": one} for one in trail.split()]
        step.findings.write_text(json.dumps({"findings": findings}))


def waiting(reports: Path, run_id: str = "R9") -> list[tuple[str, str]]:
    """(run, request id) of every write that waits."""
    return [(one["run"], one["answer"]["request_id"]) for one in unreconciled(reports, "demo", run_id)]


def test_accepted_writes_of_every_run_wait_until_one_has_found_them(tmp_path: Path) -> None:
    run(tmp_path, "R1", "ok", "denied", "")
    run(tmp_path, "R2", "ok", "ok", trail="pass unknown")
    assert waiting(tmp_path) == [("R1", "R1-0"), ("R2", "R2-0"), ("R2", "R2-1")]
    run(tmp_path, "R3", trail="pass not_applicable")
    assert waiting(tmp_path) == []
    run(tmp_path, "R4", "ok")
    assert waiting(tmp_path) == [("R4", "R4-0")]


def test_a_missing_event_is_looked_for_again(tmp_path: Path) -> None:
    run(tmp_path, "R1", "ok")
    run(tmp_path, "R2", trail="fail")
    assert waiting(tmp_path) == [("R1", "R1-0")]


def test_a_runs_own_writes_are_not_earlier_ones(tmp_path: Path) -> None:
    run(tmp_path, "R1", "ok")
    run(tmp_path, "R9", "ok", trail="pass")
    assert waiting(tmp_path) == [("R1", "R1-0")]
