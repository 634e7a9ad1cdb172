"""What a framework is: its requirements, and the properties whose evidence supports each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Requirement:
    """One requirement of a framework, by its own id, with the properties whose evidence supports it."""

    id: str
    properties: tuple[str, ...]


@dataclass(frozen=True)
class Framework:
    """One framework of rules. ``rows`` maps a property to the ids of the requirements that it supports.

    ``status`` is ``checked`` where every id was compared with the source's own list, else ``proposed``: then a
    compliance officer decides whether the row holds. ``relation`` is never more than "supports".
    """

    id: str
    title: str
    version: str
    source: str
    status: str
    rows: Mapping[str, str]
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
        return tuple(Requirement(one, tuple(found[one])) for one in sorted(found, key=_natural))


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key by which AC-2 stands before AC-17."""
    parts = re.findall(r"\d+|\D+", text)
    return tuple((0, int(one), "") if one.isdigit() else (1, 0, one) for one in parts)
