"""What the properties say, and which requirements their evidence supports: the controls, as a report shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from airgap.controls import FRAMEWORKS, PROPERTIES, Framework
from airgap.model.finding import NOT_APPLICABLE, Finding
from airgap.report.tally import Tally, by_property, rank

STATEMENTS: dict[str, str] = {one.id: one.title for one in PROPERTIES}


@dataclass(frozen=True)
class PropertyRow:
    """One property in one report: what it says, and the tally of its findings."""

    id: str
    statement: str
    tally: Tally

    @property
    def anchor(self) -> str:
        """The id of its section in the page."""
        return anchor(self.id)


@dataclass(frozen=True)
class NotTested:
    """A property that was not tested, or not on everything, and why."""

    id: str
    statement: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Requirement:
    """One requirement of a framework, with the properties that support it and their verdicts here."""

    id: str
    properties: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class FrameworkRows:
    """A framework, and those of its requirements that the evidence of a report supports.

    ``status`` is ``proposed`` where a compliance officer has yet to decide whether the mapping holds.
    """

    title: str
    status: str
    requirements: tuple[Requirement, ...]


def anchor(name: str) -> str:
    """Return the id of a property's section in a page."""
    return f"p-{name}"


def properties(findings: Iterable[Finding]) -> list[PropertyRow]:
    """Return the properties that these findings bear on, worst first."""
    rows = [PropertyRow(name, STATEMENTS.get(name, ""), Tally.of(own)) for name, own in by_property(findings).items()]
    return sorted(rows, key=lambda row: (rank(row.tally.verdict), row.id))


def not_tested(findings: Iterable[Finding]) -> list[NotTested]:
    """Return what was not applicable, by property (by check where it bears on none), with every reason once."""
    reasons: dict[str, dict[str, None]] = {}
    for one in findings:
        if one.status == NOT_APPLICABLE:
            for name in one.properties or (one.check,):
                reasons.setdefault(name, {})[one.message] = None
    return [NotTested(name, STATEMENTS.get(name, ""), tuple(told)) for name, told in sorted(reasons.items())]


def never_judged(findings: Iterable[Finding]) -> list[NotTested]:
    """Return the properties that the product knows and that no check of these findings speaks of."""
    met = set(by_property(findings))
    reason = ("no step of this run judges it",)
    return [NotTested(name, statement, reason) for name, statement in STATEMENTS.items() if name not in met]


def frameworks(rows: Iterable[PropertyRow]) -> list[FrameworkRows]:
    """Return each framework's requirements that the evidence on these properties supports; what was not judged
    supports none.
    """
    verdicts = {row.id: row.tally.verdict for row in rows if row.tally.population}
    found = [_supported(one, verdicts) for one in FRAMEWORKS]
    return [one for one in found if one.requirements]


def _supported(framework: Framework, verdicts: Mapping[str, str]) -> FrameworkRows:
    title = f"{framework.title} {framework.version}".strip()
    requirements = []
    for one in framework.requirements():
        supporting = tuple((name, verdicts[name]) for name in one.properties if name in verdicts)
        if supporting:
            requirements.append(Requirement(one.id, supporting))
    return FrameworkRows(title, framework.status, tuple(requirements))
