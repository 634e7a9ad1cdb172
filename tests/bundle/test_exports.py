"""OSCAL, CSV and workbook in a bundle are held against its findings, cell by cell, by whoever verifies it."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from bundled import sealed
from oscal_cases import ATTACK, EARLY, LATE, LIVE, VALIDATORS, Members, changed, mixed, of, with_reviews

from airgap.controls import FRAMEWORKS
from airgap.evidence.bundle.derived import WORKBOOK, faults
from airgap.evidence.bundle.oscal import NAMES, RESULTS
from airgap.evidence.bundle.recorded import Run
from airgap.evidence.bundle.tables import CUT, LONGEST, Table, harmless, tables
from airgap.evidence.bundle.verify import verify
from airgap.evidence.bundle.workbook import sheets
from airgap.model.finding import Finding
from airgap.report.exports import exports
from airgap.report.workbook import workbook

TABLES = ("findings.csv", "population.csv", "inventory.csv", "exceptions.csv", "mappings.csv", WORKBOOK)
RUN = {"ended": "2026-11-23T08:51:00Z", "env": "demo", "account": "1", "world": "rehearsal", "run_id": "r"}


def cells(raw: bytes) -> list[list[str]]:
    """The rows of a CSV file."""
    return list(csv.reader(io.StringIO(raw.decode(), newline="")))


def rezipped(raw: bytes, change: Callable[[str, bytes], bytes], more: str = "") -> bytes:
    """A workbook with a part changed, or with one more."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        if more:
            new.writestr(more, b"<a/>")
    return buffer.getvalue()


def test_a_bundle_is_derived_again_in_every_form(whole: Members) -> None:
    report = verify(whole)
    (row,) = [one for one in report.rows if one.what == "exports"]
    assert (report.code, row.faults) == (0, [])
    assert "OSCAL documents" in row.result
    assert set(TABLES) <= set(whole)


def test_the_same_run_gives_the_same_files(bundle: Path, whole: Members) -> None:
    run = bundle.with_suffix("")  # not the latest: other tests run the same environment
    assert exports(run) == exports(run)
    for name, raw in exports(run).items():
        assert whole[name] == raw == (run / name).read_bytes(), name


Change = Callable[[bytes], bytes]


def edit(name: str, change: Change) -> Callable[[Members], Members]:
    """A forgery that changes one member."""
    return lambda members: {**members, name: change(members[name])}


def swap(old: bytes, new: bytes, times: int = -1) -> Change:
    """A change of some bytes into others."""
    return lambda raw: raw.replace(old, new, times)


def inside(change: Change, more: str = "") -> Callable[[Members], Members]:
    """A forgery of the workbook, in each of its parts."""
    return edit(WORKBOOK, lambda raw: rezipped(raw, lambda _, part: change(part), more))


def without(name: str) -> Callable[[Members], Members]:
    """A forgery that drops one member."""
    return lambda members: {key: raw for key, raw in members.items() if key != name}


