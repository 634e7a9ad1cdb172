"""One step of a run: plan, approve, apply, verify, close. Notebooks show it; the runner and tests call it as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airgap import views
from airgap.checks.change import drift, split
from airgap.checks.check import judge
from airgap.cloud.collect import collect
from airgap.errors import AirgapError, NotApproved, UsageError
from airgap.evidence import plans
from airgap.evidence.applied import last_applied
from airgap.evidence.files import write_whole
from airgap.evidence.lock import environment_lock
from airgap.model import finding as findings_of
from airgap.model.canonical import digest_of, encode
from airgap.model.estate import ANY, Estate, Records
from airgap.model.finding import Finding
from airgap.model.intent import Intent
from airgap.model.plan import Desired, Plan, Survey, diff, references, removal, survey
from airgap.resources.applying import Application
from airgap.resources.kind import Kind
from airgap.run import approving, closing
from airgap.run.context import Context
from airgap.steps import STEPS, Step

Progress = Callable[[str, str], None]
Render = closing.Render

ALL_KINDS: tuple[Kind, ...] = tuple(dict.fromkeys(kind for step in STEPS for kind in step.kinds))
HOMES: dict[str, str] = {kind.name: step.name for step in reversed(STEPS) for kind in step.kinds}


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
        self.judged: dict[str, Any] = {}
        self._found: Survey | None = None
        self._seen: tuple[Estate, list[Desired], Survey] | None = None
        self._approved = False

    def open(self) -> None:
        """Bind: prove where this is and who calls, and journal it."""
        context = self.context
        caller = context.bind()
        context.journal.append("open", closing.opening(context, self.step, caller.as_data()))

    # Look

    def observe(self, reads: Iterable[str]) -> Estate:
        """Read these calls now and return the estate of them."""
        context = self.context
        taken_at = context.now()
        observations = collect(context.cloud, reads, context.pages.load, jobs=self.jobs)
        return self._estate(observations, taken_at)

    def _estate(self, observations: Iterable[Any], taken_at: str) -> Estate:
        context = self.context
        records = Records(caller=context.caller.as_data() if context.caller else {})
        return Estate(
            observations, context.pages.load, account=self.intent.account, region=self.intent.region,
            taken_at=taken_at, records=records,
        )  # fmt: skip

    # Plan

    def plan(self) -> Plan:
        """Read what is there and return what would change; keep the plan under its digest."""
        estate, declared, found = self._snapshot()
        self._seen = None
        mine = [one for one in declared if one.step == self.step.name]
        home = [live for live in found.orphans if HOMES[live.kind] == self.step.name]
        if self.context.mode == "destroy":
            lives = [found.lives[one.key] for one in mine if one.key in found.lives and self.may_go(one)]
            plan = removal(self.step.name, _in_order([*lives, *home]), found, self._protections())
        else:
            readings = {kind.name: kind.reading for kind in ALL_KINDS}
            plan = diff(self.step.name, mine, readings, found, undeclared=home)
        self.planned, self.desired, self._found, self.estate = plan, mine, found, estate
        self.context.journal.append("plan", {"digest": plan.digest, "changes": len(plan.changes)})
        write_whole(self.context.step_folder.plan, encode(plan.as_data()) + "\n")
        plans.keep(self.context.folder.reports_root, self.intent.environment, [plan], self.caller)
        return plan

    def _snapshot(self) -> tuple[Estate, list[Desired], Survey]:
        """Return the reading that looking has already made, or make it: one reading serves looking and planning."""
        if self._seen is None:
            self._seen = self._survey(extra=views.reads(self.step.name))
            self.estate = self._seen[0]
        return self._seen

    def look(self, name: str) -> views.Shown:
        """Return one view of the step's own subject; raises ``UsageError`` where the step has no such view."""
        known = views.VIEWS.get(self.step.name, {})
        if name not in known:
            raise UsageError(f"step {self.step.name} has no view {name!r}; it has {', '.join(known)}", "", "name one")
        estate = self.estate or self._snapshot()[0]
        caller, found = self.caller, tuple(self.findings)
        return known[name](views.Look(self.intent, estate, self.planned, found, caller, self.judged))

    def _survey(self, extra: Iterable[str] = ()) -> tuple[Estate, list[Desired], Survey]:
        """Return the estate, every declaration of the kinds that this step shares, and what is there of them."""
        sharing = [one for one in STEPS if set(one.kinds) & set(self.step.kinds) or one is self.step]
        facts = self.observe([call for one in sharing for call in one.facts])
        declared = [one for step in sharing for one in declarations(step, self.intent, facts)]
        names = {one.kind for one in declared} | {kind.name for kind in self.step.kinds}
        names |= {key.split(":")[0] for one in declared for key in references(one.fields)}
        kinds = [kind for kind in ALL_KINDS if kind.name in names]
        reads = [call for kind in kinds for call in kind.reading.reads]
        estate = self.observe(dict.fromkeys([*reads, *extra]))
        merged = self._estate([*facts.observations, *estate.observations], estate.taken_at)
        readings = {kind.name: kind.reading for kind in kinds}
        found = survey(self.intent.environment, readings, declared, merged)
        return merged, declared, found

    def may_go(self, one: Desired) -> bool:
        """Tell whether destroy may remove it: neither adopted nor account-wide."""
        return not one.adopted and not self._kind(one.kind).account_wide

    def _protections(self) -> dict[str, Mapping[str, Any]]:
        return {kind.name: kind.protection for kind in ALL_KINDS if kind.protection}

    @staticmethod
    def _kind(name: str) -> Kind:
        return next(kind for kind in ALL_KINDS if kind.name == name)

    # Approve

    def approve(self, plan: Plan) -> str:
        """Return how the plan is approved; raise ``NotApproved`` where nothing covers it."""
        how = approving.approve(self.context, plan, self.approval, self.caller)
        self._approved = True
        return how

    @property
    def caller(self) -> dict[str, str]:
        """The bound caller as JSON data; empty before binding."""
        return self.context.caller.as_data() if self.context.caller else {}

    # Apply

    def apply(self, plan: Plan) -> None:
        """Carry out the plan in mode apply or destroy; nothing in other modes and nothing without approval."""
        if self.context.mode not in ("apply", "destroy") or not plan.changes:
            return
        if not self._approved or self._found is None:
            raise NotApproved(f"Step {self.step.name} was not approved", "anything", "run the Approve cell first")
        work = Application(
            self.context.cloud,
            {kind.name: kind for kind in ALL_KINDS},
            {one.key: one for one in self.desired},
            self._found,
            self.intent.tags,
            self.intent.prefix,
            self.progress,
            self.context.clock.sleep,
            jobs=self.jobs,
            predecessor=lambda key: HOMES.get(key.split(":")[0], "an earlier step"),
            page=self.context.pages.load,
        )
        with environment_lock(self.context.folder.reports_root, self.intent.environment, self._holder()):
            work.run(plan)

    def _holder(self) -> dict[str, str]:
        return {"run": self.context.folder.run_id, "mode": self.context.mode, "step": self.step.name}

    # Verify

    def verify(self) -> list[Finding]:
        """Read everything that the step's checks need, and judge it."""
        checks = self.step.checks if self.context.mode != "destroy" else ()
        reads = [call for one in checks for call in one.reads if call != ANY] + list(views.reads(self.step.name))
        estate, declared, found = self._survey(extra=reads)
        records = dataclasses.replace(
            estate.records,
            declared=tuple(one.as_data() for one in declared),
            readings={kind.name: kind.reading.as_data() for kind in ALL_KINDS},
            steps=(self.step.name,),
            homes=HOMES,
            applied=self._last_applied(),
            **self._own_records(),
        )
        estate.records = records
        self.estate, self.desired = estate, [one for one in declared if one.step == self.step.name]
        if self.context.mode == "destroy":
            self.findings = self._nothing_left(found)
        else:
            self.findings = judge(checks, self.intent, estate)
            self.pending = split(drift(self.intent, estate), estate)[1] if self.step.kinds else None
        verdict = findings_of.verdict(self.findings)
        counts = findings_of.counts(self.findings)
        self.context.journal.append("verdict", {"verdict": verdict, "counts": counts, "findings": digest_of(
            [one.as_data() for one in findings_of.order(self.findings)])})  # fmt: skip
        self._keep_findings(records)
        return self.findings

    def _own_records(self) -> dict[str, Any]:
        own = self.context.folder.records()
        return {"writes": own.writes, "approvals": own.approvals}

    def _last_applied(self) -> tuple[Mapping[str, Any], ...]:
        return last_applied(self.context.folder.reports_root, self.intent.environment, self.context.step_folder.name)

    def _keep_findings(self, records: Records) -> None:
        folder = self.context.step_folder
        document = findings_of.document(
            self.findings, run_id=self.context.folder.run_id, env=self.intent.environment, world=self.intent.world
        )
        write_whole(folder.findings, encode(document) + "\n")
        data = {
            "schema": "airgap/declared/v1",
            "step": self.step.name,
            "mode": self.context.mode,
            "declared": list(records.declared),
            "readings": dict(records.readings),
            "homes": dict(records.homes),
        }
        write_whole(folder.declared, encode(data) + "\n")

    def _nothing_left(self, found: Survey) -> list[Finding]:
        left = [one for one in self.desired if one.key in found.lives and self.may_go(one)]
        keys = [one.key for one in left] + [live.key for live in found.orphans if HOMES[live.kind] == self.step.name]
        if found.unreadable:
            why = "; ".join(f"{kind}: {cause}" for kind, cause in sorted(found.unreadable.items()))
            return [_destroyed(findings_of.UNKNOWN, "*", why)]
        if keys:
            return [_destroyed(findings_of.FAIL, key, "is still there") for key in sorted(keys)]
        return [_destroyed(findings_of.PASS, self.step.name, "nothing of this step is left")]

    # Close

    def close(self, render: Render, error: BaseException | None = None) -> str:
        """Write the views and the last journal line, render the report, and return the journal's head."""
        return closing.close(self, render, error)

    def broken(self, error: BaseException, render: Render) -> None:
        """Journal an error and close the step as broken."""
        text = error.diagnostics() if isinstance(error, AirgapError) else type(error).__name__
        self.context.journal.append("error", {"error": type(error).__name__, "text": text})
        self.close(render, error)


def declarations(step: Step, intent: Intent, facts: Estate) -> list[Desired]:
    """Return what a step declares, each resource marked with its step and with what it adopts."""
    view = facts.reading(step.facts)
    return [
        dataclasses.replace(one, step=step.name, adopted=intent.adopt.get(one.key, ""))
        for one in step.desired(intent, view)
    ]


def _in_order(lives: list[Any]) -> list[Any]:
    rank = {kind.name: number for number, kind in enumerate(ALL_KINDS)}
    return sorted(lives, key=lambda live: (-rank[live.kind], live.key))


def _destroyed(status: str, resource: str, message: str) -> Finding:
    title = "Destroy leaves nothing of this environment"
    remedy = "run destroy again; it names what blocks" if status != findings_of.PASS else ""
    return Finding("destroy-nothing-left", title, status, "medium", resource, message, remedy, (), ())
