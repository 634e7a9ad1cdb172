"""One step of a run: plan, approve, apply, verify, close. Notebooks show it; the runner and tests call it as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from airgap import views
from airgap.checks.change import drift, split
from airgap.checks.check import Check, judge
from airgap.checks.destroyed import nothing_left
from airgap.checks.writes import LOOKUP
from airgap.cloud.queries import QUERIES
from airgap.errors import AirgapError, NotApproved, Unsettled, UsageError
from airgap.evidence import plans
from airgap.evidence.applied import last_applied, unreconciled
from airgap.evidence.files import write_whole
from airgap.evidence.lock import environment_lock
from airgap.model import finding as findings_of
from airgap.model.canonical import digest_of, encode
from airgap.model.difference import diff, removal
from airgap.model.estate import ANY, Estate, Records
from airgap.model.finding import Finding
from airgap.model.plan import Desired, Plan
from airgap.resources.applying import Application
from airgap.run import approving, closing, earlier, judging
from airgap.run.context import Context
from airgap.run.surveying import (
    ALL_KINDS,
    HOMES,
    KINDS,
    Surveyed,
    last_first,
    look_at,
    may_go,
    recorded_readings,
    refuse_strangers,
)
from airgap.run.validating import refuse_invalid
from airgap.steps import STEPS, Step

Progress = Callable[[str, str], None]
ACTING = ("apply", "destroy")
FRESH = 60.0
"""Seconds for which a plan's reading also serves the verdict, where no write was begun in between."""


def silent(resource: str, state: str) -> None:
    """Report nothing."""


