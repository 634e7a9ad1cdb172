"""What a framework is: its requirements, and the properties whose evidence supports each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from airgap.controls.bearing import BEARS

PROPOSED = "proposed"
"""The review of a mapping that no compliance officer of the institution has confirmed: every one, as it is shipped."""


class Mapped(NamedTuple):
    """One mapping: that the evidence on a property supports a requirement, why, by which source, and its review.

    ``relation`` is never more than "supports"; ``ids`` is ``checked`` where the requirement's id was compared with the
    source's own list, else ``proposed``.
    """

    framework: str
    property: str
    requirement: str
    relation: str
    rationale: str
    source: str
    version: str
    ids: str
    review: str = PROPOSED


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
        return Mapped(self.id, name, requirement.id, self.relation, why, source, self.version, self.status)


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key by which AC-2 stands before AC-17."""
    parts = re.findall(r"\d+|\D+", text)
    return tuple((0, int(one), "") if one.isdigit() else (1, 0, one) for one in parts)
