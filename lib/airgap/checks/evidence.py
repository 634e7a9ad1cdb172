"""The run itself: its exceptions, and what was and was not looked at (EXC-01, EVD-02)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from airgap.checks.check import NotApplicable, Population, Undecided, check
from airgap.model import observation as obs
from airgap.model.estate import ANY, Estate
from airgap.model.intent import Intent, Waiver
from airgap.model.observation import Observation

_PROPERTY = re.compile(r"[A-Z]{3}-\d{2}")


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
    if waiver.owner.strip() and waiver.owner.strip().lower() == waiver.approver.strip().lower():
        yield "its owner approved it"
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
        if last.status == obs.UNSUPPORTED and intent.embedded:
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


CHECKS = (exceptions, pages_closed, scope)
