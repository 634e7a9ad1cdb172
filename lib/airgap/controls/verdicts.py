"""The verdict on each property: from the findings of all checks that support it, with population and reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from airgap.controls.properties import PROPERTIES, Property
from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS, UNKNOWN, WAIVED, Finding


class Untested(NamedTuple):
    """A part of a property that a run did not decide, and who decides it."""

    what: str
    by: str

    @property
    def reason(self) -> str:
        """Why it was not tested."""
        return f"for {self.by} to decide"


@dataclass(frozen=True)
class PropertyVerdict:
    """What a run says of one property.

    ``population`` counts what was to be judged, ``judged`` what of it was decided (pass, fail or waived); what is not
    applicable counts in neither. ``untested`` are the parts that no finding decides; ``reason`` says why the verdict is
    not a plain pass.
    """

    id: str
    title: str
    status: str
    population: int
    judged: int
    checks: tuple[str, ...]
    reason: str = ""
    untested: tuple[Untested, ...] = ()

    @property
    def in_part(self) -> bool:
        """Whether something was decided and something was not: such a pass is never a plain one."""
        return self.judged > 0 and bool(self.untested)

    def as_data(self) -> dict[str, Any]:
        """Return the verdict as JSON data."""
        untested = [one._asdict() for one in self.untested]
        return {**dataclasses.asdict(self), "checks": list(self.checks), "untested": untested}


def verdicts(findings: Iterable[Finding]) -> tuple[PropertyVerdict, ...]:
    """Return one verdict for every property there is, in their order; nothing judged is never a pass."""
    every = list(findings)
    by_property: dict[str, list[Finding]] = {}
    for finding in every:
        for name in finding.properties:
            by_property.setdefault(name, []).append(finding)
    decided = {one.check for one in every if one.status != NOT_APPLICABLE}
    return tuple(_verdict(one, by_property.get(one.id, []), decided) for one in PROPERTIES)


def _verdict(one: Property, found: list[Finding], decided: set[str]) -> PropertyVerdict:
    statuses = {finding.status for finding in found}
    order = (FAIL, UNKNOWN, WAIVED, PASS)
    status = next((each for each in order if each in statuses), NOT_APPLICABLE)
    judged = sum(finding.status in (PASS, FAIL, WAIVED) for finding in found)
    population = judged + sum(finding.status == UNKNOWN for finding in found)
    checks = tuple(sorted({finding.check for finding in found}))
    untested = tuple(Untested(part.what, part.by) for part in one.parts if decided.isdisjoint(part.checks))
    reason = _reason(status, found, untested)
    return PropertyVerdict(one.id, one.title, status, population, judged, checks, reason, untested)


def _reason(status: str, found: list[Finding], untested: Sequence[Untested]) -> str:
    left = f"not tested: {'; '.join(f'{one.what} ({one.reason})' for one in untested)}" if untested else ""
    if not found:
        return left
    if status == PASS:
        apart = sorted({finding.message for finding in found if finding.status == NOT_APPLICABLE})
        told = [f"in part, {left}"] if left else []
        return "; ".join([*told, *([f"not applicable: {'; '.join(apart[:3])}"] if apart else [])])
    deciding = [finding for finding in found if finding.status == status]
    texts = [_text(finding) for finding in deciding]
    more = f"; and {len(texts) - 3} more" if len(texts) > 3 else ""
    return "; ".join(dict.fromkeys(texts[:3])) + more


def _text(finding: Finding) -> str:
    """Why a resource stands as it does; a star stands for the whole population."""
    where = "" if finding.resource == "*" else f"{finding.resource}: "
    return where + (finding.waiver or finding.message)
