"""Nodes: in sealed subnets, started and running safely, of the cluster's version (EKS-04, EKS-09)."""

from __future__ import annotations

from collections.abc import Iterator

from airgap.checks.check import check
from airgap.checks.cluster import READS, own_cluster
from airgap.checks.scope import SUBNET_READS, VPC_READS, Item, Named, every, label, tiers, vpc_ids
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent

GROUP, TEMPLATE = "eks:DescribeNodegroup", "ec2:DescribeLaunchTemplateVersions"
GROUP_READS = ("eks:ListNodegroups", GROUP)
INSTANCE_READS = (*VPC_READS, "ec2:DescribeInstances")
_GONE = ("terminated", "shutting-down")


def node_groups(intent: Intent, estate: Estate) -> Named:
    """Return the node groups of the cluster, declared or not."""
    estate.pages("eks:ListNodegroups")
    found = [body["nodegroup"] for _, body in estate.pages(GROUP)]
    return [(label(one, "nodegroupName"), one) for one in found if one["clusterName"] == intent.cluster.name]


@check(
    "nodes-sealed",
    "The node group stands in sealed subnets alone",
    severity="critical",
    properties=("EKS-09",),
    reads=(*SUBNET_READS, *GROUP_READS),
    remedy="replace the node group by one in the private subnets",
    over=node_groups,
)
def nodes_sealed(group: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each subnet of the group that is not a sealed one of the VPC."""
    placed = tiers(intent, estate)
    for one in group.get("subnets") or []:
        tier = placed.get(one, "foreign")
        if tier != "private":
            yield f"it stands in {one}, a {tier} subnet"


@check(
    "nodes-started-safely",
    "Nodes start with IMDSv2 alone, one hop, an encrypted root volume under a customer key, and no SSH key",
    severity="high",
    properties=("EKS-09",),
    reads=(*GROUP_READS, TEMPLATE),
    remedy="apply the step cluster; nodes are replaced one by one",
    over=node_groups,
)
def nodes_started(group: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield what the version of the launch template that the group runs leaves open."""
    source = group.get("launchTemplate")
    if not source:
        yield "it has no launch template, so EKS's own defaults hold"
        return
    page = estate.page(TEMPLATE, LaunchTemplateId=source["id"], Versions=[source["version"]]) or {}
    for one in page.get("LaunchTemplateVersions", []):
        yield from _unsafe(one.get("LaunchTemplateData") or {})
    if dig(group, "remoteAccess.ec2SshKey"):
        yield f"the SSH key {group['remoteAccess']['ec2SshKey']} opens it"


def _unsafe(data: Item) -> Iterator[str]:
    yield from _loose(data.get("MetadataOptions") or {})
    if data.get("KeyName"):
        yield f"the SSH key {data['KeyName']} opens it"
    disks = [one["Ebs"] for one in data.get("BlockDeviceMappings", []) if one.get("Ebs")]
    if not disks:
        yield "it says nothing of the root volume"
    for disk in disks:
        if not disk.get("Encrypted"):
            yield "its volume is not encrypted"
        elif not disk.get("KmsKeyId"):
            yield "its volume is not under a customer key"
    for one in data.get("NetworkInterfaces", []):
        if one.get("AssociatePublicIpAddress"):
            yield "its instances get public addresses"


def _loose(options: Item) -> Iterator[str]:
    if options.get("HttpEndpoint") == "disabled":
        return
    if options.get("HttpTokens") != "required":
        yield "IMDSv1 answers"
    if (hops := options.get("HttpPutResponseHopLimit", 1)) > 1:
        yield f"instance metadata answers {hops} hops away, so to pods"


def instances(intent: Intent, estate: Estate) -> Named:
    """Return the instances in the VPC that run or will, whoever made them; nodes bear the key of their group."""
    ours = vpc_ids(intent, estate)
    listed = [one for group in every(estate, "ec2:DescribeInstances", "Reservations") for one in group["Instances"]]
    standing = [one for one in listed if dig(one, "State.Name") not in _GONE]
    named = [(label(one, "InstanceId"), one) for one in standing if one.get("VpcId") in ours]
    return [(name if name.startswith("instance:") else one["InstanceId"], one) for name, one in named]


@check(
    "instances-run-safely",
    "The instance has IMDSv2 alone, one hop, no SSH key and no public address",
    severity="high",
    properties=("EKS-09",),
    reads=INSTANCE_READS,
    remedy="set its metadata options; replace it where it has a key or a public address",
    over=instances,
)
def instances_safe(instance: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield what of an instance is open."""
    yield from _loose(instance.get("MetadataOptions") or {})
    if instance.get("KeyName"):
        yield f"the SSH key {instance['KeyName']} opens it"
    if instance.get("PublicIpAddress"):
        yield f"it has the public address {instance['PublicIpAddress']}"


@check(
    "nodes-supported",
    "Nodes run the cluster's version on Amazon Linux 2023, and the group is healthy",
    severity="high",
    properties=("EKS-04", "INV-01"),
    reads=(*READS, *GROUP_READS),
    remedy="apply the step cluster; EKS's events of the node group name what is wrong",
    over=node_groups,
)
def nodes_supported(group: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that nodes lag behind the cluster, run another image, or that EKS reports an issue."""
    wanted = own_cluster(intent, estate).get("version")
    if group.get("version") != wanted:
        yield f"its nodes run Kubernetes {group.get('version')}, the cluster {wanted}"
    if not str(group.get("amiType", "")).startswith("AL2023_"):
        yield f"its image is {group.get('amiType')}"
    if group.get("status") not in ("ACTIVE", "UPDATING"):
        yield f"it is {group.get('status')}"
    for one in dig(group, "health.issues") or []:
        yield f"EKS reports {one.get('code')}: {one.get('message')}"


CHECKS = (nodes_sealed, nodes_started, instances_safe, nodes_supported)