FINDINGS, POPULATION, INVENTORY, EXCEPTIONS, MAPPINGS, _ = TABLES
ENTITY = swap(b"<sst", b'<!DOCTYPE a [<!ENTITY b "c">]><sst')
FORGERIES: dict[str, tuple[Callable[[Members], Members], int, str]] = {
    "status in OSCAL": (edit(RESULTS, swap(b'"value":"not_applicable"', b'"value":"pass"')), 12, "is pass in it"),
    "state in OSCAL": (edit(RESULTS, swap(b'"state":"satisfied"', b'"state":"not-satisfied"', 1)), 12, RESULTS),
    **{f"no {name}": (without(name), 11, name) for name in (*NAMES[:3], *TABLES)},
    "a plan of action more": (lambda members: {**members, NAMES[3]: b"{}"}, 12, NAMES[3]),
    "status in CSV": (edit(FINDINGS, swap(b",not_applicable,", b",pass,", 1)), 12, FINDINGS),
    "a row less": (edit(FINDINGS, lambda raw: raw[: raw.rstrip().rfind(b"\n") + 1]), 12, "rows"),
    "a count": (edit(POPULATION, swap(b",1,1,1,0", b",2,1,1,0", 1)), 12, POPULATION),
    "an owner": (edit(INVENTORY, swap(b"platform", b"nobody", 1)), 12, INVENTORY),
    "no text": (edit(INVENTORY, lambda _: b"\xff\xfe"), 10, ""),
    "no workbook": (edit(WORKBOOK, lambda _: b"PK"), 10, ""),
    "an approver": (edit(EXCEPTIONS, swap(b"information security officer", b"nobody", 1)), 12, EXCEPTIONS),
    "a review that nobody made": (edit(MAPPINGS, swap(b",proposed,,", b",accepted,Ada,", 1)), 12, MAPPINGS),
    "a cell of the workbook": (inside(swap(b">platform<", b">nobody<")), 12, WORKBOOK),
    "a sheet renamed": (inside(swap(b'"inventory"', b'"inventories"')), 12, WORKBOOK),
    "a formula": (inside(swap(b"<v>", b"<f>1</f><v>", 1)), 10, "formula"),
    "a macro": (inside(lambda part: part, "xl/vbaProject.bin"), 10, "no part"),
    "an entity": (inside(ENTITY), 10, "document type"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_in_another_form_is_found_and_named(name: str, whole: Members) -> None:
    forge, code, said = FORGERIES[name]
    forged = forge(whole)
    assert forged != whole
    report = verify(sealed(forged))
    assert report.code == code, report.text()
    assert said in report.text()


def test_edited_findings_alone_do_not_pass(whole: Members) -> None:
    found = [Finding.from_data(one) for one in json.loads(whole["findings.json"])["findings"]]
    assert faults(Run(changed(whole, found[1:])))[1]


def test_tables_hold_every_kind_of_finding_and_no_formula(whole: Members) -> None:
    one = of(mixed(whole))
    findings, population, inventory, *_ = tables(one)
    assert {row[2] for row in findings.rows} >= {"pass", "fail", "unknown", "waived"}
    assert all(row[2] == row[3] + row[6] for row in population.rows)  # type: ignore[operator]
    assert sum(sum(row[4:]) for row in population.rows) == len(findings.rows)  # type: ignore[misc]
    assert [harmless(row[4]) for row in findings.rows if str(row[4]).startswith("=cmd")] == [f"'{ATTACK}"]
    assert inventory.rows


def test_the_inventory_names_owner_place_class_support_and_objective(whole: Members) -> None:
    head, *rows = cells(whole["inventory.csv"])
    known = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    assert len(known) == len(rows) > 10
    role = known["role:cicd"]
    told = (role["owner"], role["location"], role["classification"], role["rto"], role["declared"])
    assert told == ("platform", "aws", "confidential", "8h", "yes")
    assert {row["shown_by_tagging_api"] for row in known.values()} == {"not read"}
    assert all(row["location"] and row["owner"] and row["classification"] for row in known.values())


def test_the_register_of_exceptions_is_a_table_with_every_field_and_the_facts(whole: Members) -> None:
    table = tables(of(mixed(whole)))[3]
    held = {row["ticket"]: row for row in (dict(zip(table.columns, each, strict=True)) for each in table.rows)}
    for one, status in ((LIVE, "deviation-approved"), (LATE, "open"), (EARLY, "deviation-requested")):
        row = held[one["ticket"]]
        assert {name: row[name] for name in one} == one
        assert row["status"] == status
    assert held["RISK-1"]["failures"] == 2
    assert "is wide" in str(held["RISK-1"]["what_is_so"])
    assert "expired" in str(held["RISK-2"]["what_is_so"])


def test_the_mappings_say_what_each_supports_and_who_reviewed_it(whole: Members) -> None:
    head, *rows = cells(whole["mappings.csv"])
    every = [dict(zip(head, row, strict=True)) for row in rows]
    assert len(every) == sum(len(one.mappings()) for one in FRAMEWORKS)
    assert {(row["review"], row["relation"], row["reviewer"]) for row in every} == {("proposed", "supports", "")}
    assert {row["verdict"] for row in every if row["population"] == "0"} == {"not judged"}
    one = next(row for row in every if row["property"] == "IAM-01")
    entry = {name: one[name] for name in ("framework", "requirement", "property", "mapping")}
    review = {**entry, "decision": "rejected", "reviewer": "Ada", "date": "2026-11-20", "note": "not ours"}
    table = tables(of(with_reviews(whole, [review])))[4]
    held = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    (no,) = [row for row in held if row["review"] == "rejected"]
    assert (no["relation"], no["reviewer"], no["reviewed_on"], no["note"]) == ("none", "Ada", "2026-11-20", "not ours")
    assert no["reviewed_mapping"] == no["mapping"] == one["mapping"]
    assert faults(Run(with_reviews(whole, [review])))[1]


def test_a_workbook_says_what_the_tables_say(whole: Members) -> None:
    held = tables(of(whole))
    book = sheets(whole[WORKBOOK])
    assert list(book) == [table.name for table in held]
    for table in held:
        assert book[table.name][0] == list(table.columns)
        assert len(book[table.name]) == len(table.rows) + 1


def test_cells_are_texts_whatever_they_hold() -> None:
    hard = ["=1+1", "@x", "a\nb\tc", "\x00\x07_x0041_", "http://x", "{=1}", "<&>\"'", "é\u2028", " x "]
    table = Table("t", ("a", "b"), [(one, 7) for one in hard])
    raw = workbook([table], RUN)
    assert raw == workbook([table], RUN)
    assert [row[0] for row in sheets(raw)["t"][1:]] == hard
    assert {row[1] for row in sheets(raw)["t"][1:]} == {"7"}


def test_a_cell_that_is_too_long_says_where_it_is_whole() -> None:
    ((_,), (cell,)) = sheets(workbook([Table("t", ("a",), [("x" * 40_000,)])], RUN))["t"]
    assert (len(cell), cell.endswith(CUT)) == (LONGEST, True)


def test_a_csv_cell_may_be_of_any_length(whole: Members) -> None:
    found = [Finding.from_data(one) for one in json.loads(whole["findings.json"])["findings"]]
    long = Finding(**{**found[0].__dict__, "observations": tuple(f"{n:064x}" for n in range(3000))})
    members = changed(whole, [long, *found[1:]])
    row = ",".join(cells(whole["findings.csv"])[1])
    assert len(row) < 200_000
    told = [fault.what for fault in faults(Run(members))[1] if fault.where == "findings.csv"]
    assert told
    assert "row 2" in told[0]


@pytest.mark.skipif(not (VALIDATORS / ".ready").is_file(), reason="make .venv/validators/.ready installs openpyxl")
def test_another_library_reads_the_same_workbook(whole: Members, tmp_path: Path) -> None:
    import subprocess
    import sys

    (tmp_path / "t.xlsx").write_bytes(whole[WORKBOOK])
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[2]); import openpyxl; b = openpyxl.load_workbook(sys.argv[1]);"
        "rows = lambda s: [['' if c is None else str(c) for c in r] for r in s.iter_rows(values_only=True)];"
        "print(json.dumps({s.title: rows(s) for s in b}))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "t.xlsx"), str(VALIDATORS)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == sheets(whole[WORKBOOK])
