"""The institution's own word on its mappings: its register of reviews, laid over a framework as it is shipped.

A review is of one version of a mapping. Where anything that its reviewer read has changed since (the reason, what the
requirement asks for, what the property says, the source), the mapping is proposed again, and the review is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from airgap.controls.framework import CHANGED, PROPOSED, REVIEWS, Framework, Mapped
from airgap.model.intent import MappingReview


def reviewed(framework: Framework, reviews: Iterable[MappingReview]) -> tuple[Mapped, ...]:
    """Return a framework's mappings, in the order of its requirements, each with what its reviewer said of it."""
    said = {(one.framework, one.requirement, one.property): one for one in reviews}
    return tuple(_over(one, said) for one in framework.mappings())


def _over(one: Mapped, said: Mapping[tuple[str, str, str], MappingReview]) -> Mapped:
    review = said.get(one.key())
    if review is None:
        return one
    if review.mapping != one.mapping:
        return one._replace(reviewed=review)
    why = review.note if review.decision == CHANGED else one.rationale
    return one._replace(review=review.decision, reviewed=review, rationale=why)


def undecided(mappings: Iterable[Mapped]) -> list[dict[str, str]]:
    """Return an entry of the register, to be filled in, for each mapping that is proposed."""
    names = ("framework", "requirement", "property", "mapping")
    blank = {"decision": "", "reviewer": "", "date": "", "note": ""}
    return [{**{name: getattr(one, name) for name in names}, **blank} for one in mappings if one.review == PROPOSED]


def standing(mappings: Iterable[Mapped]) -> str:
    """Return in words how many of these mappings were accepted, changed, rejected, or are proposed."""
    states = [one.review for one in mappings]
    counts = {name: states.count(name) for name in REVIEWS}
    if counts[PROPOSED] == len(states):
        return "every mapping is proposed"
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return f"{len(states)} mappings: {told}"
