"""The evidence report of one step, from what the step left on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airgap.evidence.files import write_whole
from airgap.model.finding import FAIL, NOT_APPLICABLE, UNKNOWN, WAIVED
from airgap.model.people import person
from airgap.report.catalogue import PropertyRow, frameworks, properties
from airgap.report.page import Frame, render, when
from airgap.report.record import StepRecord, read_step
from airgap.report.tally import Judged, Tally, by_check
from airgap.report.words import DEFINITIONS, HEADLINES, MAPPING_NOTE, sentence
from airgap.views.changes import plan_table
from airgap.views.table import STATUS, Mark

NO_PROPERTY = "other"
CONTENTS = (
    ("verdict", "Verdict"), ("where", "Where, who and when"), ("attention", "What needs attention"),
    ("properties", "Properties"), ("not_tested", "Not tested"), ("waived", "Exceptions in force"),
    ("groups", "Every judgement"), ("frameworks", "Requirements supported"), ("words", "Words"),
    ("views", "What is there"), ("plan", "Plan"), ("changes", "Changes made"), ("observations", "Observations"),
)  # fmt: skip
ANCHORS = {"not_tested": "not-tested", "waived": "exceptions", "groups": "judgements", "frameworks": "requirements"}
ALWAYS = ("verdict", "where", "words", "plan", "changes", "observations")


@dataclass(frozen=True)
class Verdict:
    """A verdict as a page shows it: mark, sentence and the counts behind it."""

    mark: Mark
    sentence: str
    parts: list[tuple[str, int]]


@dataclass(frozen=True)
class Group:
    """The checks that stand under one property; those that bear on several stand under the first."""

    id: str
    statement: str
    tally: Tally
    checks: list[Judged]

    @property
    def anchor(self) -> str:
        """The id of its section in the page."""
        return f"p-{self.id}"


def render_step(run_root: Path, step_folder: str) -> Path:
    """Write ``report.html`` of a step and return its path; equal records give equal bytes."""
    step = read_step(run_root, step_folder)
    path = run_root / "steps" / step_folder / "report.html"
    write_whole(path, step_page(step, run_root.parent.name, run_root.name))
    return path


def step_page(step: StepRecord, env: str, run_id: str) -> str:
    """Return the report of a step as one HTML document."""
    judged = by_check(step.findings)
    rows = properties(step.findings)
    values: dict[str, Any] = {
        "verdict": _verdict(step),
        "errors": [_error(one) for one in step.events("error")],
        "problems": step.problems,
        "where": list(_where(step, run_id)),
        "attention": [one for one in judged if one.tally.verdict in (FAIL, UNKNOWN)],
        "properties": rows,
        "not_tested": not_tested(rows, step),
        "waived": [one for one in step.findings if one.status == WAIVED],
        "groups": _groups(judged, rows),
        "frameworks": frameworks(rows),
        "words": DEFINITIONS,
        "views": step.views,
        "plan": _plan(step),
        "approvals": [{**one, "people": _people(one)} for one in step.events("approval")],
        "writes": step.writes,
        "exhibits": step.exhibits,
    }
    contents = [(ANCHORS.get(name, name), title) for name, title in CONTENTS if name in ALWAYS or values.get(name)]
    return render(
        "step.html.j2", _frame(step, env, run_id), contents,
        number_of=step.number_of, observed=_observed(step), mapping_note=MAPPING_NOTE, **values,
    )  # fmt: skip
