"""Summing up: from the steps' journals to the run's findings, verdict, exit code and files."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airgap.controls import verdicts
from airgap.evidence import plans
from airgap.evidence.files import link_latest, write_whole
from airgap.evidence.folder import RunFolder
from airgap.evidence.journal import read_journal
from airgap.evidence.pages import write_index
from airgap.evidence.provenance import commit_of, versions
from airgap.model import finding as findings_of
from airgap.model.canonical import digest_of, encode, utc
from airgap.model.finding import Finding
from airgap.model.intent import encode as encode_intent
from airgap.model.plan import Plan, run_digest
from airgap.run import earlier
from airgap.run.context import keep_params
from airgap.steps import Step

if TYPE_CHECKING:
    from airgap.run.engine import Outcome
    from airgap.run.runner import Run


def worst(codes: Sequence[int]) -> int:
    """Return the exit code that stands for several: 1 before 64 before 3 before 4 before 2 before 0."""
    order = (1, 64, 3, 4, 2, 0)
    return min(codes, key=lambda code: order.index(code) if code in order else -1, default=0)


def not_begun(step: Step, mode: str, why: str, exit_code: int = 0) -> dict[str, Any]:
    """Return the outcome of a step that was not begun; the exit code is that of what kept it from beginning."""
    return {**_blank(step, mode), "status": "not begun", "error": why, "exit_code": exit_code}


def _blank(step: Step, mode: str) -> dict[str, Any]:
    return {
        "name": step.name, "number": step.number, "title": step.title, "mode": mode, "verdict": "", "plan_digest": "",
        "changes": 0, "unknown": 0, "pending": 0, "seconds": 0.0, "head": "", "ended": "", "error": "",
    }  # fmt: skip


def outcome(folder: RunFolder, step: Step, mode: str, executed: Outcome, seconds: float) -> dict[str, Any]:
    """Return what became of a step: its journal's last line, or broken where the notebook did not get there."""
    entries, _ = read_journal(folder.step(step.number, step.name).journal)
    closes = [entry for entry in entries if entry["event"] == "close"]
    timing = {"seconds": round(seconds, 2), **earlier.end_of(entries)}
    last = closes[-1]["data"] if closes and closes[-1]["data"]["mode"] == mode else None
    finished = last is not None and entries[-1]["event"] == "close"
    if last is not None and finished and (executed.status == "completed" or last["status"] == "failed"):
        told = next((e["data"]["text"] for e in reversed(entries) if e["event"] == "error"), "")
        return {**last, **timing, "message": told if last["status"] == "failed" else ""}
    status = executed.status if executed.status != "completed" else "failed"
    text = f"{executed.ename}: {executed.evalue}" if executed.ename else "the notebook ended before its Evidence cell"
    return {**_blank(step, mode), **timing, "status": status, "error": executed.ename, "message": text, "exit_code": 1}


def sentence(result: Mapping[str, Any]) -> str:
    """Return one line on a step for the terminal."""
    if result["status"] != "completed":
        return f"{result['status']}: {result.get('message') or result['error']}"
    changes = f"{result['changes']} changes" if result["changes"] else "no change"
    verdict = f", {result['verdict']}" if result["verdict"] else ""
    return f"done in {result['seconds']:.1f} s: {changes}{verdict}"


def close(one: Run, steps: Sequence[Step], began: float, interrupted: bool) -> dict[str, Any]:
    """Write everything that a run leaves, and return run.json's data."""
    results = [one.outcomes[step.name] for step in steps]
    found = _findings(one, steps)
    planned = _plans(one.folder, steps)
    caller = one.folder.records().caller
    digest = plans.keep(one.folder.reports_root, one.intent.environment, planned, caller) if planned else ""
    code = worst([result["exit_code"] for result in results])
    verdict = findings_of.verdict(found) if found else ""
    data = {
        "mode": one.mode, "world": one.intent.world, "account": one.intent.account, "region": one.intent.region,
        "partition": one.intent.partition, "caller": dict(caller), "started": _time(began), "ended": _time(None),
        "versions": versions(), "commit": commit_of(one.root), "params_sha256": digest_of(encode_intent(one.intent)),
        "steps": results, "verdict": verdict, "plan_digest": digest or run_digest(()), "exit_code": code,
        "interrupted": interrupted, "not_tested": _not_tested(found),
    }  # fmt: skip
    document = findings_of.document(found, run_id=one.folder.run_id, env=one.intent.environment, world=one.intent.world)
    write_whole(one.folder.root / "findings.json", encode(document) + "\n")
    write_index(one.folder.observations_folder, one.folder.observations())
    keep_params(one.folder, one.intent)
    one.journal.append("close", {"exit_code": code, "verdict": verdict, "interrupted": interrupted})
    one.folder.write_run(data)
    link_latest(one.folder.root.parent, one.folder.run_id)
    return one.folder.read_run()


def _findings(one: Run, steps: Sequence[Step]) -> list[Finding]:
    """Return the findings of all steps, in the order in which they ended."""
    judged = [step for step in steps if one.outcomes[step.name]["mode"] != "plan"]
    judged.sort(key=lambda step: str(one.outcomes[step.name]["ended"]))
    paths = [one.folder.step(step.number, step.name).findings for step in judged]
    return findings_of.merged(
        map(Finding.from_data, json.loads(path.read_text(encoding="utf-8"))["findings"])
        for path in paths
        if path.is_file()
    )


def _plans(folder: RunFolder, steps: Sequence[Step]) -> list[Plan]:
    paths = [folder.step(step.number, step.name).plan for step in steps]
    return [Plan.from_data(json.loads(path.read_text(encoding="utf-8"))) for path in paths if path.is_file()]


def _not_tested(found: Sequence[Finding]) -> list[dict[str, Any]]:
    whole = [
        {"check": one.check, "properties": list(one.properties), "reason": one.message}
        for one in found
        if one.status == findings_of.NOT_APPLICABLE
    ]
    parts = [(one.id, left) for one in verdicts(found) for left in one.untested]
    return [
        *whole,
        *({"check": "", "properties": [name], "reason": f"{one.what}: {one.reason}"} for name, one in parts),
    ]


def _time(moment: float | None) -> str:
    when = dt.datetime.now(dt.UTC) if moment is None else dt.datetime.fromtimestamp(moment, dt.UTC)
    return utc(when.replace(microsecond=0))
