"""What every namespace of ours has before anything runs in it: Pod Security, default-deny policies, roles.

Sources: Kubernetes documentation, "Pod Security Standards", "Network Policies", "Using RBAC Authorization"; EKS User
Guide, "Limit Pod traffic with Kubernetes network policies", "EKS Pod Identity agent" (169.254.170.23, port 80).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from airgap.model.cluster import kubernetes_group, service_accounts
from airgap.model.intent import Intent
from airgap.model.kubernetes import APIS
from airgap.model.names import secret_namespaces

POD_IDENTITY_AGENT = "169.254.170.23/32"
RBAC = "rbac.authorization.k8s.io"
_LEVELS = ("enforce", "audit", "warn")
Manifest = dict[str, Any]


def namespaces(intent: Intent) -> tuple[str, ...]:
    """Return the namespaces that the runbook makes: those of the workloads, save the ones that EKS makes."""
    made = dict.fromkeys(one.namespace for one in service_accounts(intent))
    made.update({"application": None} if intent.images.application else {})
    made.update(dict.fromkeys(own_namespaces(intent)[1:]))
    return tuple(one for one in made if one not in ("kube-system", "amazon-cloudwatch"))


def own_namespaces(intent: Intent) -> tuple[str, ...]:
    """Return the namespaces of the application's own pods: its first one, and those that have secrets."""
    return secret_namespaces(intent) if "external-secrets" in intent.components else ("application",)


def manifests(intent: Intent) -> Iterator[Manifest]:
    """Yield the platform's objects: namespaces, their network policies, and the roles of the groups that may enter."""
    for name in namespaces(intent):
        labels = {f"pod-security.kubernetes.io/{level}": "restricted" for level in _LEVELS}
        yield _object("v1", "Namespace", name, "", metadata={"labels": labels})
        yield from _policies(intent, name)
    yield from _roles(intent)


def _object(
    version: str, kind: str, name: str, namespace: str, metadata: Manifest | None = None, **body: Any
) -> Manifest:
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **place, **(metadata or {})}, **body}


def _policy(namespace: str, name: str, **spec: Any) -> Manifest:
    return _object("networking.k8s.io/v1", "NetworkPolicy", name, namespace, spec={"podSelector": {}, **spec})


def _blocks(cidrs: Any) -> list[Manifest]:
    return [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]


def _policies(intent: Intent, namespace: str) -> Iterator[Manifest]:
    """Nothing in, nothing out; then what life needs, each by itself and each for a reason of its own."""
    private = [one.cidr for one in intent.network.private_subnets]
    # Without a tier of its own the load balancer is an internal one; a rule that names nobody would admit everybody.
    front = [one.cidr for one in (*intent.network.public_subnets, *intent.network.ingress_subnets)] or private
    api = f"{next(ipaddress.ip_network(intent.cluster.service_cidr).hosts())}/32"
    dns = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
           "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}  # fmt: skip
    yield _policy(namespace, "default-deny", policyTypes=["Ingress", "Egress"])
    yield _policy(namespace, "allow-dns", policyTypes=["Egress"],
                  egress=[{"to": [dns], "ports": _ports(("UDP", 53), ("TCP", 53))}])  # fmt: skip
    yield _policy(namespace, "allow-pod-identity", policyTypes=["Egress"],
                  egress=[{"to": _blocks([POD_IDENTITY_AGENT]), "ports": _ports(("TCP", 80))}])  # fmt: skip
    # Endpoints and the API server have their addresses in the private subnets; the API's service address too.
    yield _policy(namespace, "allow-endpoints", policyTypes=["Egress"],
                  egress=[{"to": _blocks([*private, api]), "ports": _ports(("TCP", 443))}])  # fmt: skip
    if namespace == "application":
        traffic = {"from": _blocks(front), "ports": _ports(("TCP", intent.edge.target_port))}
        yield _policy(namespace, "allow-load-balancer", policyTypes=["Ingress"], ingress=[traffic])
        data = _ports(("TCP", 5432), ("TCP", 6379))
        yield _policy(namespace, "allow-data-stores", policyTypes=["Egress"],
                      egress=[{"to": _blocks(private), "ports": data}])  # fmt: skip
    elif namespace not in own_namespaces(intent):
        # The control plane calls webhooks from its interfaces in the private subnets.
        yield _policy(namespace, "allow-webhooks", policyTypes=["Ingress"],
                      ingress=[{"from": _blocks(private), "ports": _ports(("TCP", 9443), ("TCP", 10250))}])  # fmt: skip


def _ports(*ports: tuple[str, int]) -> list[Manifest]:
    return [{"protocol": protocol, "port": port} for protocol, port in ports]


_READ = ("get", "list", "watch")
_CHANGE = (*_READ, "create", "update", "patch", "delete")
_NO_VALUES = ("Secret", "Event", "Lease")


def _readable() -> list[Manifest]:
    """Rules that read every kind that the runbook reads; Secrets are not among them."""
    groups: dict[str, list[str]] = {}
    for api in APIS.values():
        if api.kind not in _NO_VALUES:
            groups.setdefault(api.version.rpartition("/")[0], []).append(api.plural)
    return [_rule(group, sorted(plurals), _READ) for group, plurals in sorted(groups.items())]


def _rule(group: str, resources: list[str], verbs: tuple[str, ...]) -> Manifest:
    return {"apiGroups": [group], "resources": resources, "verbs": list(verbs)}


_DEPLOYED = (
    _rule("", ["configmaps", "services", "serviceaccounts"], _CHANGE),
    _rule("", ["pods", "pods/log", "events"], _READ),
    _rule("apps", ["deployments", "statefulsets", "replicasets"], _CHANGE),
    _rule("batch", ["jobs", "cronjobs"], _CHANGE),
    _rule("policy", ["poddisruptionbudgets"], _CHANGE),
    _rule("external-secrets.io", ["externalsecrets"], _CHANGE),
    _rule("elbv2.k8s.aws", ["targetgroupbindings"], _CHANGE),
)


def _roles(intent: Intent) -> Iterator[Manifest]:
    """Who reads: verifier, developer and deployer, everything but Secrets. Who changes: deployer and CI/CD, in ours."""
    yield _object(f"{RBAC}/v1", "ClusterRole", "airgap-reader", "", rules=_readable())
    for group in ("verifier", "deployer", "developer"):
        yield _binding("ClusterRoleBinding", f"airgap-{group}-reads", "", ("ClusterRole", "airgap-reader"), group)
    own = [name for name in namespaces(intent) if name in own_namespaces(intent)]
    for namespace in own:
        yield _object(f"{RBAC}/v1", "Role", "airgap-deployer", namespace, rules=[dict(one) for one in _DEPLOYED])
        for group in ("deployer", "cicd"):
            yield _binding("RoleBinding", f"airgap-{group}-deploys", namespace, ("Role", "airgap-deployer"), group)


def _binding(kind: str, name: str, namespace: str, role: tuple[str, str], group: str) -> Manifest:
    subject = {"apiGroup": RBAC, "kind": "Group", "name": kubernetes_group(group)}
    to = {"apiGroup": RBAC, "kind": role[0], "name": role[1]}
    return _object(f"{RBAC}/v1", kind, name, namespace, roleRef=to, subjects=[subject])
