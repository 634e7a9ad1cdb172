"""Read calls on what runs in the cluster (K2, K3): one list of each kind, asked inside the VPC."""

from __future__ import annotations

from airgap.cloud.query import Query, follow
from airgap.model.kubernetes import OPERATIONS

SECRET = ("ListSecrets", "ListEvents", "ListLeases")
"""Never listed: values of Secrets are nobody's business here, events and leases change by the second."""


def _listed(operation: str) -> Query:
    return follow(
        f"kubernetes:{operation}", "eks:DescribeCluster", "cluster", {"cluster": "name"}, vantage="vpc",
        absent=("NotFound",),
    )  # fmt: skip


QUERIES: tuple[Query, ...] = tuple(_listed(operation) for operation in OPERATIONS if operation not in SECRET)
