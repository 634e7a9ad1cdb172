"""What the properties say, and which requirements their evidence supports: the controls, as a report shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from airgap.model.finding import Finding
from airgap.report.tally import Tally, by_property, rank

STATEMENTS: Mapping[str, str] = {}


@dataclass(frozen=True)
class PropertyRow:
    """One property in one report: what it says, and the tally of its findings."""

    id: str
    statement: str
    tally: Tally

    @property
    def anchor(self) -> str:
        """The id of its section in the page."""
        return f"p-{self.id}"


@dataclass(frozen=True)
class Requirement:
    """One requirement of a framework, with the properties that support it and their verdicts here."""

    id: str
    properties: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class FrameworkRows:
    """A framework, and those of its requirements that the evidence of a report supports."""

    title: str
    requirements: tuple[Requirement, ...]


def properties(findings: Iterable[Finding]) -> list[PropertyRow]:
    """Return the properties that these findings bear on, worst first."""
    rows = [PropertyRow(name, STATEMENTS.get(name, ""), Tally.of(own)) for name, own in by_property(findings).items()]
    return sorted(rows, key=lambda row: (rank(row.tally.verdict), row.id))


def frameworks(rows: Iterable[PropertyRow]) -> list[FrameworkRows]:
    """Return each framework's requirements that the evidence on these properties supports."""
    return []
