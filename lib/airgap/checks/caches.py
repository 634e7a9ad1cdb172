"""The cache: sealed, our key, TLS alone, nobody without a name, backed up, in two zones (DAT-01 to DAT-05, IAM-01).

A replication group does not name its VPC; its nodes do, by the subnets in which they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from airgap.checks.check import NotApplicable, check
from airgap.checks.databases import foreign_groups, lacking
from airgap.checks.keys import KEY_READS, own_keys
from airgap.checks.scope import SUBNET_READS, VPC_READS, Item, every, tiers, vpc_ids
from airgap.model.canonical import dig
from airgap.model.data_stores import cache_log_group
from airgap.model.estate import Estate
from airgap.model.intent import Intent

CACHES, NODES = "elasticache:DescribeReplicationGroups", "elasticache:DescribeCacheClusters"
PLACES = "elasticache:DescribeCacheSubnetGroups"
READS = (*VPC_READS, CACHES, NODES, PLACES)
GROUPS, USERS = "elasticache:DescribeUserGroups", "elasticache:DescribeUsers"


class Cache(NamedTuple):
    """A cache with its nodes and the subnets of each."""

    item: Item
    nodes: list[Item]
    subnets: list[str]


def caches(intent: Intent, estate: Estate) -> list[tuple[str, Cache]]:
    """Return every cache whose nodes stand in the VPC, declared or not, and those without a replication group."""
    ours = vpc_ids(intent, estate)
    places = {one["CacheSubnetGroupName"]: one for one in every(estate, PLACES, "CacheSubnetGroups")}
    groups = {one["ReplicationGroupId"]: one for one in every(estate, CACHES, "ReplicationGroups")}
    nodes: dict[str, list[Item]] = {}
    for node in every(estate, NODES, "CacheClusters"):
        place = places.get(str(node.get("CacheSubnetGroupName")))
        if place is None or place.get("VpcId") in ours:
            nodes.setdefault(str(node.get("ReplicationGroupId") or node["CacheClusterId"]), []).append(node)
    named = intent.name("cache")
    found = [
        (
            "replication-group:cache" if name == named else name,
            Cache(groups.get(name, held[0] if held else {}), held, _subnets(held, places)),
        )
        for name, held in sorted({**{one: nodes.get(one, []) for one in groups if one == named}, **nodes}.items())
    ]
    if not found:
        raise NotApplicable("the environment has no cache yet")
    return found


def _subnets(nodes: list[Item], places: dict[str, Item]) -> list[str]:
    names = {str(node.get("CacheSubnetGroupName")) for node in nodes}
    return [one for name in names for one in dig(places.get(name, {}), "Subnets[].SubnetIdentifier") or []]


@check(
    "cache-sealed",
    "The cache's nodes stand in sealed subnets alone, in the security group that is declared for them",
    severity="critical",
    properties=("DAT-01",),
    reads=(*READS, *SUBNET_READS, "ec2:DescribeSecurityGroups"),
    remedy="apply the step data; a cache in other subnets is replaced, not moved",
    over=caches,
)
def sealed(cache: Cache, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each subnet that is not sealed, and each security group that is another's."""
    known = tiers(intent, estate)
    if not cache.subnets:
        yield "nothing says in which subnets it stands"
    for one in cache.subnets:
        if known.get(one) != "private":
            yield f"{one} is {known.get(one, 'of no subnet of the VPC')}, not a sealed subnet"
    held = sorted({one for node in cache.nodes for one in dig(node, "SecurityGroups[].SecurityGroupId") or []})
    yield from foreign_groups(held, "security-group:cache", intent, estate)


