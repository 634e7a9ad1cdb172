"""How many of each population were judged, and how: the arithmetic behind every verdict that a report shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS, SEVERITIES, STATUSES, UNKNOWN, WAIVED, Finding

WORST_FIRST = (FAIL, UNKNOWN, WAIVED, PASS, NOT_APPLICABLE)
NOBODY = "*"
"""The resource of a finding that speaks of a check as a whole."""


@dataclass(frozen=True)
class Tally:
    """Findings of one check, property or run, counted by status."""

    passed: int = 0
    failed: int = 0
    unknown: int = 0
    waived: int = 0
    not_applicable: int = 0

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Tally:
        """Return the counts of these findings."""
        tally = dict.fromkeys(STATUSES, 0)
        for one in findings:
            tally[one.status] += 1
        return cls(tally[PASS], tally[FAIL], tally[UNKNOWN], tally[WAIVED], tally[NOT_APPLICABLE])

    @property
    def population(self) -> int:
        """N: everything that was to be judged."""
        return self.judged + self.unknown

    @property
    def judged(self) -> int:
        """How many of N were judged."""
        return self.passed + self.failed + self.waived

    @property
    def verdict(self) -> str:
        """The worst that is so; waived where nothing is worse than a waiver, not_applicable where N is 0."""
        held = {
            FAIL: self.failed, UNKNOWN: self.unknown, WAIVED: self.waived,
            PASS: self.passed, NOT_APPLICABLE: self.not_applicable,
        }  # fmt: skip
        return next((status for status in WORST_FIRST if held[status]), UNKNOWN)

    @property
    def parts(self) -> list[tuple[str, int]]:
        """Every status with its count, worst first, zeros left out."""
        counts = {
            FAIL: self.failed, UNKNOWN: self.unknown, WAIVED: self.waived,
            PASS: self.passed, NOT_APPLICABLE: self.not_applicable,
        }  # fmt: skip
        return [(status, counts[status]) for status in WORST_FIRST if counts[status]]


@dataclass(frozen=True)
class Judged:
    """One check and what it found."""

    check: str
    title: str
    severity: str
    properties: tuple[str, ...]
    remedy: str
    tally: Tally
    findings: tuple[Finding, ...]

    def having(self, *statuses: str) -> list[Finding]:
        """Return its findings of these statuses, by resource."""
        return [one for one in self.findings if one.status in statuses]

    def pages_of(self, status: str) -> tuple[str, ...]:
        """Return what its findings of a status rest on, each once."""
        return tuple(dict.fromkeys(page for one in self.having(status) for page in one.observations))


def rank(verdict: str) -> int:
    """Return the place of a verdict in a list whose worst comes first."""
    return WORST_FIRST.index(verdict)


def by_check(findings: Iterable[Finding]) -> list[Judged]:
    """Return findings grouped by check: worst verdict first, then highest severity, then id."""
    groups: dict[str, list[Finding]] = {}
    for one in findings:
        groups.setdefault(one.check, []).append(one)
    judged = [_judged(check, group) for check, group in groups.items()]
    return sorted(judged, key=lambda one: (rank(one.tally.verdict), SEVERITIES.index(one.severity), one.check))


def _judged(check: str, group: Sequence[Finding]) -> Judged:
    first = group[0]
    remedy = next((one.remedy for one in group if one.remedy), "")
    ordered = tuple(sorted(group, key=lambda one: (rank(one.status), one.resource, one.message)))
    return Judged(check, first.title, first.severity, first.properties, remedy, Tally.of(group), ordered)


def by_property(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Return the findings that bear on each property; a finding may bear on several, or on none."""
    groups: dict[str, list[Finding]] = {}
    for one in findings:
        for name in one.properties:
            groups.setdefault(name, []).append(one)
    return groups
