"""The verdict on each property: from the findings of all checks that support it, with population and reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from airgap.controls.properties import PROPERTIES, Property
from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS, UNKNOWN, WAIVED, Finding

NOT_DECIDED = "not decided by the steps of this run"


@dataclass(frozen=True)
class PropertyVerdict:
    """What a run says of one property.

    ``population`` counts the resources that its checks speak of, ``judged`` those with a decision (pass, fail or
    waived); ``reason`` says why it is not a plain pass.
    """

    id: str
    title: str
    status: str
    population: int
    judged: int
    checks: tuple[str, ...]
    reason: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return the verdict as JSON data."""
        return {**dataclasses.asdict(self), "checks": list(self.checks)}


def verdicts(findings: Iterable[Finding]) -> tuple[PropertyVerdict, ...]:
    """Return one verdict for every property there is, in their order; nothing judged is never a pass."""
    by_property: dict[str, list[Finding]] = {}
    for finding in findings:
        for name in finding.properties:
            by_property.setdefault(name, []).append(finding)
    return tuple(_verdict(one, by_property.get(one.id, [])) for one in PROPERTIES)


def _verdict(one: Property, found: list[Finding]) -> PropertyVerdict:
    statuses = {finding.status for finding in found}
    order = (FAIL, UNKNOWN, WAIVED, PASS)
    status = next((each for each in order if each in statuses), NOT_APPLICABLE)
    judged = sum(finding.status in (PASS, FAIL, WAIVED) for finding in found)
    checks = tuple(sorted({finding.check for finding in found}))
    return PropertyVerdict(one.id, one.title, status, len(found), judged, checks, _reason(status, found))


def _reason(status: str, found: list[Finding]) -> str:
    if not found:
        return NOT_DECIDED
    if status == PASS:
        left = sorted({finding.message for finding in found if finding.status == NOT_APPLICABLE})
        return f"not applicable in part: {'; '.join(left[:3])}" if left else ""
    deciding = [finding for finding in found if finding.status == status]
    texts = [_text(finding) for finding in deciding]
    more = f"; and {len(texts) - 3} more" if len(texts) > 3 else ""
    return "; ".join(dict.fromkeys(texts[:3])) + more


def _text(finding: Finding) -> str:
    """Why a resource stands as it does; a star stands for the whole population."""
    where = "" if finding.resource == "*" else f"{finding.resource}: "
    return where + (finding.waiver or finding.message)
