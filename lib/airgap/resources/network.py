"""Step ``network``, in order: what a kind further down refers to stands above it, and goes after it in a destroy."""

from __future__ import annotations

from airgap.resources import (
    acl,
    analysis,
    buckets,
    dns_firewall,
    gateways,
    logs,
    public_access,
    routing,
    security_groups,
    trail,
    vpc,
)
from airgap.resources.kind import Declaration

NETWORK: tuple[Declaration, ...] = (
    buckets.declare,
    trail.declare,
    logs.declare_groups,
    vpc.declare,
    acl.declare,
    vpc.declare_subnets,
    acl.associate,
    gateways.declare,
    routing.declare,
    security_groups.declare,
    public_access.declare,
    dns_firewall.declare,
    logs.declare_writers,
    analysis.declare,
)
