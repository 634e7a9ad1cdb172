"""What a run left on disk, read for its reports: journal, findings, plan and views, checked against each other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from airgap.evidence.journal import read_journal
from airgap.model.canonical import digest_of, encode, plain
from airgap.model.finding import Finding, order
from airgap.model.observation import Observation
from airgap.model.plan import Plan

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Exhibit:
    """An observation under the number by which a report cites it; numbers count from 1 within a step."""

    number: int
    observation: Observation

    @property
    def cited_as(self) -> str:
        """What findings cite: the digest of its page, or its call where it gave no page."""
        one = self.observation
        return one.page or f"{one.call} {encode(plain(one.params))}"


@dataclass(frozen=True)
class Write:
    """A write call: when, what, on which resource, what AWS answered, and what approved it."""

    time: str
    call: str
    resource: str
    attempt: int
    status: str
    code: str
    message: str
    request_id: str
    approval: str
    plan: str


@dataclass(frozen=True)
class StepRecord:
    """One step of a run, as its folder holds it."""

    folder: str
    lines: tuple[Entry, ...]
    broken: tuple[str, ...]
    kept_findings: tuple[Finding, ...] | None
    kept_plan: Plan | None
    views: tuple[Mapping[str, str], ...]
    files: frozenset[str]
    intent: Mapping[str, Any]

    def events(self, event: str) -> list[dict[str, Any]]:
        """Return the data of every journal line of an event, each with its time and digest."""
        return [{**e["data"], "time": e["time"], "line": e["digest"]} for e in self.lines if e["event"] == event]

    @cached_property
    def opening(self) -> dict[str, Any]:
        """What the last opening of the step says of world, place and caller; empty where it was never bound."""
        return next(reversed(self.events("open")), {})

    @cached_property
    def closing(self) -> dict[str, Any]:
        """What the last line says of the step's end; empty where it did not get there."""
        return self.events("close")[-1] if self.closed else {}

    @property
    def closed(self) -> bool:
        """Whether the step came to its end, well or not: only then is its journal complete."""
        return bool(self.lines) and self.lines[-1]["event"] == "close"

    @property
    def head(self) -> str:
        """The digest of the last journal line."""
        return str(self.lines[-1]["digest"]) if self.lines else ""

    @property
    def mode(self) -> str:
        """The mode in which the step was opened last."""
        return str(self.opening.get("mode", ""))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings; none in mode plan, which judges nothing."""
        return () if self.mode == "plan" else self.kept_findings or ()

    @property
    def plan(self) -> Plan | None:
        """The plan that the journal names last."""
        return self.kept_plan if self.events("plan") else None

    @cached_property
    def exhibits(self) -> list[Exhibit]:
        """Every observation of the step, numbered in the order of its journal."""
        reads = [entry["data"] for entry in self.lines if entry["event"] == "read"]
        return [Exhibit(number, Observation.from_data(data)) for number, data in enumerate(reads, 1)]

    @cached_property
    def number_of(self) -> dict[str, int]:
        """The number of the last exhibit for each thing that a finding may cite."""
        return {one.cited_as: one.number for one in self.exhibits}

    @cached_property
    def writes(self) -> list[Write]:
        """Every write with its answer, and the approval and plan under which it was made."""
        answers = {one["write"]: one for one in self.events("answer")}
        approval, plan, writes = "", "", []
        for entry in self.lines:
            if entry["event"] == "approval":
                approval, plan = entry["digest"], entry["data"].get("digest", "")
            elif entry["event"] == "write":
                writes.append(_write(entry, answers.get(entry["digest"], {}), approval, plan))
        return writes

    @cached_property
    def problems(self) -> list[str]:
        """What is wrong with the record itself, in words; empty where journal and files agree."""
        return [*self.broken, *self._disagreements()]

    def _disagreements(self) -> Iterator[str]:
        if not self.closed:
            yield "the step did not come to its end: its journal has no closing line"
        verdicts = self.events("verdict")
        if verdicts and self.kept_findings is not None and self.mode != "plan":
            digest = digest_of([one.as_data() for one in order(self.kept_findings)])
            if digest != verdicts[-1].get("findings"):
                yield "findings.json is not what the journal's verdict rests on: their digests differ"
        plans = self.events("plan")
        if plans and self.kept_plan is not None and self.kept_plan.digest != plans[-1].get("digest"):
            yield "plan.json is not the plan that the journal names: their digests differ"


def _write(entry: Entry, answer: Mapping[str, Any], approval: str, plan: str) -> Write:
    sent = entry["data"]
    return Write(
        entry["time"], sent["call"], sent.get("resource", ""), sent.get("attempt", 1),
        answer.get("status", "no answer"), answer.get("code", ""), answer.get("message", ""),
        answer.get("request_id", ""), approval, plan,
    )  # fmt: skip


def read_step(run_root: Path, folder: str) -> StepRecord:
    """Return the record of one step; what is missing is empty, and the record's problems say so."""
    place = run_root / "steps" / folder
    lines, broken = read_journal(place / "journal.ndjson")
    findings, plan = _json(place / "findings.json"), _json(place / "plan.json")
    return StepRecord(
        folder,
        tuple(lines),
        tuple(broken),
        None if findings is None else tuple(Finding.from_data(one) for one in findings["findings"]),
        None if plan is None else Plan.from_data(plan),
        tuple(_json(place / "views.json") or ()),
        frozenset(path.name for path in place.iterdir()) if place.is_dir() else frozenset(),
        _json(run_root / "intent.json") or {},
    )


@dataclass(frozen=True)
class RunRecord:
    """A whole run: run.json, the merged findings, the params, and every step that left a folder."""

    root: Path
    data: Mapping[str, Any]
    findings: tuple[Finding, ...]
    intent: Mapping[str, Any]
    steps: Mapping[str, StepRecord]
    broken: tuple[str, ...]

    @cached_property
    def writes(self) -> list[Write]:
        """The writes of every step, in the order of the steps."""
        return [write for one in self.steps.values() for write in one.writes]

    @property
    def problems(self) -> list[str]:
        """What is wrong with the record of the run or of a step, in words."""
        return [*self.broken, *(f"{name}: {what}" for name, one in self.steps.items() for what in one.problems)]


def read_run(run_root: Path) -> RunRecord:
    """Return the record of a run that has come to its end; raises ``FileNotFoundError`` where it has not."""
    data = json.loads((run_root / "run.json").read_text(encoding="utf-8"))
    findings = json.loads((run_root / "findings.json").read_text(encoding="utf-8"))["findings"]
    folders = sorted(path.name for path in (run_root / "steps").glob("[0-9][0-9]_*") if path.is_dir())
    _, broken = read_journal(run_root / "journal.ndjson")
    return RunRecord(
        run_root,
        data,
        tuple(Finding.from_data(one) for one in findings),
        _json(run_root / "intent.json") or {},
        {folder: read_step(run_root, folder) for folder in folders},
        tuple(f"journal.ndjson: {one}" for one in broken),
    )


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
