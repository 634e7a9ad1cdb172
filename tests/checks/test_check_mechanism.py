"""How checks become findings: populations, openness, citations, waivers."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import json
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_estates import DEMO, recorded

from airgap import checks
from airgap.checks import names, suite
from airgap.checks.check import Check, NotApplicable, Undecided, check, judge, waived
from airgap.cloud.queries import QUERIES
from airgap.controls import FRAMEWORKS, PARTS, PROPERTIES, Framework, requirements, verdicts
from airgap.model.estate import ANY, Estate
from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS, UNKNOWN, WAIVED, Finding
from airgap.model.intent import Intent, Waiver
from airgap.report.tally import Tally

CORE = Path(__file__).parents[2] / "lib" / "airgap"
PAGE = {"pages": [{"call": "ec2:DescribeVpcs", "body": {"Vpcs": [{"VpcId": "vpc-1"}]}}]}
WAIVER = Waiver("NET-01", "x", "ann", "bob", "why", "what instead", "RISK-1", "2026-01-01", "2026-12-31")


def _check(over: Any, judged: Any, reads: tuple[str, ...] = ("ec2:DescribeVpcs",)) -> Check:
    made = check("c", "It holds", severity="low", properties=("NET-01",), reads=reads, remedy="mend it", over=over)
    return made(judged)


def _holds(item: Any, intent: Intent, estate: Estate) -> Iterator[str]:
    estate.items("ec2:DescribeVpcs", "Vpcs")
    yield from item or ()


def test_no_problem_is_a_pass_that_cites_its_pages() -> None:
    estate = recorded(PAGE, DEMO)
    (finding,) = _check(lambda *_: [("x", None)], _holds).findings(DEMO, estate)
    assert (finding.status, finding.message, finding.remedy) == (PASS, "It holds", "")
    assert list(finding.observations) == [one.page for one in estate.observations]


def test_problems_fail_together_with_the_remedy() -> None:
    (finding,) = _check(lambda *_: [("x", ["a", "b"])], _holds).findings(DEMO, recorded(PAGE, DEMO))
    assert (finding.status, finding.message, finding.remedy) == (FAIL, "a; b", "mend it")


@pytest.mark.parametrize(
    ("cause", "status"), [(NotApplicable("no source"), NOT_APPLICABLE), (Undecided("what would"), UNKNOWN)]
)
def test_an_open_judgement_says_why(cause: Exception, status: str) -> None:
    def judged(item: Any, intent: Intent, estate: Estate) -> Iterator[str]:
        raise cause
        yield

    (finding,) = _check(lambda *_: [("x", None)], judged).findings(DEMO, recorded(PAGE, DEMO))
    assert (finding.status, finding.message) == (status, str(cause))


@pytest.mark.parametrize("cause", [NotApplicable("no source"), Undecided("what would")])
def test_a_problem_that_was_found_stands_though_the_rest_is_open(cause: Exception) -> None:
    def judged(item: Any, intent: Intent, estate: Estate) -> Iterator[str]:
        yield "it is broken"
        raise cause

    (finding,) = _check(lambda *_: [("x", None)], judged).findings(DEMO, recorded(PAGE, DEMO))
    assert (finding.status, finding.message) == (FAIL, f"it is broken; and what was not decided: {cause}")


def test_an_empty_population_is_unknown() -> None:
    (finding,) = _check(lambda *_: [], _holds).findings(DEMO, recorded(PAGE, DEMO))
    assert (finding.status, finding.resource) == (UNKNOWN, "*")


def test_an_undeclared_read_is_an_error_of_the_check() -> None:
    with pytest.raises(LookupError, match="was not declared"):
        _check(lambda *_: [("x", None)], _holds, reads=("ec2:DescribeSubnets",)).findings(DEMO, recorded(PAGE, DEMO))


def _found(status: str = FAIL, resource: str = "x") -> Finding:
    return Finding("c", "t", status, "low", resource, "m", properties=("NET-01",))


def test_a_live_waiver_stands_beside_the_fact() -> None:
    finding = waived(_found(), [WAIVER], "2026-06-01")
    assert (finding.status, finding.message) == (WAIVED, "m")
    assert "approved by bob (RISK-1)" in finding.waiver


@pytest.mark.parametrize("today", ["2025-12-31", "2027-01-01"])
def test_a_waiver_before_its_time_or_after_it_waives_nothing(today: str) -> None:
    assert waived(_found(), [WAIVER], today).status == FAIL


def test_of_several_exceptions_the_live_one_counts_in_any_order() -> None:
    old = dataclasses.replace(WAIVER, ticket="RISK-0", created="2025-01-01", expires="2025-12-31")
    for register in ([old, WAIVER], [WAIVER, old]):
        finding = waived(_found(), register, "2026-06-01")
        assert (finding.status, "RISK-1" in finding.waiver) == (WAIVED, True)


def test_an_expired_exception_says_so_and_one_that_has_yet_to_begin_too() -> None:
    assert waived(_found(), [WAIVER], "2027-01-01").message == "m; its exception RISK-1 expired 2026-12-31"
    assert waived(_found(), [WAIVER], "2025-12-31").message == "m; its exception RISK-1 begins 2026-01-01"


@pytest.mark.parametrize("finding", [_found(UNKNOWN), _found(resource="y")])
def test_a_waiver_covers_failures_of_its_resource_only(finding: Finding) -> None:
    assert waived(finding, [WAIVER], "2026-06-01") == finding


def test_waivers_are_judged_as_of_the_estate() -> None:
    intent = dataclasses.replace(DEMO, exceptions=(WAIVER,))
    (finding,) = judge([_check(lambda *_: [("x", ["a"])], _holds)], intent, recorded(PAGE, DEMO))
    assert finding.status == WAIVED


def test_checks_have_ids_of_their_own_titles_that_state_what_holds_and_known_reads() -> None:
    ids = [one.id for one in suite.ALL]
    assert len(ids) == len(set(ids))
    known = {query.call for query in QUERIES} | {ANY}
    properties = {one.id for one in PROPERTIES}
    for one in suite.ALL:
        assert set(one.reads) <= known, one.id
        assert set(one.properties) <= properties, one.id
        assert one.title[0].isupper(), one.id
        assert not one.title.endswith("."), one.id
        assert "ensure" not in one.title.lower(), one.id
        assert one.remedy


@pytest.mark.parametrize(
    ("name", "is_admitted"),
    list(json.loads((Path(__file__).parent / "admitted.json").read_text()).items()),
)
def test_only_own_and_regional_names_may_resolve(name: str, is_admitted: bool) -> None:
    network = dataclasses.replace(
        DEMO.network, dns_allow=("*.corp.example.com", "mirror.example.com"), on_premises_cidrs=("192.168.0.0/16",)
    )
    assert names.admitted(name, dataclasses.replace(DEMO, network=network)) is is_admitted


def test_every_property_has_a_verdict_and_nothing_judged_is_not_green() -> None:
    found = {one.id: one for one in verdicts([])}
    assert list(found) == [one.id for one in PROPERTIES]
    assert {one.status for one in found.values()} == {NOT_APPLICABLE}
    assert found["EKS-01"].reason == "not tested: the API endpoint (for step cluster to decide)"


def test_a_property_is_as_good_as_its_worst_finding() -> None:
    def status(*statuses: str) -> tuple[str, int, int]:
        one = verdicts([_found(each) for each in statuses])[0]
        return one.status, one.population, one.judged

    assert status(PASS, PASS) == (PASS, 2, 2)
    assert status(PASS, UNKNOWN, FAIL) == (FAIL, 3, 2)
    assert status(PASS, UNKNOWN, NOT_APPLICABLE) == (UNKNOWN, 2, 1)
    assert status(PASS, WAIVED) == (WAIVED, 2, 2)
    assert status(NOT_APPLICABLE) == (NOT_APPLICABLE, 0, 0)
    assert status(PASS, NOT_APPLICABLE) == (PASS, 1, 1)


@pytest.mark.parametrize(
    "statuses", ["", "pass", "pass unknown", "waived fail", "not_applicable", "not_applicable pass"]
)
def test_a_population_is_the_same_in_a_verdict_and_in_a_report(statuses: str) -> None:
    found = [_found(one) for one in statuses.split()]
    verdict, tally = verdicts(found)[0], Tally.of(found)
    assert (verdict.population, verdict.judged) == (tally.population, tally.judged)


def _of(name: str, *checks: str, status: str = PASS) -> list[Finding]:
    return [dataclasses.replace(_found(status), check=one, properties=(name,)) for one in checks]


def test_a_pass_that_leaves_out_a_part_says_which_and_who_decides_it() -> None:
    found = next(one for one in verdicts(_of("DAT-03", "buckets-tls-only")) if one.id == "DAT-03")
    assert (found.status, found.in_part) == (PASS, True)
    assert "PostgreSQL and cache demand TLS (for step data to decide)" in found.reason
    assert "a live handshake with the entry (for a live probe (airgap probe) to decide)" in found.reason
    assert "buckets" not in found.reason


@pytest.mark.parametrize(("status", "left"), [(PASS, 0), (UNKNOWN, 0), (FAIL, 0), (NOT_APPLICABLE, 1)])
def test_a_part_is_decided_by_its_checks_and_never_by_one_that_had_no_source(status: str, left: int) -> None:
    found = [*_of("NET-07", "another"), *_of("NET-07", "public-access-blocked", status=status)]
    verdict = next(one for one in verdicts(found) if one.id == "NET-07")
    assert len(verdict.untested) == left
    assert verdict.in_part is bool(left)


def _every_check() -> dict[str, Check]:
    modules = [importlib.import_module(f"airgap.checks.{one.name}") for one in pkgutil.iter_modules(checks.__path__)]
    held = [value for module in modules for value in vars(module).values()]
    listed = [one for value in held if isinstance(value, tuple) for one in value]
    found = [one for one in (*held, *listed) if isinstance(one, Check)]
    return {one.id: one for one in found}


def test_every_property_is_whole_in_its_parts_and_every_check_stands_in_one() -> None:
    known = _every_check()
    assert set(PARTS) == {one.id for one in PROPERTIES}
    for one in PROPERTIES:
        named = {check for part in one.parts for check in part.checks}
        assert one.parts, one.id
        assert all(part.what and part.by for part in one.parts), one.id
        # A check that bears on a property decides one of its parts: name it there, in controls/parts.py.
        assert {name for name, check in known.items() if one.id in check.properties} == named, one.id


def test_frameworks_map_known_properties_and_state_their_relation() -> None:
    known = {one.id for one in PROPERTIES}
    assert len(PROPERTIES) == 45
    assert len({one.id for one in FRAMEWORKS}) == len(FRAMEWORKS) == 9
    for one in FRAMEWORKS:
        assert set(one.rows) <= known
        assert one.relation == "supports"
        assert one.status in ("checked", "proposed")
        for requirement in requirements(one.id):
            assert requirement.properties
            assert all(requirement.id in one.supported(each) for each in requirement.properties)


FORMS = {
    "csf": r"(GV|ID|PR|DE|RS|RC)\.[A-Z]{2}-\d\d",
    "sp800-53": r"[A-Z]{2}-\d{1,2}(\(\d{1,2}\))?",
    "pci": r"\d{1,2}(\.\d{1,2}){1,3}|Appendix B and C worksheets",
    "glba": r"\([a-j]\)(\(\d\)(\([ivx]+\))?)?",
    "nydfs": r"500\.\d{1,2}(\([a-z]\))?",
    "ffiec-is": r"(I|II|III|IV)(\.[A-D](\.\d{1,2})?(\([a-z]\))?)?",
    "ffiec-aio": r"[IV]+\.[A-F](\.\d(\([a-z]\))?)?",
    "sec": r"(248\.30|242\.100[135]|17a-4)(\([a-z0-9]+\))*(-\(\d\))?(\([ivx]+\)|\([A-Z]\))*",
    "dora": r"Art\.\d{1,2}",
}


@pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda one: one.id)
def test_requirements_have_the_form_of_their_framework(framework: Framework) -> None:
    strange = [one.id for one in framework.requirements() if not re.fullmatch(FORMS[framework.id], one.id)]
    assert strange == []


def test_requirements_stand_in_their_natural_order() -> None:
    ids = [one.id for one in requirements("sp800-53") if one.id.startswith("AC-")]
    assert ids.index("AC-2") < ids.index("AC-17")
    assert "NET-03" in next(one.properties for one in requirements("sp800-53") if one.id == "AC-4")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(), feature_version=(3, 9))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


JUDGING = sorted([CORE / "errors.py", *(path for name in ("model", "checks", "controls", "egress") for path in
                                        (CORE / name).rglob("*.py"))])  # fmt: skip


@pytest.mark.parametrize("path", JUDGING, ids=lambda path: str(path.relative_to(CORE)))
def test_the_judging_core_needs_the_standard_library_alone(path: Path) -> None:
    own = ("airgap.errors", "airgap.model", "airgap.checks", "airgap.controls", "airgap.egress")
    for name in _imports(path):
        if name.startswith("airgap"):
            assert name.startswith(own), name
        else:
            assert name.split(".")[0] in sys.stdlib_module_names, name


def _called(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def test_no_check_reads_a_clock_a_file_or_the_network() -> None:
    forbidden = {"os", "io", "pathlib", "socket", "subprocess", "time", "random", "secrets", "urllib", "http"}
    for path in JUDGING:
        if path.parent.name in ("checks", "controls"):
            # urllib.parse takes names apart and reaches nothing.
            assert not forbidden & {name.split(".")[0] for name in _imports(path) if name != "urllib.parse"}, path
            assert not {"open", "now", "today", "utcnow"} & set(_called(path)), path