@check(
    "cache-encrypted",
    "The cache is encrypted at rest with a customer key of the environment",
    severity="high",
    properties=("DAT-02",),
    reads=(*READS, *KEY_READS),
    remedy="a cache is encrypted when it is made: replace it",
    over=caches,
)
def encrypted(cache: Cache, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the cache lies in the clear, or under a key of somebody else."""
    if cache.item.get("AtRestEncryptionEnabled") is not True:
        yield "it is not encrypted at rest"
    elif cache.item.get("KmsKeyId") not in own_keys(intent, estate):
        yield f"its key is {cache.item.get('KmsKeyId') or 'a key of AWS'}, none of the environment's"


@check(
    "cache-tls-only",
    "The cache refuses connections without TLS",
    severity="critical",
    properties=("DAT-03",),
    reads=READS,
    remedy="turn encryption in transit on in mode preferred, move every client, then set mode required",
    over=caches,
)
def tls_only(cache: Cache, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the cache talks in the clear, always or to whoever asks for it."""
    if cache.item.get("TransitEncryptionEnabled") is not True:
        yield "encryption in transit is off"
    elif cache.item.get("TransitEncryptionMode") != "required":
        yield f"its mode is {cache.item.get('TransitEncryptionMode')}: clients without TLS are served too"


@check(
    "cache-users-authenticate",
    "Whoever uses the cache is a user of its group, authenticated; who gives no name may do nothing",
    severity="critical",
    properties=("IAM-01",),
    reads=(*READS, GROUPS, USERS),
    remedy="put the declared user group back; its user named default is off",
    over=caches,
)
def users_authenticate(cache: Cache, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the cache has no user group, and each user of it that is on and proves nothing."""
    held = cache.item.get("UserGroupIds") or []
    if not held:
        yield "it has no user group" + (", one token for all" if cache.item.get("AuthTokenEnabled") else "")
    users = {one["UserId"]: one for one in every(estate, USERS, "Users")}
    groups = {one["UserGroupId"]: one for one in every(estate, GROUPS, "UserGroups")}
    for name in held:
        for member in (groups.get(name) or {}).get("UserIds") or []:
            user = users.get(member) or {}
            is_on = "on" in str(user.get("AccessString") or "on").split()
            if is_on and dig(user, "Authentication.Type") not in ("iam", "password"):
                yield f"user {member} ({user.get('UserName')}) is on, and needs no password"
            elif is_on and user.get("UserName") == "default":
                yield f"user {member} stands for whoever gives no name, and is on"


@check(
    "cache-backed-up",
    "The cache is backed up daily, as long as declared",
    severity="medium",
    properties=("DAT-04",),
    reads=READS,
    remedy="set the declared retention of snapshots",
    over=caches,
)
def backed_up(cache: Cache, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that snapshots are not kept as long as declared."""
    days = int(cache.item.get("SnapshotRetentionLimit") or 0)
    if days < intent.data.backup_days:
        yield f"snapshots are kept {days} days, declared {intent.data.backup_days}"


@check(
    "cache-two-zones",
    "The cache stands in two zones of the environment and fails over by itself",
    severity="high",
    properties=("DAT-05",),
    reads=READS,
    remedy="turn automatic failover and Multi-AZ on",
    over=caches,
)
def two_zones(cache: Cache, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that a zone's failure is the cache's."""
    for member, what in (("AutomaticFailover", "it does not fail over by itself"), ("MultiAZ", "Multi-AZ is off")):
        if cache.item.get(member) != "enabled":
            yield what
    zones = {node.get("PreferredAvailabilityZone") for node in cache.nodes}
    if len(zones & set(intent.zones)) < 2:
        yield f"its nodes stand in {', '.join(sorted(map(str, zones))) or 'no zone that is named'}"


@check(
    "cache-logs-kept",
    "The cache sends its engine's log to CloudWatch Logs, which keeps it as long as declared under a customer key",
    severity="medium",
    properties=("LOG-02",),
    reads=(*READS, "logs:DescribeLogGroups"),
    remedy="apply the step data",
    over=caches,
)
def logs_kept(cache: Cache, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the log goes elsewhere or nowhere, and what its log group lacks."""
    path = "LogDeliveryConfigurations[].DestinationDetails.CloudWatchLogsDetails.LogGroup"
    wanted = cache_log_group(intent)
    if wanted not in (dig(cache.item, path) or []):
        yield "its engine's log is not delivered to the declared log group"
    groups = {one["logGroupName"]: one for one in every(estate, "logs:DescribeLogGroups", "logGroups")}
    yield from lacking(wanted, groups.get(wanted), intent)


CHECKS = (sealed, encrypted, tls_only, users_authenticate, backed_up, two_zones, logs_kept)
