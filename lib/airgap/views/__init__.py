"""Views: what is worth seeing of a step, as plain data and SVG; notebook and report render the same.

``VIEWS[step][name]`` is a ``View``: called with a ``Look`` it gives a ``Table``, ``Facts`` or a ``Picture``; ``reads``
names the calls whose pages it needs.
"""

from __future__ import annotations

from airgap.views import (
    ai,
    attest,
    buckets,
    capacity,
    cluster,
    controllers,
    data,
    dns,
    edge,
    endpoints,
    first_deployment,
    identity,
    images,
    network,
    pipeline,
    preflight,
    proof,
    releases,
    responsibility,
    secrets,
    topology,
    two_networks,
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
    "data": {
        "stores": View("Stores", data.stores, data.STORE_READS),
        "clients": View("Clients of the stores", data.clients, data.CLIENT_READS),
        "vectors": View("Vectors", data.vectors, data.VECTOR_READS),
        "drills": View("Drills", data.drills, data.DRILL_READS),
    },
    "secrets": {
        "secrets": View("Secrets", secrets.kept, secrets.SECRET_READS),
        "functions": View("Functions", secrets.runs, secrets.FUNCTION_READS),
        "mirrored": View("Mirrored into the cluster", secrets.mirrored, secrets.MIRROR_READS),
    },
    "controllers": {
        "releases": View("Releases", controllers.releases, controllers.RELEASE_READS),
        "differences": View("Releases against the cluster", releases.against_the_cluster, releases.READS),
        "walls": View("Namespaces of ours", controllers.walls, controllers.WALL_READS),
        "secrets": View("Who can read Secrets", controllers.secrets, controllers.SECRET_READS),
    },
    "edge": {
        "entrance": View("Entrance", edge.entrance, edge.ENTRANCE_READS),
        "listeners": View("Listeners", edge.listeners, edge.LISTENER_READS),
        "firewall": View("Web ACL", edge.firewall, edge.FIREWALL_READS),
        "certificate": View("Certificates", edge.certificate, edge.CERTIFICATE_READS),
    },
    "pipeline": {
        "networks": View("Two networks", two_networks.networks),
        "ways": View("Ways for a release to get in", pipeline.ways),
        "inside": View("What runs inside", pipeline.inside, pipeline.RUNNER_READS),
        "files": View("Rendered files", pipeline.files),
    },
    "ai": {
        "models": View("Models", ai.offered, ai.MODEL_READS),
        "guardrail": View("Guardrail", ai.guardrail, ai.GUARDRAIL_READS),
        "trials": View("Test calls", ai.trials, later=ai.TRIALS),
    },
    "first_deployment": {
        "application": View("Application", first_deployment.application, first_deployment.APPLICATION_READS),
        "chain": View("Chain", first_deployment.chain, first_deployment.CHAIN_READS),
    },
    "attest": {
        "scope": View("Scope", attest.scope, attest.SCOPE_READS),
        "verdicts": View("Verdicts", attest.verdicts),
        "proof": View("Zero egress", proof.proof, proof.READS),
        "topology": View("Topology", topology.topology, topology.READS),
        "properties": View("Properties", attest.properties),
        "inventory": View("Inventory", attest.inventory, attest.INVENTORY_READS),
        "data-flows": View("Data flows", responsibility.data_flows),
        "responsibility": View("Shared responsibility", responsibility.shared),
        "exceptions": View("Exceptions", attest.exceptions),
    },
}


def reads(step: str) -> tuple[str, ...]:
    """Return the calls that the views of a step read, each once."""
    return tuple(dict.fromkeys(call for view in VIEWS.get(step, {}).values() for call in view.reads))