class StepRun:
    """One step in one mode, over one context."""

    def __init__(self, step: Step, context: Context, approve: str = "", *, jobs: int = 8, progress: Progress = silent):
        self.step, self.context, self.intent = step, context, context.intent
        self.approval, self.jobs, self.progress = approve, jobs, progress
        self.findings: list[Finding] = []
        self.planned: Plan | None = None
        self.desired: list[Desired] = []
        self.estate: Estate | None = None
        self.pending: Plan | None = None
        self._seen: Surveyed | None = None
        self._used = True
        self._judged = True
        self._written = 0
        self._approved = ""
        self._open: Plan | None = None
        self._done: Plan | None = None

    def open(self) -> None:
        """Bind: prove where this is and who calls, and journal it."""
        caller = self.context.bind()
        self.context.journal.append("open", closing.opening(self.context, self.step, caller.as_data()))

    @property
    def caller(self) -> dict[str, str]:
        """The bound caller as JSON data; empty before binding."""
        return self.context.caller.as_data() if self.context.caller else {}

    def _snapshot(self) -> Surveyed:
        """Return the reading that looking has made and no plan has used yet, or make one: it serves both."""
        if self._seen is None or self._used:
            self._written = self.context.cloud.recorder.writes
            self._seen = look_at(self.context, self.step, views.reads(self.step.name), self.jobs)
            self._used = self._judged = False
            self.estate = self._seen.estate
        return self._seen

    def _standing(self) -> Estate | None:
        """Return the reading that was made for the plan, once, where it still tells what is there."""
        begun = self.context.mode in ACTING and self._open is None
        if self._seen is None or self._judged or begun or self.context.cloud.recorder.writes != self._written:
            return None
        self._judged = True
        young = self.context.clock.now() - earlier.moment(self._seen.estate.taken_at) < FRESH
        return self._seen.estate if young else None

    def look(self, name: str) -> views.Shown:
        """Return one view of the step's own subject; raises ``UsageError`` where the step has no such view."""
        known = views.VIEWS.get(self.step.name, {})
        if name not in known:
            raise UsageError(f"step {self.step.name} has no view {name!r}", "anything", f"views: {', '.join(known)}")
        estate = self.estate or self._snapshot().estate
        return known[name](self.looking(estate))

    def looking(self, estate: Estate) -> views.Look:
        """Return what a view of this moment looks at."""
        declared = self._seen.declared if self._seen else ()
        judged = earlier.said(self.context.folder, self.step) if self.step.attests else {}
        return views.Look(self.intent, estate, self.planned, tuple(self.findings), self.caller, judged, declared)

    def plan(self) -> Plan:
        """Read what is there and return what would change; keep the plan under its digest."""
        seen = self._snapshot()
        self._used = True
        mine = [one for one in seen.mine if one.step == self.step.name]
        readings = {kind.name: kind.reading for kind in ALL_KINDS}
        if self.context.mode == "destroy":
            lives = [seen.found.lives[one.key] for one in mine if one.key in seen.found.lives and may_go(one)]
            protections = {kind.name: kind.protection for kind in ALL_KINDS}
            going = last_first([*lives, *self._strays(seen)])
            plan = removal(self.step.name, going, seen.found, protections, readings)
        else:
            home = [kind for kind, step in HOMES.items() if step == self.step.name]
            strays = self._strays(seen)
            plan = diff(self.step.name, mine, readings, seen.found, undeclared=strays, answers_for=home, unseen=True)
            refuse_invalid(plan, seen.declared, self.intent)
        self.planned, self.desired = plan, mine
        self._approved, self._open = "", plan
        self.context.journal.append("plan", {"digest": plan.digest, "changes": len(plan.changes)})
        write_whole(self.context.step_folder.plan, encode(plan.as_data()) + "\n")
        plans.keep(self.context.folder.reports_root, self.intent.environment, [plan], self.caller)
        return plan

    def _strays(self, seen: Surveyed) -> list[Any]:
        return [live for live in seen.strays if HOMES[live.kind] == self.step.name]

    def approve(self, plan: Plan) -> str:
        """Return how the plan is approved; raise ``NotApproved`` where nothing covers it."""
        how = approving.approve(self.context, plan, self.approval, self.caller)
        self._approved = plan.digest
        return how

    def apply(self, plan: Plan) -> None:
        """Carry out the plan in mode apply or destroy; nothing in other modes and nothing without approval.

        A plan is carried out once: what it would make again is there already, and only a new plan finds it.
        """
        if self.context.mode not in ACTING or not plan.changes or plan is self._done:
            return
        if self._approved != plan.digest or self._seen is None:
            raise NotApproved(f"Step {self.step.name} was not approved", "anything", "run the Approve cell first")
        if plan is not self._open:
            raise NotApproved(
                f"This plan of step {self.step.name} was begun before, or a later one was made",
                "anything",
                "run the cells from Plan on: a new plan finds what exists",
            )
        if self.context.mode == "destroy":
            refuse_strangers(self.context, self.step, self._seen.found, self.jobs)
        self._open = None
        self.context.cloud.stop.clear()
        work = Application(
            self.context.systems,
            KINDS,
            {one.key: one for one in self.desired},
            self._seen.found,
            self.intent.tags,
            self.intent.prefix,
            self.progress,
            self.context.clock.sleep,
            jobs=self.jobs,
            predecessor=lambda key: _notebook(HOMES.get(key.split(":")[0], "")),
            page=self.context.pages.load,
            idle=self._idle,
        )
        holder = {"run": self.context.folder.run_id, "mode": self.context.mode, "step": self.step.name}
        with environment_lock(self.context.folder.reports_root, self.intent.environment, holder):
            try:
                work.run(plan)
            finally:
                self._idle(False)
                self.context.systems.lower()
        self._done = plan

    def _idle(self, waiting: bool) -> None:
        """Show the runner that this step only waits, so that another may have its place, or that it does no longer."""
        mark = self.context.step_folder.waiting
        if waiting:
            mark.touch()
        else:
            mark.unlink(missing_ok=True)

    def verify(self) -> list[Finding]:
        """Read everything that the step's checks need, and judge it; after a destroy, that nothing is left.

        What was read for the plan a moment ago is not read again where no write was begun since.
        """
        checks = self._checks() if self.context.mode != "destroy" else []
        reads = [call for one in checks for call in one.reads if call != ANY]
        reads += [query.call for query in QUERIES] if checks and self.step.attests else []
        earlier = self._earlier() if LOOKUP in reads else ()
        since = min([self.context.folder.began(), *(one["time"] for one in earlier)])
        extra = [*reads, *views.reads(self.step.name)]
        seen = look_at(self.context, self.step, extra, self.jobs, since, self._standing())
        records = self._records(seen, earlier)
        seen.estate.records = records
        self.estate, self.desired = seen.estate, [one for one in seen.mine if one.step == self.step.name]
        if self.context.mode == "destroy":
            mine = [one.key for one in seen.mine if may_go(one)]
            self.findings = nothing_left(self.step.name, mine, [one.key for one in seen.strays], seen.found)
        else:
            self.findings = judge(checks, self.intent, seen.estate)
            self.pending = split(drift(self.intent, seen.estate), seen.estate)[1] if seen.mine else None
        ordered = [one.as_data() for one in findings_of.order(self.findings)]
        verdict, counts = findings_of.verdict(self.findings), findings_of.counts(self.findings)
        kept = self._keep(records, seen, [one.id for one in checks])
        told = {"verdict": verdict, "counts": counts, "findings": digest_of(ordered), **kept}
        self.context.journal.append("verdict", told)
        return self.findings

    def _checks(self) -> list[Check]:
        """The step's own checks; the attestation judges every step's."""
        steps = STEPS if self.step.attests else (self.step,)
        return list({one.id: one for step in steps for one in step.checks}.values())

    def _earlier(self) -> tuple[Mapping[str, Any], ...]:
        folder = self.context.folder
        return unreconciled(folder.reports_root, self.intent.environment, folder.run_id)

    def _records(self, seen: Surveyed, earlier: tuple[Mapping[str, Any], ...]) -> Records:
        own, reports = self.context.folder.records(), self.context.folder.reports_root
        folders = [step.folder for step in STEPS if step.name in seen.judged]
        return dataclasses.replace(
            seen.estate.records,
            writes=own.writes,
            earlier=earlier,
            approvals=own.approvals,
            declared=tuple(one.as_data() for one in seen.declared),
            readings=recorded_readings(),
            steps=seen.judged,
            homes=HOMES,
            applied=tuple(one for name in folders for one in last_applied(reports, self.intent.environment, name)),
        )

    def _keep(self, records: Records, seen: Surveyed, checks: Sequence[str]) -> dict[str, str]:
        """Write the findings and all that they are derived from again, and return the digests of the latter."""
        folder, run = self.context.step_folder, self.context.folder
        findings = findings_of.document(
            self.findings, run_id=run.run_id, env=self.intent.environment, world=self.intent.world
        )
        declared = judging.declared(self.step.name, self.context.mode, records)
        judged = judging.judged(self.step.name, self.context.mode, seen, records, checks)
        write_whole(folder.declared, encode(declared) + "\n")
        write_whole(folder.judged, encode(judged) + "\n")
        write_whole(folder.findings, encode(findings) + "\n")
        return {"declared": digest_of(declared), "judged": digest_of(judged)}

    def close(self, render: closing.Render, error: BaseException | None = None) -> str:
        """Write the views and the last journal line, render the report, and return the journal's head."""
        try:
            return closing.close(self, render, error)
        finally:
            self.context.systems.close()

    def broken(self, error: BaseException, render: closing.Render, stands: bool = False) -> None:
        """Journal an error and close the step as broken, judged as it ``stands`` where an apply has left something."""
        text = error.diagnostics() if isinstance(error, AirgapError) else type(error).__name__
        self.context.journal.append("error", {"error": type(error).__name__, "text": text})
        if stands or (isinstance(error, Unsettled) and self.context.mode == "apply"):
            self._stands()
        self.close(render, error)

    def _stands(self) -> None:
        """Judge what an apply has left that waited in vain, so that the report says how things stand, and why."""
        try:
            self.verify()
        except AirgapError as error:
            self.context.journal.append("error", {"error": type(error).__name__, "text": error.diagnostics()})


def _notebook(step: str) -> str:
    return next((f"notebooks/{one.folder}.ipynb" for one in STEPS if one.name == step), "an earlier notebook")
