"""Which checks judge which step: the tuples that the table of steps names."""

from __future__ import annotations

from airgap.checks import (
    acls,
    addresses,
    block_public_access,
    buckets,
    caller,
    change,
    cluster,
    cluster_access,
    cluster_addons,
    cluster_host,
    cluster_nodes,
    cluster_secrets,
    connections,
    endpoint_policies,
    endpoints,
    evidence,
    gateways,
    groups,
    inventory,
    keys,
    live,
    names,
    preflight,
    records,
    registry,
    resolver,
    role_tasks,
    roles,
    routes,
    running,
    secrets,
    surroundings,
    volumes,
    writes,
)
from airgap.checks.check import Check

PREFLIGHT: tuple[Check, ...] = (*preflight.CHECKS, *surroundings.CHECKS, caller.session, caller.lasts)
"""Judged before the first write."""

IDENTITY: tuple[Check, ...] = (
    *roles.CHECKS,
    *role_tasks.CHECKS,
    caller.session,
    caller.perimeter,
    *keys.CHECKS,
    volumes.by_default,
    *change.CHECKS,
)
"""Roles, keys, and encryption by default."""

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
    volumes.encrypted,
    *change.CHECKS,
)
"""The VPC without a way out, and what records it."""

ENDPOINTS: tuple[Check, ...] = (*endpoints.CHECKS, *endpoint_policies.CHECKS, role_tasks.deploy, *change.CHECKS)
"""The only doors."""

CLUSTER: tuple[Check, ...] = (
    *cluster.CHECKS,
    *cluster_access.CHECKS,
    *cluster_nodes.CHECKS,
    *cluster_addons.CHECKS,
    *cluster_host.CHECKS,
    groups.egress,
    groups.ingress,
    roles.pods_bound,
    volumes.encrypted,
    *change.CHECKS,
)
"""The cluster, private and closed, with its nodes, add-ons and operations host."""

IMAGES: tuple[Check, ...] = (*registry.CHECKS, *change.CHECKS)
"""The environment's own registry, and what is in it."""

CONTROLLERS: tuple[Check, ...] = (*running.CHECKS, *cluster_secrets.CHECKS, *change.CHECKS)
"""What runs in the cluster, what it is walled in by, and who can read its Secrets."""

ATTEST: tuple[Check, ...] = (
    caller.separate,
    *secrets.CHECKS,
    *writes.CHECKS,
    *inventory.CHECKS,
    *evidence.CHECKS,
    *live.CHECKS,
)
"""What only the attestation judges; it judges every other step's checks again."""

_EVERY = (*PREFLIGHT, *IDENTITY, *NETWORK, *ENDPOINTS, *CLUSTER, *IMAGES, *CONTROLLERS, *ATTEST)
ALL: tuple[Check, ...] = tuple({one.id: one for one in _EVERY}.values())
"""Every check, once."""
