"""Change: the declared state is the live state (CHG-01). The diff is the plan's own, re-derived from the pages."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from airgap.checks.check import Population, Undecided, check
from airgap.model.canonical import encode, plain
from airgap.model.difference import diff
from airgap.model.estate import ANY, Estate, Records
from airgap.model.intent import Intent
from airgap.model.kubernetes import at
from airgap.model.plan import DELETE, Change, Desired, Plan
from airgap.model.reading import Reading
from airgap.model.survey import survey


def drift(intent: Intent, estate: Estate) -> Plan:
    """Return the plan that the recorded pages call for, from the declarations and readings kept in the run."""
    records: Records = estate.records
    readings = {kind: Reading.from_data(data) for kind, data in records.readings.items()}
    declared = [Desired.from_data(data) for data in records.declared]
    mine = [one for one in declared if one.step in records.steps]
    found = survey(intent.environment, readings, declared, estate)
    home = [live for live in found.orphans if records.homes.get(live.kind) in records.steps]
    answers_for = [kind for kind, step in records.homes.items() if step in records.steps]
    return diff("drift", mine, readings, found, undeclared=home, answers_for=answers_for)


def pending(change: Change, applied: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether the live value is what the last apply declared, so that only the params or the code moved since."""
    if change.op == DELETE:
        return change.resource in applied
    before = applied.get(change.resource)
    if before is None:
        return bool(applied) and change.before is None
    whole, _, path = change.field.partition(".")
    if path:
        return bool(next(iter(at(before.get(whole), path)), None) == plain(change.before))
    return change.field in before and encode(plain(before[change.field])) == encode(plain(change.before))


def split(plan: Plan, estate: Estate) -> tuple[Plan, Plan]:
    """Return (drift, pending): what moved behind the runbook's back, and what params or code ask for since."""
    applied = {f"{one['kind']}:{one['name']}": one["fields"] for one in estate.records.applied}
    waits = tuple(one for one in plan.changes if pending(one, applied))
    moved = tuple(one for one in plan.changes if not pending(one, applied))
    return dataclasses.replace(plan, changes=moved), dataclasses.replace(plan, changes=waits, unknowns=(), differing=())


def _declared(intent: Intent, estate: Estate) -> Population:
    plan, _ = split(drift(intent, estate), estate)
    unknown = dict(plan.unknowns)
    differing = plan.resources()
    adopted: dict[str, list[Change]] = {}
    for change in plan.differing:
        adopted.setdefault(change.resource, []).append(change)
    keys = {f"{one['kind']}:{one['name']}" for one in estate.records.declared if one["step"] in estate.records.steps}
    for key in sorted(keys | set(differing) | set(unknown)):
        reading = Reading.from_data(estate.records.readings[key.split(":")[0]])
        yield key, (unknown.get(key), differing.get(key, []) + adopted.get(key, []), reading.reads)


@check(
    "change-no-drift",
    "Declared fields are the live fields",
    severity="high",
    properties=("CHG-01",),
    reads=(ANY,),
    remedy="find the change in CloudTrail; then apply again, or change the params and have the plan approved",
    over=_declared,
)
def no_drift(item: tuple[Any, list[Change], tuple[str, ...]], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each declared field that differs, with its risk."""
    unknown, changes, reads = item
    for call in reads:
        if estate.observed(call):
            estate.cite(call)
    if unknown and not changes:
        raise Undecided(unknown)
    by_op: dict[str, list[Change]] = {}
    for change in changes:
        by_op.setdefault(change.op, []).append(change)
    for op, group in sorted(by_op.items()):
        if op == "create":
            yield "is declared and does not exist"
        elif op == DELETE:
            yield "exists in the environment and is not declared"
        else:
            yield from (
                f"{one.field} is {encode(plain(one.before))}, declared {encode(plain(one.after))}"
                f" (risk: {one.risk}; {one.why})"
                for one in group
            )


CHECKS = (no_drift,)
