"""The report of each framework: from a requirement to the page that AWS answered, and never more than "supports"."""

from __future__ import annotations

import html
import re
import time
from pathlib import Path

import pytest
from synthetic_run import ATTACK, finding, make_run, many, page
from test_report_pages import REGISTER, Page

from airgap.controls import FRAMEWORKS
from airgap.report.frameworks import framework_pages
from airgap.report.index import index_page
from airgap.report.record import read_run
from airgap.report.run_report import render_run

NAMES = [f"frameworks/{one.id}.html" for one in FRAMEWORKS]
FOUND = [
    finding("routes-sealed", "pass", "route-table:private-a", observations=(page(1), page(2)), properties=("NET-03",)),
    finding("groups-default-empty", "fail", ATTACK, "lets <b>all</b> in", observations=(page(3),),
            properties=("NET-05",)),
    finding("trail-on", "unknown", "trail:main", "not read: denied", properties=("LOG-01",)),
    finding("buckets-encrypted", "waived", "bucket:x", "not by KMS", properties=("DAT-02",), waiver="until 2027"),
    finding("probes", "not_applicable", "*", "a rehearsal has no packets", properties=("NET-13",)),
    finding("endpoints-none", "pass", "vpc:main", properties=("NET-07",)),
]  # fmt: skip
WAIVER = {**REGISTER, "property": "DAT-02", "resource": "bucket:x"}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    run = read_run(make_run(tmp_path_factory.mktemp("frameworks"), FOUND, exceptions=[WAIVER]))
    return framework_pages(run)


def row(shown: str, requirement: str) -> str:
    """The row of a requirement in the table of requirements, without its tags."""
    table = shown[shown.index('<section id="requirements">') : shown.index('<section id="why">')]
    found = re.search(rf"<tr><th[^>]*><a[^>]*>{re.escape(requirement)}</a>.*?</tr>", table, re.S)
    assert found, requirement
    return re.sub(r"<[^>]+>", " ", found[0])


