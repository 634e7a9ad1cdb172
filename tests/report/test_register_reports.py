"""The register of exceptions in every report: all its fields, whether it holds, and the fact that it never hides."""

from __future__ import annotations

import dataclasses
import html
from pathlib import Path

import pytest
from synthetic_run import finding, make_run
from test_report_pages import REGISTER, STEP

from airgap.controls import FRAMEWORKS
from airgap.report.frameworks import Shelf, framework_page
from airgap.report.index import index_page
from airgap.report.record import RunRecord, StepRecord, read_run, read_step
from airgap.report.step_report import step_page
from airgap.report.summary import summary

WAIVED = finding("dns-closed", "waived", "vpc:main", "it is open", properties=("NET-10",), waiver="until then")
FAILED = finding("dns-closed", "fail", "vpc:main", "it is open; its exception T-1 expired", properties=("NET-10",))


def reports(run: RunRecord, step: StepRecord) -> dict[str, str]:
    """Every kind of report over one run."""
    return {
        "first page": index_page(run),
        "first page on paper": index_page(run, on_paper=True),
        "step": step_page(step, "demo", run.root.name),
        "step on paper": step_page(step, "demo", run.root.name, paper=True),
        "framework": framework_page(FRAMEWORKS[0], Shelf(run)),
        "framework on paper": framework_page(FRAMEWORKS[0], Shelf(run), paper=True),
        "summary": summary(run),
    }


@pytest.mark.parametrize(("expires", "stands", "found"), [("2027-01-01", "in force", WAIVED),
                                                          ("2026-11-22", "expired", FAILED)])  # fmt: skip
def test_every_field_and_the_fact_stand_in_every_report(
    tmp_path: Path, expires: str, stands: str, found: object
) -> None:
    one = {**REGISTER, "expires": expires}
    root = make_run(tmp_path, [found], exceptions=[one])  # type: ignore[list-item]
    for name, page in reports(read_run(root), read_step(root, STEP)).items():
        told = html.unescape(page)
        for field in (*one.values(), stands, "it is open"):
            assert field in told, (name, field)


def test_where_none_is_declared_that_is_said(tmp_path: Path) -> None:
    root = make_run(tmp_path, [dataclasses.replace(FAILED, message="it is open")])
    assert "No exception is declared: no failure is waived" in summary(read_run(root))
