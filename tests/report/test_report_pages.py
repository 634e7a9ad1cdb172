"""The pages: nothing fetched, nothing injected, the world on each, the same bytes each time, and quick."""

from __future__ import annotations

import dataclasses
import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from synthetic_run import ATTACK, FINDINGS, finding, make_run, many

from airgap.evidence.journal import JournalFile
from airgap.evidence.pages import PageFolder
from airgap.model.canonical import canonical_bytes
from airgap.model.observation import Observation
from airgap.report.annex import annex_page
from airgap.report.catalogue import not_tested
from airgap.report.columns import fitted
from airgap.report.index import index_page
from airgap.report.page import STATEMENT
from airgap.report.record import Exhibit, read_run, read_step
from airgap.report.scope import not_covered
from airgap.report.step_report import frame, render_step, step_page
from airgap.report.writing import brief, cited, css, when

STEP = "02_network"
VOID = {"meta", "br", "col", "img"}
REGISTER = {
    "property": "NET-10", "resource": "vpc:main", "owner": "risk", "approver": "cro", "reason": "why <b>",
    "compensating_control": "watched", "ticket": "T-1", "created": "2026-01-01", "expires": "2027-01-01",
}  # fmt: skip


class Page(HTMLParser):
    """The elements of a page, and whether they are closed in the order in which they were opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def having(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


def pages(root: Path) -> dict[str, str]:
    run, step = read_run(root), read_step(root, STEP)
    notebook = (root / "steps" / STEP / "notebook.ipynb").read_text()
    return {
        "index": index_page(run),
        "index on paper": index_page(run, on_paper=True),
        "step": step_page(step, "demo", root.name),
        "step on paper": step_page(step, "demo", root.name, paper=True),
        "annex": annex_page(notebook, frame(step, "demo", root.name)),
    }


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return pages(make_run(tmp_path_factory.mktemp("run"), exceptions=[REGISTER]))


EACH = pytest.mark.parametrize("name", ["index", "index on paper", "step", "step on paper", "annex"])


@EACH
def test_elements_are_closed_in_order_and_ids_are_unique(shown: dict[str, str], name: str) -> None:
    page = Page(shown[name])
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


@EACH
def test_nothing_is_fetched_and_nothing_runs(shown: dict[str, str], name: str) -> None:
    page = Page(shown[name])
    policy = page.having("meta")[1]["content"]
    assert str(policy).startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert not page.having("script", "link", "img", "iframe", "object", "form")
    assert not re.search(r"url\(|@import|javascript:", shown[name])
    handlers = [key for _, attributes in page.elements for key in attributes if key.startswith("on")]
    assert handlers == []


@EACH
def test_links_stay_in_the_run(shown: dict[str, str], name: str) -> None:
    page = Page(shown[name])
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    for link in page.having("a"):
        target = link["href"] or ""
        assert target.removeprefix("#") in ids if target.startswith("#") else not re.match(r"[a-z]+:|/", target)


@EACH
def test_what_comes_from_the_account_is_text(shown: dict[str, str], name: str) -> None:
    assert "<script" not in shown[name]
    assert "<b>out" not in shown[name]
    assert "<everything>" not in shown[name]
    if name.startswith("step"):
        assert "subnet:&lt;script&gt;alert" in shown[name]


@EACH
def test_headings_are_in_order_and_tables_are_named(shown: dict[str, str], name: str) -> None:
    page = Page(shown[name])
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    assert page.having("html")[0]["lang"] == "en"
    if name != "annex":
        assert levels.count(1) == 1
        assert len(page.having("caption")) == len(page.having("table"))


@EACH
@pytest.mark.parametrize("world", ["rehearsal", "lab", "aws", "mars"])
def test_every_page_says_its_world(tmp_path: Path, name: str, world: str) -> None:
    page = pages(make_run(tmp_path, world=world))[name]
    assert f"world {world}" in page
    assert STATEMENT.split(".")[0] in page
    warned = f'class="watermark" aria-hidden="true" data-world="{world.upper()}"' in page
    assert warned == (world != "aws")
    assert ("not production evidence" in page) == (world != "aws")
    assert ('@top-right { content: ""' in page) == (world == "aws")


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    first = make_run(tmp_path / "a")
    second = make_run(tmp_path / "b")
    assert pages(first) == pages(second)
    path = render_step(first, STEP)
    before = path.read_bytes()
    assert render_step(first, STEP).read_bytes() == before


def test_failing_and_unknown_stand_first_with_what_to_do(shown: dict[str, str]) -> None:
    page = shown["step"]
    order = [page.index(f'id="{name}"') for name in ("attention", "properties", "not-tested", "judgements", "changes")]
    assert order == sorted(order)
    attention = page[order[0] : order[1]]
    assert "What to do:" in attention
    assert "judged 2 of 3" in attention
    assert "dns-closed" not in attention


def test_every_finding_has_a_row_and_cites_its_exhibits(tmp_path: Path) -> None:
    root = make_run(tmp_path, many(60))
    page = step_page(read_step(root, STEP), "demo", root.name)
    for number in range(60):
        assert page.count(f"<code>endpoint:service-{number:04d}</code>") >= 1
    assert 'href="#o1"' in page
    assert 'id="o1"' in page


def test_on_paper_every_resource_that_passed_is_named(tmp_path: Path) -> None:
    root = make_run(tmp_path, many(200))
    page = step_page(read_step(root, STEP), "demo", root.name, paper=True)
    assert all(f"endpoint:service-{number:04d}" in page for number in range(200))
    assert "<details" not in page.split('id="observations"')[1]


def test_two_thousand_findings_render_within_a_second(tmp_path: Path) -> None:
    root = make_run(tmp_path, many(2000))
    step_page(read_step(root, STEP), "demo", root.name)  # templates are compiled once
    began = time.process_time()
    page = step_page(read_step(root, STEP), "demo", root.name)
    assert time.process_time() - began < 1
    assert page.count("<tr>") > 2000


def test_a_plan_judges_nothing_and_a_broken_step_is_no_verdict(tmp_path: Path) -> None:
    planned = pages(make_run(tmp_path / "plan", mode="plan"))
    assert "Nothing was judged" in planned["step"]
    root = make_run(tmp_path / "dead")
    journal = root / "steps" / STEP / "journal.ndjson"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:-1]))
    page = step_page(read_step(root, STEP), "demo", root.name)
    assert "The step broke before it came to its end" in page
    assert "The record itself is not whole" in page


def test_a_step_that_was_never_bound_still_has_a_report(tmp_path: Path) -> None:
    (tmp_path / "demo" / "run-1" / "steps" / STEP).mkdir(parents=True)
    page = render_step(tmp_path / "demo" / "run-1", STEP).read_text()
    assert "UNKNOWN WORLD - not production evidence" in page
    assert "journal.ndjson is missing" in page


def test_the_first_page_counts_what_is_not_covered(shown: dict[str, str]) -> None:
    page = shown["index"]
    assert "The run broke: endpoints did not complete" in page
    assert "4 read calls gave no answer (ec2:DescribeSubnets)" in page
    assert "which other Regions are enabled was not read" in page
    assert "45 properties or parts of them were not tested" in page
    assert "Not tested: sealed and main tables" in page
    assert "for step cluster to decide" in page
    assert "in force" in page


@pytest.mark.parametrize(("asked", "silent"), [("2026-11-23T08:59:01.000000Z", 3), ("2026-11-23T08:00:01.000000Z", 4)])
def test_what_was_answered_when_it_was_asked_again_is_covered(
    asked: str, silent: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = read_run(make_run(tmp_path))
    seen = [one for step in run.steps.values() for one in step.exhibits]
    refused = next(one.observation for one in seen if one.observation.status == "denied")
    answered = Exhibit(99, dataclasses.replace(refused, status="ok", time=asked))
    monkeypatch.setattr("airgap.report.scope._exhibits", lambda run: [*seen, answered])
    assert f"{silent} read calls gave no answer" in not_covered(run, [])


def test_the_register_of_exceptions_stands_in_every_report(shown: dict[str, str], tmp_path: Path) -> None:
    for name in ("index", "index on paper", "step", "step on paper"):
        assert "why &lt;b&gt;" in shown[name]
        assert "watched" in shown[name]
        assert "2026-01-01 to 2027-01-01" in shown[name]
    assert "None are declared" in pages(make_run(tmp_path))["step"]


def test_the_first_page_links_every_file_and_names_the_writes_that_did_not_succeed(shown: dict[str, str]) -> None:
    links = set(re.findall(r'href="([^"]+)"', shown["index"]))
    assert {f"steps/{STEP}/{name}" for name in ("journal.ndjson", "plan.json", "views.json", "report.html")} <= links
    assert {"index.pdf", "findings.csv", "population.csv", "intent.json", "observations/index.json"} <= links
    assert "2 writes sent to AWS" in shown["index"]
    assert "1 did not succeed; AWS answered:" in shown["index"]
    assert "denied, No&lt;t&gt;" in shown["index"]


def test_what_was_not_tested_is_told_by_check_and_resource() -> None:
    found = [finding("key-rotates", "not_applicable", f"key:{one}", "KMS does not rotate it") for one in "abcdef"]
    told = [one for one in not_tested(found) if one.reasons == ("KMS does not rotate it",)]
    assert [one.statement for one in told] == ["What key-rotates wants is so: key:a, key:b, key:c, key:d and 2 more"]


def test_enabled_regions_outside_the_scope_are_named(tmp_path: Path) -> None:
    root = make_run(tmp_path)
    told = {"Regions": [
        {"RegionName": "us-east-1", "OptInStatus": "opt-in-not-required"},
        {"RegionName": "eu-west-1", "OptInStatus": "opted-in"},
        {"RegionName": "me-south-1", "OptInStatus": "not-opted-in"},
    ]}  # fmt: skip
    kept = PageFolder(root / "observations").keep(canonical_bytes(told))
    journal = JournalFile(root / "steps" / STEP / "journal.ndjson")
    journal.append("read", Observation("ec2:DescribeRegions", {}, "123456789012", "us-east-1", "rehearsal", "ok",
                                       "2026-11-23T08:50:01Z", page=kept).as_data())  # fmt: skip
    assert "1 enabled Region outside the scope not judged: eu-west-1" in index_page(read_run(root))
    (root / "observations" / f"{kept}.json").unlink()
    assert "the page that lists the enabled Regions is missing" in index_page(read_run(root))


def test_a_missing_pdf_library_is_said_and_no_pdf_is_linked(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path))
    assert 'href="steps/02_network/report.pdf"' in index_page(run)
    page = index_page(run, "There are no PDF files: because")
    assert "There are no PDF files: because" in page
    assert "report.pdf" not in page


def test_the_annex_shows_prose_cells_and_errors_as_they_were(shown: dict[str, str]) -> None:
    page = shown["annex"]
    assert "step.plan()  # &lt;tag&gt;" in page
    assert "<p>shown</p>" in page
    assert "NotApproved: &lt;no&gt;" in page
    assert "<td>1</td>" in page


@pytest.mark.parametrize(
    ("numbers", "said"), [((), ""), ((1,), "1"), ((3, 1, 2), "1–3"), ((1, 2, 5, 7, 8, 9), "1–2, 5, 7–9")]
)
def test_runs_of_exhibits_are_drawn_together(numbers: tuple[int, ...], said: str) -> None:
    written = cited([f"page-{one}" for one in numbers], {f"page-{one}": one for one in numbers})
    assert re.sub(r"<[^>]+>", "", written) == said


def test_texts_cannot_leave_a_css_string() -> None:
    assert css('a"} </style>') == '"a\\000022\\00007d \\00003c\\00002fstyle\\00003e"'


def test_parameters_are_short_and_times_are_readable() -> None:
    assert brief({"VpcId": "vpc-1", "Filters": [1]}) == "VpcId=vpc-1, Filters=[1]"
    assert len(brief({"x": "y" * 500})) == 96
    assert when("2026-11-23T09:23:19.849000Z") == "2026-11-23 09:23:19"


def test_columns_on_paper_follow_what_their_cells_hold() -> None:
    row = f"<tr><th>id</th><td>{'word ' * 60}</td></tr>"
    table = f'<p>x</p><table><caption>c</caption><thead></thead>{row}<tr><th colspan="2">group</th></tr></table>'
    widths = [float(one) for one in re.findall(r'<col style="width:([\d.]+)%"', fitted(table))]
    assert len(widths) == 2
    assert sum(widths) == pytest.approx(100, abs=0.2)
    assert widths[1] > 5 * widths[0]
    assert fitted(table).index("</caption>") < fitted(table).index("<colgroup>")


def test_a_finding_with_no_property_is_shown_beside_them(tmp_path: Path) -> None:
    root = make_run(tmp_path, [finding("alone", "fail", ATTACK, properties=())])
    page = step_page(read_step(root, STEP), "demo", root.name)
    assert "Beside the properties" in page
    assert FINDINGS[0].title not in page
