"""The mappings as data: each with its reason, source, version and review, and every id on its framework's own list."""

from __future__ import annotations

import re

import pytest

from airgap.controls import FRAMEWORKS, PROPERTIES, Framework, PropertyVerdict, Untested, supports, verdicts
from airgap.controls.bearing import BEARS
from airgap.controls.support import AGAINST, EXCEPTED, IN_PART, NOT_JUDGED, SUPPORTED, UNDECIDED, status
from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS, UNKNOWN, WAIVED

EACH = pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda one: one.id)

CSF_2_0 = {
    "GV.OC": "1-5", "GV.RM": "1-7", "GV.RR": "1-4", "GV.PO": "1-2", "GV.OV": "1-3", "GV.SC": "1-10",
    "ID.AM": "1-5,7-8", "ID.RA": "1-10", "ID.IM": "1-4",
    "PR.AA": "1-6", "PR.AT": "1-2", "PR.DS": "1-2,10-11", "PR.PS": "1-6", "PR.IR": "1-4",
    "DE.CM": "1-3,6,9", "DE.AE": "2-4,6-8", "RS.MA": "1-5", "RS.AN": "3,6-8", "RS.CO": "2-3", "RS.MI": "1-2",
    "RC.RP": "1-6", "RC.CO": "3-4",
}  # fmt: skip
"""Every subcategory of NIST CSWP 29, 106 in all."""

FFIEC_AIO = [
    "II.A", "II.A.1", "II.A.2", "II.B", "II.B.1", "II.B.1(a)", "II.B.1(b)", "II.B.1(c)", "II.B.2", "II.C", "II.D",
    "II.E", "II.F", "III.A", "III.A.1", "III.A.2", "III.A.2(a)", "III.A.3", "III.A.4", "III.B", "III.B.1",
    "III.B.1(a)", "III.B.1(b)", "III.B.2", "III.B.3", "III.C", "III.C.1", "III.C.2", "III.C.3", "III.D", "III.D.1",
    "III.D.2", "III.E", "III.F", "III.G", "III.H", "III.I", "IV.A", "IV.B", "IV.C", "IV.D", "V.A", "V.B", "V.B.1",
    "V.B.2", "V.B.2(a)", "V.B.2(b)", "V.C", "V.C.1", "V.C.2", "V.C.2(a)", "V.C.2(b)", "V.C.2(c)", "V.C.3", "V.D",
    "V.D.1", "V.D.2", "V.D.3", "V.D.4", "V.E", "VI.A", "VI.A.1", "VI.A.2", "VI.A.3", "VI.A.4", "VI.B", "VI.B.1",
    "VI.B.2", "VI.B.3", "VI.B.3(a)", "VI.B.3(b)", "VI.B.4", "VI.B.5", "VI.B.6", "VI.B.7", "VI.B.8", "VI.C", "VI.C.1",
    "VI.C.2", "VI.C.3", "VI.C.4", "VI.D", "VI.D.1", "VI.D.2", "VI.D.3", "VI.D.4", "VII.A", "VII.A.1", "VII.A.2",
    "VII.A.3", "VII.A.4", "VII.A.5", "VII.A.5(a)", "VII.B", "VII.C", "VII.D", "VII.E",
]  # fmt: skip
"""The sections of the booklet of June 2021, as its table of contents lists them."""

GLBA_314_4 = [
    "(a)", "(b)", "(b)(1)", "(b)(1)(i)", "(b)(1)(ii)", "(b)(1)(iii)", "(b)(2)", "(c)", "(c)(1)", "(c)(2)", "(c)(3)",
    "(c)(4)", "(c)(5)", "(c)(6)", "(c)(7)", "(c)(8)", "(d)", "(d)(1)", "(d)(2)", "(e)", "(f)", "(g)", "(h)", "(i)",
    "(j)",
]  # fmt: skip
"""The paragraphs of 16 CFR 314.4 at the depth at which they are cited; (b) has no third."""


def _csf() -> set[str]:
    found = set()
    for category, numbers in CSF_2_0.items():
        for part in numbers.split(","):
            first, _, last = part.partition("-")
            found |= {f"{category}-{number:02d}" for number in range(int(first), int(last or first) + 1)}
    return found


@EACH
def test_every_mapping_says_why_by_which_source_and_who_reviewed_it(framework: Framework) -> None:
    rows = framework.mappings()
    assert {(one.property, one.requirement) for one in rows} == {
        (name, requirement) for name in framework.rows for requirement in framework.supported(name)
    }
    assert len(rows) == len({(one.property, one.requirement) for one in rows})
    for one in rows:
        assert one.relation == "supports"
        assert one.review == "proposed"
        assert one.version
        assert re.match(r"https://", one.source)
        assert re.fullmatch(r"[A-Z].{20,}\.", one.rationale), one
        assert not re.search(r"\bcompl(y|ies|iant)", one.rationale)


@EACH
def test_every_requirement_says_what_it_asks_for_and_nothing_is_said_of_others(framework: Framework) -> None:
    requirements = framework.requirements()
    assert set(framework.asks) == {one.id for one in requirements}
    assert all(12 <= len(one.asks) <= 110 and not one.asks.endswith(".") for one in requirements)
    known = {(name, requirement) for name in framework.rows for requirement in framework.supported(name)}
    assert set(framework.because) <= known


def test_every_property_says_what_it_contributes() -> None:
    assert set(BEARS) == {one.id for one in PROPERTIES}


@pytest.mark.parametrize(
    ("name", "listed"), [("csf", _csf()), ("ffiec-aio", set(FFIEC_AIO)), ("glba", set(GLBA_314_4))]
)
def test_ids_stand_on_the_frameworks_own_list(name: str, listed: set[str]) -> None:
    framework = next(one for one in FRAMEWORKS if one.id == name)
    assert len(_csf()) == 106
    assert {one.id for one in framework.requirements()} - listed == set()


def told(state: str, judged: int = 1, *, untested: bool = False) -> PropertyVerdict:
    left = (Untested("a part", "somebody"),) if untested else ()
    return PropertyVerdict("NET-01", "", state, judged, judged, (), "", left)


@pytest.mark.parametrize(
    ("every", "said"),
    [
        ([told(PASS), told(FAIL), told(UNKNOWN, 0)], AGAINST),
        ([told(PASS), told(UNKNOWN, 0), told(WAIVED)], UNDECIDED),
        ([told(PASS), told(WAIVED)], EXCEPTED),
        ([told(PASS), told(NOT_APPLICABLE, 0)], IN_PART),
        ([told(PASS), told(PASS, untested=True)], IN_PART),
        ([told(PASS), told(PASS)], SUPPORTED),
        ([told(NOT_APPLICABLE, 0)], NOT_JUDGED),
        ([told(NOT_APPLICABLE, 0), told(NOT_APPLICABLE, 0)], NOT_JUDGED),
        ([], NOT_JUDGED),
    ],
)
def test_what_was_not_judged_is_never_green(every: list[PropertyVerdict], said: str) -> None:
    assert status(every) == said


@EACH
def test_without_findings_no_requirement_is_judged(framework: Framework) -> None:
    rows = supports(framework, verdicts([]))
    assert {one.status for one in rows} == {NOT_JUDGED}
    assert [one.requirement for one in rows] == list(framework.requirements())
