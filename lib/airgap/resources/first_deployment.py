"""The first deployment: the application's release, and its pods bound to the runbook's target group.

The namespace, its network policies and its Pod Security stand since step ``controllers``; the Secret that the pods
read since step ``secrets``; load balancer and target group since step ``edge``.
AWS Load Balancer Controller, "TargetGroupBinding".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired
from airgap.resources.controllers import TEMPLATE, released
from airgap.resources.kind import Declaration, declares
from airgap.resources.objects import OBJECTS
from airgap.resources.releases import APPLICATION
from airgap.resources.repositories import LOCK

_KINDS = ("ServiceAccount", "Service", "PodDisruptionBudget", "Deployment", "TargetGroupBinding")


@declares(*(OBJECTS[one] for one in _KINDS), reads=(TEMPLATE, LOCK))
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the objects of the application's release; nothing where the params name no application."""
    if not intent.images.application:
        return
    for one in released(APPLICATION, (), intent, facts):
        yield replace(one, why=f"{one.why}: the first deployment")


FIRST_DEPLOYMENT: tuple[Declaration, ...] = (declare,)
