"""Reviews of mappings in OSCAL: told with their version, and a rejected mapping supports nothing there either."""

from __future__ import annotations

from typing import Any

from oscal_cases import ACCEPTED, REJECTED, REVIEWS, Members, documents, each, with_reviews

from airgap.controls import by_property
from airgap.evidence.bundle.oscal import CATALOG, RESULTS
from airgap.evidence.bundle.oscal.terms import control_id


def said(document: Any, name: str) -> list[str]:
    """The remarks of every property of this name."""
    return [prop["remarks"] for one in each(document, "props") for prop in one["props"] if prop["name"] == name]


def test_reviews_are_told_with_who_when_and_of_which_version(whole: Members) -> None:
    held = documents(with_reviews(whole, REVIEWS))
    accepted = f"mapping {ACCEPTED.mapping}: accepted by Ada on 2026-11-20;"
    assert any(one.startswith(accepted) for one in said(held[CATALOG], "supports"))
    assert any(one.startswith(accepted) for one in said(held[RESULTS], "supports"))
    assert said(held[CATALOG], "mapping-rejected") == [
        f"mapping {REJECTED.mapping}: rejected by Ada on 2026-11-20, supports nothing: not ours; "
        "id of the requirement: checked"
    ]


def test_a_rejected_mapping_supports_nothing(whole: Members) -> None:
    before, after = documents(whole), documents(with_reviews(whole, REVIEWS))
    for name in (CATALOG, RESULTS):
        assert any(REJECTED.mapping in one for one in said(before[name], "supports"))
        assert not any(REJECTED.mapping in one for one in said(after[name], "supports"))
    assert said(after[RESULTS], "mapping-rejected") == []


def test_a_control_that_only_rejected_mappings_support_was_not_reviewed(whole: Members) -> None:
    every = [one for held in by_property().values() for one in held if one.key()[:2] == ACCEPTED.key()[:2]]
    no = [{**REVIEWS[1], "framework": one.framework, "requirement": one.requirement, "property": one.property,
           "mapping": one.mapping} for one in every]  # fmt: skip

    def controls(members: Members) -> set[str]:
        found = each(documents(members), "include-controls")
        return {one["control-id"] for held in found for one in held["include-controls"]}

    assert control_id(ACCEPTED.requirement) in controls(whole)
    assert control_id(ACCEPTED.requirement) not in controls(with_reviews(whole, no))
