"""What runs in the cluster: only what was mirrored, walled in by default, without privileges, as declared (EKS, SUP).

Kubernetes documentation: "Pod Security Standards", "Network Policies", "Role Based Access Control Good Practices".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airgap.checks.check import Undecided, check
from airgap.checks.registry import IMAGES, LISTED, LOCK, images_of, lock
from airgap.checks.scope import Item, Named, inside
from airgap.model.canonical import dig
from airgap.model.endpoint_exceptions import addon_registry
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.kubernetes import key_of
from airgap.model.manifests import CONTAINERS
from airgap.model.mirror import registry, repository

PODS, NAMESPACES = "kubernetes:ListPods", "kubernetes:ListNamespaces"
POLICIES = "kubernetes:ListNetworkPolicies"
SYSTEM = ("kube-system", "amazon-cloudwatch")
"""Namespaces in which EKS's own pods run, some of which must reach into their hosts."""
BORN = (*SYSTEM, "kube-public", "kube-node-lease", "default")
"""Namespaces that Kubernetes and EKS make; a pod in any but the first two is somebody's."""
LINK_LOCAL = "169.254.0.0/16"
WEBHOOKS = ("kubernetes:ListValidatingWebhookConfigurations", "kubernetes:ListMutatingWebhookConfigurations")
WORKLOADS = ("kubernetes:ListDeployments", "kubernetes:ListDaemonSets", "kubernetes:ListStatefulSets")


def objects(estate: Estate, call: str) -> list[Item]:
    """Return the objects of one kind, each with the kind that its list names once."""
    found = []
    for _, body in estate.pages(call):
        kind = str(body.get("kind", "")).removesuffix("List")
        found += [{**one, "kind": one.get("kind") or kind} for one in body.get("items") or []]
    return found


def pods(intent: Intent, estate: Estate) -> Named:
    """Return every pod of the cluster that has not ended."""
    found = [one for one in objects(estate, PODS) if dig(one, "status.phase") not in ("Succeeded", "Failed")]
    return [(key_of(one), one) for one in found]


def namespaces(intent: Intent, estate: Estate) -> Named:
    """Return every namespace that neither Kubernetes nor EKS has made."""
    found = objects(estate, NAMESPACES)
    return [(key_of(one), one) for one in found if one["metadata"]["name"] not in BORN]


