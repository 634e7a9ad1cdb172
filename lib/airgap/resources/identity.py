"""Step ``identity``: service-linked roles first, then roles, then keys that name them, then encryption at large."""

from __future__ import annotations

from collections.abc import Iterator

from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired
from airgap.resources import volumes
from airgap.resources.keys import declare_keys
from airgap.resources.kind import declares
from airgap.resources.rights import platform_roles, push_policy
from airgap.resources.roles import ROLE_KINDS, ROLE_POLICY, SERVICE_LINKED_ROLE, declare_role
from airgap.resources.workloads import pod_identity_trust, workload_roles

__all__ = [
    "IDENTITY",
    "ROLE_POLICY",
    "declare_keys",
    "declare_roles",
    "declare_service_linked_roles",
    "push_policy",
]

SERVICES = ("autoscaling", "eks", "eks-nodegroup", "elasticache", "elasticloadbalancing", "rds")


@declares(SERVICE_LINKED_ROLE)
def declare_service_linked_roles(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the service-linked roles; a key policy that names one fails where it does not exist yet."""
    for service in SERVICES:
        path = {"path": f"/aws-service-role/{service}.amazonaws.com/"}
        why = "the service acts in the account as it; there is one, whoever uses it"
        yield Desired("service-linked-role", service, path, why=why, label="account-wide")


@declares(*ROLE_KINDS)
def declare_roles(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the platform's roles and, with Pod Identity, one role for each service account."""
    for role in platform_roles(intent):
        yield from declare_role(intent, role)
    if intent.cluster.workload_identity == "pod-identity":
        for role in workload_roles(intent, lambda one: pod_identity_trust(intent, one)):
            yield from declare_role(intent, role)


IDENTITY = (declare_service_linked_roles, declare_roles, declare_keys, volumes.declare)
