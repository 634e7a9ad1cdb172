"""What the deployer needs for the drills of step ``data``: this copy of this database, these failovers, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model.data_stores import drill_copy
from airgap.model.intent import Intent
from airgap.resources.statements import allow


def statements(intent: Intent) -> Iterator[dict[str, Any]]:
    """Yield the statements by which a copy is restored and removed, and stores fail over."""
    source = intent.arn("rds", f"db:{intent.data.postgres_name}")
    copy = intent.arn("rds", f"db:{drill_copy(intent)}")
    groups = [intent.arn("rds", f"{one}:{intent.data.postgres_name}*") for one in ("subgrp", "pg")]
    options = intent.arn("rds", "og:*")
    yield allow("DrillCopy", "rds:RestoreDBInstanceToPointInTime", [source, copy, *groups, options])
    yield allow("DrillCopyGone", "rds:AddTagsToResource DeleteDBInstance", copy)
    yield allow("DrillFailover", "rds:RebootDBInstance", source)
    cache = intent.arn("elasticache", f"replicationgroup:{intent.name('cache')}")
    yield allow("DrillCacheFailover", "elasticache:TestFailover", cache)