def test_there_is_one_page_for_each_framework(shown: dict[str, str]) -> None:
    assert list(shown) == NAMES
    for one in FRAMEWORKS:
        assert one.title.replace("&", "&amp;") in shown[f"frameworks/{one.id}.html"]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_whole_and_fetches_nothing(shown: dict[str, str], name: str) -> None:
    read = Page(shown[name])
    assert read.open == []
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert not read.having("script", "link", "img", "iframe", "object", "form")
    assert not re.search(r"url\(|@import|javascript:", shown[name])
    for link in read.having("a"):
        target = link["href"] or ""
        assert target.removeprefix("#") in ids if target.startswith("#") else not re.match(r"[a-z]+:|/", target)
    levels = [int(tag[1]) for tag, _ in read.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    assert len(read.having("caption")) == len(read.having("table"))
    assert "<b>all</b>" not in shown[name]
    assert "REHEARSAL - not production evidence" in shown[name]


@pytest.mark.parametrize("name", NAMES)
def test_no_page_says_that_anybody_complies(shown: dict[str, str], name: str) -> None:
    text = html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", shown[name], flags=re.S))
    stance = re.compile(r"\b(?:compl(?:y|ies|ied|iant)|satisf\w+|fulfil\w*)\b")
    said = [f"{one}." for one in text.split(".") if stance.search(one)]
    assert [one.strip() for one in said] == [
        "It does not say that the institution complies with any rule: that judgement is the institution's own and its "
        "supervisor's."
    ]  # fmt: skip
    assert "supports; proposed" in text
    assert "Review: every mapping is proposed." in text


def test_a_requirement_leads_to_the_toldthat_aws_answered(shown: dict[str, str]) -> None:
    told = shown["frameworks/sp800-53.html"]
    assert '<a href="#r' in row_html(told, "AC-4")
    why = told[told.index('<section id="why">') :]
    of = why[why.index("<h3>AC-4 ") :].partition("</section>")[0]
    assert '<a href="#p-NET-03">NET-03</a>' in of
    assert "every route is on its tier" in of
    evidence = told[told.index('id="p-NET-03"') :].partition("</section>")[0]
    assert "<code>routes-sealed</code>" in evidence
    assert "<code>route-table:private-a</code>" in evidence
    number = re.search(r'<a href="#o(\d+)">', evidence)
    assert number
    observed = told[told.index(f'<tr id="o{number[1]}">') :].partition("</tr>")[0]
    assert f'href="../observations/{page(1)}.json"' in observed
    assert "request-1<" in observed


def row_html(told: str, requirement: str) -> str:
    """The row of a requirement with its tags."""
    start = told.index(f">{requirement}</a></th>")
    return told[told.rindex("<tr>", 0, start) : told.index("</tr>", start)]


def test_what_the_evidence_says_follows_from_the_verdicts(shown: dict[str, str]) -> None:
    told = shown["frameworks/sp800-53.html"]
    assert "speaks against it" in row(told, "SC-7(11)")  # NET-05 failed
    assert "undecided" in row(told, "AU-9(3)")  # LOG-01 was not read
    assert "supports, with exceptions" in row(told, "CP-9(8)")  # DAT-02 is waived
    assert "not judged" in row(told, "CA-8")  # NET-12 never, NET-13 not applicable
    assert "in part" in row(told, "SC-7(18)")  # NET-07 passed, its other part has no check here
    assert "The evidence speaks against some requirements" in told


def test_a_review_is_shown_with_who_when_and_of_which_version(tmp_path: Path) -> None:
    pci = next(one for one in FRAMEWORKS if one.id == "pci")
    shipped = {(one.requirement, one.property): one.mapping for one in pci.mappings()}
    said = {("1.2.8", "NET-06"): "accepted", ("1.4.2", "NET-07"): "rejected", ("1.3.1", "NET-03"): "changed"}
    register = [
        {"framework": "pci", "requirement": wanted, "property": name, "mapping": shipped[wanted, name],
         "decision": decision, "reviewer": "Ada <b>", "date": "2026-11-20", "note": "for our own reason"}
        for (wanted, name), decision in said.items()
    ]  # fmt: skip
    register.append({**register[0], "requirement": "1.2.2", "property": "CHG-01", "mapping": "0" * 12})
    run = read_run(make_run(tmp_path, FOUND, reviews=register))
    told = framework_pages(run)["frameworks/pci.html"]
    why = told[told.index('<section id="why">') :]
    for requirement, words in {
        "1.2.8": "supports; accepted by Ada &lt;b&gt; on 2026-11-20: for our own reason "
        f"<code>{shipped['1.2.8', 'NET-06']}</code>",
        "1.4.2": "rejected by Ada &lt;b&gt; on 2026-11-20, supports nothing: for our own reason <code>",
        "1.3.1": "supports; changed by Ada &lt;b&gt; on 2026-11-20 <code>",
        "1.2.2": "supports; proposed again: Ada &lt;b&gt; accepted version 000000000000 on 2026-11-20 <code>",
    }.items():
        assert words in why[why.index(f"<h3>{requirement} ") :].partition("</section>")[0]
    assert "for our own reason</td>" in why[why.index("<h3>1.3.1 ") :].partition("</section>")[0]
    assert f"Review: {len(shipped)} mappings: 1 accepted, 1 changed, {len(shipped) - 3} proposed, 1 rejected." in told
    assert 'title="mapping rejected"' in row_html(told, "1.4.2")
    assert "Review: every mapping is proposed." in framework_pages(run)["frameworks/csf.html"]
    first = index_page(run)
    assert "1 rejected" in first
    held = first[first.index("<b>PCI Data") :].partition("</details>")[0]
    assert ">1.3.1</th>" in held
    assert ">1.4.2</th>" not in held
    assert ">1.4.2</th>" in index_page(read_run(make_run(tmp_path / "unreviewed", FOUND)))


def test_a_failure_under_an_exception_stays_in_sight(shown: dict[str, str]) -> None:
    for name in NAMES:
        register = shown[name][shown[name].index('<section id="exceptions">') :].partition("</section>")[0]
        assert "Meanwhile: watched" in register
        assert "not by KMS" in register
        assert "in force" in register


def test_the_same_record_gives_the_same_pages_and_they_are_reports_of_the_run(tmp_path: Path) -> None:
    root = make_run(tmp_path / "a", FOUND)
    other = make_run(tmp_path / "b", FOUND)
    assert framework_pages(read_run(root)) == framework_pages(read_run(other))
    render_run(root, pdf=False)
    written = {str(path.relative_to(root)) for path in root.rglob("*.html")}
    assert set(NAMES) <= written
    assert (root / NAMES[0]).read_text() == framework_pages(read_run(root))[NAMES[0]]
    links = set(re.findall(r'href="([^"]+)"', (root / "index.html").read_text()))
    assert set(NAMES) <= links


def test_a_run_that_judged_nothing_has_none_and_links_none(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path, [], mode="plan"))
    assert framework_pages(run) == {}
    assert "frameworks/" not in index_page(run)


def test_two_thousand_findings_take_nine_pages_less_than_two_seconds(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path, many(2000)))
    framework_pages(run)  # templates are compiled once
    began = time.process_time()
    framework_pages(read_run(run.root))
    assert time.process_time() - began < 2
