"""Writes: each approved and answered, and each in CloudTrail, those of earlier runs too (CHG-02).

An event may take a quarter of an hour to appear, so what a run wrote last is found by a later one.
AWS: CloudTrail User Guide, "Viewing events with CloudTrail event history".
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airgap.checks.check import NotApplicable, Population, Undecided, check
from airgap.checks.scope import every
from airgap.model import observation as obs
from airgap.model.estate import Estate
from airgap.model.intent import Intent

Write = Mapping[str, Any]
LOOKUP = "cloudtrail:LookupEvents"
GLOBAL_SERVICES = ("iam", "organizations", "route53")
DATA_EVENTS = ("dynamodb:PutItem", "lambda:Invoke", "s3:DeleteObject", "s3:DeleteObjects", "s3:PutObject")
"""Writes of data, which the event history leaves out."""
ELSEWHERE = {
    "kubernetes": ("in the cluster", "the cluster's own audit log holds them, by their audit ids"),
    "oci": ("to the registry", "a registry names no request ids; what was pushed is judged by its digest"),
}
"""Writes to other systems than AWS's API: what they are called, and where they are recorded."""
LAG, HISTORY = dt.timedelta(minutes=15), dt.timedelta(days=90)
"""Events appear within the one on average, and are kept for the other."""


def _grouped(writes: Iterable[Write]) -> Population:
    """Writes by run and step, those to global services and those of data apart; a retried call is a write each time."""
    groups: dict[str, list[Write]] = {}
    for one in writes:
        run = f" in run {one['run']}" if one.get("run") else ""
        groups.setdefault(f"writes{_sort(one)} of {one.get('step') or 'run'}{run}", []).append(one)
    return [(f"{len(found)} {name}", found) for name, found in sorted(groups.items())]


def _sort(write: Write) -> str:
    if _system(write) in ELSEWHERE:
        return f" {ELSEWHERE[_system(write)][0]}"
    if write.get("call") in DATA_EVENTS:
        return " of data"
    return " to global services" if _is_global(write) else ""


def _is_global(write: Write) -> bool:
    return _system(write) in GLOBAL_SERVICES


def _system(write: Write) -> str:
    return str(write.get("call")).partition(":")[0]


def _own(intent: Intent, estate: Estate) -> Population:
    if not estate.records.writes:
        raise NotApplicable("this run made no write")
    return _grouped(estate.records.writes)


def _open(intent: Intent, estate: Estate) -> Population:
    """This run's writes, and those of runs before it that no run has found in CloudTrail yet."""
    writes = [*estate.records.earlier, *estate.records.writes]
    if not writes:
        raise NotApplicable("this run made no write, and every earlier one was found in CloudTrail before")
    return _grouped(writes)


def _text(write: Write) -> str:
    return f"{write.get('call')} of {write.get('resource')} at {write.get('time')}"


@check(
    "change-writes-answered",
    "Every write was approved before it was made, and AWS's answer to it is recorded",
    severity="high",
    properties=("CHG-02",),
    reads=(),
    remedy="find the call in CloudTrail by its time and operation; a write without answer was cut off by a crash",
    over=_own,
)
def answered(writes: list[Write], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each write that has no answer, no request id, or no approval of its step before it."""
    approved = sorted((one.get("time", ""), one.get("step")) for one in estate.records.approvals)
    for write in writes:
        answer = write.get("answer") or {}
        if not answer or not (answer.get("request_id") or _system(write) == "oci"):
            yield f"{_text(write)} has {'no request id' if answer else 'no answer'}"
        if not any(time <= write.get("time", "") and step in (None, write.get("step")) for time, step in approved):
            yield f"{_text(write)} has no approval before it"


@check(
    "change-in-trail",
    "CloudTrail shows every write by the same request id",
    severity="medium",
    properties=("CHG-02",),
    reads=(LOOKUP,),
    remedy="verify again when CloudTrail has caught up; an event that stays away was never made at this account",
    over=_open,
)
def in_trail(writes: list[Write], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each write that CloudTrail does not know once its lag is over; one that AWS refused changed nothing."""
    made = [one for one in writes if (one.get("answer") or {}).get("status") in ("ok", None)]
    known = _history(made, intent, estate)
    missing = [one for one in made if (one.get("answer") or {}).get("request_id") not in known]
    if missing == made and intent.embedded and made[0].get("run"):
        raise NotApplicable("the embedded AWS of that run has ended, and its history with it")
    due = max((_moment(one.get("time", "")) for one in missing), default=None)
    if due and _moment(estate.taken_at) < due + LAG:
        raise Undecided(f"CloudTrail may show {len(missing)} writes until {(due + LAG).isoformat()}; then verify again")
    yield from (f"{_text(one)} is not in CloudTrail's history" for one in missing)


def _history(made: list[Write], intent: Intent, estate: Estate) -> set[str]:
    """The request ids of the history in which these writes must stand; raises where no history holds them."""
    if not made:
        raise NotApplicable("AWS accepted none of them, so CloudTrail has no change to show")
    if _system(made[0]) in ELSEWHERE:
        raise NotApplicable(f"CloudTrail does not show them by request id: {ELSEWHERE[_system(made[0])][1]}")
    if made[0].get("call") in DATA_EVENTS:
        raise NotApplicable("CloudTrail's event history leaves out writes of data; a trail's data events hold them")
    if max(_moment(one.get("time", "")) for one in made) < _moment(estate.taken_at) - HISTORY:
        raise NotApplicable(f"older than CloudTrail's event history ({HISTORY.days} days); the trail's files hold them")
    away = _is_global(made[0]) and obs.home(intent.region) != intent.region
    place = estate.at(intent.account, obs.GLOBAL) if away else estate
    events = every(place, LOOKUP, "Events")

    def make() -> set[str]:
        return {json.loads(one.get("CloudTrailEvent") or "{}").get("requestID", "") for one in events}

    found: set[str] = estate.derive(f"request ids of {place.region}", intent, make)
    return found


def _moment(text: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise Undecided(f"{text!r} is no time") from error


CHECKS = (answered, in_trail)
