"""Opening and closing a step: what its journal's first and last lines say, and what it leaves on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airgap import views
from airgap.errors import AirgapError
from airgap.evidence.files import write_whole
from airgap.evidence.pages import write_index
from airgap.evidence.provenance import commit_of, versions
from airgap.model import finding as findings_of
from airgap.model.canonical import encode, plain
from airgap.run import certifying
from airgap.run.context import Context
from airgap.run.surveying import may_go
from airgap.steps import STEPS, Step

if TYPE_CHECKING:
    from airgap.run.step_run import StepRun

Render = Callable[[Path, str], Path]
EXIT = {findings_of.PASS: 0, findings_of.FAIL: 3, findings_of.UNKNOWN: 4}


def opening(context: Context, step: Step, caller: Mapping[str, str]) -> dict[str, Any]:
    """Return the data of a step's first journal line: world, place, caller, software and params."""
    intent = context.intent
    return {
        "run_id": context.folder.run_id,
        "step": step.name,
        "mode": context.mode,
        "env": intent.environment,
        "world": intent.world,
        "account": intent.account,
        "region": intent.region,
        "partition": intent.partition,
        "caller": dict(caller),
        "params_sha256": context.params_sha256,
        "commit": commit_of(context.root),
        "versions": versions(),
    }


def close(run: StepRun, render: Render, error: BaseException | None = None) -> str:
    """Write views and index, the closing journal line and the report; return the journal's head."""
    context, folder = run.context, run.context.step_folder
    write_whole(folder.views, encode(plain(list(_views(run)))) + "\n")
    outcome = result(run, error)
    again = context.cloud.read("sts:GetCallerIdentity", {})[-1] if error is None else None
    if again is not None:
        outcome["caller_at_end"] = context.pages.load(again.page).get("Arn", "") if again.page else again.code
    if run.step.attests:  # others leave it to who sums the run up: it is of the whole run, and grows with every step
        write_index(context.folder.observations_folder, context.folder.observations())
    if run.step.attests and run.findings and context.mode != "destroy":
        certifying.write(run)
    context.journal.append("close", outcome)
    render(context.folder.root, run.step.folder)
    return context.journal.head


def _views(run: StepRun) -> Iterator[dict[str, str]]:
    if run.estate is None:
        return
    for name, view in views.VIEWS.get(run.step.name, {}).items():
        shown = view(run.looking(run.estate))
        yield {"name": name, "title": view.title, "html": shown.html(), "text": shown.text()}


def result(run: StepRun, error: BaseException | None = None) -> dict[str, Any]:
    """Return what became of a step, as it stands in its journal's last line and in run.json."""
    plan, pending = run.planned, run.pending
    return {
        "name": run.step.name,
        "number": run.step.number,
        "title": run.step.title,
        "mode": run.context.mode,
        "status": "failed" if error else "completed",
        "error": type(error).__name__ if error else "",
        "verdict": findings_of.verdict(run.findings) if run.findings else "",
        "plan_digest": plan.digest if plan else "",
        "changes": len(plan.changes) if plan else 0,
        "unknown": len(plan.unknowns) if plan else 0,
        "pending": len(pending.changes) if pending else 0,
        "exit_code": exit_code(run, error),
    }


def exit_code(run: StepRun, error: BaseException | None = None) -> int:
    """Return a step's exit code; 1 before 3 before 4 before 2 before 0."""
    if error is not None:
        return error.exit_code if isinstance(error, AirgapError) else 1
    mode, plan = run.context.mode, run.planned
    if mode == "plan":
        return 4 if plan and plan.unknowns else 2 if plan and plan.changes else 0
    judged = EXIT[findings_of.verdict(run.findings)] if run.findings else 0
    return 2 if judged == 0 and mode == "verify" and run.pending and run.pending.changes else judged


def where(run: StepRun) -> Iterator[tuple[str, str]]:
    """Yield what the Bind cell shows: world, account, caller, Region, run and software."""
    context, intent = run.context, run.intent
    commit = commit_of(context.root)
    yield "World", intent.world + (" (the embedded AWS: not production evidence)" if intent.world != "aws" else "")
    yield "Environment", f"{intent.environment}, mode {context.mode}"
    yield "Account", f"{intent.account}, {intent.partition}, {intent.region}"
    yield "Caller", run.caller.get("arn", "")
    yield "Run", context.folder.run_id
    yield "Params", f"sha256 {context.params_sha256[:12]}, commit {commit[:12]}"


def evidence(run: StepRun, head: str) -> Iterator[tuple[str, str]]:
    """Yield what the Evidence cell shows: report, digest, journal head, the run's first page, the next notebook."""
    report, base = run.context.step_folder.report, run.context.folder.reports_root.parent
    yield "Report", str(report.relative_to(base))
    yield "SHA-256", hashlib.sha256(report.read_bytes()).hexdigest()
    yield "Journal head", head
    yield "First page", str((run.context.folder.root / "index.html").relative_to(base))
    later = [step for step in STEPS if step.number > run.step.number]
    joining = f'notebooks/{later[0].folder}.ipynb; run_id = "latest" joins it to this run' if later else ""
    yield "Next", joining or "this was the last notebook"


def undo(run: StepRun) -> Iterator[tuple[str, str]]:
    """Yield what the Undo cell shows: what destroy would remove of this step, and how."""
    keys = [one.key for one in run.desired if may_go(one)]
    yield "Would remove", f"{len(keys)} resources: {', '.join(keys)}" if keys else "nothing: this step makes nothing"
    if keys:
        yield "How", f"airgap destroy --env {run.intent.environment} --only {run.step.name} --approve DIGEST"
    stays = [one.key for one in run.desired if not may_go(one) and not one.kept]
    if stays:
        yield "Stays", f"account-wide, adopted, or gone with its parent: {', '.join(stays)}"
    yield from (("Kept", f"{one.key}: {one.kept}") for one in run.desired if one.kept)
