"""The assessment results: one observation per finding of the run, one finding per part of a property that was decided.

What is unknown or was not tested has observations and no finding: nothing turns satisfied because nobody looked. A
waived fact is not satisfied; its risk says that the deviation was approved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Optional

from airgap.controls import Mapped
from airgap.controls.properties import Property
from airgap.evidence.bundle.assessed import SEEN, Assessed, Asset, Weakness, named, weaknesses
from airgap.evidence.bundle.oscal.catalog import objective_id
from airgap.evidence.bundle.oscal.risks import people, risk
from airgap.evidence.bundle.oscal.terms import (
    Ids,
    Json,
    assets,
    environment,
    in_scope,
    metadata,
    origins,
    prop,
    resource,
    selected,
    supports,
    text,
    without_empty,
)
from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS, UNKNOWN, WAIVED, Finding

PLAN_FILE = "assessment-plan.json"
STATES = {FAIL: ("not-satisfied", "fail"), WAIVED: ("not-satisfied", "other"), PASS: ("satisfied", "pass")}
"""Status of a part -> OSCAL's state and reason; what is not here has no finding."""


class Aim(NamedTuple):
    """One part of a property, or what its findings say beside its parts."""

    of: Property
    id: str
    what: str
    by: str
    findings: tuple[Finding, ...]

    @property
    def status(self) -> str:
        """The worst that was found; not applicable where nothing was decided."""
        held = {one.status for one in self.findings}
        return next((one for one in (FAIL, UNKNOWN, WAIVED, PASS) if one in held), NOT_APPLICABLE)


def assessment_results(one: Assessed) -> Json:
    """Return the assessment results of a run."""
    ids = Ids(one.run)
    aims = [each for own in in_scope(one.planned) for each in aims_of(own, one.findings)]
    weak = weaknesses(one)
    result = {
        "uuid": ids.passing("result"),
        "title": f"Run {text(one.run['run_id'])}",
        "description": _said(one),
        "start": one.run["started"],
        "end": one.run["ended"],
        "props": [prop("verdict", one.run["verdict"] or "none")],
        "local-definitions": {
            "components": [environment(one, ids)],
            "inventory-items": [item(each, ids) for each in one.assets],
            "assessment-assets": assets(one, ids),
        },
        "reviewed-controls": selected((each.id for each in in_scope(one.planned)), one.mappings),
        "observations": [*observations(one, one.findings, ids), *_not_assessed(one, aims, ids)],
        "risks": [risk(each, ids) for each in weak if each.findings],
        "findings": [each for aim in aims for each in _finding(aim, weak, one.mappings[aim.of.id], ids)],
    }
    result["local-definitions"] = without_empty(result["local-definitions"])
    body = {
        "uuid": ids.passing("assessment-results"),
        "metadata": metadata(one, "Assessment results", **people(weak, ids)),
        "import-ap": {"href": PLAN_FILE},
        "results": [without_empty(result)],
        "back-matter": back_matter(one, one.findings, ids),
    }
    return {"assessment-results": without_empty(body)}


def aims_of(one: Property, findings: Iterable[Finding]) -> list[Aim]:
    """Return the parts of a property with their findings, and a last one for findings that no part knows."""
    own = [each for each in findings if one.id in each.properties]
    aims = [
        Aim(one, objective_id(one.id, number), part.what, part.by,
            tuple(each for each in findings if each.check in part.checks))
        for number, part in enumerate(one.parts, 1)
    ]  # fmt: skip
    known = {check for part in one.parts for check in part.checks}
    rest = tuple(each for each in own if each.check not in known)
    return [*aims, *([Aim(one, objective_id(one.id), one.title, "", rest)] if rest else [])]


def _said(one: Assessed) -> str:
    if not one.findings:
        return "Nothing was judged in this run."
    counts = {status: sum(each.status == status for each in one.findings)
              for status in (PASS, FAIL, UNKNOWN, WAIVED, NOT_APPLICABLE)}  # fmt: skip
    told = ", ".join(f"{number} {status.replace('_', ' ')}" for status, number in counts.items() if number)
    return f"{len(one.findings)} judgements of {len({each.check for each in one.findings})} checks: {told}."


def observation_id(one: Finding, ids: Ids) -> str:
    """Return the id of the observation that a finding is."""
    return ids.passing("observation", one.check, one.resource)


def observations(one: Assessed, findings: Iterable[Finding], ids: Ids) -> list[Json]:
    """Return one observation per finding, with its own status and the pages that it rests on."""
    known = {each.key: each for each in one.assets}
    return [_observation(one, each, known.get(each.resource), ids) for each in findings]


