"""Step ``edge``, in order: what a kind further down refers to stands above it, and goes after it in a destroy."""

from __future__ import annotations

from collections.abc import Iterator

from airgap.model import edge
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired
from airgap.resources import edge_balancer, edge_certificate, edge_firewall, edge_listeners
from airgap.resources.buckets import BUCKET, bucket
from airgap.resources.kind import Declaration, declares
from airgap.resources.security_groups import EGRESS, INGRESS, RULE, groups, rule


@declares(BUCKET)
def declare_logs(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the bucket of access logs, encrypted with S3's own keys: the load balancer writes to no other."""
    yield bucket(intent, edge.LOGS, "", "who asked the load balancer for what")


@declares(RULE)
def declare_rules(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield who talks to whom: clients to the load balancer, it to the pods' port, and nobody else to the nodes."""
    port = intent.edge.target_port
    for cidr in edge.clients(intent):
        yield rule("alb", INGRESS, "tcp", edge.HTTPS, edge.HTTPS, cidr=cidr, why="clients")
        yield rule("alb", INGRESS, "tcp", edge.REDIRECT, edge.REDIRECT, cidr=cidr, why="redirect to HTTPS")
    yield rule("alb", EGRESS, "tcp", port, port, peer="nodes", why="requests and health checks of pods")
    yield rule("nodes", INGRESS, "tcp", port, port, peer="alb", why="requests and health checks of pods")
    if "operations-host" in groups(intent):
        why = "live traffic is asked for from inside too"
        yield rule("operations-host", EGRESS, "tcp", edge.HTTPS, edge.HTTPS, peer="alb", why=why)
        yield rule("alb", INGRESS, "tcp", edge.HTTPS, edge.HTTPS, peer="operations-host", why=why)


EDGE: tuple[Declaration, ...] = (
    declare_logs,
    edge_certificate.declare,
    declare_rules,
    edge_balancer.declare,
    edge_firewall.declare,
    edge_listeners.declare,
)
