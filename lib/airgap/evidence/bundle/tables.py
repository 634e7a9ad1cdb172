"""Findings, populations and inventory as tables of texts, for spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from airgap.evidence.bundle.assessed import Assessed, Asset
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
    """Return the three tables of a run: findings, population and inventory."""
    judged: dict[str, list[Finding]] = {}
    for each in one.findings:
        judged.setdefault(each.resource, []).append(each)
    return (
        Table("findings", FINDINGS, [_finding(each) for each in one.findings]),
        Table("population", POPULATION, _population(one.findings)),
        Table("inventory", INVENTORY, [_asset(each, judged.get(each.key, ())) for each in one.assets]),
    )


FINDINGS = (
    "check", "title", "status", "severity", "resource", "message", "remedy", "waiver", "properties", "observations",
)  # fmt: skip
POPULATION = ("check", "title", "population", "judged", *STATUSES)
INVENTORY = (
    "resource", "kind", "arn", "owner", "location", "classification", "supported_until", "rto", "rpo", "declared",
    "shown_by_tagging_api", "adopted", "step", "judgements", "fail", "unknown",
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


def harmless(value: object) -> object:
    """Return a cell of a CSV file that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def short(value: object) -> object:
    """Return a cell of a workbook, cut where it is longer than one may be; the CSV file has it whole."""
    if isinstance(value, str) and len(value) > LONGEST:
        return value[: LONGEST - len(CUT)] + CUT
    return value
