"""The table of read calls: one row a call, one module a family. Channels (P1, D1, ...) are those of `model.channels`.

Add a row to the module of its family; a call has one row. ``tests/cloud/test_queries.py`` holds every row against
botocore's own models.
"""

from __future__ import annotations

from airgap.cloud.queries import (
    account,
    compute,
    data,
    dns,
    edge,
    eks,
    identity,
    kubernetes,
    logs,
    network,
    storage,
    transit,
)
from airgap.cloud.query import Query

FAMILIES: dict[str, tuple[Query, ...]] = {
    "account": account.QUERIES,
    "network": network.QUERIES,
    "transit": transit.QUERIES,
    "dns": dns.QUERIES,
    "identity": identity.QUERIES,
    "eks": eks.QUERIES,
    "kubernetes": kubernetes.QUERIES,
    "storage": storage.QUERIES,
    "data": data.QUERIES,
    "compute": compute.QUERIES,
    "edge": edge.QUERIES,
    "logs": logs.QUERIES,
}

QUERIES: tuple[Query, ...] = tuple(query for family in FAMILIES.values() for query in family)
