"""What a bundle holds in other people's forms, derived again: OSCAL byte for byte, tables cell by cell."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Callable, Optional

from airgap.evidence.bundle import oscal, peer
from airgap.evidence.bundle.assessed import Assessed, assessed
from airgap.evidence.bundle.members import DIFFERENT, INCOMPLETE, INTEGRITY, LARGEST, Fault
from airgap.evidence.bundle.oscal.plan import INTENT
from airgap.evidence.bundle.oscal.references import count, problems
from airgap.evidence.bundle.oscal.terms import sha256
from airgap.evidence.bundle.recorded import Run
from airgap.evidence.bundle.tables import Table, harmless, short, tables
from airgap.evidence.bundle.workbook import sheets
from airgap.model.canonical import encode

WORKBOOK = "tables.xlsx"
MISSING = "is missing: a run that has ended hands it over"
Cells = list[list[str]]


def texts(one: Assessed, run: Run) -> dict[str, bytes]:
    """Return the OSCAL documents of a run, by member, in canonical JSON."""
    made = oscal.documents(one, {INTENT: sha256(run.members[INTENT])})
    return {name: (encode(document) + "\n").encode("utf-8") for name, document in made.items()}


def faults(run: Run) -> tuple[str, list[Fault]]:
    """Return what was derived again, and where a member of other people's forms is not what the findings come to."""
    one = assessed(run)
    made = texts(one, run)
    documents = {name: json.loads(raw) for name, raw in made.items()}
    astray = list(_documents(made, run)) or list(_references(documents, run))
    told = f"{len(made)} OSCAL documents with {count(documents)} references, and five tables, derived again"
    if any(name.startswith(peer.FOLDER) for name in run.members):
        told = f"{told}, and what {peer.NAME} said beside them"
    return told, [*astray, *_tables(one, run), *_peer(one, run)]


def _documents(made: dict[str, bytes], run: Run) -> Iterator[Fault]:
    for name in oscal.NAMES:
        held = run.members.get(name)
        if held is None and name in made:
            yield Fault(INCOMPLETE, name, MISSING)
        elif held is not None and held != made.get(name):
            yield Fault(DIFFERENT, name, _differs(run, name))


def _differs(run: Run, name: str) -> str:
    """Return in words the first finding whose status a document tells otherwise, or that it is another text."""
    told = {(check, resource): status for check, resource, status in _statuses(run.json(name))}
    for one in run.json("findings.json")["findings"]:
        said = told.get((one["check"], one["resource"]), one["status"])
        if said != one["status"]:
            return f"{one['check']} on {one['resource']} is {said} in it and {one['status']} in the findings"
    return "is not what the findings come to"


def _statuses(document: object) -> Iterator[tuple[str, str, str]]:
    if isinstance(document, list):
        for each in document:
            yield from _statuses(each)
    elif isinstance(document, dict):
        told = {one.get("name"): str(one.get("value")) for one in document.get("props") or []}
        if "methods" in document and {"check", "resource", "status"} <= set(told):
            yield told["check"], told["resource"], told["status"]
            return
        for value in document.values():
            yield from _statuses(value)


def _references(documents: dict[str, object], run: Run) -> Iterator[Fault]:
    def digest(name: str) -> Optional[str]:
        return sha256(run.members[name]) if name in run.members else None

    yield from (Fault(INTEGRITY, name, what) for name, what in problems(documents, digest))


def _peer(one: Assessed, run: Run) -> Iterator[Fault]:
    """Yield where what a second scanner said was kept in part, or its comparison is not what it comes to."""
    if not any(name.startswith(peer.FOLDER) for name in run.members):
        return
    missing = [name for name in peer.MEMBERS if name not in run.members]
    yield from (Fault(INCOMPLETE, name, "is missing: the comparison rests on it") for name in missing)
    if missing:
        return
    output, table, explained, held = (run.members[name] for name in peer.MEMBERS)
    told = peer.text(peer.comparison(one, output, table.decode("utf-8"), explained.decode("utf-8")))
    if told.encode("utf-8") != held:
        yield Fault(DIFFERENT, peer.COMPARISON, f"is not what {peer.OUTPUT} and the findings come to")


def _tables(one: Assessed, run: Run) -> Iterator[Fault]:
    held = tables(one)
    for table in held:
        name = f"{table.name}.csv"
        if name not in run.members:
            yield Fault(INCOMPLETE, name, MISSING)
            continue
        yield from _cells(name, _parsed(run.members[name]), _wanted(table, harmless))
    if WORKBOOK not in run.members:
        yield Fault(INCOMPLETE, WORKBOOK, MISSING)
        return
    book = sheets(run.members[WORKBOOK])
    if list(book) != [table.name for table in held]:
        yield Fault(DIFFERENT, WORKBOOK, f"has the sheets {', '.join(book)}")
        return
    for table in held:
        yield from _cells(f"{WORKBOOK}, sheet {table.name}", book[table.name], _wanted(table, short))


def _wanted(table: Table, form: Callable[[object], object]) -> Cells:
    return [list(table.columns), *([str(form(each)) for each in row] for row in table.rows)]


def _parsed(raw: bytes) -> Cells:
    csv.field_size_limit(LARGEST)
    try:
        return list(csv.reader([f"{line}\n" for line in raw.decode("utf-8").split("\n")[:-1]], strict=True))
    except csv.Error as error:
        raise ValueError(f"no CSV: {error}") from error


def _cells(name: str, held: Cells, wanted: Cells) -> Iterator[Fault]:
    """Yield the first row in which a table is not what it is derived to be."""
    if len(held) != len(wanted):
        yield Fault(DIFFERENT, name, f"has {len(held)} rows, and {len(wanted)} are derived")
        return
    width = len(wanted[0])
    for number, (row, own) in enumerate(zip(held, wanted), 1):
        if [*row, *[""] * (width - len(row))] != own:
            yield Fault(DIFFERENT, name, f"row {number} is not as derived: {' | '.join(own)[:120]}")
            return
