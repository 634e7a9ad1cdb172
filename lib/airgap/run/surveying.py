"""Surveying: read what a step's plan or verdict rests on, once, and say what is declared and what is there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from airgap.cloud.collect import collect, lasting
from airgap.errors import Refused, Unreadable
from airgap.model.estate import Estate, Records
from airgap.model.intent import Intent
from airgap.model.observation import NotObserved, Observation
from airgap.model.permissions import by_iam
from airgap.model.plan import Desired, references
from airgap.model.reading import Live
from airgap.model.survey import Survey, survey
from airgap.resources import strangers
from airgap.resources.kind import Kind
from airgap.run.context import Context
from airgap.steps import STEPS, Step

ALL_KINDS: tuple[Kind, ...] = tuple(dict.fromkeys(kind for step in STEPS for kind in step.kinds))
KINDS: dict[str, Kind] = {kind.name: kind for kind in ALL_KINDS}
HOMES: dict[str, str] = {kind.name: step.name for step in reversed(STEPS) for kind in step.kinds}
"""Kind -> the first step that declares it, which answers for what is ours of that kind and undeclared."""


@cache
def recorded_readings() -> Mapping[str, Any]:
    """Return every kind's reading as JSON data, by the kind's name."""
    return {kind.name: kind.reading.as_data() for kind in ALL_KINDS}


@dataclass(frozen=True)
class Surveyed:
    """One reading of the world: the pages, all that is declared of the kinds read, and what is there of them."""

    estate: Estate
    declared: tuple[Desired, ...]
    found: Survey
    judged: tuple[str, ...]
    kinds: tuple[str, ...] = ()

    @property
    def mine(self) -> list[Desired]:
        """The declarations of the steps that this reading judges."""
        return [one for one in self.declared if one.step in self.judged]

    @property
    def strays(self) -> list[Live]:
        """What is ours, undeclared, and for the judged steps to answer for."""
        orphans = [live for live in self.found.orphans if KINDS[live.kind].delete]
        return [live for live in orphans if HOMES[live.kind] in self.judged]


def observe(
    context: Context, reads: Iterable[str], jobs: int, since: str = "", known: Sequence[Observation] = ()
) -> list[Observation]:
    """Make these read calls now, but for those that ``known`` observations answer, and return all of them.

    What happened over time is asked from ``since`` on, or from the run's beginning.
    """
    since, load = since or context.folder.began(), context.pages.load
    return collect(context.systems, dict.fromkeys(reads), load, jobs=jobs, since=since, known=known)


def estate_of(context: Context, observations: Iterable[Observation], taken_at: str) -> Estate:
    """Return the estate of some observations, as of a moment."""
    intent = context.intent
    records = Records(caller=context.caller.as_data() if context.caller else {})
    return Estate(
        observations,
        context.pages.load,
        account=intent.account,
        region=intent.region,
        taken_at=taken_at,
        records=records,
    )


def look_at(
    context: Context, step: Step, extra: Iterable[str], jobs: int, since: str = "", before: Estate | None = None
) -> Surveyed:
    """Read what a step declares, what else is declared of the same kinds, and what is there of them.

    What the reading ``before`` has answered stands, and this one is as of its moment. Raises ``Unreadable`` where a
    page that the declarations themselves rest on was not answered.
    """
    taken_at = before.taken_at if before else context.now()
    known = lasting(before.observations) if before else []
    judged = STEPS if step.attests else (step,)
    sharing = STEPS if step.attests else [one for one in STEPS if one is step or set(one.kinds) & set(step.kinds)]
    facts = observe(context, [call for one in sharing for call in one.facts], jobs, known=known)
    declared = _declared(context, sharing, facts, taken_at)
    giving = [one for one in _giving(step, declared) if one not in sharing]
    facts = observe(context, [call for one in giving for call in one.facts], jobs, known=facts)
    declared += _declared(context, giving, facts, taken_at)
    kinds = _kinds_of(step, declared)
    own = {kind.name for each in judged for kind in each.kinds}
    reads = [call for kind in kinds for call in (kind.reading.reads if kind.name in own else kind.reading.finding)]
    pages = estate_of(context, observe(context, [*reads, *extra], jobs, since, known=lasting(facts)), taken_at)
    readings = {kind.name: kind.reading for kind in kinds}
    found = survey(context.intent.environment, readings, declared, pages)
    return Surveyed(pages, tuple(declared), found, tuple(one.name for one in judged), tuple(readings))


def _declared(context: Context, steps: Iterable[Step], facts: list[Observation], taken_at: str) -> list[Desired]:
    known = estate_of(context, facts, taken_at)
    return [one for each in steps for one in declarations(each, context.intent, known)]


def _giving(step: Step, declared: Iterable[Desired]) -> list[Step]:
    """The steps whose declarations say what things that this step refers to are called; tags tell of the others."""
    named = {key.split(":")[0] for one in declared if one.step == step.name for key in references(one.fields)}
    untagged = {name for name in named if KINDS[name].reading.owner != "tags"}
    return [one for one in STEPS if untagged & {kind.name for kind in one.kinds}]


def _kinds_of(step: Step, declared: Iterable[Desired]) -> list[Kind]:
    """The kinds that the step might declare, and those by whose ids theirs are known or set: parents before children.

    Of what other steps declare, only what tells it apart matters here.
    """
    left = [kind.name for each in STEPS if each is step or step.attests for kind in each.kinds]
    names: set[str] = set()
    while left:
        if (name := left.pop()) in names:
            continue
        names.add(name)
        for one in declared:
            if one.kind == name:
                mine = step.attests or one.step == step.name
                fields = one.fields if mine else [one.fields.get(each) for each in KINDS[name].reading.natural]
                left += [key.split(":")[0] for key in references(fields)]
    return [kind for kind in ALL_KINDS if kind.name in names]


def declarations(step: Step, intent: Intent, facts: Estate) -> list[Desired]:
    """Return what a step declares, each resource marked with its step and with what it adopts."""
    try:
        return [
            dataclasses.replace(one, step=step.name, adopted=intent.adopt.get(one.key, one.adopted))
            for one in step.desired(intent, facts.reading(step.facts))
        ]
    except NotObserved as cause:
        raise _undeclared(step, cause, facts) from cause


def _undeclared(step: Step, cause: NotObserved, facts: Estate) -> Unreadable:
    """Return the error for a page that declarations rest on; what no permission would mend says itself what would."""
    nothing = f"anything of step {step.name}"
    if by_iam(cause.call):
        what = f"What step {step.name} declares depends on {cause}"
        action = f"grant {cause.call} ('airgap policy --role verifier' prints all read permissions) and run again"
        return Unreadable(what, nothing, action)
    said = next((one.message for one in facts.observations if one.call == cause.call and one.message), str(cause))
    what, _, action = said.partition("; next: ")
    return Unreadable(f"What step {step.name} declares is not known: {what}", nothing, action or "run again")


def may_go(one: Desired) -> bool:
    """Tell whether destroy removes a resource: not adopted, kept or account-wide, and not gone with its parent."""
    kind = KINDS[one.kind]
    return not (one.adopted or one.kept or kind.account_wide) and bool(kind.delete)


def last_first(lives: Iterable[Live]) -> list[Live]:
    """Return resources in the order in which they go: kinds that are created last first."""
    rank = {kind.name: number for number, kind in enumerate(ALL_KINDS)}
    return sorted(lives, key=lambda live: (-rank[live.kind], live.key))


def refuse_strangers(context: Context, step: Step, found: Survey, jobs: int) -> None:
    """Raise ``Refused`` where something that is not ours stands in what is and would go, or lose its way out."""
    if not any(live.kind in strangers.HOLDERS for live in found.lives.values()):
        return
    estate = estate_of(context, observe(context, strangers.READS, jobs), context.now())
    nothing = f"anything of step {step.name}"
    try:
        there = list(strangers.strangers(context.intent.environment, found, estate))
    except NotObserved as cause:
        what = f"Whether anything that is not ours stands in the VPC could not be read: {cause}"
        raise Unreadable(what, nothing, f"grant {cause.call} and run again") from cause
    if there:
        shown = "; ".join(there[:8]) + (f"; and {len(there) - 8} more" if len(there) > 8 else "")
        raise Refused(
            f"What is not ours stands in what would be removed: {shown}",
            nothing,
            "have its owner remove it or move it elsewhere, then destroy again; what is not ours is never touched",
        )
