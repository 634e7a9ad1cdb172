"""Reviews of mappings: of one version each, shown wherever the mapping is, and a rejected one supports nothing."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from airgap import params
from airgap.cli import main
from airgap.controls import FRAMEWORKS, Framework, PropertyVerdict, by_property, reviewed, supports, verdicts
from airgap.controls.review import standing, undecided
from airgap.controls.support import IN_PART, NOT_JUDGED, SUPPORTED
from airgap.model.finding import PASS
from airgap.model.intent import MappingReview

PCI = next(one for one in FRAMEWORKS if one.id == "pci")
PASSED = [PropertyVerdict(one.id, "", PASS, 1, 1, ("a",)) for one in verdicts([])]
"""Verdicts as if every property had been judged in full, and passed."""


def review(requirement: str, name: str, decision: str, note: str = "", mapping: str = "") -> MappingReview:
    """A review of a mapping of PCI DSS, of the version that is shipped unless another is given."""
    shipped = next(one for one in PCI.mappings() if (one.requirement, one.property) == (requirement, name))
    return MappingReview("pci", requirement, name, mapping or shipped.mapping, decision, "Ada", "2026-11-20", note)  # type: ignore[arg-type]


def of(reviews: list[MappingReview], requirement: str) -> dict[str, str]:
    """What the mappings of a requirement say of their review, by property."""
    return {one.property: one.told() for one in reviewed(PCI, reviews) if one.requirement == requirement}


def test_a_review_says_who_decided_what_and_when() -> None:
    assert of([], "1.2.8") == {"NET-06": "proposed"}
    assert of([review("1.2.8", "NET-06", "accepted", "with our QSA")], "1.2.8") == {
        "NET-06": "accepted by Ada on 2026-11-20: with our QSA"
    }
    assert of([review("1.2.8", "NET-06", "rejected", "we have a firewall")], "1.2.8") == {
        "NET-06": "rejected by Ada on 2026-11-20, supports nothing: we have a firewall"
    }
    changed = next(one for one in reviewed(PCI, [review("1.2.8", "NET-06", "changed", "Our own reason.")])
                   if one.requirement == "1.2.8")  # fmt: skip
    assert (changed.rationale, changed.told()) == ("Our own reason.", "changed by Ada on 2026-11-20")


def status(requirement: str, *reviews: MappingReview, judged: Sequence[PropertyVerdict] = ()) -> str:
    """What the evidence says of a requirement of PCI DSS."""
    return {one.requirement.id: one.status for one in supports(PCI, judged or PASSED, reviews)}[requirement]


def test_a_rejected_mapping_supports_nothing_and_stays_in_sight() -> None:
    assert status("1.2.8") == SUPPORTED
    assert status("1.2.8", review("1.2.8", "NET-06", "accepted")) == SUPPORTED
    no = review("1.2.8", "NET-06", "rejected", "no")
    assert status("1.2.8", no) == NOT_JUDGED
    shown = next(one for one in supports(PCI, PASSED, [no]) if one.requirement.id == "1.2.8")
    assert [(mapped.property, verdict.status) for mapped, verdict in shown.mappings] == [("NET-06", PASS)]


def test_a_rejected_mapping_neither_helps_nor_holds_others_back() -> None:
    silent = [dataclasses.replace(one, population=0, judged=0, status="not_applicable") if one.id == "NET-13" else one
              for one in PASSED]  # fmt: skip
    assert status("11.4.5", judged=silent) == IN_PART
    assert status("11.4.5", review("11.4.5", "NET-13", "rejected", "no"), judged=silent) == SUPPORTED


@pytest.mark.parametrize(
    "changed",
    [
        {"version": "5.0"},
        {"asks": {**PCI.asks, "1.2.8": "that something else is so"}},
        {"because": {("NET-06", "1.2.8"): "For another reason than the one that was reviewed."}},
        {"source": "https://example.com/"},
    ],
    ids=lambda one: next(iter(one)),
)
def test_a_mapping_that_changed_since_its_review_is_proposed_again(changed: dict[str, object]) -> None:
    later: Framework = dataclasses.replace(PCI, **changed)  # type: ignore[arg-type]
    for decision in ("accepted", "rejected", "changed"):
        one = next(each for each in reviewed(later, [review("1.2.8", "NET-06", decision, "why")])
                   if each.requirement == "1.2.8")  # fmt: skip
        assert one.review == "proposed"
        assert one.stands()
        assert one.rationale == next(each.rationale for each in later.mappings() if each.requirement == "1.2.8")
        assert one.told().startswith(f"proposed again: Ada {decision} version ")


def test_every_mapping_has_a_version_of_its_own() -> None:
    every = [one for held in by_property().values() for one in held]
    assert len(every) == sum(len(one.mappings()) for one in FRAMEWORKS) > 600
    assert len({one.mapping for one in every}) == len(every)


def test_what_is_left_to_review_is_counted() -> None:
    assert standing(PCI.mappings()) == "every mapping is proposed"
    some = [review("1.2.8", "NET-06", "accepted"), review("1.4.2", "NET-07", "rejected", "no")]
    count = len(PCI.mappings())
    assert standing(reviewed(PCI, some)) == f"{count} mappings: 1 accepted, {count - 2} proposed, 1 rejected"


def test_the_command_prints_entries_that_the_params_take(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["params", "reviews", "--env", "demo", "--framework", "nydfs"])
    assert ended.value.code == 0
    entries = yaml.safe_load(capsys.readouterr().out)["reviews"]
    filled = [{**one, "decision": "accepted", "reviewer": "Ada", "date": "2026-11-20"} for one in entries]
    path = tmp_path / "demo.yaml"
    path.write_text((params.project_root() / "params" / "demo.yaml").read_text() + yaml.safe_dump({"reviews": filled}))
    register = params.load(str(path)).reviews
    nydfs = next(one for one in FRAMEWORKS if one.id == "nydfs")
    assert {one.review for one in reviewed(nydfs, register)} == {"accepted"}
    assert undecided(reviewed(nydfs, register)) == []
    with pytest.raises(SystemExit):
        main(["params", "reviews", "--env", str(path), "--framework", "nydfs", "--json"])
    assert json.loads(capsys.readouterr().out)["undecided"] == []
