"""A run's writes held against CloudTrail's log files, one to one: none missing there, none made beside the journal."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from airgap.checks.writes import DATA_EVENTS, ELSEWHERE, GLOBAL_SERVICES, LAG
from airgap.evidence.bundle.members import DIFFERENT, INCOMPLETE, Broken, Fault
from airgap.evidence.bundle.recorded import Run
from airgap.evidence.bundle.trail import INDEX, Trail
from airgap.model.observation import home


def held(run: Run) -> bool:
    """Whether the run has files of CloudTrail beside it."""
    return INDEX in run.members


def reconciled(run: Run) -> tuple[str, list[Fault]]:
    """Return in words what CloudTrail's files come to, and what is wrong: with their chain, or with the writes."""
    try:
        trail = Trail(run.members)
    except Broken as broken:
        return "digest files", [broken.fault]
    faults = list(trail.faults(str(run.data["account"])))
    if faults:
        return f"{len(trail.digests)} digests, {len(trail.logs)} log files", faults
    try:
        events = {str(one.get("requestID")): one for one in trail.events()}
    except Broken as broken:
        return "log files", [broken.fault]
    made = list(_made(run))
    faults = [*_uncovered(run, trail, made), *_missing(made, events), *_beside(run, events)]
    result = f"{len(trail.digests)} digests and {len(trail.logs)} log files chained; {len(made)} writes in them"
    return result, faults


def _made(run: Run) -> Iterator[Mapping[str, Any]]:
    """Yield the writes that AWS accepted and that a trail of management events shows."""
    answers = {entry["data"]["write"]: entry["data"] for _, entry in run.entries("answer")}
    for _, entry in run.entries("write"):
        answer, call = answers.get(entry["digest"], {}), str(entry["data"]["call"])
        if answer.get("status") == "ok" and call.partition(":")[0] not in ELSEWHERE and call not in DATA_EVENTS:
            yield {"call": call, "time": entry["time"], "request_id": answer.get("request_id", "")}


def _uncovered(run: Run, trail: Trail, made: list[Mapping[str, Any]]) -> Iterator[Fault]:
    """Yield the Regions whose digests do not reach over the whole run."""
    region = str(run.data["region"])
    wanted = {home(region) if one["call"].partition(":")[0] in GLOBAL_SERVICES else region for one in made} | {region}
    for name in sorted(wanted):
        began, ended = trail.covered(name)
        if not began or began[:19] > run.data["started"][:19] or ended[:19] < delivered(run.data["ended"])[:19]:
            reach = f"from {began} to {ended}" if began else "nowhere"
            yield Fault(INCOMPLETE, INDEX, f"the digests of {name} reach {reach}, and not over the whole run")


def delivered(time: str) -> str:
    """Return the time (RFC 3339) by which CloudTrail has delivered what was done at another: a digest lists the files
    that were delivered in its hour, and an event takes up to a quarter of one.
    """
    late = dt.datetime.fromisoformat(time[:19]) + LAG
    return late.strftime("%Y-%m-%dT%H:%M:%SZ")


def _missing(made: list[Mapping[str, Any]], events: Mapping[str, Any]) -> Iterator[Fault]:
    for one in made:
        if one["request_id"] not in events:
            what = f"{one['call']} at {one['time']}, request {one['request_id']}"
            yield Fault(DIFFERENT, "journal", f"{what}: CloudTrail does not have it")


def _beside(run: Run, events: Mapping[str, Mapping[str, Any]]) -> Iterator[Fault]:
    """Yield the writes of the run's own session that CloudTrail has and no journal."""
    told = {str(entry["data"].get("request_id")) for _, entry in run.entries("answer")}
    told |= {one.request_id for one in run.seen.values()}
    silent = _unanswered(run)
    for request, one in sorted(events.items(), key=lambda pair: (str(pair[1].get("eventTime")), pair[0])):
        if request in told or not _own(run, one):
            continue
        call = f"{str(one['eventSource']).partition('.')[0]}:{one['eventName']}"
        if silent[call.partition(":")[2]] > 0:
            silent[call.partition(":")[2]] -= 1
            continue
        yield Fault(
            DIFFERENT, INDEX, f"{call} at {one['eventTime']}, request {request}: by this session, in no journal"
        )


def _own(run: Run, event: Mapping[str, Any]) -> bool:
    """Whether an event is a write that the run's own caller sent while the run went on."""
    who = event.get("userIdentity") or {}
    during = run.data["started"][:19] <= str(event.get("eventTime"))[:19] <= run.data["ended"][:19]
    sent = who.get("arn") == run.data["caller"].get("arn") and not who.get("invokedBy")
    return during and sent and not event.get("readOnly", False)


def _unanswered(run: Run) -> Counter[str]:
    """The operations of writes whose answer was lost: each stands for one event whose request id nobody knows."""
    answers = {entry["data"]["write"]: entry["data"] for _, entry in run.entries("answer")}
    return Counter(
        str(entry["data"]["call"]).partition(":")[2]
        for _, entry in run.entries("write")
        if not answers.get(entry["digest"], {}).get("request_id")
    )
