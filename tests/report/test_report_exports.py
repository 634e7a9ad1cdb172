"""What other programs read: JUnit, SARIF, Markdown, CSV and PDF."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import sys
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from synthetic_run import ATTACK, FINDINGS, RUN_ID, finding, make_run, many

from airgap.controls import FRAMEWORKS
from airgap.report import frameworks, paper
from airgap.report.exports import exports
from airgap.report.junit import junit
from airgap.report.record import read_run
from airgap.report.run_report import render_run
from airgap.report.sarif import sarif
from airgap.report.summary import CUT, add_to_step_summary, cut, summary

SCHEMA = Path(__file__).parent / "data" / "sarif-2.1.0-rtm.5.json"


def cases(text: str) -> dict[tuple[str, str], list[str]]:
    return {
        (case.attrib["classname"], case.attrib["name"]): [child.tag for child in case]
        for case in ET.fromstring(text).iter("testcase")
    }


def test_junit_has_a_case_per_check_and_resource_and_per_step(tmp_path: Path) -> None:
    told = cases(junit(read_run(make_run(tmp_path))))
    assert told["airgap.routes-local-only", "route-table:private-a"] == []
    assert told["airgap.routes-local-only", ATTACK] == ["failure"]
    assert told["airgap.dns-closed", "vpc:main"] == ["skipped"]
    assert told["airgap.probe", "*"] == ["skipped"]
    assert [tags for (check, _), tags in told.items() if tags == ["error"] and check != "airgap.steps"]
    assert told["airgap.steps", "network"] == []
    assert told["airgap.steps", "endpoints"] == ["error"]


def test_junit_counts_and_tells_the_waiver(tmp_path: Path) -> None:
    root = ET.fromstring(junit(read_run(make_run(tmp_path))))
    assert {name: root.attrib[name] for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "8", "failures": "1", "errors": "2", "skipped": "2",
    }  # fmt: skip
    assert [one.attrib["message"] for one in root.iter("skipped") if "waived" in one.attrib["message"]] == [
        "waived: until 2027-01-01"
    ]


def test_junit_is_xml_whatever_the_names(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path, [finding("one", "fail", "a\x00\x1b]]>\ud7ff", "<&>\x08")]))
    assert "�" in junit(run)
    ET.fromstring(junit(run))


@pytest.mark.parametrize("findings", [FINDINGS, (), tuple(many(300))], ids=["each status", "none", "many"])
def test_sarif_is_valid(tmp_path: Path, findings: Any) -> None:
    log = json.loads(sarif(read_run(make_run(tmp_path, findings))))
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert list(jsonschema.Draft4Validator(schema).iter_errors(log)) == []


def test_sarif_tells_fail_unknown_and_waived_and_nothing_else(tmp_path: Path) -> None:
    run = json.loads(sarif(read_run(make_run(tmp_path))))["runs"][0]
    told = {
        one["properties"]["status"]: (one["kind"], one["level"], "suppressions" in one, one["ruleId"])
        for one in run["results"]
    }
    assert told == {
        "fail": ("fail", "error", False, "routes-local-only"),
        "unknown": ("open", "none", False, "routes-local-only"),
        "waived": ("fail", "error", True, "dns-closed"),
    }
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    assert run["invocations"][0]["executionSuccessful"] is False


def test_sarif_fingerprints_outlive_a_change_of_the_message(tmp_path: Path) -> None:
    def prints(name: str, message: str) -> list[Any]:
        run = make_run(tmp_path / name, [finding("one", "fail", "vpc:main", message)])
        return [one["partialFingerprints"] for one in json.loads(sarif(read_run(run)))["runs"][0]["results"]]

    assert prints("a", "first") == prints("b", "second")


def test_the_summary_is_text_whatever_the_names(tmp_path: Path) -> None:
    text = summary(read_run(make_run(tmp_path)))
    assert text.startswith("# demo: ✗ fail\n")
    assert "REHEARSAL - not production evidence" in text
    assert "<script" not in text
    assert "<b>" not in text
    rows = [line for line in text.splitlines() if "igw-1" in line]
    assert [line.count("|") for line in rows] == [4]


def test_the_summary_is_added_where_the_ci_asks_for_it(tmp_path: Path) -> None:
    place = tmp_path / "step.md"
    place.write_text("before\n")
    assert add_to_step_summary("text\n", {"GITHUB_STEP_SUMMARY": str(place)}) == place
    assert place.read_text() == "before\ntext\n"
    assert add_to_step_summary("text\n", {}) is None


def test_a_long_summary_is_cut_at_a_line_and_says_so() -> None:
    whole = "\n".join(f"| ü {number} |" for number in range(1000))
    short = cut(whole, 1000)
    assert len(short) <= 1000
    assert short.decode().endswith(f"|{CUT}")
    assert cut("short", 1000) == b"short"
    assert cut(whole, 10) == b""


def test_no_cell_of_a_table_is_a_formula(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(exports(make_run(tmp_path))["findings.csv"].decode())))
    assert len(rows) == len(FINDINGS)
    assert [row["resource"] for row in rows if "cmd" in row["resource"]] == ["'=cmd|' /C calc'!A0"]
    assert {row["status"] for row in rows} == {"pass", "fail", "unknown", "waived", "not_applicable"}


def test_populations_are_counted_by_check(tmp_path: Path) -> None:
    whole = exports(make_run(tmp_path))["population.csv"].decode()
    rows = list(csv.DictReader(io.StringIO(whole)))
    told = {row["check"]: (row["population"], row["judged"], row["unknown"]) for row in rows}
    assert told["routes-local-only"] == ("3", "2", "1")
    assert told["probe"] == ("0", "0", "0")
    empty = exports(make_run(tmp_path / "empty", []))["population.csv"].decode()
    assert empty.splitlines() == whole.splitlines()[:1]


def inflated(raw: bytes) -> Iterator[bytes]:
    """Every compressed stream of a PDF file."""
    for found in re.finditer(rb"stream\r?\n", raw):
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj().decompress(raw[found.end() :])


def test_a_run_is_rendered_whole_and_twice_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.setattr(
        frameworks, "FRAMEWORKS", [one for one in FRAMEWORKS if one.id == "glba"]
    )  # each takes a second
    root = make_run(tmp_path)
    step = root / "steps/02_network"
    dead = {path: path.read_bytes() for path in render_run(root)}
    assert step / "report.html" in dead  # a kernel that died left none
    first = {path: path.read_bytes() for path in render_run(root)}
    assert {**dead, **first} == dead
    names = {path.name for path in first if path.parent == root}
    assert step / "notebook.html" in first
    assert {"index.html", "summary.md", "junit.xml", "results.sarif", "findings.csv", "population.csv"} <= names
    assert {"inventory.csv", "tables.xlsx"} <= names
    if not paper.missing():
        assert {root / "index.pdf", step / "report.pdf", root / "frameworks/glba.pdf"} <= set(first)
        for path, raw in first.items():
            if path.suffix == ".pdf":
                inside = b"".join(inflated(raw))
                assert raw.startswith(b"%PDF-")
                assert b'pdfaid:part="3"' in inside
                assert {b"/StructTreeRoot", b"/Lang"} <= set(re.findall(rb"/StructTreeRoot|/Lang", inside)), path
    assert not list(root.rglob("*.part"))
    assert root.name == RUN_ID


@pytest.mark.parametrize("why", [paper.NOT_WANTED, "There are no PDF files: no Pango"])
def test_without_pdf_the_run_says_why_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    root, told = make_run(tmp_path), []
    monkeypatch.setattr(paper, "NOT_WANTED", why)
    with paper.Press(root, wanted=False) as press:
        written = render_run(root, progress=lambda step, text: told.append((step, text)), press=press)
    assert told == [("", why)]
    assert "frameworks/csf.html" in (root / "index.html").read_text()
    assert ".pdf" not in (root / "index.html").read_text()
    assert why in (root / "index.html").read_text().replace("&#39;", "'")
    assert not [path for path in written if path.suffix == ".pdf"]


def test_a_missing_library_is_a_reason_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    assert "install libpango-1.0-0" in paper.missing()


def test_a_report_fetches_nothing_on_paper() -> None:
    with pytest.raises(ValueError, match="fetches nothing"):
        paper._refuse("https://example.com/x.png")


def test_a_dead_process_of_the_press_is_told_with_what_to_do(tmp_path: Path) -> None:
    class Dead(paper.Press):
        _able = ""

    with Dead(make_run(tmp_path)) as press:
        press._jobs["index"] = press._pool.submit(os._exit, 1)
        assert press.done() == []
        assert press.missing == paper.BROKEN
        press.step("02_network")  # asked of a dead pool, it changes nothing
        assert press.done() == []
