"""What a framework is: its requirements, and the properties whose evidence supports each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Optional

from airgap.controls.bearing import BEARS
from airgap.controls.properties import PROPERTIES
from airgap.model.canonical import digest_of
from airgap.model.intent import MappingReview

PROPOSED, ACCEPTED, REJECTED, CHANGED = "proposed", "accepted", "rejected", "changed"
"""Where the review of a mapping stands; as it is shipped, none is confirmed and each is proposed."""
REVIEWS = (ACCEPTED, CHANGED, PROPOSED, REJECTED)
VERSION = 12
"""Hex digits of a mapping's version."""
_TITLES = {one.id: one.title for one in PROPERTIES}


class Mapped(NamedTuple):
    """One mapping: that the evidence on a property supports a requirement, why, by which source, and its review.

    ``relation`` is never more than "supports"; ``ids`` is ``checked`` where the requirement's id was compared with the
    source's own list, else ``proposed``. ``mapping`` is the mapping's own version: digits of the digest of everything
    that its reviewer reads. ``reviewed`` is what the institution's register says of it, of whatever version.
    """

    framework: str
    property: str
    requirement: str
    relation: str
    rationale: str
    source: str
    version: str
    ids: str
    mapping: str
    review: str = PROPOSED
    reviewed: Optional[MappingReview] = None

    def key(self) -> tuple[str, str, str]:
        """Return what names a mapping: framework, requirement and property."""
        return (self.framework, self.requirement, self.property)

    def stands(self) -> bool:
        """Tell whether it supports anything: a rejected one does not."""
        return self.review != REJECTED

    def told(self) -> str:
        """Return the state of its review in words: what was decided, by whom and when, and the note."""
        one = self.reviewed
        if one is None:
            return PROPOSED
        if one.mapping != self.mapping:
            return f"{PROPOSED} again: {one.reviewer} {one.decision} version {one.mapping} on {one.date}"
        note = f": {one.note}" if one.note and one.decision != CHANGED else ""
        nothing = ", supports nothing" if one.decision == REJECTED else ""
        return f"{one.decision} by {one.reviewer} on {one.date}{nothing}{note}"


@dataclass(frozen=True)
class Requirement:
    """One requirement of a framework, by its own id, with what it asks for in words of this product, never its own
    text, and the properties whose evidence supports it.
    """

    id: str
    properties: tuple[str, ...]
    asks: str = ""


@dataclass(frozen=True)
class Framework:
    """One framework of rules. ``rows`` maps a property to the ids of the requirements that it supports.

    ``status`` is ``checked`` where every id was compared with the source's own list, else ``proposed``; in both, a
    compliance officer decides whether a row holds. ``relation`` is never more than "supports". ``asks`` says what each
    requirement asks for; ``because`` why a property bears on one, where that does not follow from what it shows;
    ``sources`` where a requirement stands, by the beginning of its id.
    """

    id: str
    title: str
    version: str
    source: str
    status: str
    rows: Mapping[str, str]
    asks: Mapping[str, str] = field(default_factory=dict)
    because: Mapping[tuple[str, str], str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    relation: str = "supports"

    def supported(self, property_id: str) -> tuple[str, ...]:
        """Return the ids of the requirements that a property supports; empty where there is none."""
        return tuple(one.strip() for one in self.rows.get(property_id, "").split(";") if one.strip())

    def requirements(self) -> tuple[Requirement, ...]:
        """Return every requirement that any property supports, in the order of their ids."""
        found: dict[str, list[str]] = {}
        for property_id in self.rows:
            for one in self.supported(property_id):
                found.setdefault(one, []).append(property_id)
        return tuple(Requirement(one, tuple(found[one]), self.asks.get(one, "")) for one in sorted(found, key=_natural))

    def mappings(self) -> tuple[Mapped, ...]:
        """Return a row for each property and requirement that it supports, in the order of the requirements."""
        return tuple(self._mapped(name, one) for one in self.requirements() for name in one.properties)

    def _mapped(self, name: str, requirement: Requirement) -> Mapped:
        source = next((url for start, url in self.sources.items() if requirement.id.startswith(start)), self.source)
        why = self.because.get((name, requirement.id)) or f"{BEARS[name][0].upper()}{BEARS[name][1:]}."
        read = [
            self.id,
            self.version,
            source,
            requirement.id,
            requirement.asks,
            name,
            _TITLES[name],
            self.relation,
            why,
        ]
        version = digest_of(read)[:VERSION]
        return Mapped(self.id, name, requirement.id, self.relation, why, source, self.version, self.status, version)


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key by which AC-2 stands before AC-17."""
    parts = re.findall(r"\d+|\D+", text)
    return tuple((0, int(one), "") if one.isdigit() else (1, 0, one) for one in parts)
