"""Which checks judge which step: the tuples that the table of steps names."""

from __future__ import annotations

from airgap.checks import (
    acls,
    addresses,
    alarms,
    assets,
    backups,
    balancers,
    block_public_access,
    buckets,
    caches,
    caller,
    certificates,
    change,
    cluster,
    cluster_access,
    cluster_addons,
    cluster_host,
    cluster_nodes,
    cluster_secrets,
    connections,
    databases,
    deployment,
    drills,
    endpoint_policies,
    endpoints,
    evidence,
    external_secrets,
    functions,
    gateways,
    groups,
    inference,
    inventory,
    keys,
    live,
    names,
    peers,
    pipeline,
    pipeline_builds,
    preflight,
    probes,
    proof,
    records,
    refusals,
    registry,
    resolver,
    role_tasks,
    roles,
    routes,
    running,
    secrets,
    surroundings,
    tables,
    transcription,
    vectors,
    volumes,
    web_acls,
    writes,
)
from airgap.checks.check import Check

PREFLIGHT: tuple[Check, ...] = (
    *preflight.CHECKS, *surroundings.CHECKS, *refusals.CHECKS, caller.session, caller.lasts,
)  # fmt: skip
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
    *alarms.CHECKS,
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

DATA: tuple[Check, ...] = (
    *databases.CHECKS,
    *backups.CHECKS,
    *caches.CHECKS,
    *tables.CHECKS,
    *vectors.CHECKS,
    *drills.CHECKS,
    *change.CHECKS,
)
# All groups of the VPC are the attestation's: while this step runs, EKS makes one, open, that step cluster then closes.
"""Databases, caches and tables: sealed, encrypted, recoverable."""

SECRETS: tuple[Check, ...] = (
    *secrets.CHECKS,
    *functions.CHECKS,
    *external_secrets.CHECKS,
    groups.egress,
    groups.ingress,
    *change.CHECKS,
)
"""The database's secret, the functions, and what is mirrored into the cluster."""

IMAGES: tuple[Check, ...] = (*registry.CHECKS, *change.CHECKS)
"""The environment's own registry, and what is in it."""

CONTROLLERS: tuple[Check, ...] = (*running.CHECKS, *cluster_secrets.CHECKS, *change.CHECKS)
"""What runs in the cluster, what it is walled in by, and who can read its Secrets."""

EDGE: tuple[Check, ...] = (
    *balancers.CHECKS,
    *web_acls.CHECKS,
    *certificates.CHECKS,
    groups.egress,
    groups.ingress,
    *change.CHECKS,
)
"""The only entrance: load balancer, web ACL and certificate."""

PIPELINE: tuple[Check, ...] = (
    *pipeline.CHECKS,
    *pipeline_builds.CHECKS,
    role_tasks.runner,
    cluster_nodes.instances_safe,
    groups.egress,
    groups.ingress,
    *change.CHECKS,
)
"""The way in for releases: the runner, or builds, and what they run."""

AI: tuple[Check, ...] = (*inference.CHECKS, *transcription.CHECKS, *change.CHECKS)
"""The models, the guardrail before them, the log of what they were asked, and where transcripts go."""

FIRST_DEPLOYMENT: tuple[Check, ...] = (*deployment.CHECKS, *change.CHECKS)
"""The chain from the registry to live traffic."""

ATTEST: tuple[Check, ...] = (
    caller.separate,
    *writes.CHECKS,
    *inventory.CHECKS,
    *assets.CHECKS,
    *evidence.CHECKS,
    *live.CHECKS,
    *peers.CHECKS,
    *probes.CHECKS,
    *proof.CHECKS,
)
"""What only the attestation judges; it judges every other step's checks again."""

BY_STEP: dict[str, tuple[Check, ...]] = {
    "preflight": PREFLIGHT,
    "identity": IDENTITY,
    "network": NETWORK,
    "endpoints": ENDPOINTS,
    "cluster": CLUSTER,
    "images": IMAGES,
    "controllers": CONTROLLERS,
    "data": DATA,
    "secrets": SECRETS,
    "edge": EDGE,
    "pipeline": PIPELINE,
    "ai": AI,
    "first_deployment": FIRST_DEPLOYMENT,
    "attest": ATTEST,
}
"""Step -> its own checks."""
ALL: tuple[Check, ...] = tuple({one.id: one for checks in BY_STEP.values() for one in checks}.values())
"""Every check, once."""


def of_step(name: str) -> tuple[Check, ...]:
    """Return the checks that judge a step; the attestation judges every step's again."""
    return ALL if name == "attest" else BY_STEP.get(name, ())
