"""The cluster: a private API, secrets under our key, all logs kept, a supported version, its own calls on our ways.

Judged are the cluster of the environment's name and every other one in its VPC (EKS-01 to EKS-04, NET-11).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airgap.checks.check import Undecided, check
from airgap.checks.scope import VPC_READS, Item, Named, every, label, vpc_ids
from airgap.model.canonical import dig
from airgap.model.cluster import LOG_TYPES, container_log_groups, control_plane_log_group
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.names import alias

CLUSTER = "eks:DescribeCluster"
READS = (*VPC_READS, "eks:ListClusters", CLUSTER)
VERSIONS = "eks:DescribeClusterVersions"


def clusters(intent: Intent, estate: Estate) -> Named:
    """Return the cluster of the environment's name and every other in its VPC, declared or not."""
    estate.pages("eks:ListClusters")
    ours = vpc_ids(intent, estate)
    found = [body["cluster"] for _, body in estate.pages(CLUSTER)]
    return [
        (label(one, "name"), one)
        for one in found
        if one["name"] == intent.cluster.name or dig(one, "resourcesVpcConfig.vpcId") in ours
    ]


def network(cluster: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the network settings of a cluster."""
    return cluster.get("resourcesVpcConfig") or {}


@check(
    "cluster-api-private",
    "The Kubernetes API is reached inside the VPC only",
    severity="critical",
    properties=("EKS-01",),
    reads=READS,
    remedy="switch public access off and private access on; find in CloudTrail since when it was open",
    over=clusters,
)
def api_private(cluster: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the API answers on the internet, and for which ranges, or not inside the VPC."""
    access = network(cluster)
    if access.get("endpointPublicAccess") is not False:
        yield f"it is on the internet, for {', '.join(access.get('publicAccessCidrs') or ['anybody'])}"
    if access.get("endpointPrivateAccess") is not True:
        yield "it has no private endpoint, so nodes ask the public one"


@check(
    "cluster-egress-routed",
    "What the control plane itself calls leaves by the VPC's own ways",
    severity="high",
    properties=("NET-11",),
    reads=READS,
    remedy="apply the step cluster with cluster.control_plane_egress: customer-routed; there is no way back",
    over=clusters,
)
def egress_routed(cluster: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that webhooks, OIDC issuers and aggregated APIs are called over AWS's network."""
    mode = network(cluster).get("controlPlaneEgressMode") or "AWS_MANAGED"
    if mode != "CUSTOMER_ROUTED":
        yield f"its egress is {mode}: neither route tables nor security groups nor flow logs see it"


@check(
    "cluster-alone",
    "No capability, foreign identity provider or remote network is attached to the cluster",
    severity="high",
    properties=("NET-11",),
    reads=(*READS, "eks:ListCapabilities", "eks:ListIdentityProviderConfigs"),
    remedy="delete it; capabilities do not follow the control plane's egress mode",
    over=clusters,
)
def alone(cluster: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each capability, OIDC identity provider and remote network."""
    name = cluster["name"]
    for one in estate.items("eks:ListCapabilities", "capabilities", clusterName=name):
        yield f"capability {one.get('capabilityName')} runs on AWS's side"
    for one in estate.items("eks:ListIdentityProviderConfigs", "identityProviderConfigs", clusterName=name):
        yield f"identity provider {one.get('name')} says who people are"
    if any((cluster.get("remoteNetworkConfig") or {}).values()):
        yield "remote networks are a part of it"


@check(
    "cluster-secrets-encrypted",
    "Kubernetes secrets are encrypted with the environment's key for them",
    severity="high",
    properties=("EKS-02",),
    reads=(*READS, "kms:ListAliases"),
    remedy="associate the key with the cluster; a wrong one can be replaced by a new cluster only",
    over=clusters,
)
def secrets_encrypted(cluster: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that no key encrypts secrets, or another one than the declared."""
    found = cluster.get("encryptionConfig") or []
    keys = [dig(one, "provider.keyArn") for one in found if "secrets" in one.get("resources", [])]
    targets = {one["AliasName"]: one.get("TargetKeyId") for one in every(estate, "kms:ListAliases", "Aliases")}
    wanted = targets.get(alias(intent, "cluster"))
    if not keys:
        yield "they lie under AWS's own key"
    for one in keys:
        if wanted is None or str(one).rpartition("/")[2] != wanted:
            yield f"they are encrypted with {one}, not with {alias(intent, 'cluster')}"


@check(
    "cluster-logs-on",
    "The control plane logs everything that it can",
    severity="high",
    properties=("EKS-03",),
    reads=READS,
    remedy="switch the log types on",
    over=clusters,
)
def logs_on(cluster: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each log type that is off."""
    entries = dig(cluster, "logging.clusterLogging") or []
    on = {one for entry in entries if entry.get("enabled") for one in entry.get("types", [])}
    yield from (f"log type {one} is off" for one in LOG_TYPES if one not in on)


def _log_groups(intent: Intent, estate: Estate) -> list[tuple[str, Item]]:
    """The log groups that a cluster writes, each with what is there of it; empty where there is none."""
    there = {one["logGroupName"]: one for one in every(estate, "logs:DescribeLogGroups", "logGroups")}
    wanted = (control_plane_log_group(intent), *container_log_groups(intent))
    return [(name, there.get(name, {})) for name in wanted]


@check(
    "cluster-logs-kept",
    "What the cluster logs is kept as long as declared, under a customer key",
    severity="high",
    properties=("EKS-03", "LOG-02"),
    reads=("logs:DescribeLogGroups",),
    remedy="apply the step cluster; events that were written without the key stay so",
    over=_log_groups,
)
def logs_kept(group: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the group is missing, keeps events too short, or has no key."""
    if not group:
        yield "it does not exist; EKS would make it without retention and key"
        return
    days = group.get("retentionInDays")
    if days is None:
        yield "it has no retention, as if EKS had made it"
    elif days < intent.logs.retention_days:
        yield f"events are kept {days} days, declared {intent.logs.retention_days}"
    if not group.get("kmsKeyId"):
        yield "it has no customer key"


@check(
    "cluster-version-supported",
    "The Kubernetes version that the cluster runs is in standard support",
    severity="high",
    properties=("EKS-04", "INV-01"),
    reads=(*READS, VERSIONS),
    remedy="declare the next minor version under cluster.version and apply; EKS goes one version at a time",
    over=clusters,
)
def version_supported(cluster: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the version is out of standard support, or that its end was before the pages were taken."""
    offered = {one["clusterVersion"]: one for one in every(estate, VERSIONS, "clusterVersions")}
    known = offered.get(cluster.get("version", ""))
    if known is None:
        yield f"EKS does not list Kubernetes {cluster.get('version')}"
        return
    end = str(known.get("endOfStandardSupportDate", ""))[:10]
    if known.get("versionStatus") != "STANDARD_SUPPORT":
        yield f"Kubernetes {cluster['version']} is in {known.get('versionStatus')}"
    elif end and end < estate.taken_at[:10]:
        yield f"standard support of Kubernetes {cluster['version']} ended on {end}"


@check(
    "cluster-protected",
    "The cluster cannot be deleted by one call, and is up",
    severity="medium",
    properties=(),
    reads=READS,
    remedy="apply the step cluster; deletion protection comes off by an approved destroy",
    over=clusters,
)
def protected(cluster: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that deletion protection is off, and each issue that EKS reports."""
    if not cluster.get("deletionProtection"):
        yield "deletion protection is off"
    if cluster.get("status") not in ("ACTIVE", "UPDATING"):
        yield f"it is {cluster.get('status')}"
    for one in dig(cluster, "health.issues") or []:
        yield f"EKS reports {one.get('code')}: {one.get('message')}"


def own_cluster(intent: Intent, estate: Estate) -> Item:
    """Return the environment's cluster; raises ``Undecided`` where there is none."""
    found = [one for _, one in clusters(intent, estate) if one["name"] == intent.cluster.name]
    if not found:
        raise Undecided(f"there is no cluster {intent.cluster.name}")
    return found[0]


CHECKS = (
    api_private,
    egress_routed,
    alone,
    secrets_encrypted,
    logs_on,
    logs_kept,
    version_supported,
    protected,
)
