"""Read calls on what runs in the cluster (K2, K3), asked inside the VPC, and on what is declared to run in it."""

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


RELEASES = ("cluster-autoscaler", "aws-load-balancer-controller", "external-secrets", "application")

QUERIES: tuple[Query, ...] = (
    *(_listed(operation) for operation in OPERATIONS if operation not in SECRET),
    # Files of the environment, recorded as pages: the lock of images, and the charts that it pins, rendered.
    Query("images:ReadLock", vantage="file"),
    Query("helm:Template", vary={"release": RELEASES}, vantage="file"),
)
