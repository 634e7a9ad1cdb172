"""The evidence report of one step, from what the step left on disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from airgap.evidence.files import write_whole
from airgap.model.finding import FAIL, UNKNOWN, WAIVED
from airgap.model.people import person
from airgap.model.plan import Plan
from airgap.report.catalogue import PropertyRow, anchor, frameworks, not_tested, properties
from airgap.report.columns import fitted
from airgap.report.page import Frame, render
from airgap.report.record import StepRecord, read_step
from airgap.report.register import register, reviews
from airgap.report.tally import Judged, Tally, by_check
from airgap.report.words import DEFINITIONS, MAPPING_NOTE, Verdict, broken, judged_nothing, verdict
from airgap.report.writing import when
from airgap.views.changes import plan_table, summary

NO_PROPERTY = "Beside the properties"
CONTENTS = (
    ("verdict", "Verdict"), ("where", "Where, who and when"), ("attention", "What needs attention"),
    ("properties", "Properties"), ("not-tested", "Not tested"), ("exceptions", "Exceptions"),
    ("judgements", "Every judgement"), ("requirements", "Requirements supported"), ("words", "Words"),
    ("views", "What is there"), ("plan", "Plan"), ("changes", "Changes made"), ("observations", "Observations"),
)  # fmt: skip
SAID_ALREADY = ("verdicts", "properties", "exceptions")
"""Views that show what the report says in sections of its own."""

ALWAYS = ("verdict", "where", "exceptions", "words", "plan", "changes", "observations")
SHORT_PLAN = 40
"""Changes up to which a plan is shown unfolded."""


@dataclass(frozen=True)
class Group:
    """The checks that stand under one property, and those that bear on it and stand under another."""

    id: str
    row: PropertyRow | None
    checks: list[Judged]
    elsewhere: list[Judged]

    @property
    def anchor(self) -> str:
        """The id of its section in the page."""
        return anchor(self.id) if self.row else "p-none"


def render_step(run_root: Path, step_folder: str) -> Path:
    """Write ``report.html`` of a step and return its path; equal records give equal bytes."""
    step = read_step(run_root, step_folder)
    path = run_root / "steps" / step_folder / "report.html"
    write_whole(path, step_page(step, run_root.parent.name, run_root.name))
    return path


def step_page(step: StepRecord, env: str, run_id: str, *, paper: bool = False) -> str:
    """Return the report of a step as one HTML document; on paper, what is long is set closer."""
    judged, rows = by_check(step.findings), properties(step.findings)
    sections: dict[str, Any] = {
        "attention": [one for one in judged if one.tally.verdict in (FAIL, UNKNOWN)],
        "properties": rows,
        "not-tested": not_tested(step.findings),
        "judgements": _groups(judged, rows),
        "requirements": frameworks(rows, reviews(step.intent)),
        "views": [_view(one, paper) for one in step.views if one["name"] not in SAID_ALREADY],
    }
    return render(
        "step.html.j2",
        dataclasses.replace(frame(step, env, run_id), paper=paper),
        [(name, title) for name, title in CONTENTS if name in ALWAYS or sections.get(name)],
        sections=sections,
        verdict=_verdict(step),
        errors=[str(one.get("text") or one.get("what", "")).splitlines() for one in step.events("error")],
        problems=step.problems,
        where=list(_where(step, run_id)),
        mapping_note=MAPPING_NOTE,
        words=DEFINITIONS,
        register=register(step.intent, str(step.lines[0]["time"]) if step.lines else "", step.findings),
        waived=[one for one in step.findings if one.status == WAIVED],
        plan=step.plan and _plan(step.plan),
        approvals=[{**one, "people": _people(one)} for one in step.events("approval")],
        writes=step.writes,
        exhibits=step.exhibits,
        number_of=step.number_of,
        observed=_observed(step),
    )


def frame(step: StepRecord, env: str, run_id: str) -> Frame:
    """Return what stands on every page of a step's report."""
    told, last = step.opening, step.closing
    title = str(last.get("title") or told.get("step") or step.folder)
    mode = f", mode {step.mode}" if step.mode else ""
    began = str(step.lines[0]["time"]) if step.lines else ""
    ended = str(step.lines[-1]["time"]) if step.lines else ""
    return Frame(
        kicker=f"Evidence report of step {step.folder[:2]}{mode}",
        title=title,
        lead=f"What the step found and did in environment {env}, {when(began)} to {when(ended)} UTC.",
        env=env,
        account=str(told.get("account", "unknown")),
        region=str(told.get("region", "unknown")),
        run_id=run_id,
        world=str(told.get("world", "unknown")),
        version=str(told.get("versions", {}).get("airgap", "unknown")),
        began=began,
        ended=ended,
    )


