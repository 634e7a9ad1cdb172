"""Which checks judge which step: the tuples that the table of steps names."""

from __future__ import annotations

from airgap.checks import (
    acls,
    addresses,
    block_public_access,
    buckets,
    caller,
    change,
    connections,
    endpoint_policies,
    endpoints,
    evidence,
    gateways,
    groups,
    keys,
    live,
    names,
    preflight,
    records,
    resolver,
    role_tasks,
    roles,
    routes,
    secrets,
    surroundings,
)
from airgap.checks.check import Check

PREFLIGHT: tuple[Check, ...] = (*preflight.CHECKS, *surroundings.CHECKS, caller.session)
"""Judged before the first write."""

IDENTITY: tuple[Check, ...] = (
    *roles.CHECKS,
    *role_tasks.CHECKS,
    caller.session,
    caller.perimeter,
    *keys.CHECKS,
    *change.CHECKS,
)
"""Roles and keys."""

NETWORK: tuple[Check, ...] = (
    *gateways.CHECKS,
    *addresses.CHECKS,
    *routes.CHECKS,
    *groups.CHECKS,
    *acls.CHECKS,
    *block_public_access.CHECKS,
    *names.CHECKS,
    *resolver.CHECKS,
    *connections.CHECKS,
    *records.CHECKS,
    *buckets.CHECKS,
    *change.CHECKS,
)
"""The VPC without a way out, and what records it."""

ENDPOINTS: tuple[Check, ...] = (*endpoints.CHECKS, *endpoint_policies.CHECKS, role_tasks.deploy, *change.CHECKS)
"""The only doors."""

ATTEST: tuple[Check, ...] = (caller.separate, *secrets.CHECKS, *evidence.CHECKS, *live.CHECKS)
"""What only the attestation judges; it judges every other step's checks again."""

ALL: tuple[Check, ...] = tuple({one.id: one for one in (*PREFLIGHT, *IDENTITY, *NETWORK, *ENDPOINTS, *ATTEST)}.values())
"""Every check, once."""
