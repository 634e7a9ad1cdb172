"""What a run speaks of and what it does not: the statement's scope, and the counts of what was not covered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from airgap.model import observation as obs
from airgap.report.catalogue import NotTested
from airgap.report.record import Exhibit, RunRecord
from airgap.report.writing import when

REGIONS = "ec2:DescribeRegions"
ENABLED = ("opted-in", "opt-in-not-required")


def scope(run: RunRecord) -> str:
    """Return the sentence that says of which accounts and Regions, and of which moment, the run speaks."""
    accounts = run.intent.get("accounts_in_scope") or [run.data["account"]]
    regions = run.intent.get("regions_in_scope") or [run.data["region"]]
    steps = ", ".join(one["name"] for one in run.data["steps"])
    return (
        f"This run speaks of {_named('account', accounts)} and {_named('Region', regions)}, as read between "
        f"{when(run.data['started'])} and {when(run.data['ended'])} UTC by the steps {steps}; of nothing else, and of "
        "no later moment."
    )


def not_covered(run: RunRecord, untested: Sequence[NotTested]) -> str:
    """Return the sentence that counts what the run does not cover: properties, calls without answer, Regions."""
    return "Not covered: " + "; ".join([*_properties(untested), *_calls(run), *_regions(run)]) + "."


def _properties(untested: Sequence[NotTested]) -> Iterator[str]:
    if untested:
        count = len({one.id for one in untested})
        yield f"{count} properties or parts of them were not tested (listed below with the reason)"
    else:
        yield "no property was left untested"


def _calls(run: RunRecord) -> Iterator[str]:
    asked = sorted((one.observation for one in _exhibits(run)), key=lambda one: one.time)
    # What was refused at first and answered later, as by a registry or before a right came with a step, is read.
    last = {one.subject: one for one in asked}
    silent = [one for one in last.values() if one.status not in (obs.OK, obs.ABSENT)]
    if silent:
        calls = sorted({one.call for one in silent})
        shown = ", ".join(calls[:5]) + (f" and {len(calls) - 5} more calls" if len(calls) > 5 else "")
        yield f"{counted(len(silent), 'read call')} gave no answer ({shown})"


def _regions(run: RunRecord) -> Iterator[str]:
    pages = [one.observation for one in _exhibits(run) if one.observation.call == REGIONS]
    if not pages or not pages[-1].page:
        yield "which other Regions are enabled was not read, and none of them was judged"
        return
    path = run.root / "observations" / f"{pages[-1].page}.json"
    if not path.is_file():
        yield "the page that lists the enabled Regions is missing from this run's folder"
        return
    listed: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")).get("Regions", [])
    inside = run.intent.get("regions_in_scope") or [run.data["region"]]
    others = sorted(one["RegionName"] for one in listed if one.get("OptInStatus") in ENABLED)
    others = [name for name in others if name not in inside]
    yield f"{counted(len(others), 'enabled Region')} outside the scope not judged" + (
        f": {', '.join(others)}" if others else ""
    )


def _exhibits(run: RunRecord) -> Iterable[Exhibit]:
    return [exhibit for step in run.steps.values() for exhibit in step.exhibits]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _named(noun: str, names: Sequence[str]) -> str:
    return f"{noun}{'s' if len(names) > 1 else ''} {', '.join(names)}"
