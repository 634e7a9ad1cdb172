"""The run itself: its writes, its exceptions, its inventory, and what was and was not looked at (CHG-02 to EVD-02)."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from airgap.checks.check import NotApplicable, Population, Undecided, check
from airgap.checks.scope import every
from airgap.controls import PROPERTIES
from airgap.model import observation as obs
from airgap.model.estate import ANY, Estate
from airgap.model.intent import Intent, Waiver
from airgap.model.observation import Observation

LOOKUP = "cloudtrail:LookupEvents"
LAG_MINUTES = 15
"""CloudTrail User Guide: events appear in the history within this time on average."""


def _writes(intent: Intent, estate: Estate) -> Population:
    if not estate.records.writes:
        raise NotApplicable("this run made no write")
    return [(_name(one), one) for one in estate.records.writes]


def _name(write: Mapping[str, Any]) -> str:
    return f"{write.get('call')} {write.get('key') or write.get('digest', '')[:12]}".strip()


@check(
    "change-writes-answered",
    "The write was approved before it was made, and AWS's answer to it is recorded",
    severity="high",
    properties=("CHG-02",),
    reads=(),
    remedy="find the call in CloudTrail by its time and operation; a write without answer was cut off by a crash",
    over=_writes,
)
def answered(write: Mapping[str, Any], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that a write has no answer, no request id, or no approval before it."""
    answer = write.get("answer") or {}
    if not answer:
        yield "no answer is recorded"
    elif not answer.get("request_id"):
        yield "its answer has no request id"
    before = [one for one in estate.records.approvals if one.get("time", "") <= write.get("time", "")]
    if not before:
        yield "no approval is recorded before it"


@check(
    "change-in-trail",
    "CloudTrail shows the write, by the same request id",
    severity="medium",
    properties=("CHG-02",),
    reads=(LOOKUP,),
    remedy="verify again when CloudTrail has caught up; an event that stays away was never made at this account",
    over=_writes,
)
def in_trail(write: Mapping[str, Any], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that CloudTrail does not know the write once its lag is over."""
    wanted = (write.get("answer") or {}).get("request_id")
    if not wanted:
        raise Undecided("the write has no request id to look for")
    if wanted in _request_ids(estate):
        return
    made, now = _moment(write.get("time", "")), _moment(estate.taken_at)
    due = made + dt.timedelta(minutes=LAG_MINUTES)
    if now < due:
        raise Undecided(f"CloudTrail may show it until {due.isoformat()}")
    yield f"request {wanted} is not in CloudTrail's history"


def _request_ids(estate: Estate) -> set[str]:
    """The request ids of the recorded events."""
    events = every(estate, LOOKUP, "Events")
    return {json.loads(one.get("CloudTrailEvent") or "{}").get("requestID", "") for one in events}


def _moment(text: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise Undecided(f"{text!r} is no time") from error


def _kinds(intent: Intent, estate: Estate) -> Population:
    readings = estate.records.readings
    tagged = [one for one in estate.records.declared if readings[one["kind"]]["owner"] == "tags"]
    return sorted(Counter(one["kind"] for one in tagged).items())


@check(
    "inventory-reconciles",
    "The tagging API counts as many resources of this kind as are declared",
    severity="medium",
    properties=("INV-01",),
    reads=("resourcegroupstaggingapi:GetResources",),
    remedy="find the resource that one of the two does not know; CHG-01 names what is missing or undeclared",
    over=_kinds,
)
def inventory(declared: int, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that two independent counts differ."""
    raise Undecided(f"{declared} declared")


@check(
    "exceptions-complete",
    "Every exception names what it waives, why, who answers for it and until when, and none has expired",
    severity="high",
    properties=("EXC-01",),
    reads=(),
    remedy="renew the exception with its approver, or take it out and mend the finding",
    over=lambda intent, estate: [
        *((f"{one.ticket}: {one.property} on {one.resource}", one) for one in intent.exceptions),
        *([] if intent.exceptions else [("register of exceptions", None)]),
    ],
)
def exceptions(one: Any, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield what an exception lacks; an empty register is complete."""
    if one is None:
        return
    waiver: Waiver = one
    for name in ("owner", "approver", "reason", "compensating_control", "ticket"):
        if not getattr(waiver, name).strip():
            yield f"it names no {name.replace('_', ' ')}"
    if waiver.property not in {known.id for known in PROPERTIES}:
        yield f"there is no property {waiver.property}"
    if not waiver.created <= waiver.expires:
        yield f"it ends ({waiver.expires}) before it begins ({waiver.created})"
    if waiver.expires < estate.taken_at[:10]:
        yield f"it expired on {waiver.expires}"


def _answers(intent: Intent, estate: Estate) -> Population:
    grouped: dict[str, list[Observation]] = {}
    for one in estate.observations:
        grouped.setdefault(one.call, []).append(one)
    return sorted(grouped.items())


@check(
    "evidence-pages-closed",
    "Every answer to the call was read to its last page",
    severity="high",
    properties=("EVD-02",),
    reads=(ANY,),
    remedy="grant the permission that the call names, and verify again",
    over=_answers,
)
def pages_closed(found: list[Observation], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield nothing where all was read; what was not is unknown, and what the world lacks is said."""
    answers: dict[tuple[str, ...], list[Observation]] = {}
    for one in found:
        answers.setdefault(one.subject, []).append(one)
    for group in answers.values():
        last = group[-1]
        if last.status == obs.UNSUPPORTED and intent.world == "rehearsal":
            raise NotApplicable(f"the embedded AWS has no {last.call}")
        if last.status not in (obs.OK, obs.ABSENT):
            raise Undecided(f"{last.call} was {last.status} ({last.code})")
        if not last.last or [one.number for one in group] != list(range(1, len(group) + 1)):
            raise Undecided(f"{last.call} was not read to its last page")
    yield from ()


@check(
    "evidence-scope",
    "Everything that was looked at in this Region stands in the evidence",
    severity="info",
    properties=("EVD-02",),
    reads=(ANY,),
    remedy="add the Region to regions_in_scope, or have the organisation switch it off",
    over=lambda intent, estate: [
        (f"Region {one['RegionName']}", one["RegionName"])
        for one in estate.items("ec2:DescribeRegions", "Regions", AllRegions=True)
        if one.get("OptInStatus") != "not-opted-in"
    ],
)
def scope(region: str, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield nothing: an enabled Region out of scope is listed as not judged, one in scope must have been read."""
    if region not in intent.regions:
        raise NotApplicable("enabled, and not in scope: nothing was read there")
    if not any(one.region == region for one in estate.observations):
        raise Undecided("in scope, and nothing was read there")
    yield from ()


CHECKS = (answered, in_trail, inventory, exceptions, pages_closed, scope)
