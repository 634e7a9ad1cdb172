"""Risks: what failed, what is unknown, and what the register of exceptions accepts, each with its status and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from airgap.evidence.bundle.assessed import APPROVED, OPEN, REQUESTED, Weakness
from airgap.evidence.bundle.oscal.terms import NS, Ids, Json, origins, prop, text, without_empty
from airgap.model.intent import Waiver

OWNER, APPROVER = "risk-owner", "risk-approver"
ROLES = {OWNER: "Answers for a risk", APPROVER: "Accepted a risk"}


def risk(one: Weakness, ids: Ids) -> Json:
    """Return a weakness as a risk; its id is the same in every run, so that a register can follow it."""
    waiver = one.waiver
    facets = [{"name": "severity", "system": NS, "value": one.severity}] if one.severity else []
    remedies = sorted({each.remedy for each in one.findings if each.remedy})
    return without_empty({
        "uuid": ids.lasting("risk", one.key),
        "title": text(one.title),
        "description": f"{len(one.findings)} resources concerned" if one.findings else "No resource concerned",
        "statement": text(one.statement),
        "props": [*_accepted(one), *props(one)],
        "status": one.status,
        "origins": origins(ids),
        "characterizations": [{"origin": origins(ids)[0], "facets": facets}] if facets else [],
        "mitigating-factors": [_factor(one, waiver, ids)] if waiver else [],
        "deadline": f"{waiver.expires}T23:59:59Z" if waiver else "",
        "remediations": [_remedy(one, each, ids) for each in remedies],
        "risk-log": {"entries": list(_log(one, waiver, ids))} if waiver else None,
        "related-observations": [
            {"observation-uuid": ids.passing("observation", each.check, each.resource)} for each in one.findings
        ],
    })  # fmt: skip


def _accepted(one: Weakness) -> Iterator[Json]:
    """Yield OSCAL's own word for a risk that somebody accepted, and until when."""
    if one.status == APPROVED:
        yield {"name": "accepted", "value": f"until {one.waiver.expires}" if one.waiver else "yes"}


def props(one: Weakness) -> Iterator[Json]:
    """Yield what the runbook itself says of a weakness: its checks, resources' statuses, and its exception."""
    for name in sorted({each.check for each in one.findings}):
        yield prop("check", name)
    for status in sorted({each.status for each in one.findings}):
        yield prop("status", status)
    if one.waiver:
        for name in ("property", "resource", "ticket", "owner", "approver", "created", "expires"):
            yield prop(name, getattr(one.waiver, name))


def people(weak: Sequence[Weakness], ids: Ids) -> Json:
    """Return who the register names: those who answer for a risk, and those who accepted one."""
    waivers = [each.waiver for each in weak if each.waiver]
    held = {OWNER: sorted({each.owner for each in waivers}), APPROVER: sorted({each.approver for each in waivers})}
    names = sorted({*held[OWNER], *held[APPROVER]})
    return {
        "roles": [{"id": role, "title": title} for role, title in ROLES.items() if names],
        "parties": [{"uuid": party_id(name, ids), "type": "person", "name": text(name)} for name in names],
        "responsible-parties": [
            {"role-id": role, "party-uuids": [party_id(name, ids) for name in people]}
            for role, people in held.items() if people
        ],
    }  # fmt: skip


def party_id(name: str, ids: Ids) -> str:
    """Return the id of a person or team that the register names."""
    return ids.lasting("party", name)


def _factor(one: Weakness, waiver: Waiver, ids: Ids) -> Json:
    return {"uuid": ids.lasting("factor", one.key), "description": text(waiver.compensating_control)}


def _remedy(one: Weakness, told: str, ids: Ids) -> Json:
    return {
        "uuid": ids.lasting("remedy", one.key, told),
        "lifecycle": "recommendation",
        "title": "What to do",
        "description": text(told),
    }


def _log(one: Weakness, waiver: Waiver, ids: Ids) -> Iterator[Json]:
    """Yield what became of a risk: when its exception was approved, and when that ended."""
    by = [{"party-uuid": party_id(waiver.approver, ids), "role-id": APPROVER}]
    begun = {"uuid": ids.lasting("log", one.key, "created"), "start": f"{waiver.created}T00:00:00Z", "logged-by": by}
    if one.status == REQUESTED:
        yield {**begun, "title": "The exception has not begun", "status-change": REQUESTED}
        return
    yield {**begun, "title": "The exception was approved", "status-change": "deviation-approved"}
    if one.status == OPEN:
        yield {
            "uuid": ids.lasting("log", one.key, "expired"),
            "title": "The exception expired",
            "start": f"{waiver.expires}T23:59:59Z",
            "status-change": OPEN,
        }
