"""OSCAL 1.2: catalog of properties, assessment plan, assessment results, plan of action and milestones.

All is derived from what a run left (NIST, Open Security Controls Assessment Language, 1.2.3,
https://pages.nist.gov/OSCAL/). Nothing in it is random or taken from a clock: ids are of version 5 (RFC 9562), over
the run's head where they name what this run saw, over account and environment where they name what lives longer.
"""

from __future__ import annotations

from typing import Any

from airgap.evidence.bundle.assessed import Assessed
from airgap.evidence.bundle.oscal.catalog import catalog
from airgap.evidence.bundle.oscal.plan import assessment_plan
from airgap.evidence.bundle.oscal.poam import plan_of_action
from airgap.evidence.bundle.oscal.results import assessment_results

CATALOG, PLAN, RESULTS, POAM = (
    "oscal/catalog.json",
    "oscal/assessment-plan.json",
    "oscal/assessment-results.json",
    "oscal/poam.json",
)
NAMES = (CATALOG, PLAN, RESULTS, POAM)


def documents(one: Assessed, members: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return the documents by member; ``members`` has the SHA-256 of what they refer to beside pages.

    There is no plan of action where nothing is open and no exception is registered: OSCAL has no empty one.
    """
    made = {CATALOG: catalog(one), PLAN: assessment_plan(one, members), RESULTS: assessment_results(one)}
    actions = plan_of_action(one)
    return {**made, POAM: actions} if actions else made
