"""Which component needs which VPC endpoint, and what stops without one.

A service is named by the last part of its endpoint service name (`ecr.api`, `s3`). A hard need means that the component
does not work without it; an optional one belongs to a feature that is off by default.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from airgap.errors import UsageError
from airgap.model.component_calls import Calls
from airgap.model.component_table import COMPONENTS, Component, Need

__all__ = [
    "COMPONENTS",
    "GATEWAYS",
    "NO_POLICY",
    "REFERENCE",
    "Calls",
    "Component",
    "Need",
    "component",
    "derive",
    "kind",
    "optional",
    "service_name",
    "stops_without",
    "takes_policy",
]

GATEWAYS = frozenset({"s3", "dynamodb"})

# AWS PrivateLink guide, "Services that integrate"; read VpcEndpointPolicySupported at run time for any other name.
NO_POLICY = frozenset({"acm", "oidc-eks", "route53"})

# IRSA is off where Pod Identity is on, and the runbook works from outside unless it is told to run inside.
REFERENCE = tuple(each.name for each in COMPONENTS if each.name not in ("irsa", "runbook-inside"))

_GLOBAL = frozenset({"iam", "route53", "s3-global.accesspoint"})  # one name without a Region

# Partition -> (prefix, services that carry it), from aws-cdk-lib, aws-ec2/lib/vpc-endpoint.ts; else com.amazonaws.
_CHINA = (
    "autoscaling cloudformation ebs ec2 ecr.api ecr.dkr eks elasticache elasticfilesystem lambda monitoring rds sqs "
    "states sts transcribe transcribestreaming xray"
)
_PREFIXES: dict[str, tuple[str, frozenset[str]]] = {
    "aws-cn": ("cn.com.amazonaws", frozenset(_CHINA.split())),
    "aws-eusc": ("eu.amazonaws", frozenset({"ecr.api", "ecr.dkr", "securityhub"})),
}


def kind(service: str) -> str:
    """`gateway` for the two services that a route table reaches, else `interface`."""
    return "gateway" if service in GATEWAYS else "interface"


def takes_policy(service: str) -> bool:
    """Whether an endpoint policy can narrow this endpoint; otherwise security groups, DNS and IAM alone do."""
    return service not in NO_POLICY


def service_name(service: str, region: str, partition: str = "aws") -> str:
    """The endpoint service name, `com.amazonaws.<region>.<service>` with the exceptions that AWS has."""
    prefix, carried = _PREFIXES.get(partition, ("com.amazonaws", frozenset()))
    prefix = prefix if service in carried else "com.amazonaws"
    if service in _GLOBAL:
        return f"{prefix}.{service}"
    suffix = ".cn" if partition == "aws-cn" and service == "transcribe" else ""
    return f"{prefix}.{region}.{service}{suffix}"


def component(name: str) -> Component:
    """The component of that name; raises UsageError with the known names."""
    for each in COMPONENTS:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in COMPONENTS)
    raise UsageError(f"no component is called {name!r}", action=f"choose among {known}")


def _needs(chosen: Sequence[str], hard: bool) -> Iterator[tuple[str, Need]]:
    """Each need of the chosen components in the table's order, those that depend on another choice only with it."""
    wanted = {component(name).name for name in chosen}
    for each in COMPONENTS:
        for need in each.needs if each.name in wanted else ():
            if need.hard is hard and (not need.when or need.when in wanted):
                yield each.name, need


def _by_service(needs: Iterator[tuple[str, Need]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, need in needs:
        found[need.service] = (*found.get(need.service, ()), name)
    return dict(sorted(found.items()))


def derive(chosen: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Every endpoint that the chosen components cannot do without, with the components that need it."""
    return _by_service(_needs(chosen, hard=True))


def optional(chosen: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Endpoints that only features which are off by default would need, with the components that have them."""
    required = derive(chosen)
    found = _by_service(_needs(chosen, hard=False))
    return {service: names for service, names in found.items() if service not in required}


def stops_without(chosen: Sequence[str], service: str) -> dict[str, str]:
    """The chosen components that stop when this endpoint is missing, each with the reason."""
    return {name: need.reason for name, need in _needs(chosen, hard=True) if need.service == service}
