"""What a report reads of a run: numbers, approvals, and where journal and files disagree."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_run import FINDINGS, PLAN, finding, make_run, page

from airgap.evidence.files import write_whole
from airgap.model.canonical import encode
from airgap.model.finding import Finding
from airgap.report.record import read_run, read_step
from airgap.report.tally import Tally, by_check


def test_a_whole_record_has_no_problem(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path))
    assert run.problems == []
    assert run.steps["02_network"].closed
    assert len(run.findings) == len(FINDINGS)


def test_writes_stand_under_their_approval_and_plan(tmp_path: Path) -> None:
    step = read_step(make_run(tmp_path), "02_network")
    approval = step.events("approval")[0]["line"]
    assert [(one.approval, one.plan, one.status, one.code) for one in step.writes] == [
        (approval, PLAN.digest, "ok", ""),
        (approval, PLAN.digest, "denied", "No<t>"),
    ]


def test_exhibits_are_numbered_in_the_order_of_the_journal(tmp_path: Path) -> None:
    step = read_step(make_run(tmp_path), "02_network")
    assert [one.number for one in step.exhibits] == list(range(1, 41))
    assert step.number_of[page(3)] == 4


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("findings.json", encode({"findings": []}), "findings.json is not what the journal's verdict rests on"),
        ("plan.json", encode({"step": "network", "changes": []}), "plan.json is not the plan that the journal names"),
        ("journal.ndjson", "", "the step did not come to its end"),
    ],
)
def test_a_file_that_was_changed_is_told(tmp_path: Path, name: str, text: str, said: str) -> None:
    root = make_run(tmp_path)
    write_whole(root / "steps/02_network" / name, text)
    assert any(said in problem for problem in read_step(root, "02_network").problems)


def test_an_altered_journal_line_is_told(tmp_path: Path) -> None:
    root = make_run(tmp_path)
    path = root / "steps/02_network/journal.ndjson"
    path.write_text(path.read_text().replace("request-7", "request-8", 1))
    assert any("was altered" in problem for problem in read_run(root).problems)


def test_mode_plan_judges_nothing_even_where_an_earlier_mode_left_findings(tmp_path: Path) -> None:
    step = read_step(make_run(tmp_path, mode="plan"), "02_network")
    assert step.findings == ()


@pytest.mark.parametrize(
    ("statuses", "verdict", "judged", "population"),
    [
        ("", "unknown", 0, 0),
        ("pass pass", "pass", 2, 2),
        ("pass unknown", "unknown", 1, 2),
        ("pass unknown fail waived", "fail", 3, 4),
        ("pass waived", "waived", 2, 2),
        ("not_applicable", "not_applicable", 0, 0),
        ("not_applicable pass", "pass", 1, 1),
    ],
)
def test_a_tally_never_makes_green_of_what_was_not_judged(
    statuses: str, verdict: str, judged: int, population: int
) -> None:
    tally = Tally.of([finding("one", status, "r") for status in statuses.split()])
    assert (tally.verdict, tally.judged, tally.population) == (verdict, judged, population)


def test_checks_stand_worst_first_then_by_severity() -> None:
    found: list[Finding] = [
        finding("low-fail", "fail", "r", severity="low"),
        finding("passed", "pass", "r", severity="critical"),
        finding("high-fail", "fail", "r"),
        finding("open", "unknown", "r"),
    ]
    assert [one.check for one in by_check(found)] == ["high-fail", "low-fail", "open", "passed"]
