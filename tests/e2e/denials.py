"""What a step's plan would have been, had one of its read calls been denied."""

from __future__ import annotations

import dataclasses

import pytest

from airgap.errors import Unreadable
from airgap.model.difference import diff
from airgap.model.observation import DENIED, Observation
from airgap.model.plan import Plan
from airgap.model.reading import ONCE
from airgap.run import surveying
from airgap.run.step_run import StepRun


def harm(run: StepRun) -> dict[str, list[str]]:
    """The read calls of a step whose plan is empty that would, denied, change something or pass for answered."""
    assert run.planned == Plan(run.step.name)
    wrong = {}
    for call in sorted(_mattering(run)):
        plan = denied(run, call)
        if plan is not None and (plan.changes or not plan.unknowns):
            wrong[call] = [f"{one.op} {one.resource} {one.field}" for one in plan.changes] or ["nothing is unknown"]
    return wrong


def _mattering(run: StepRun) -> set[str]:
    """The calls on which the plan rests: of kinds that the step declares or answers for, and of fields that it sets.

    What is applied as a whole, as objects in the cluster are, may be planned although it cannot be read.
    """
    assert run.estate is not None
    declared: dict[str, set[str]] = {}
    for one in run.desired:
        declared.setdefault(one.kind, set()).update(one.fields)
    found: set[str] = set()
    for kind in run.step.kinds:
        if kind.name not in declared and surveying.HOMES[kind.name] != run.step.name:
            continue
        reading = kind.reading
        fields = [reading.fields[name] for name in declared.get(kind.name, ()) if name in reading.fields]
        found |= {reading.call, *(one.call for one in fields if one.call and one.change != ONCE)}
        found |= {reading.tags.split("|")[0]} if ":" in reading.tags else set()
    asked = {one.call for one in run.estate.observations if one.code != "NothingListed"}
    return {call for call in found & asked if not call.startswith("kubernetes:")}


def denied(run: StepRun, call: str) -> Plan | None:
    """The plan of a step, had this one call been denied; None where its declarations then say that they cannot tell."""
    assert run.estate is not None
    seen = [_denied(one) if one.call == call else one for one in run.estate.observations]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surveying, "observe", lambda *_, **__: seen)
        try:
            found = surveying.look_at(run.context, run.step, (), 1)
        except Unreadable:
            return None
    readings = {name: kind.reading for name, kind in surveying.KINDS.items()}
    home = [kind for kind, step in surveying.HOMES.items() if step == run.step.name]
    strays = [live for live in found.strays if live.kind in home]
    return diff(run.step.name, found.mine, readings, found.found, undeclared=strays, answers_for=home, unseen=True)


def _denied(one: Observation) -> Observation:
    return dataclasses.replace(one, status=DENIED, code="AccessDenied", page="", number=1, last=True)
