"""Step ``data``, in order: log groups before what writes to them, groups before what stands in them, rules at last."""

from __future__ import annotations

from airgap.resources import cache, data_groups, database, tables, vectors
from airgap.resources.kind import Declaration

DATA: tuple[Declaration, ...] = (
    database.declare_log_groups,
    cache.declare_log_groups,
    data_groups.declare,
    tables.declare,
    database.declare,
    cache.declare,
    vectors.declare_function,
    vectors.declare,
)
