"""The catalog of properties: what is judged, part by part, and which requirements each supports.

A plan could define objectives itself; but NIST's constraints on local objectives contradict each other (1.2.3:
``oscal-assessment-objects-cardinality`` asks for parts that ``oscal-assesment-part-objective-cardinality`` forbids).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from airgap.controls import Mapped
from airgap.controls.properties import Property
from airgap.evidence.bundle.assessed import Assessed
from airgap.evidence.bundle.oscal.terms import (
    Ids,
    Json,
    Mappings,
    in_scope,
    metadata,
    supports,
    text,
    token,
    without_empty,
)


def catalog(one: Assessed) -> Json:
    """Return the properties that a run looks at, as controls in groups, each part an objective of its own."""
    groups: dict[str, list[Property]] = {}
    for each in in_scope(one.planned):
        groups.setdefault(each.id.partition("-")[0], []).append(each)
    body = {
        "uuid": Ids(one.run).passing("catalog"),
        "metadata": metadata(one, "Properties"),
        "groups": [_group(name, held, one.mappings) for name, held in groups.items()],
    }
    return {"catalog": without_empty(body)}


def objective_id(name: str, part: int = 0) -> str:
    """Return the id of the objective that a property is, or of one of its parts, counted from 1."""
    return f"{token(name)}_obj.{part}" if part else f"{token(name)}_obj"


def objective_ids(properties: Iterable[Property]) -> list[str]:
    """Return the ids of the objectives that these properties are."""
    return [objective_id(one.id) for one in properties]


def _group(name: str, held: Iterable[Property], mappings: Mappings) -> Mapping[str, object]:
    return {"id": f"group-{token(name)}", "title": name, "controls": [_control(one, mappings[one.id]) for one in held]}


def _control(one: Property, mapped: Iterable[Mapped]) -> Json:
    aims = [
        {"id": objective_id(one.id, number), "name": "assessment-objective",
         "prose": f"{text(part.what)}. Decided by: {text(', '.join(part.checks) or part.by)}"}
        for number, part in enumerate(one.parts, 1)
    ]  # fmt: skip
    return without_empty({
        "id": token(one.id),
        "title": f"{one.id}: {text(one.title)}",
        "props": list(supports(mapped)),
        "parts": [
            {"id": f"{token(one.id)}_smt", "name": "statement", "prose": text(one.title)},
            without_empty({"id": objective_id(one.id), "name": "assessment-objective",
                           "prose": f"Evidence: {text(one.evidence)}", "parts": aims}),
        ],
    })  # fmt: skip
