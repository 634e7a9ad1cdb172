"""Step ``cluster``, in order: what a kind further down refers to stands above it, and goes after it in a destroy.

The operations host goes last, and the log groups after what writes to them; node groups go before the cluster.
"""

from __future__ import annotations

from airgap.resources import (
    alarms,
    cluster_access,
    cluster_addons,
    cluster_control_plane,
    cluster_groups,
    cluster_nodes,
    cluster_operations_host,
)
from airgap.resources.kind import Declaration

CLUSTER: tuple[Declaration, ...] = (
    cluster_operations_host.declare,
    cluster_control_plane.declare_log_groups,
    cluster_control_plane.declare,
    cluster_groups.declare,
    cluster_access.declare_break_glass,
    alarms.declare,
    cluster_access.declare,
    cluster_access.declare_workloads,
    cluster_addons.declare,
    cluster_nodes.declare,
)
