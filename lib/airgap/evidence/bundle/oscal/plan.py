"""The assessment plan: which properties are looked at by which checks, and the controls that they support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airgap.checks import suite
from airgap.checks.check import Check
from airgap.evidence.bundle.assessed import Assessed
from airgap.evidence.bundle.oscal.catalog import objective_ids
from airgap.evidence.bundle.oscal.terms import (
    Ids,
    Json,
    Mappings,
    assets,
    controls_of,
    environment,
    in_scope,
    metadata,
    prop,
    resource,
    selected,
    text,
    without_empty,
)

INTENT = "intent.json"


def assessment_plan(one: Assessed, members: Mapping[str, str]) -> Json:
    """Return the assessment plan of a run: of the steps that it had, every check."""
    ids = Ids(one.run)
    steps = {str(each["name"]): suite.of_step(str(each["name"])) for each in one.run["steps"]}
    checks = {each.id: each for held in steps.values() for each in held}
    aims = in_scope(one.planned)
    source = resource(ids, INTENT, "The environment as declared", members[INTENT])
    body = {
        "uuid": ids.passing("assessment-plan"),
        "metadata": metadata(one, "Assessment plan"),
        "import-ssp": {
            "href": f"#{source['uuid']}",
            "remarks": "The declared params stand in for a system security plan, which is the institution's to write.",
        },
        "local-definitions": without_empty({
            "components": [environment(one, ids)],
            "activities": [_activity(each, ids, one.mappings) for _, each in sorted(checks.items())],
        }),
        "reviewed-controls": selected((each.id for each in aims), one.mappings, objective_ids(aims)),
        "assessment-subjects": [_subject(ids)],
        "assessment-assets": assets(one, ids),
        "tasks": [_task(each, steps[str(each["name"])], ids) for each in one.run["steps"]],
        "back-matter": {"resources": [source]},
    }  # fmt: skip
    return {"assessment-plan": without_empty(body)}


def _activity(one: Check, ids: Ids, mappings: Mappings) -> Json:
    return without_empty({
        "uuid": ids.lasting("activity", one.id),
        "title": text(one.id),
        "description": text(one.title),
        "props": [
            {"name": "method", "value": "EXAMINE"},
            prop("severity", one.severity),
            *(prop("property", name) for name in one.properties),
            *(prop("reads", call) for call in one.reads),
        ],
        "related-controls": selected(one.properties, mappings) if controls_of(one.properties, mappings) else None,
    })  # fmt: skip


def _task(step: Mapping[str, object], checks: Sequence[Check], ids: Ids) -> Json:
    done = [{"activity-uuid": ids.lasting("activity", one.id), "subjects": [_subject(ids)]} for one in checks]
    return without_empty({
        "uuid": ids.lasting("task", str(step["name"])),
        "type": "action",
        "title": text(step["title"]),
        "associated-activities": done,
    })  # fmt: skip


def _subject(ids: Ids) -> Json:
    whole = {"subject-uuid": ids.lasting("environment"), "type": "component"}
    return {"type": "component", "include-subjects": [whole]}
