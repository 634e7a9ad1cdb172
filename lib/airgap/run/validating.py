"""Objects of the cluster that a plan would write, held to the schemas of its version before anything is approved."""

from __future__ import annotations

from collections.abc import Iterable

from airgap.errors import ParamsError
from airgap.kube import schemas
from airgap.model.intent import Intent
from airgap.model.plan import Desired, Plan
from airgap.resources.objects import kind_name

MANIFEST, DEFINITION = "manifest", kind_name("CustomResourceDefinition")
SHOWN = 8


def refuse_invalid(plan: Plan, declared: Iterable[Desired], intent: Intent) -> None:
    """Raise ``ParamsError``, naming objects and places, where the API server would refuse what a plan writes.

    Custom resources are held to the definitions that are declared, whichever step declares them.
    """
    written = plan.resources()
    every = [one for one in declared if MANIFEST in one.fields]
    mine = [one.fields[MANIFEST] for one in every if one.key in written]
    if not mine:
        return
    definitions = [one.fields[MANIFEST] for one in every if one.kind == DEFINITION]
    wrong = list(schemas.refusals(mine, intent.cluster.version, definitions))
    if wrong:
        more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        what = f"Kubernetes {intent.cluster.version} would refuse: {'; '.join(wrong[:SHOWN])}{more}"
        raise ParamsError(what, f"anything of step {plan.step}", "mend the chart or its values, then lock again")
