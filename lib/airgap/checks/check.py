"""What a check is, and how checks become findings.

A check judges each resource of a population by itself: ``over`` gives the population, the decorated function yields
one sentence per problem. No problem is a pass; a page that was not read makes that resource unknown, unless a problem
was found before it; a population that cannot be read, or that is empty, makes the check unknown. Nothing turns green
because nothing was looked at.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airgap.errors import Unreadable
from airgap.model.estate import ANY, Estate
from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS, SEVERITIES, UNKNOWN, WAIVED, Finding
from airgap.model.intent import Intent, Waiver
from airgap.model.observation import NotObserved

Population = Iterable[tuple[str, Any]]
Over = Callable[[Intent, Estate], Population]
Judge = Callable[[Any, Intent, Estate], Iterator[str]]


class NotApplicable(Exception):
    """This world, or these params, have no source for the judgement; the text is the reason."""


class Undecided(Exception):
    """What was read does not decide the matter; the text says what would."""


OPEN = (NotObserved, NotApplicable, Undecided, Unreadable)
"""What leaves a judgement open; a policy document that cannot be parsed is ``Unreadable``."""


@dataclass(frozen=True)
class Check:
    """One judgement: what must hold (the title states it), how bad a failure is, which properties it supports."""

    id: str
    title: str
    severity: str
    properties: tuple[str, ...]
    reads: tuple[str, ...]
    remedy: str
    over: Over
    judge: Judge

    def findings(self, intent: Intent, estate: Estate) -> list[Finding]:
        """Return one finding per resource of the population, or one that says why nothing was judged."""
        view = estate.reading(self.reads)
        try:
            population = list(self.over(intent, view))
        except OPEN as cause:
            return [self._finding(_status(cause), "*", str(cause), view)]
        if not population:
            return [self._finding(UNKNOWN, "*", "nothing of this kind exists here, so nothing was judged", view)]
        listed = {} if ANY in self.reads else dict(view.touched)
        return [self._judged(resource, item, intent, estate, listed) for resource, item in population]

    def _judged(self, resource: str, item: Any, intent: Intent, estate: Estate, listed: Mapping[str, Any]) -> Finding:
        view = estate.reading(self.reads)
        view.touched.update(listed)
        problems: list[str] = []
        try:
            for problem in self.judge(item, intent, view):
                problems.append(problem)
        except OPEN as cause:
            if not problems:
                return self._finding(_status(cause), resource, str(cause), view)
            problems.append(f"and what was not decided: {cause}")
        if problems:
            return self._finding(FAIL, resource, "; ".join(problems), view)
        return self._finding(PASS, resource, self.title, view)

    def _finding(self, status: str, resource: str, message: str, view: Estate) -> Finding:
        cited = tuple(sorted({one.page for one in view.touched.values() if one.page}))
        remedy = self.remedy if status in (FAIL, UNKNOWN) else ""
        return Finding(
            self.id, self.title, status, self.severity, resource, message, remedy, cited, self.properties
        )  # fmt: skip


def _status(cause: Exception) -> str:
    return NOT_APPLICABLE if isinstance(cause, NotApplicable) else UNKNOWN


def check(
    id: str,  # noqa: A002  the field's own word
    title: str,
    *,
    severity: str,
    properties: Sequence[str],
    reads: Sequence[str],
    remedy: str,
    over: Over,
) -> Callable[[Judge], Check]:
    """Make a check of a function that yields one sentence per problem of one resource."""
    if severity not in SEVERITIES:
        raise ValueError(f"no such severity: {severity}")

    def decorate(judge: Judge) -> Check:
        return Check(id, title, severity, tuple(properties), tuple(reads), remedy, over, judge)

    return decorate


def judge(checks: Iterable[Check], intent: Intent, estate: Estate) -> list[Finding]:
    """Return the findings of all checks, waivers applied as of the moment when the estate was taken."""
    findings = [finding for one in checks for finding in one.findings(intent, estate)]
    return [waived(finding, intent.exceptions, estate.taken_at[:10]) for finding in findings]


def waived(finding: Finding, exceptions: Iterable[Waiver], today: str) -> Finding:
    """Return the finding with a live waiver beside its fact, the one that ends last; or with the note that its waiver
    has expired, or has yet to begin.
    """
    if finding.status != FAIL:
        return finding
    mine = sorted((one for one in exceptions if covers(one, finding)), key=lambda one: one.expires, reverse=True)
    for one in mine:
        if one.created <= today <= one.expires:
            return dataclasses.replace(finding, status=WAIVED, waiver=note(one))
    for one in mine:
        why = expired(one) if one.expires < today else f"its exception {one.ticket} begins {one.created}"
        return dataclasses.replace(finding, message=f"{finding.message}; {why}")
    return finding


def covers(one: Waiver, finding: Finding) -> bool:
    """Tell whether a waiver is of a property that a finding bears on, and of its resource."""
    return one.property in finding.properties and one.resource in ("*", finding.resource)


def note(one: Waiver) -> str:
    """Return what a finding says of the waiver that excuses it."""
    return f"{one.reason}; until {one.expires}; approved by {one.approver} ({one.ticket})"


def expired(one: Waiver) -> str:
    """Return what a finding says of the waiver that excuses it no more."""
    return f"its exception {one.ticket} expired {one.expires}"
