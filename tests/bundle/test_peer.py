"""The second scanner: what its checks mean here, when its verdicts contradict ours, and our checks for it."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bundled import ROOT, Site

from airgap.checks import suite
from airgap.controls.properties import PROPERTIES
from airgap.errors import UsageError
from airgap.evidence.bundle import derived, peer
from airgap.evidence.bundle.members import DIFFERENT, INCOMPLETE, Folder
from airgap.evidence.bundle.peer import Crossing, Disposition, Verdict, compare, verdicts
from airgap.evidence.bundle.recorded import Run
from airgap.evidence.peer.crosswalk import VERSION, crosswalk, dispositions
from airgap.evidence.peer.offered import files, name_of
from airgap.evidence.peer.scanning import events
from airgap.model.finding import Finding
from airgap.model.peer import AGREES, DISAGREES, EXPLAINED, LESS, OPEN, SILENT, UNCOMPARED

ARN = "arn:aws:kms:us-east-1:123456789012:key/one"


def finding(status: str, resource: str = "kms-key:one", check: str = "keys-rotate") -> Finding:
    return Finding(check, "t", status, "high", resource, "m")


def crossing(relation: str, by: str = "resource") -> Crossing:
    return Crossing("kms_cmk_rotation_enabled", "keys-rotate", "KEY-01", relation, by, "why")


def standing(relation: str, ours: str, theirs: str, by: str = "resource") -> list[str]:
    told = [Verdict("kms_cmk_rotation_enabled", ARN, theirs, "")] if theirs else []
    found = compare([finding(ours)], {"kms-key:one": [ARN]}, told, [crossing(relation, by)], [])
    return [one.standing for one in found.rows]


CASES = {
    ("same", "pass", "PASS"): AGREES,
    ("same", "fail", "FAIL"): AGREES,
    ("same", "waived", "FAIL"): AGREES,
    ("same", "pass", "FAIL"): DISAGREES,
    ("same", "fail", "PASS"): DISAGREES,
    ("same", "waived", "PASS"): DISAGREES,
    ("narrower", "pass", "FAIL"): DISAGREES,
    ("narrower", "fail", "PASS"): LESS,
    ("inverted", "pass", "FAIL"): AGREES,
    ("inverted", "pass", "PASS"): DISAGREES,
    ("inverted", "fail", "FAIL"): DISAGREES,
    ("same", "unknown", "PASS"): OPEN,
    ("same", "pass", "MANUAL"): OPEN,
    ("same", "pass", ""): SILENT,
    ("none", "pass", "FAIL"): UNCOMPARED,
}


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_how_two_verdicts_stand(case: tuple[str, str, str]) -> None:
    assert standing(*case) == [CASES[case]]


def test_a_check_that_judges_once_is_held_against_every_row() -> None:
    told = [Verdict("kms_cmk_rotation_enabled", f"{ARN}{n}", "PASS" if n else "FAIL", "") for n in range(2)]
    found = compare([finding("pass"), finding("fail", "b")], {}, told, [crossing("same", "whole")], [])
    assert [one.standing for one in found.rows] == [AGREES, DISAGREES]
    assert [one.standing for one in compare([finding("pass")], {}, [], [crossing("same", "whole")], []).rows] == [
        SILENT
    ]


def test_resources_are_found_by_arn_by_id_and_by_log_group() -> None:
    table = [Crossing("x", "keys-rotate", "KEY-01", "same", "resource", "")]
    for mine, theirs in {
        "i-0a": "arn:aws:ec2:us-east-1:123456789012:instance/i-0a",
        "/fintech/demo": "arn:aws:logs:us-east-1:123456789012:log-group:/fintech/demo:*",
    }.items():
        rows = compare([finding("pass", mine)], {}, [Verdict("x", theirs, "PASS", "")], table, []).rows
        assert [one.standing for one in rows] == [AGREES]
    rows = compare(
        [finding("pass", "i-0a")], {}, [Verdict("x", "arn:aws:ec2:r:a:instance/i-0ab", "PASS", "")], table, []
    )
    assert [one.standing for one in rows.rows] == [SILENT]


def test_a_disagreement_needs_a_line_and_a_line_a_disagreement() -> None:
    told = [Verdict("kms_cmk_rotation_enabled", ARN, "FAIL", "")]
    line = Disposition("kms_cmk_rotation_enabled", "kms-key:*", "pass", "FAIL", "me", "2026-01-01", "because")
    found = compare([finding("pass")], {"kms-key:one": [ARN]}, told, [crossing("same")], [line])
    assert (found.rows[0].standing, found.rows[0].why, found.idle) == (EXPLAINED, "me, 2026-01-01: because", [])
    for other in (line._replace(theirs="PASS"), line._replace(ours="fail"), line._replace(resource="secret:*")):
        found = compare([finding("pass")], {"kms-key:one": [ARN]}, told, [crossing("same")], [other])
        assert ([one.standing for one in found.rows], found.idle) == ([DISAGREES], [other])
    # Of a check that the peer did not run nothing can be said, its dispositions included.
    assert compare([finding("pass")], {}, [], [crossing("same")], [line]).idle == []


def test_the_table_names_checks_and_properties_that_there_are() -> None:
    table, known = crosswalk(), {one.id: one for one in suite.ALL}
    assert len({one.peer for one in table}) == len(table) > 70
    assert {one.relation for one in table} == {"same", "narrower", "inverted", "none"}
    for one in table:
        assert one.by in ("resource", "whole")
        assert one.rationale
        assert (one.check == "") == (one.relation == "none")
        held = known[one.check].properties if one.check else [each.id for each in PROPERTIES]
        assert one.property in held or (not one.property and not held)


def test_the_table_was_read_from_the_version_that_is_installed() -> None:
    lock = (ROOT / "tests/bundle/peer/prowler.lock").read_text()
    assert f"\nprowler=={VERSION} " in lock
    for place in (ROOT / ".venv/prowler/lib").glob("python*/site-packages/prowler/providers/aws/services"):
        there = {one.parent.name for one in place.glob("*/*/*.metadata.json")}
        assert {one.peer for one in crosswalk()} <= there


def test_the_demo_s_dispositions_are_whole_and_of_the_table(tmp_path: Path) -> None:
    found = dispositions(ROOT / "params" / "demo.peer.tsv")
    assert found
    assert {one.peer for one in found} <= {one.peer for one in crosswalk()}
    assert dispositions(tmp_path / "none.tsv") == []
    for text in ("peer\n", "\t".join(Disposition._fields) + "\na\tb\n",
                 "\t".join(Disposition._fields) + "\na\tb\tc\td\te\tf\t\n"):  # fmt: skip
        (tmp_path / "bad.tsv").write_text(text)
        with pytest.raises(UsageError):
            dispositions(tmp_path / "bad.tsv")


def event(code: str, uid: str, status: str, version: str = VERSION) -> dict[str, object]:
    return {"metadata": {"event_code": code, "product": {"version": version}}, "resources": [{"uid": uid}],
            "status_code": status, "status_detail": "said"}  # fmt: skip


def test_what_another_version_says_is_refused() -> None:
    raw = json.dumps([event("a", "b", "PASS")]).encode()
    assert verdicts(events(raw)) == [Verdict("a", "b", "PASS", "said")]
    for wrong in (b"{", b"[]", b"[1]", json.dumps([event("a", "b", "PASS", "5.45.0")]).encode()):
        with pytest.raises(UsageError):
            events(wrong)


def test_our_checks_are_offered_whole() -> None:
    made = files(suite.ALL)
    assert len(made) == 3 * len(suite.ALL)
    for one in suite.ALL:
        name = name_of(one.id)
        module = ast.parse(made[f"{name}/{name}.py"])
        assert [node.name for node in module.body if isinstance(node, ast.ClassDef)] == [name]
        told = json.loads(made[f"{name}/{name}.metadata.json"])
        assert (told["CheckID"], told["ServiceName"], "-" in name) == (name, "airgap", False)
        assert max(len(told["Description"]), len(told["Risk"]), len(told["CheckTitle"]) + 250) <= 400


@pytest.fixture
def scanned(site: Site, bundle: Path, tmp_path: Path) -> Iterator[Callable[[str], tuple[int, dict[str, Any]]]]:
    """Compares that run with what the peer says of its volumes; afterwards the run is as it was."""
    run, said = bundle.with_suffix(""), tmp_path / "said.json"

    def compared(status: str) -> tuple[int, dict[str, Any]]:
        told = [event("ec2_ebs_default_encryption", "arn:aws:ec2:us-east-1:123456789012:account", status)]
        said.write_text(json.dumps(told))
        done = site("peer", "compare", str(run), str(said), "--json")
        assert (run / "peer" / "prowler.ocsf.json").read_bytes() == said.read_bytes()
        return done.returncode, json.loads(done.stdout)

    yield compared
    for one in (*(run / "peer").glob("*"), run.parent / "peer.json"):
        one.unlink()
    (run / "peer").rmdir()


def test_the_command_line_compares_a_run(scanned: Callable[[str], tuple[int, dict[str, Any]]]) -> None:
    codes = {status: (told[0], told[1]["unexplained"]) for status in ("PASS", "FAIL") if (told := scanned(status))}
    assert codes == {"PASS": (0, 0), "FAIL": (3, 1)}


def test_a_comparison_is_derived_again_from_what_the_peer_wrote(
    scanned: Callable[[str], tuple[int, dict[str, Any]]], bundle: Path
) -> None:
    scanned("FAIL")
    run = bundle.with_suffix("")
    members = dict(Folder(str(run)))
    told, found = derived.faults(Run(members))
    assert (told.endswith("and what Prowler said beside them"), found) == (True, [])
    output, table, explained, comparison = peer.MEMBERS
    for name, old, new in (
        (output, b'"FAIL"', b'"PASS"'),
        (table, b"\tsame\t", b"\tnarrower\t"),
        (comparison, b'"disagrees"', b'"agrees"'),
        (explained, b"2026-", b"2025-"),
    ):
        assert old in members[name]
        faults = derived.faults(Run({**members, name: members[name].replace(old, new)}))[1]
        # Whoever has explained what, and when, is in the comparison only where it explains or is idle.
        assert [(one.code, one.where) for one in faults] == ([(DIFFERENT, comparison)] if name != explained else [])
    for name in peer.MEMBERS:
        faults = derived.faults(Run({key: raw for key, raw in members.items() if key != name}))[1]
        assert [(one.code, one.where) for one in faults] == [(INCOMPLETE, name)]


def test_the_last_comparison_is_kept_beside_the_runs(
    scanned: Callable[[str], tuple[int, dict[str, Any]]], site: Site
) -> None:
    scanned("FAIL")
    kept = json.loads((site.reports / "demo" / "peer.json").read_text())
    assert (kept["unexplained"], kept["world"], kept["peer"]["version"]) == (1, "rehearsal", VERSION)
