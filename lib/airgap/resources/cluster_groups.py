"""Rules of the cluster's, the nodes' and the operations host's security groups; each is a resource of its own.

Nodes carry EKS's own group beside ours, so what control plane, nodes and pods say to each other is that group's; what
leaves them goes to the endpoints and to the gateway endpoints' prefix lists. AWS: EKS User Guide, "View Amazon EKS
security group requirements for clusters".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from airgap.model.components import kind
from airgap.model.derived import endpoint_services
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.resources.kind import declares
from airgap.resources.security_groups import EGRESS, INGRESS, RULE, groups, rule

_LISTS = "ec2:DescribePrefixLists"
_OWN = ref("cluster-security-group:main")


@declares(RULE, reads=(_LISTS,))
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield who talks to whom: control plane, nodes and host among themselves, to endpoints and gateway endpoints."""
    yield from _among_themselves()
    yield _https("nodes", "endpoints", "nodes and pods reach AWS through the endpoints")
    yield _https("cluster", "endpoints", "the API server's own calls, as to the OIDC issuer")
    for service, prefix_list in gateway_lists(intent, facts).items():
        yield rule(
            "nodes", EGRESS, "tcp", 443, 443, prefix_list=prefix_list, why=f"{service} through its gateway endpoint"
        )
    if "operations-host" in groups(intent):
        yield from _operations_host(intent, facts)


def _among_themselves() -> Iterator[Desired]:
    """The first is EKS's own, which it puts back; it is declared as EKS writes it, without a description."""
    back = rule(_OWN, INGRESS, "-1", -1, -1, peer=_OWN, why="EKS's own: control plane, nodes and pods")
    yield dataclasses.replace(back, fields={name: one for name, one in back.fields.items() if name != "description"})
    yield rule(_OWN, EGRESS, "-1", -1, -1, peer=_OWN, why="control plane, nodes and pods among themselves")


def _operations_host(intent: Intent, facts: Estate) -> Iterator[Desired]:
    yield _https("operations-host", "endpoints", "its agent and operators reach AWS through the endpoints")
    yield _https("operations-host", "cluster", "operators reach the Kubernetes API through it")
    yield rule("cluster", INGRESS, "tcp", 443, 443, peer="operations-host", why="Kubernetes API, from the host")
    if "s3" in (lists := gateway_lists(intent, facts)):
        why = "S3 through its gateway endpoint: the kit"
        yield rule("operations-host", EGRESS, "tcp", 443, 443, prefix_list=lists["s3"], why=why)


def _https(group: str, peer: str, why: str) -> Desired:
    return rule(group, EGRESS, "tcp", 443, 443, peer=peer, why=why)


def gateway_lists(intent: Intent, facts: Estate) -> dict[str, str]:
    """Return the prefix list of each gateway endpoint, by the name of its service."""
    found = {one["PrefixListName"]: one["PrefixListId"] for one in facts.items(_LISTS, "PrefixLists")}
    services = [one for one in endpoint_services(intent) if kind(one) == "gateway"]
    by_service = {
        one: [ident for name, ident in found.items() if name.endswith(f".{intent.region}.{one}")] for one in services
    }
    return {service: lists[0] for service, lists in by_service.items() if lists}
