"""The run itself: its writes, its exceptions, its inventory, and what was and was not looked at (CHG-02 to EVD-02)."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from airgap.checks.check import NotApplicable, Population, Undecided, check
from airgap.checks.scope import Item, every, tags
from airgap.model import observation as obs
from airgap.model.estate import ANY, Estate
from airgap.model.intent import Intent, Waiver
from airgap.model.observation import Observation

_PROPERTY = re.compile(r"[A-Z]{3}-\d{2}")
GLOBAL_SERVICES = ("iam", "organizations", "route53")
HOMES = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}
"""CloudTrail User Guide, "Global service events": the Region in whose history they stand, by partition."""
LOOKUP = "cloudtrail:LookupEvents"
LAG = dt.timedelta(minutes=15)
"""CloudTrail User Guide: events appear in the history within this time on average."""


def _writes(intent: Intent, estate: Estate) -> Population:
    """The writes of each step, those to global services apart; a call that was retried is a write each time."""
    if not estate.records.writes:
        raise NotApplicable("this run made no write")
    grouped: dict[tuple[str, bool], list[Mapping[str, Any]]] = {}
    for one in estate.records.writes:
        is_global = str(one.get("call")).partition(":")[0] in GLOBAL_SERVICES
        grouped.setdefault((one.get("step") or "run", is_global), []).append(one)
    return [
        (f"{len(writes)} writes of {step}{' to global services' if is_global else ''}", writes)
        for (step, is_global), writes in sorted(grouped.items())
    ]


def _text(write: Mapping[str, Any]) -> str:
    return f"{write.get('call')} of {write.get('resource')} at {write.get('time')}"


@check(
    "change-writes-answered",
    "Every write was approved before it was made, and AWS's answer to it is recorded",
    severity="high",
    properties=("CHG-02",),
    reads=(),
    remedy="find the call in CloudTrail by its time and operation; a write without answer was cut off by a crash",
    over=_writes,
)
def answered(writes: list[Mapping[str, Any]], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each write that has no answer, no request id, or no approval of its step before it."""
    approved = sorted((one.get("time", ""), one.get("step")) for one in estate.records.approvals)
    for write in writes:
        answer = write.get("answer") or {}
        if not answer.get("request_id"):
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
    over=_writes,
)
def in_trail(writes: list[Mapping[str, Any]], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each write that CloudTrail does not know once its lag is over; one that AWS refused changed nothing."""
    home = HOMES[intent.partition]
    if intent.region != home and str(writes[0].get("call")).partition(":")[0] in GLOBAL_SERVICES:
        raise NotApplicable(f"CloudTrail shows calls of global services in {home}'s history, which is not read")
    events = every(estate, LOOKUP, "Events")
    known = {json.loads(one.get("CloudTrailEvent") or "{}").get("requestID", "") for one in events}
    made = [one for one in writes if (one.get("answer") or {}).get("status") in ("ok", None)]
    missing = [one for one in made if (one.get("answer") or {}).get("request_id") not in known]
    due = max((_moment(one.get("time", "")) for one in missing), default=None)
    if due and _moment(estate.taken_at) < due + LAG:
        raise Undecided(f"CloudTrail may show {len(missing)} writes until {(due + LAG).isoformat()}")
    yield from (f"{_text(one)} is not in CloudTrail's history" for one in missing)


def _moment(text: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise Undecided(f"{text!r} is no time") from error


def _kinds(intent: Intent, estate: Estate) -> Population:
    """How many of each tagged kind are declared."""
    readings, declared = estate.records.readings, estate.records.declared
    tagged = [one for one in declared if readings[one["kind"]]["owner"] == "tags" and not one.get("adopted")]
    return [(kind, (kind, count)) for kind, count in sorted(Counter(one["kind"] for one in tagged).items())]


@check(
    "inventory-reconciles",
    "The tagging API counts as many resources of this kind as are declared",
    severity="medium",
    properties=("INV-01",),
    reads=("resourcegroupstaggingapi:GetResources",),
    remedy="find the resource that one of the two does not know; the drift check names what is missing or undeclared",
    over=_kinds,
)
def inventory(item: tuple[str, int], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that two independent counts differ; some kinds the tagging API never shows."""
    kind, declared = item
    # By key, as AWS goes on showing what was deleted (a KMS key for its waiting period) beside its successor.
    keys = {tags(one).get("airgap:key", "") for _, one in _shown(intent, estate)}
    counted = sum(key.startswith(f"{kind}:") for key in keys)
    if not counted:
        raise NotApplicable(f"the tagging API shows no {kind} at all; the drift check alone counts them")
    if counted != declared:
        yield f"{declared} are declared, the tagging API shows {counted}"


def _shown(intent: Intent, estate: Estate) -> Population:
    """What the tagging API shows of the environment, by ARN."""
    listed = every(estate, "resourcegroupstaggingapi:GetResources", "ResourceTagMappingList")
    ours = [one for one in listed if tags(one).get("airgap:environment") == intent.environment]
    return [(str(one["ResourceARN"]), one) for one in ours]


@check(
    "inventory-attributes",
    "Every resource that the tagging API shows names its owner, its classification and its logical key",
    severity="low",
    properties=("INV-01",),
    reads=("resourcegroupstaggingapi:GetResources",),
    remedy="apply the step again: it tags what it makes",
    over=lambda intent, estate: [("tagged resources", list(_shown(intent, estate)))],
)
def attributes(shown: list[tuple[str, Item]], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each resource whose tags leave one of them out, or name another owner or classification."""
    wanted = {"airgap:owner": intent.owner, "airgap:classification": intent.classification}
    for arn, one in shown:
        held = tags(one)
        wrong = [name for name, value in wanted.items() if held.get(name) != value]
        wrong += [] if held.get("airgap:key") else ["airgap:key"]
        if wrong:
            yield f"{arn} is not tagged as declared: {', '.join(wrong)}"
    if not shown:
        raise Undecided("the tagging API shows nothing of the environment")


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
    if not _PROPERTY.fullmatch(waiver.property):
        yield f"{waiver.property!r} is no property's id"
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
    estate.cite(found[0].call)
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
    "What is in scope was looked at",
    severity="info",
    properties=("EVD-02",),
    reads=(ANY, "ec2:DescribeRegions"),
    remedy="add the Region to regions_in_scope, or have the organisation switch it off",
    over=lambda intent, estate: [
        *((f"account:{one}", ("account", one)) for one in intent.accounts),
        *(
            (f"Region {one['RegionName']}", ("region", one["RegionName"]))
            for one in estate.items("ec2:DescribeRegions", "Regions", AllRegions=True)
            if one.get("OptInStatus") != "not-opted-in"
        ),
    ],
)
def scope(item: tuple[str, str], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield nothing: an enabled Region out of scope is listed as not judged, what is in scope must have been read."""
    member, name = item
    estate.cite("ec2:DescribeRegions")
    if member == "region" and name not in intent.regions:
        raise NotApplicable("enabled, and not in scope: nothing was read there")
    if not any(getattr(one, member) == name for one in estate.observations):
        raise Undecided("in scope, and nothing was read there")
    yield from ()


CHECKS = (answered, in_trail, inventory, attributes, exceptions, pages_closed, scope)
