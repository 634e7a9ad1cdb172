"""What the properties say, and which requirements their evidence supports: the controls, as a report shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from airgap.controls import FRAMEWORKS, PROPERTIES, Framework, Mapped, PropertyVerdict, Untested, reviewed, verdicts
from airgap.controls.review import standing
from airgap.model.finding import NOT_APPLICABLE, Finding
from airgap.model.intent import MappingReview
from airgap.report.tally import NOBODY, Tally, by_property, rank

FEW = 4
"""Resources that a row of what was not tested names."""

STATEMENTS: dict[str, str] = {one.id: one.title for one in PROPERTIES}


@dataclass(frozen=True)
class PropertyRow:
    """One property in one report: what it says, the tally of its findings, and its parts that none of them decides."""

    id: str
    statement: str
    tally: Tally
    untested: tuple[Untested, ...] = ()

    @property
    def in_part(self) -> str:
        """What a verdict leaves out, in words; empty where it leaves out nothing."""
        return f"in part; not tested: {'; '.join(one.what for one in self.untested)}" if self.untested else ""

    @property
    def anchor(self) -> str:
        """The id of its section in the page."""
        return anchor(self.id)


@dataclass(frozen=True)
class NotTested:
    """What of a property was not tested, in words, and why."""

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

    ``status`` is ``checked`` where the ids of its requirements were compared with the source's own list; ``reviewed``
    says where the review of its mappings stands.
    """

    id: str
    title: str
    status: str
    reviewed: str
    requirements: tuple[Requirement, ...]


def anchor(name: str) -> str:
    """Return the id of a property's section in a page."""
    return f"p-{name}"


def properties(findings: Iterable[Finding]) -> list[PropertyRow]:
    """Return the properties that these findings bear on, worst first."""
    every = list(findings)
    told, found = {one.id: one for one in verdicts(every)}, by_property(every)
    rows = [
        PropertyRow(name, STATEMENTS.get(name, ""), Tally.of(own), _left(told, name)) for name, own in found.items()
    ]
    return sorted(rows, key=lambda row: (rank(row.tally.verdict), row.id))


def _left(told: Mapping[str, PropertyVerdict], name: str) -> tuple[Untested, ...]:
    """The untested parts of a property on whose other parts something was judged."""
    return told[name].untested if name in told and told[name].in_part else ()


def not_tested(findings: Iterable[Finding]) -> list[NotTested]:
    """Return what was not applicable, by property (by check where it bears on none), check and reason, with the
    resources concerned, and the parts of judged properties that no finding decides.
    """
    every = list(findings)
    left: dict[tuple[str, str, str], list[str]] = {}
    for one in every:
        if one.status == NOT_APPLICABLE:
            for name in one.properties or (one.check,):
                left.setdefault((name, one.title, one.message), []).append(one.resource)
    whole = [NotTested(name, f"{what}{_of(on)}", (why,)) for (name, what, why), on in sorted(left.items())]
    parts = [NotTested(row.id, one.what, (one.reason,)) for row in properties(every) for one in row.untested]
    return [*whole, *parts]


def _of(resources: Sequence[str]) -> str:
    """The resources that a sentence speaks of, the first few by name; nothing for a whole population."""
    named = sorted(one for one in resources if one != NOBODY)
    more = f" and {len(named) - FEW} more" if len(named) > FEW else ""
    return f": {', '.join(named[:FEW])}{more}" if named else ""


def never_judged(findings: Iterable[Finding]) -> list[NotTested]:
    """Return the properties that the product knows and that no check of these findings speaks of."""
    every = list(findings)
    met = set(by_property(every))
    return [
        NotTested(one.id, one.title, tuple(dict.fromkeys(part.reason for part in one.untested)))
        for one in verdicts(every)
        if one.id not in met
    ]


def frameworks(rows: Iterable[PropertyRow], reviews: Iterable[MappingReview] = ()) -> list[FrameworkRows]:
    """Return each framework's requirements that the evidence on these properties supports; what was not judged
    supports none, and a mapping that was rejected supports nothing.
    """
    judged, known = {row.id: row for row in rows if row.tally.population}, tuple(reviews)
    found = [_supported(one, reviewed(one, known), judged) for one in FRAMEWORKS]
    return [one for one in found if one.requirements]


def _supported(framework: Framework, mappings: Iterable[Mapped], judged: Mapping[str, PropertyRow]) -> FrameworkRows:
    every = list(mappings)
    supporting: dict[str, list[tuple[str, str]]] = {}
    for one in every:
        if one.stands() and one.property in judged:
            supporting.setdefault(one.requirement, []).append(_support(judged[one.property]))
    title = f"{framework.title} {framework.version}".strip()
    rows = tuple(Requirement(name, tuple(held)) for name, held in supporting.items())
    return FrameworkRows(framework.id, title, framework.status, standing(every), rows)


def _support(row: PropertyRow) -> tuple[str, str]:
    """A property by its id, marked where its verdict speaks of a part of it, with its verdict."""
    return f"{row.id}{' (in part)' if row.untested else ''}", row.tally.verdict
