"""Rules of the database's and the cache's security groups: only from declared peers, and both sides of each rule."""

from __future__ import annotations

from collections.abc import Iterator

from airgap.model.data_stores import CACHE_PORT, PORT
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired
from airgap.resources.kind import declares
from airgap.resources.security_groups import EGRESS, INGRESS, RULE, groups, rule

CLIENTS = {
    "database": (
        ("nodes", PORT, "the application's pods"),
        ("bootstrap", PORT, "the function that prepares the database"),
        ("operations-host", PORT, "operators, through Session Manager"),
    ),
    "cache": (("nodes", CACHE_PORT, "the application's pods"),),
}
"""Who may speak to each store: security group, port and why."""


@declares(RULE)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield what admits each client to its store, and what lets the client out to it."""
    for store, clients in CLIENTS.items():
        for client, port, why in clients:
            if client in groups(intent):
                yield rule(store, INGRESS, "tcp", port, port, peer=client, why=f"{store}: {why}")
                yield rule(client, EGRESS, "tcp", port, port, peer=store, why=f"{store}: {why}")
    if "bootstrap" in groups(intent):
        why = "the master's password comes through an endpoint"
        yield rule("bootstrap", EGRESS, "tcp", 443, 443, peer="endpoints", why=why)
