"""How far a run's evidence supports a requirement: from the verdicts on all properties that bear on it.

It is never said that a requirement is met. What was not judged is never green: where nothing was, the requirement is
not judged; where something was and something was not, it is supported in part. A mapping that a reviewer of the
institution rejected supports nothing, and is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from airgap.controls.framework import Framework, Mapped, Requirement
from airgap.controls.review import reviewed
from airgap.controls.verdicts import PropertyVerdict
from airgap.model.finding import FAIL, UNKNOWN, WAIVED
from airgap.model.intent import MappingReview

AGAINST, UNDECIDED, EXCEPTED = "against", "undecided", "excepted"
IN_PART, SUPPORTED, NOT_JUDGED = "in-part", "supported", "not-judged"
SUPPORTS = (AGAINST, UNDECIDED, EXCEPTED, IN_PART, SUPPORTED, NOT_JUDGED)
"""What evidence may say of a requirement, worst first; ``not-judged`` is none of good and bad."""


@dataclass(frozen=True)
class Support:
    """A requirement, how far it is supported, and the mappings by which, each with its property's verdict."""

    requirement: Requirement
    status: str
    mappings: tuple[tuple[Mapped, PropertyVerdict], ...]


def supports(
    framework: Framework, verdicts: Iterable[PropertyVerdict], reviews: Iterable[MappingReview] = ()
) -> tuple[Support, ...]:
    """Return how far each requirement of a framework is supported by these verdicts, one on each property, over the
    mappings that stand after these reviews.
    """
    found = {one.id: one for one in verdicts}
    rows: dict[str, list[tuple[Mapped, PropertyVerdict]]] = {}
    for one in reviewed(framework, reviews):
        rows.setdefault(one.requirement, []).append((one, found[one.property]))
    return tuple(
        Support(one, status([verdict for mapped, verdict in rows[one.id] if mapped.stands()]), tuple(rows[one.id]))
        for one in framework.requirements()
    )


def status(verdicts: Iterable[PropertyVerdict]) -> str:
    """Return what the verdicts on the properties of one requirement say of it together."""
    every = list(verdicts)
    said = {one.status for one in every}
    judged = [one for one in every if one.judged]
    if FAIL in said:
        return AGAINST
    if UNKNOWN in said:
        return UNDECIDED
    if not judged:
        return NOT_JUDGED
    if WAIVED in said:
        return EXCEPTED
    return SUPPORTED if len(judged) == len(every) and not any(one.untested for one in every) else IN_PART


def counted(rows: Iterable[Support]) -> Mapping[str, int]:
    """Return how many requirements stand in each state, worst first, zeros included."""
    tally = dict.fromkeys(SUPPORTS, 0)
    for one in rows:
        tally[one.status] += 1
    return tally
