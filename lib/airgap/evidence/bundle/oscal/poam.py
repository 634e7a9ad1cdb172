"""The plan of action and milestones: an item for each risk that is open, and for each exception of the register."""

from __future__ import annotations

from typing import Optional

from airgap.evidence.bundle.assessed import Assessed, Weakness, weaknesses
from airgap.evidence.bundle.oscal.results import back_matter, item, observations
from airgap.evidence.bundle.oscal.risks import people, props, risk
from airgap.evidence.bundle.oscal.terms import (
    NS,
    Ids,
    Json,
    assets,
    environment,
    metadata,
    text,
    without_empty,
)


def plan_of_action(one: Assessed) -> Optional[Json]:
    """Return the plan of action and milestones of a run, None where it would have no item."""
    ids, weak = Ids(one.run), weaknesses(one)
    if not weak:
        return None
    concerned = {(each.check, each.resource) for own in weak for each in own.findings}
    found = [each for each in one.findings if (each.check, each.resource) in concerned]
    keys = {each.resource for each in found}
    body = {
        "uuid": ids.passing("plan-of-action-and-milestones"),
        "metadata": metadata(one, "Plan of action and milestones", **people(weak, ids)),
        "system-id": {"identifier-type": NS, "id": f"{one.run['account']}/{one.run['region']}/{text(one.run['env'])}"},
        "local-definitions": without_empty({
            "components": [environment(one, ids)],
            "inventory-items": [item(each, ids) for each in one.assets if each.key in keys],
            "assessment-assets": assets(one, ids),
        }),
        "observations": observations(one, found, ids),
        "risks": [risk(each, ids) for each in weak],
        "poam-items": [_item(each, ids) for each in weak],
        "back-matter": back_matter(one, found, ids),
    }  # fmt: skip
    return {"plan-of-action-and-milestones": without_empty(body)}


def _item(one: Weakness, ids: Ids) -> Json:
    return without_empty({
        "uuid": ids.lasting("poam-item", one.key),
        "title": text(one.title),
        "description": text(one.statement),
        "props": list(props(one)),
        "related-observations": [
            {"observation-uuid": ids.passing("observation", each.check, each.resource)} for each in one.findings
        ],
        "related-risks": [{"risk-uuid": ids.lasting("risk", one.key)}],
    })  # fmt: skip