def running(pod: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (container, image as declared, image id as running) of every container of a pod."""
    ids = {
        one["name"]: str(one.get("imageID") or "")
        for member in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
        for one in dig(pod, f"status.{member}") or []
    }
    for member in CONTAINERS:
        for one in dig(pod, f"spec.{member}") or []:
            yield one["name"], str(one.get("image") or ""), ids.get(one["name"], "")


def _addon(image: str, intent: Intent) -> bool:
    """Tell whether an image comes from AWS's own add-on registry of the Region."""
    return image.partition("/")[0] == registry(intent).replace(intent.account, addon_registry(intent.region), 1)


@check(
    "pods-run-mirrored-images",
    "Every container runs, by digest, what was mirrored; EKS's add-ons come from AWS's registry of the Region",
    severity="critical",
    properties=("SUP-01",),
    reads=(PODS, LOCK, LISTED, IMAGES),
    remedy="find in the audit log who started it; remove the pod, or mirror the image and name it by digest",
    over=pods,
)
def mirrored(pod: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield the first broken link of each container: the lock, our registry, the reference, or what really runs."""
    for name, image, image_id in running(pod):
        if image.partition("/")[0] != registry(intent):
            if not _addon(image, intent):
                yield f"container {name}: {image} is not from the environment's registry"
            continue
        yield from (f"container {name}: {text}" for text in _broken(image, image_id, intent, estate))


def _broken(image: str, image_id: str, intent: Intent, estate: Estate) -> Iterator[str]:
    place, _, digest = image.partition("/")[2].partition("@")
    path = place.partition(":")[0]
    if not digest:
        yield f"{image} names no digest"
        return
    entry = next((one for one in lock(estate).entries if (repository(intent, one), one.digest) == (path, digest)), None)
    if entry is None:
        yield f"{digest} of {path} is not in the lock: nobody mirrored it from a source"
    elif digest not in images_of(path, estate):
        yield f"{digest} is locked and not in the registry"
    elif not image_id:
        raise Undecided(f"what runs of {digest} is not reported")
    elif image_id.rpartition("@")[2] != digest:
        yield f"runs {image_id.rpartition('@')[2]}, declared {digest}"


@check(
    "workloads-ready",
    "Every workload runs as many pods as it declares",
    severity="medium",
    properties=("SUP-01",),
    reads=WORKLOADS,
    remedy="look at the pods' events; a missing image, a closed endpoint or a full node usually stands behind it",
    over=lambda intent, estate: [(key_of(one), one) for call in WORKLOADS for one in objects(estate, call)],
)
def ready(workload: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield how many pods are ready where they are fewer than declared."""
    status = workload.get("status") or {}
    wanted = status.get("desiredNumberScheduled", dig(workload, "spec.replicas"))
    there = status.get("numberReady", status.get("readyReplicas")) or 0
    if there != wanted:
        yield f"{there} of {wanted} pods are ready"


@check(
    "namespaces-restricted",
    "Namespaces of ours enforce Pod Security 'restricted'",
    severity="high",
    properties=("EKS-06",),
    reads=(NAMESPACES,),
    remedy="apply the step controllers",
    over=namespaces,
)
def restricted(namespace: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield the level that a namespace enforces where it is another one."""
    level = (dig(namespace, "metadata.labels") or {}).get("pod-security.kubernetes.io/enforce")
    if level != "restricted":
        yield f"it enforces {level or 'nothing'}"


@check(
    "pods-unprivileged",
    "No pod outside the system namespaces is privileged or stands in a namespace of its host",
    severity="critical",
    properties=("EKS-06",),
    reads=(PODS,),
    remedy="remove the pod and find in the audit log who made it",
    over=lambda intent, estate: [
        (name, one) for name, one in pods(intent, estate) if one["metadata"].get("namespace") not in SYSTEM
    ],
)
def unprivileged(pod: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield what of its host a pod has, and each privileged container."""
    spec = pod.get("spec") or {}
    yield from (f"it has {member}" for member in ("hostNetwork", "hostPID", "hostIPC") if spec.get(member))
    yield from (
        f"it mounts {one['hostPath']['path']} of its host" for one in spec.get("volumes") or [] if one.get("hostPath")
    )
    for member in CONTAINERS:
        for one in spec.get(member) or []:
            security = one.get("securityContext") or {}
            if security.get("privileged"):
                yield f"container {one['name']} is privileged"
            if security.get("allowPrivilegeEscalation") is not False:
                yield f"container {one['name']} may escalate its privileges"


@check(
    "namespaces-closed",
    "In namespaces of ours nothing comes in or goes out unless a policy says so, and no policy opens to the world",
    severity="high",
    properties=("EKS-05",),
    reads=(NAMESPACES, POLICIES),
    remedy="apply the step controllers",
    over=namespaces,
)
def closed(namespace: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that a default-deny policy is missing, and each policy that admits any address or any pod."""
    name = namespace["metadata"]["name"]
    found = [one for one in objects(estate, POLICIES) if one["metadata"].get("namespace") == name]
    denied = {kind for one in found if _denies(one) for kind in dig(one, "spec.policyTypes") or []}
    for kind in ("Ingress", "Egress"):
        if kind not in denied:
            yield f"no policy denies {kind.lower()} by default"
    for one in found:
        yield from (f"policy {one['metadata']['name']} {text}" for text in _opened(one, _own_ranges(intent)))


def _denies(policy: Mapping[str, Any]) -> bool:
    spec = policy.get("spec") or {}
    return not spec.get("podSelector") and not spec.get("ingress") and not spec.get("egress")


def _own_ranges(intent: Intent) -> list[str]:
    """The ranges that a policy may name: VPC, services, the Pod Identity agent, and what is declared on premises."""
    return [intent.network.vpc_cidr, intent.cluster.service_cidr, *intent.network.on_premises_cidrs, LINK_LOCAL]


def _opened(policy: Mapping[str, Any], own: list[str]) -> Iterator[str]:
    for member, end in (("ingress", "from"), ("egress", "to")):
        for rule in dig(policy, f"spec.{member}") or []:
            if not rule.get(end):
                yield f"admits {member} with anybody"
            for peer in rule.get(end) or []:
                block = dig(peer, "ipBlock.cidr")
                if block and not inside(block, own):
                    yield f"admits {member} with {block}"


@check(
    "webhooks-inside",
    "Every webhook is a service of the cluster",
    severity="critical",
    properties=("NET-11",),
    reads=WEBHOOKS,
    remedy="remove the configuration: the control plane calls that address with every object",
    over=lambda intent, estate: [(key_of(one), one) for call in WEBHOOKS for one in objects(estate, call)],
)
def webhooks_inside(configuration: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each webhook that is called by a URL."""
    for one in configuration.get("webhooks") or []:
        if dig(one, "clientConfig.url"):
            yield f"{one['name']} is called at {one['clientConfig']['url']}"


CHECKS = (mirrored, ready, restricted, unprivileged, closed, webhooks_inside)