def _observation(one: Assessed, finding: Finding, asset: Optional[Asset], ids: Ids) -> Json:
    pages = [page for page in finding.observations if page in one.pages]
    methods = sorted({one.pages[page].method for page in pages}) or ["EXAMINE"]
    subject = (
        {"subject-uuid": item_id(asset, ids), "type": "inventory-item"} if asset
        else {"subject-uuid": ids.lasting("environment"), "type": "component"}
    )  # fmt: skip
    return without_empty({
        "uuid": observation_id(finding, ids),
        "title": text(finding.title),
        "description": text(finding.message),
        "props": [
            prop("check", finding.check),
            prop("status", finding.status),
            prop("severity", finding.severity),
            prop("resource", finding.resource),
            *(prop("property", name) for name in finding.properties),
            *([prop("waiver", finding.waiver)] if finding.waiver else []),
        ],
        "methods": methods,
        "types": ["control-objective"],
        "origins": origins(ids),
        "subjects": [{**subject, "title": text(finding.resource)}],
        "relevant-evidence": [
            {"href": f"#{ids.passing('resource', f'observations/{page}.json')}", "description": one.pages[page].call}
            for page in pages
        ],
        "collected": one.collected(finding),
        "remarks": text(finding.remedy) if finding.remedy else "",
    })  # fmt: skip


def _not_assessed(one: Assessed, aims: Iterable[Aim], ids: Ids) -> Iterator[Json]:
    """Yield, for each part that nothing decided, an observation that says so and why."""
    for aim in aims:
        if aim.status != NOT_APPLICABLE:
            continue
        why = named(aim.findings) if aim.findings else f"for {aim.by} to decide"
        yield {
            "uuid": ids.passing("not-assessed", aim.id),
            "title": f"Not assessed: {text(aim.what)}",
            "description": text(why),
            "props": [prop("verdict", "not-assessed"), prop("property", aim.of.id), prop("objective", aim.id)],
            "methods": ["UNKNOWN"],
            "origins": origins(ids),
            "collected": one.run["ended"],
        }


def _finding(aim: Aim, weak: Sequence[Weakness], mapped: Iterable[Mapped], ids: Ids) -> Iterator[Json]:
    if aim.status not in STATES:
        return
    state, reason = STATES[aim.status]
    decided = [each for each in aim.findings if each.status != NOT_APPLICABLE]
    waived = [each for each in decided if each.status == WAIVED]
    open_ = {(each.check, each.resource) for each in decided if each.status in (FAIL, WAIVED)}
    risks = [each for each in weak if any((own.check, own.resource) in open_ for own in each.findings)]
    yield without_empty({
        "uuid": ids.passing("finding", aim.id),
        "title": f"{aim.of.id}: {text(aim.what)}",
        "description": f"{len(decided)} judged; {_worst(aim, decided)}",
        "props": [prop("property", aim.of.id), *supports(each for each in mapped if each.stands())],
        "origins": origins(ids),
        "target": without_empty({
            "type": "objective-id",
            "target-id": aim.id,
            "status": {"state": state, "reason": reason},
            "remarks": f"Waived: {text(named(waived))}" if waived and state == "not-satisfied" else "",
        }),
        "related-observations": [{"observation-uuid": observation_id(each, ids)} for each in decided],
        "related-risks": [{"risk-uuid": ids.lasting("risk", each.key)} for each in risks],
    })  # fmt: skip


def _worst(aim: Aim, decided: Sequence[Finding]) -> str:
    if aim.status == PASS:
        return "each holds"
    return text(named([each for each in decided if each.status == aim.status]))


def item_id(one: Asset, ids: Ids) -> str:
    """Return the id of an inventory item; one key may stand for several ARNs."""
    return ids.lasting("item", one.key, one.arn)


def item(one: Asset, ids: Ids) -> Json:
    """Return a resource of the inventory."""
    told = {
        "owner": one.owner, "location": one.location, "classification": one.classification, "rto": one.rto,
        "rpo": one.rpo, "supported-until": one.supported_until,
        "arn": one.arn, "adopted": one.adopted, "step": one.step,
        "declared": "yes" if one.declared else "no", "seen-by-tagging-api": one.seen,
    }  # fmt: skip
    own = [{"name": "asset-id", "value": text(one.key)}, {"name": "asset-tag", "value": text(one.kind)}]
    return {
        "uuid": item_id(one, ids),
        "description": text(one.key) + ("" if one.seen == SEEN else f" (tagging API: {one.seen})"),
        "props": [*own, *(prop(name, value) for name, value in told.items() if value)],
        "implemented-components": [{"component-uuid": ids.lasting("environment")}],
    }


def back_matter(one: Assessed, findings: Iterable[Finding], ids: Ids) -> Json:
    """Return the pages that these findings cite, each with its digest and where it came from."""
    pages = sorted({page for each in findings for page in each.observations if page in one.pages})
    return without_empty({"resources": [_page(one, page, ids) for page in pages]})


def _page(one: Assessed, page: str, ids: Ids) -> Json:
    seen = one.pages[page]
    told = {"call": seen.call, "account": seen.account, "region": seen.region, "time": seen.time,
            "request-id": seen.request_id}  # fmt: skip
    props = [{"name": "type", "value": "raw-data"}, *(prop(name, value) for name, value in told.items() if value)]
    return resource(ids, f"observations/{page}.json", f"{seen.call} in {seen.region}", page, props)
