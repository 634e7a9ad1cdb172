"""Objects of the cluster that a plan would write, held to the schemas of its version before anything is approved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airgap.errors import ParamsError
from airgap.kube import schemas
from airgap.model.intent import Intent
from airgap.model.manifests import mistakes
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
    wrong = [*schemas.refusals(mine, intent.cluster.version, definitions), *_missed(mine)]
    if wrong:
        more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        what = f"Kubernetes {intent.cluster.version} would refuse: {'; '.join(wrong[:SHOWN])}{more}"
        raise ParamsError(what, f"anything of step {plan.step}", "mend the chart or its values, then lock again")


def _missed(manifests: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what schemas miss and the API server does not."""
    for one in manifests:
        yield from (f"{one.get('kind')} {one['metadata'].get('name')}: {mistake}" for mistake in mistakes(one))
