"""What follows from the params without any AWS access: endpoints and their cost, the removal test, IAM policies."""

from __future__ import annotations

from typing import Any

from airgap import params
from airgap.cloud.queries import QUERIES
from airgap.errors import UsageError
from airgap.model import prices
from airgap.model.components import kind, service_name, stops_without, takes_policy
from airgap.model.derived import endpoint_services
from airgap.resources.least_privilege import policies
from airgap.run.surveying import ALL_KINDS


def endpoint_table(env: str) -> dict[str, Any]:
    """Return the endpoints of an environment, who needs each, and an estimate of what they cost a month in USD."""
    intent = params.load(env)
    month = len(intent.zones) * prices.HOURLY["interface endpoint"] * prices.HOURS
    rows: list[dict[str, Any]] = [
        {
            "service": service,
            "service_name": service_name(service, intent.region, intent.partition),
            "kind": kind(service),
            "needed_by": list(who),
            "policy": takes_policy(service),
            "zones": list(intent.zones) if kind(service) == "interface" else [],
            "monthly_usd": round(month, 2) if kind(service) == "interface" else 0.0,
        }
        for service, who in endpoint_services(intent).items()
    ]
    total = sum(row["monthly_usd"] for row in rows)
    return {"env": env, "endpoints": rows, "monthly_usd": round(total, 2), "prices": prices.ESTIMATE}


def removal(env: str, service: str) -> dict[str, Any]:
    """Return which components stop, and why, when one endpoint is missing."""
    intent = params.load(env)
    known = endpoint_services(intent)
    if service not in known:
        raise UsageError(f"{env} has no endpoint {service!r}", "anything", f"endpoints: {', '.join(known)}")
    stops = stops_without(intent.components, service)
    return {"env": env, "without": service, "stops": [{"component": one, "reason": why} for one, why in stops.items()]}


def iam_policies(env: str, role: str) -> dict[str, Any]:
    """Return the IAM policies of a role of the runbook's own, by name."""
    return policies(role, params.load(env), ALL_KINDS, QUERIES)
