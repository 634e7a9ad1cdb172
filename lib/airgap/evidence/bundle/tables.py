"""Findings, populations, inventory, exceptions and mappings as tables of texts, for spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from airgap.controls import FRAMEWORKS, PROPERTIES, Mapped, PropertyVerdict, verdicts
from airgap.evidence.bundle.assessed import Assessed, Asset, Weakness, weaknesses
from airgap.model.finding import FAIL, PASS, STATUSES, UNKNOWN, WAIVED, Finding

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""
LONGEST = 32_767
"""Characters that a cell of a spreadsheet holds (ECMA-376 part 1, 18.2; Excel's own limit)."""
CUT = " … (whole in the CSV file)"


class Table(NamedTuple):
    """One table: its name, its columns, and its rows of texts and whole numbers."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]


def tables(one: Assessed) -> tuple[Table, ...]:
    """Return the tables of a run: findings, population, inventory, exceptions and mappings to requirements."""
    judged: dict[str, list[Finding]] = {}
    for each in one.findings:
        judged.setdefault(each.resource, []).append(each)
    return (
        Table("findings", FINDINGS, [_finding(each) for each in one.findings]),
        Table("population", POPULATION, _population(one.findings)),
        Table("inventory", INVENTORY, [_asset(each, judged.get(each.key, ())) for each in one.assets]),
        Table("exceptions", EXCEPTIONS, [_exception(each) for each in weaknesses(one) if each.waiver]),
        Table("mappings", MAPPINGS, list(_mappings(one))),
    )


FINDINGS = (
    "check", "title", "status", "severity", "resource", "message", "remedy", "waiver", "properties", "observations",
)  # fmt: skip
POPULATION = ("check", "title", "population", "judged", *STATUSES)
INVENTORY = (
    "resource", "kind", "arn", "owner", "location", "classification", "supported_until", "rto", "rpo", "declared",
    "shown_by_tagging_api", "adopted", "step", "judgements", "fail", "unknown",
)  # fmt: skip

EXCEPTIONS = (
    "property", "resource", "status", "owner", "approver", "reason", "compensating_control", "ticket", "created",
    "expires", "failures", "what_is_so",
)  # fmt: skip
MAPPINGS = (
    "framework", "edition", "requirement", "asks", "property", "statement", "verdict", "judged", "population",
    "relation", "rationale", "source", "ids", "mapping", "review", "reviewer", "reviewed_on", "reviewed_mapping",
    "note",
)  # fmt: skip


def _finding(one: Finding) -> tuple[object, ...]:
    return (one.check, one.title, one.status, one.severity, one.resource, one.message, one.remedy, one.waiver,
            " ".join(one.properties), " ".join(one.observations))  # fmt: skip


def _population(findings: Iterable[Finding]) -> list[tuple[object, ...]]:
    """Of each check: N, how many of N were judged, and how many have each status."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for one in findings:
        held = counts.setdefault((one.check, one.title), dict.fromkeys(STATUSES, 0))
        held[one.status] += 1
    rows: list[tuple[object, ...]] = []
    for (check, title), held in sorted(counts.items()):
        judged = held[PASS] + held[FAIL] + held[WAIVED]
        rows.append((check, title, judged + held[UNKNOWN], judged, *(held[status] for status in STATUSES)))
    return rows


def _asset(one: Asset, judged: Sequence[Finding]) -> tuple[object, ...]:
    bad = [sum(each.status == status for each in judged) for status in (FAIL, UNKNOWN)]
    return (one.key, one.kind, one.arn, one.owner, one.location, one.classification, one.supported_until, one.rto,
            one.rpo, "yes" if one.declared else "no", one.seen, one.adopted, one.step, len(judged), *bad)  # fmt: skip


def _exception(one: Weakness) -> tuple[object, ...]:
    """An exception as registered, whether it holds, in OSCAL's words, and the failures that it does not hide."""
    held = one.waiver
    return (held.property, held.resource, one.status, held.owner, held.approver, held.reason, held.compensating_control,
            held.ticket, held.created, held.expires, len(one.findings),
            "; ".join(f"{each.resource}: {each.message}" for each in one.findings))  # fmt: skip


def _mappings(one: Assessed) -> Iterator[tuple[object, ...]]:
    """Yield of each mapping why it bears, what the run says of its property, and the review that it had, if any."""
    said, titles = {each.id: each for each in verdicts(one.findings)}, {each.id: each.title for each in PROPERTIES}
    for framework in FRAMEWORKS:
        for wanted in framework.requirements():
            for name in wanted.properties:
                mapped = next(each for each in one.mappings[name] if each.key() == (framework.id, wanted.id, name))
                yield _mapping(mapped, wanted.asks, titles[name], said[name])


def _mapping(one: Mapped, asks: str, title: str, said: PropertyVerdict) -> tuple[object, ...]:
    review = one.reviewed
    told = (review.reviewer, review.date, review.mapping, review.note) if review else ("", "", "", "")
    verdict = f"{said.status}{' in part' if said.in_part else ''}" if said.population else "not judged"
    return (one.framework, one.version, one.requirement, asks, one.property, title, verdict, said.judged,
            said.population, one.relation if one.stands() else "none", one.rationale, one.source, one.ids, one.mapping,
            one.review, *told)  # fmt: skip


def harmless(value: object) -> object:
    """Return a cell of a CSV file that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def short(value: object) -> object:
    """Return a cell of a workbook, cut where it is longer than one may be; the CSV file has it whole."""
    if isinstance(value, str) and len(value) > LONGEST:
        return value[: LONGEST - len(CUT)] + CUT
    return value