def _verdict(step: StepRecord) -> Verdict:
    if step.closing.get("status") != "completed":
        return broken("The step broke before it came to its end", Tally.of(step.findings))
    if step.mode == "plan":
        return judged_nothing("This is a plan: it says what would change, and judges nothing.")
    if not step.findings:
        return judged_nothing("The step has no judgement of its own in this mode.")
    return verdict(Tally.of(step.findings))


def _where(step: StepRecord, run_id: str) -> Iterator[tuple[str, str]]:
    told, last = step.opening, step.closing
    caller = told.get("caller", {})
    yield "World", str(told.get("world", "unknown: the step was never bound"))
    yield (
        "Account, Region",
        f"{told.get('account', 'unknown')}, {told.get('region', 'unknown')} "
        f"(partition {told.get('partition', 'unknown')})",
    )
    yield "Run", f"{run_id}, step {step.folder}, mode {step.mode or 'unknown'}"
    yield "Caller", str(caller.get("arn", "unknown"))
    yield "Person", person(caller) or "attributable to no person"
    if last.get("caller_at_end"):
        yield "Caller at the end", str(last["caller_at_end"])
    if caller.get("endpoint"):
        yield "Endpoint", str(caller["endpoint"])
    if step.lines:
        yield "Time", f"{when(step.lines[0]['time'])} to {when(step.lines[-1]['time'])} UTC"
    yield "Runbook", f"commit {told.get('commit', 'unknown')}"
    yield "Software", ", ".join(f"{name} {version}" for name, version in sorted(told.get("versions", {}).items()))
    yield "Params", f"SHA-256 {told.get('params_sha256', 'unknown')}"
    yield "Journal", f"{len(step.lines)} lines, {'not intact' if step.broken else 'chain intact'}"
    yield "Journal head", step.head or "none"


def _groups(judged: Sequence[Judged], rows: Sequence[PropertyRow]) -> list[Group]:
    groups = []
    for row in rows:
        first = [one for one in judged if one.properties[:1] == (row.id,)]
        others = [one for one in judged if row.id in one.properties[1:]]
        groups.append(Group(row.id, row, first, others))
    rest = [one for one in judged if not one.properties]
    return [*groups, Group(NO_PROPERTY, None, rest, [])] if rest else groups


def _view(view: Mapping[str, str], paper: bool) -> dict[str, str]:
    """Return a view whose first table does not say its title again."""
    said = f"<caption>{escape(view['title'])}</caption>"
    html = view["html"].replace(said, said.replace("<caption>", '<caption class="aside">'), 1)
    return {**view, "html": fitted(html) if paper else html}


def _plan(plan: Plan) -> dict[str, Any]:
    short = len(plan.changes) <= SHORT_PLAN
    return {
        "digest": plan.digest, "plan": plan, "summary": summary(plan), "short": short, "table": plan_table(plan).html(),
    }  # fmt: skip


def _people(approval: Mapping[str, Any]) -> str:
    applier = approval.get("applier", {}).get("arn", "unknown")
    parts = [f"Applied by {applier}"]
    if planner := approval.get("planner"):
        parts.append(f"planned by {planner.get('arn', 'unknown')}")
    if approvers := approval.get("approvers"):
        parts.append("approved by " + ", ".join(str(one.get("arn", "unknown")) for one in approvers))
    return "; ".join(parts)


def _observed(step: StepRecord) -> str:
    statuses: dict[str, int] = {}
    for one in step.exhibits:
        statuses[one.observation.status] = statuses.get(one.observation.status, 0) + 1
    told = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
    return f"{len(step.exhibits)} read calls: {told}." if told else "No read call was made."
