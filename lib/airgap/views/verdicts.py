"""Findings as tables, worst first, with the population that was judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS, SEVERITIES, UNKNOWN, WAIVED, Finding, counts, verdict
from airgap.views.table import STATUS, Code, Group, Mark, Table

WORST_FIRST = (FAIL, UNKNOWN, WAIVED, NOT_APPLICABLE, PASS)
COLUMNS = ("check", "severity", "resource", "what is so", "what to do", "properties")


def findings_table(findings: Iterable[Finding], title: str = "Findings") -> Table:
    """Return findings grouped by status, worst first; passes are one row a check, with their population."""
    every = tuple(findings)
    rows: list[Any] = []
    for status in WORST_FIRST:
        members = [one for one in every if one.status == status]
        if members:
            rows.append(Group(Mark(f"{STATUS[status].word}: {len(members)}", STATUS[status].sign, STATUS[status].tone)))
            rows += _passes(members, every) if status == PASS else _others(members, every)
    return Table(f"{title}: {verdict_line(every)}", COLUMNS, rows)


def verdict_line(findings: Sequence[Finding]) -> str:
    """Return the verdict and the counts behind it, in words; nothing judged is never a pass."""
    if not findings:
        return "unknown, nothing was judged"
    tally = counts(findings)
    words = ", ".join(f"{tally[status]} {STATUS[status].word}" for status in WORST_FIRST if tally[status])
    return f"{verdict(findings)} ({words})"


def population(check: str, findings: Iterable[Finding]) -> str:
    """Return how many resources of a check's population were judged, as ``judged 3 of 4``."""
    of_check = [one for one in findings if one.check == check and one.status != NOT_APPLICABLE]
    judged = sum(1 for one in of_check if one.status != UNKNOWN)
    return f"judged {judged} of {len(of_check)}"


def _others(members: Sequence[Finding], every: Sequence[Finding]) -> list[tuple[Any, ...]]:
    ranked = sorted(members, key=lambda one: (SEVERITIES.index(one.severity), one.check, one.resource))
    return [
        (
            (Code(one.check), population(one.check, every)),
            one.severity,
            Code(one.resource),
            (one.message, f"waived: {one.waiver}") if one.waiver else one.message,
            one.remedy,
            ", ".join(one.properties),
        )
        for one in ranked
    ]


def _passes(members: Sequence[Finding], every: Sequence[Finding]) -> list[tuple[Any, ...]]:
    checks = {one.check: one for one in sorted(members, key=lambda one: one.check)}
    return [
        (
            (Code(check), population(check, every)),
            one.severity,
            _named([each.resource for each in members if each.check == check]),
            one.title,
            "",
            ", ".join(one.properties),
        )
        for check, one in checks.items()
    ]


def _named(resources: Sequence[str], most: int = 4) -> Any:
    shown = tuple(Code(one) for one in sorted(resources)[:most])
    more = len(resources) - most
    return (*shown, f"and {more} more") if more > 0 else shown
