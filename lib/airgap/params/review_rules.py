"""Rules of the register of reviews: each is of a mapping that there is, each mapping has one, and a no says why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from airgap.controls import FRAMEWORKS
from airgap.controls.framework import ACCEPTED
from airgap.model.intent import Intent
from airgap.params.problems import Problem, Where, nearest, quoted
from airgap.params.rules import rule

FEW = 12
"""Ids that a message names."""
_KNOWN = {one.id: {row.id: row.properties for row in one.requirements()} for one in FRAMEWORKS}
"""Framework -> requirement -> the properties that are mapped to it."""


@rule("reviews")
def reviews_are_of_mappings_that_there_are(intent: Intent) -> Iterator[Problem]:
    """A review names a framework, a requirement of it, and a property that bears on it; of any other it would say
    nothing, unnoticed.
    """
    for index, one in enumerate(intent.reviews):
        where: Where = ("reviews", index)
        requirements = _KNOWN.get(one.framework)
        if requirements is None:
            what = f"{quoted(one.framework)} is no framework"
            yield Problem((*where, "framework"), f"{what}; {_mend(one.framework, _KNOWN)}")
        elif one.requirement not in requirements:
            what = f"{quoted(one.requirement)} is no requirement that anything is mapped to"
            yield Problem((*where, "requirement"), f"{what}; {_mend(one.requirement, requirements)}")
        elif one.property not in requirements[one.requirement]:
            what = f"{quoted(one.property)} is not mapped to {one.framework} {one.requirement}"
            yield Problem((*where, "property"), f"{what}; allowed: {', '.join(requirements[one.requirement])}")


@rule("reviews")
def a_mapping_is_reviewed_once(intent: Intent) -> Iterator[Problem]:
    """Of two reviews of one mapping nobody could say which holds."""
    seen: dict[tuple[str, str, str], int] = {}
    for index, one in enumerate(intent.reviews):
        key = (one.framework, one.requirement, one.property)
        if key in seen:
            what = f"reviews {' '.join(key)} a second time, after reviews[{seen[key]}]; allowed: once"
            yield Problem(("reviews", index), what, "keep the later one")
        seen.setdefault(key, index)


@rule("reviews")
def what_is_not_accepted_as_it_is_says_why(intent: Intent) -> Iterator[Problem]:
    """A rejected or changed mapping has a note: the reason against it, or the one that takes its place."""
    for index, one in enumerate(intent.reviews):
        if one.decision != ACCEPTED and not one.note.strip():
            yield Problem(("reviews", index, "decision"), f"{quoted(one.decision)} needs a note", "add note: why")


def _mend(given: str, known: Iterable[str]) -> str:
    every = list(known)
    near = nearest(given, every)
    more = f" and {len(every) - FEW} more" if every[FEW:] else ""
    return f"did you mean {near}?" if near else f"there are: {', '.join(every[:FEW])}{more}"
