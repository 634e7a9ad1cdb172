"""Views: what is worth seeing of a step, as plain data and SVG; notebook and report render the same.

``VIEWS[step][name]`` is a ``View``: called with a ``Look`` it gives a ``Table``, ``Facts`` or a ``Picture``; ``reads``
names the calls whose pages it needs.
"""

from __future__ import annotations

from airgap.views import (
    attest,
    buckets,
    capacity,
    cluster,
    controllers,
    dns,
    endpoints,
    identity,
    images,
    network,
    preflight,
    topology,
)
from airgap.views.changes import plan_table
from airgap.views.look import Look, View
from airgap.views.table import Facts, Picture, Shown, Table
from airgap.views.verdicts import findings_table, verdict_line

__all__ = [
    "VIEWS",
    "Facts",
    "Look",
    "Picture",
    "Shown",
    "Table",
    "View",
    "findings_table",
    "plan_table",
    "verdict_line",
]

VIEWS: dict[str, dict[str, View]] = {
    "preflight": {
        "where": View("Where this is", preflight.where, preflight.WHERE_READS),
        "zones": View("Zones", preflight.zones, preflight.ZONE_READS),
        "quotas": View("Quotas", capacity.quotas, capacity.QUOTA_READS),
        "addresses": View("Address budget", capacity.addresses),
        "singletons": View("Account-wide switches", preflight.singletons, preflight.SINGLETON_READS),
        "cost": View("Cost a month", capacity.cost),
    },
    "identity": {
        "roles": View("Role matrix", identity.roles, identity.ROLE_READS),
        "keys": View("Customer keys", identity.keys, identity.KEY_READS),
        "policies": View("Inline policies", identity.policies, identity.ROLE_READS),
    },
    "network": {
        "topology": View("Topology", topology.topology, topology.READS),
        "routes": View("Effective routes", network.routes, network.ROUTE_READS),
        "security-groups": View("Security groups", network.security_groups, network.GROUP_READS),
        "acls": View("Network ACLs", network.acls, network.ACL_READS),
        "dns": View("Names that resolve", dns.dns, dns.READS),
        "buckets": View("Buckets", buckets.buckets, buckets.READS),
    },
    "endpoints": {
        "endpoints": View("Endpoints", endpoints.endpoints, endpoints.READS),
        "removal": View("What stops without an endpoint", endpoints.removal),
        "endpoint-policies": View("Endpoint policies", endpoints.endpoint_policies, endpoints.READS),
    },
    "cluster": {
        "versions": View("Kubernetes versions", cluster.versions, cluster.VERSION_READS),
        "access": View("Access matrix", cluster.access, cluster.ACCESS_READS),
        "nodes": View("Node groups", cluster.nodes, cluster.NODE_READS),
        "addons": View("Add-ons", cluster.addons, cluster.ADDON_READS),
    },
    "images": {
        "mirror": View("Mirror", images.mirror, images.READS),
    },
    "controllers": {
        "releases": View("Releases", controllers.releases, controllers.RELEASE_READS),
        "walls": View("Namespaces of ours", controllers.walls, controllers.WALL_READS),
        "secrets": View("Who can read Secrets", controllers.secrets, controllers.SECRET_READS),
    },
    "attest": {
        "scope": View("Scope", attest.scope, attest.SCOPE_READS),
        "verdicts": View("Verdicts", attest.verdicts),
        "properties": View("Properties", attest.properties),
        "inventory": View("Inventory", attest.inventory, attest.INVENTORY_READS),
        "exceptions": View("Exceptions", attest.exceptions),
    },
}


def reads(step: str) -> tuple[str, ...]:
    """Return the calls that the views of a step read, each once."""
    return tuple(dict.fromkeys(call for view in VIEWS.get(step, {}).values() for call in view.reads))
