"""Each way of breaking the good estate turns red exactly the checks that its case names."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from recorded_estate import Recording

from airgap.checks import proof, suite
from airgap.checks.check import Check, judge
from airgap.model.estate import ANY
from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS, UNKNOWN, Finding, verdict

# The recording is made within the first test that asks for it.
pytestmark = pytest.mark.timeout(600)
CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))
DRIFT = "change-no-drift"
# What the zero-egress proof says of a case is told apart, in test_proof_mutations.py.
OWN = tuple(one for one in suite.ALL if one not in proof.CHECKS)


Good = Mapping[str, list[Finding]]  # what each check finds in the estate that nobody has broken


def _seeing(case: Mapping[str, Any]) -> list[Check]:
    """The checks to which a case may look otherwise than the good estate does: those that read what it edits."""
    if set(case) & {"intent", "records"}:
        return list(OWN)
    edited = {ANY, *(edit["call"] for edit in case["pages"])}
    return [one for one in OWN if edited & set(one.reads)]


def test_the_recorded_estate_is_good(recording: Recording) -> None:
    findings = judge(suite.ALL, recording.intent, recording.estate())
    wrong = [f"{one.check} {one.resource}: {one.message}" for one in findings if one.status in (FAIL, UNKNOWN)]
    assert wrong == []
    assert verdict(findings) == PASS
    assert Counter(one.status for one in findings)[PASS] > 400


def test_there_are_enough_mutations_and_they_reach_every_check_that_can_fail_here(good: Good) -> None:
    assert len(CASES) >= 400
    named = {check for path in CASES for check in json.loads(path.read_text())["red"]}
    decided = {one.id for one in OWN if {each.status for each in good[one.id]} != {NOT_APPLICABLE}} - {DRIFT}
    # What is never read to its last page is unknown; these two cannot fail, only stay open.
    assert decided - named == {"evidence-pages-closed", "evidence-scope"}


@pytest.mark.parametrize("one", [one for one in OWN if ANY not in one.reads], ids=lambda one: one.id)
def test_a_check_finds_the_same_where_nothing_is_recorded_but_what_it_reads(
    one: Check, recording: Recording, good: Good
) -> None:
    """So a case that edits none of its calls changes nothing for it, and need not be judged by it."""
    narrow = recording.copy()
    narrow.observations = [each for each in recording.observations if each.call in one.reads]
    cited = {each.page for each in narrow.observations}
    narrow.pages = {page: body for page, body in recording.pages.items() if page in cited}
    assert one.findings(narrow.intent, narrow.estate()) == good[one.id]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_mutation_turns_red_exactly_what_its_case_names(path: Path, recording: Recording) -> None:
    case: dict[str, Any] = json.loads(path.read_text())
    broken = recording.copy()
    broken.mutate(case)
    findings = judge(_seeing(case), broken.intent, broken.estate())
    red = {one.check for one in findings if one.status == FAIL}
    assert red - {DRIFT} == set(case["red"]), [
        f"{one.check} {one.resource}: {one.message}" for one in findings if one.status == FAIL
    ]
    assert (DRIFT in red) is case["drift"]
    assert {one.check for one in findings if one.status == UNKNOWN} == set(case.get("unknown", []))


PAIRS = [(one, call) for one in OWN for call in one.reads if call != ANY]
# Calls that a check asks only where another answer leads there; what leads there in the good estate is tested above.
LAZY = json.loads((Path(__file__).parent / "lazy.json").read_text())


def _is_lazy(one: Check, call: str, before: list[Finding]) -> bool:
    return {finding.status for finding in before} == {NOT_APPLICABLE} or f"{one.id} {call}" in LAZY


def _failed(findings: list[Finding]) -> set[str]:
    """What fails by itself; in the good estate that is what an exception covers."""
    return {finding.resource for finding in findings if finding.status == FAIL}


@pytest.mark.parametrize(("one", "call"), PAIRS, ids=lambda value: value.id if isinstance(value, Check) else value)
def test_a_denied_call_leaves_the_check_open(one: Check, call: str, recording: Recording, good: Good) -> None:
    before = good[one.id]
    denied = recording.copy()
    denied.deny(call)
    after = one.findings(denied.intent, denied.estate())
    if _is_lazy(one, call, before):
        assert _failed(after) <= _failed(before)
        return
    opened = next(finding for finding in after if finding.status == UNKNOWN)
    assert call in opened.message
    assert opened.remedy
    assert verdict(after) == UNKNOWN


@pytest.mark.parametrize(("one", "call"), PAIRS, ids=lambda value: value.id if isinstance(value, Check) else value)
def test_an_answer_cut_short_leaves_the_check_open(one: Check, call: str, recording: Recording, good: Good) -> None:
    before = good[one.id]
    cut = recording.copy()
    cut.cut(call)
    after = one.findings(cut.intent, cut.estate())
    has_pages = any(each.page for each in recording.observations if each.call == call)
    if _is_lazy(one, call, before) or not has_pages:
        assert _failed(after) <= _failed(before)
        return
    assert "not all pages of the answer were read" in next(each for each in after if each.status == UNKNOWN).message


def test_every_reading_of_the_lazy_list_is_still_declared() -> None:
    assert set(LAZY) <= {f"{one.id} {call}" for one, call in PAIRS}


def test_a_pass_rests_on_pages(good: Good) -> None:
    # Where AWS says that there is none, there is no page: the observation itself is what the accounting rests on.
    for one in suite.ALL:
        for finding in good[one.id]:
            if finding.status == PASS and one.reads and one.id != "evidence-pages-closed":
                assert finding.observations, f"{one.id} {finding.resource} rests on nothing"


@pytest.mark.parametrize("call", ["kubernetes:ListDeployments", "kubernetes:ListCronJobs"])
def test_what_may_not_be_read_in_the_cluster_is_unknown_drift_and_neither_none_nor_some(
    call: str, recording: Recording
) -> None:
    broken = recording.copy()
    broken.deny(call)
    found = {one.status for one in judge(suite.ALL, broken.intent, broken.estate()) if one.check == DRIFT}
    assert UNKNOWN in found
    assert FAIL not in found
