"""Findings and the verdict over them: three-valued, and unknown is never green."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PASS, FAIL, UNKNOWN, NOT_APPLICABLE, WAIVED = "pass", "fail", "unknown", "not_applicable", "waived"
STATUSES = (PASS, FAIL, UNKNOWN, NOT_APPLICABLE, WAIVED)
SEVERITIES = ("critical", "high", "medium", "low", "info")

SCHEMA = "airgap/findings/v1"


@dataclass(frozen=True)
class Finding:
    """What one check says of one resource, and on which pages it rests."""

    check: str
    title: str
    status: str
    severity: str
    resource: str
    message: str
    remedy: str = ""
    observations: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    waiver: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return the finding as JSON data; an unused waiver is left out."""
        data = dataclasses.asdict(self)
        data["observations"], data["properties"] = list(self.observations), list(self.properties)
        if not self.waiver:
            del data["waiver"]
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Finding:
        """Return the finding that ``as_data`` gave."""
        lists = {name: tuple(data.get(name, ())) for name in ("observations", "properties")}
        return cls(**{**data, **lists})


def order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings sorted by check, resource and message."""
    return sorted(findings, key=lambda one: (one.check, one.resource, one.message))


def merged(judgements: Iterable[Iterable[Finding]]) -> list[Finding]:
    """Return the findings of several judgements, given in the order of their time: of one resource the later holds."""
    found = {(one.check, one.resource): one for each in judgements for one in each}
    return order(found.values())


def verdict(findings: Iterable[Finding]) -> str:
    """Return fail if any failed, else unknown if any is unknown or nothing passed, else pass."""
    statuses = {one.status for one in findings}
    if FAIL in statuses:
        return FAIL
    if UNKNOWN in statuses or not statuses & {PASS, WAIVED}:
        return UNKNOWN
    return PASS


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    """Return the number of findings of each status, zeros included."""
    tally = dict.fromkeys(STATUSES, 0)
    for one in findings:
        tally[one.status] += 1
    return tally


def document(findings: Sequence[Finding], *, run_id: str, env: str, world: str) -> dict[str, Any]:
    """Return the contents of ``findings.json``."""
    ordered = order(findings)
    return {
        "schema": SCHEMA,
        "run_id": run_id,
        "env": env,
        "world": world,
        "verdict": verdict(ordered),
        "counts": counts(ordered),
        "findings": [one.as_data() for one in ordered],
    }
