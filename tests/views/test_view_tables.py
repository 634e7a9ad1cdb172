"""Tables, facts and marks: accessible HTML, a plain twin that says the same, colours that can be read."""

from __future__ import annotations

import pytest

from airgap.model.finding import Finding
from airgap.model.plan import Change, Plan, ref
from airgap.views import Facts, Picture, Table, findings_table, plan_table, verdict_line
from airgap.views.style import CSS, GROUND, INK, QUIET, TONES
from airgap.views.table import LATER, OPERATION, STATUS, Code, Group, Mark, not_read

NASTY = "<script>alert('x')</script> & \"more\""


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("ink", "ground"), [*TONES.values(), (INK, GROUND), (QUIET, GROUND), *((ink, GROUND) for ink, _ in TONES.values())]
)
def test_every_text_has_a_contrast_of_four_and_a_half(ink: str, ground: str) -> None:
    light, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_the_sheet_is_scoped_and_fetches_nothing() -> None:
    assert "url(" not in CSS
    assert "@import" not in CSS
    rules = [line for line in CSS.splitlines() if "{" in line]
    assert all(line.startswith((".airgap", "@media print { .airgap")) or " .airgap" in line for line in rules)


def test_every_mark_has_a_sign_of_its_own_and_a_known_tone() -> None:
    for marks in (STATUS, OPERATION):
        assert len({mark.sign for mark in marks.values()}) == len(marks)
        assert {mark.tone for mark in marks.values()} <= set(TONES)


def test_a_table_has_a_caption_and_scoped_headers_and_escapes_everything() -> None:
    table = Table(NASTY, (NASTY, "b"), [Group(NASTY), (NASTY, (Code(NASTY), Mark(NASTY, "✗", "bad")))], NASTY)
    html = table.html()
    assert "<script>" not in html
    assert html.count("&lt;script&gt;") == 7
    assert '<th scope="col">b</th>' in html
    assert '<th scope="row">' in html
    assert '<th colspan="2" scope="rowgroup">' in html
    assert '<span class="mark bad"><span aria-hidden="true">✗</span>' in html


def test_the_plain_twin_is_aligned_and_wraps_long_cells() -> None:
    text = Table("T", ("a", "b"), [("x", "word " * 30), ("yy", (1, 2))], "note").text()
    lines = text.splitlines()
    assert lines[0] == "T"
    assert lines[-1] == "note"
    assert max(map(len, lines)) <= 4 + 56
    assert lines[-3:-1] == ["yy  1", "    2"]


def test_an_empty_table_still_reads() -> None:
    table = Table("T", ("a", "b"), [])
    assert table.text().splitlines() == ["T", "a  b", "-  -"]
    assert "<tbody></tbody>" in table.html()


def test_facts_are_a_definition_list() -> None:
    facts = Facts("T", [("name", NASTY), ("many", ("a", LATER))], "note")
    assert "<dt>many</dt><dd>a<br>" in facts.html()
    assert "<script>" not in facts.html()
    assert "many  a, … known after apply" in facts.text()


def test_a_notebook_gets_html_with_the_sheet_and_the_terminal_gets_text() -> None:
    picture = Picture("<svg></svg>", "words", [Table("T", ("a",), [("x",)])])
    assert picture._repr_html_().startswith('<div class="airgap"><style>')
    assert "<figure><svg></svg></figure><table>" in picture.html()
    assert repr(picture) == str(picture) == "words\n\nT\na\n-\nx"


def test_what_was_not_read_is_amber_and_says_why() -> None:
    assert str(not_read("denied")) == "? not read: denied"
    assert not_read("denied").tone == "unknown"


def change(op: str, resource: str, field: str = "f", before: object = None, after: object = None) -> Change:
    return Change(op, resource, field, before, after, "opens" if op == "update" else "none", "because")


PLAN = Plan(
    "network",
    (
        change("create", "subnet:a", "vpc", after=ref("vpc:main")),
        change("create", "subnet:a", "zone", after="us-east-1a"),
        change("update", "vpc:main", before=True, after={"long": "x" * 300}),
        change("replace", "route:a", before="igw-1", after="via ${vpc:main.arn}"),
        change("delete", "subnet:z", "", before={"zone": "z"}),
    ),
    unknowns=(("bucket:x", "denied"),),
    differing=(change("differs", "vpc:adopted"),),
)


def test_a_plan_reads_as_a_diff_with_signs_risks_and_its_digest() -> None:
    table = plan_table(PLAN)
    text = table.text()
    expected = "1 to create, 1 to update, 1 to replace, 1 to delete, 1 not read, 1 adopted fields differ"
    assert table.title == f"Plan of network: {expected}"
    for sign in ("+ create", "~ update", "± replace", "− delete", "≠ differs", "? not read: denied"):
        assert sign in text
    assert "… known after apply" in text
    assert "id of vpc:main" in text
    assert "via <arn of vpc:main>" in text
    assert "x" * 91 not in table.html()
    assert "opens" in text
    assert PLAN.digest in table.note
    assert text.count("subnet:a") == 1


def test_an_empty_plan_says_so_and_still_has_a_digest() -> None:
    table = plan_table(Plan("network"))
    assert table.title == "Plan of network: nothing to change, what is there is what is declared"
    assert Plan("network").digest in table.text()


def finding(check: str, status: str, resource: str, severity: str = "high") -> Finding:
    waiver = "accepted" if status == "waived" else ""
    return Finding(check, f"{check} holds", status, severity, resource, f"{resource}!", "mend", (), ("NET-01",), waiver)


def test_findings_stand_worst_first_with_their_population() -> None:
    found = [
        finding("c", "pass", "r1"),
        *(finding("p", "pass", f"s{number}") for number in range(6)),
        finding("c", "unknown", "r2"),
        finding("c", "fail", "r3", "low"),
        finding("b", "fail", "r4", "critical"),
        finding("w", "waived", "r5"),
        finding("n", "not_applicable", "r6"),
    ]
    text = findings_table(found).text()
    order = ["✗ fail: 2", "r4", "r3", "? unknown: 1", "! waived: 1", "accepted", "– not applicable: 1", "✓ pass: 7"]
    places = [text.index(word) for word in order]
    assert places == sorted(places)
    assert "judged 2 of 3" in text
    assert "and 2 more" in text
    assert text.startswith("Findings: fail (2 fail, 1 unknown, 1 waived, 1 not applicable, 7 pass)")


def test_no_finding_is_no_pass() -> None:
    assert verdict_line(()) == "unknown, nothing was judged"
