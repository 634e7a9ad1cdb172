"""What a cluster's Kubernetes API asks of EKS: the facts of its cluster, who signs tokens, which add-ons run in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from moto.core.utils import utcnow
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from airgap.rehearsal.eks.addon_catalogue import OFFERS, images
from airgap.rehearsal.eks.addon_images import publish
from airgap.rehearsal.eks.nodes import instances
from airgap.rehearsal.eks.state import ADDON, ASSOCIATION, CLUSTER, ENTRY, NODEGROUP, POLICY, SERVICE
from airgap.rehearsal.identity import PEOPLE, SIGNING_WORD
from airgap.rehearsal.kubernetes.setting import AccessEntry, ClusterFacts, NodeFacts
from airgap.rehearsal.store import MOTO, Record, Store, stores

_BY_NAME = ("vpc-cni", "kube-proxy", "coredns")


@dataclass(frozen=True)
class AddonFacts:
    """An add-on in a cluster: name, version, namespace, its images (the first is the main one), EKS's own or not."""

    name: str
    version: str
    namespace: str
    images: tuple[str, ...]
    managed: bool = True


# Called with (host of the cluster, add-on) when EKS installs or updates one, and with its version empty when it goes.
INSTALLERS: list[Callable[[str, AddonFacts], None]] = []


def cluster_of(host: str) -> ClusterFacts | None:
    """Return the facts of the cluster whose API has a host name, None where no live cluster has it."""
    with MOTO:
        found = _find(host)
        return None if found is None else _facts(*found)


def addons_of(host: str) -> tuple[AddonFacts, ...]:
    """Return the add-ons in a cluster: EKS's, and those that a cluster is born with unless that was declined."""
    with MOTO:
        found = _find(host)
        return () if found is None else tuple(_addons(*found))


def host_of(record: Record) -> str:
    """Return the host name of a cluster's API, empty while it has none."""
    return str(record.get("endpoint", "")).removeprefix("https://").lower()


def signer(access_key: str, region: str) -> tuple[str, str] | None:
    """Return the ARN and the secret of whoever signs with an access key, None for nobody."""
    partition = get_partition(region)
    if access_key in PEOPLE:
        return PEOPLE[access_key].arn(partition), SIGNING_WORD
    with MOTO:
        for account in list(sts_backends):
            assumed = sts_backends[account][partition].get_assumed_role_from_access_key(access_key)
            if assumed is not None and assumed.expiration > utcnow():
                return str(assumed.arn), str(assumed.secret_access_key)
    return None


def announce(region: str, record: Record, addon: Record, version: str) -> None:
    """Tell the cluster's API of an add-on that comes, changes or (with an empty version) goes."""
    if version:
        publish(addon["addonName"], version, region)
    for install in INSTALLERS:
        install(host_of(record), _addon(region, addon["addonName"], version))


def _find(host: str) -> tuple[str, str, Store, Record] | None:
    for (account, region, service), kept in stores().items():
        for record in kept.all(CLUSTER) if service == SERVICE else ():
            if host_of(record) == host.lower() and record["status"] in ("ACTIVE", "UPDATING"):
                return account, region, kept, record
    return None


def _of(kept: Store, kind: str, name: str) -> list[Record]:
    return [record for record in kept.all(kind) if record["clusterName"] == name]


def _facts(account: str, region: str, kept: Store, record: Record) -> ClusterFacts:
    name = record["name"]
    entries = _of(kept, ENTRY, name) if record["accessConfig"]["authenticationMode"] != "CONFIG_MAP" else []
    given = _of(kept, POLICY, name)
    associations = _of(kept, ASSOCIATION, name)
    return ClusterFacts(
        name=name,
        account=account,
        region=region,
        version=record["version"],
        arn=record["arn"],
        host=host_of(record),
        access=tuple(_entry(one, given) for one in entries),
        nodes=tuple(_nodes(account, region, _of(kept, NODEGROUP, name))),
        pod_identity=tuple((one["namespace"], one["serviceAccount"], one["roleArn"]) for one in associations),
    )


def _entry(one: Record, given: list[Record]) -> AccessEntry:
    own = [x for x in given if x["principalArn"] == one["principalArn"]]
    policies = tuple((x["policyArn"], tuple(x["accessScope"]["namespaces"])) for x in own)
    return AccessEntry(one["principalArn"], one["username"], tuple(one["kubernetesGroups"]), policies)


def _nodes(account: str, region: str, groups: list[Record]) -> Iterator[NodeFacts]:
    for record in groups:
        joined = record["status"] in ("ACTIVE", "UPDATING", "DELETING")
        for one in instances(account, region, record) if joined else ():
            yield NodeFacts(
                name=one.private_dns_name,
                private_ip=one.private_ip,
                zone=one.placement.availability_zone,
                role_arn=record["nodeRole"],
                instance_type=one.instance_type,
                nodegroup=record["nodegroupName"],
            )


def _addon(region: str, name: str, version: str, managed: bool = True) -> AddonFacts:
    return AddonFacts(name, version, OFFERS[name].namespace, images(name, version, region), managed)


def _addons(account: str, region: str, kept: Store, record: Record) -> Iterator[AddonFacts]:
    managed = {one["addonName"]: one["addonVersion"] for one in _of(kept, ADDON, record["name"])}
    for name, version in managed.items():
        yield _addon(region, name, version)
    for name in _BY_NAME if record["_self_managed"] else ():
        if name not in managed:
            version = OFFERS[name].versions[0].format(kubernetes=record["version"])
            publish(name, f"{version}-eksbuild.1", region)
            yield _addon(region, name, f"{version}-eksbuild.1", managed=False)
