"""The stores: where each stands, under which key, who speaks to it, and until when it can be restored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from airgap.checks.backups import SNAPSHOTS
from airgap.checks.caches import READS as CACHE_READS
from airgap.checks.caches import caches
from airgap.checks.check import NotApplicable
from airgap.checks.databases import INSTANCES, databases
from airgap.checks.drills import TAGS
from airgap.checks.scope import tags
from airgap.checks.tables import RECOVERY, TABLES
from airgap.checks.tables import tables as tables_of
from airgap.checks.vectors import EVENTS, last_said
from airgap.model.canonical import dig
from airgap.model.data_stores import FAILOVER_TAG, RESTORE_TAG, VECTORS_TAG, asked_of_database
from airgap.views.look import Look, attempt
from airgap.views.table import LATER, Code, Facts, Mark, Table, not_read

STORE_READS = ("ec2:DescribeVpcs", INSTANCES, *CACHE_READS, *TABLES, RECOVERY)
CLIENT_READS = ("ec2:DescribeVpcs", "ec2:DescribeSecurityGroups", "ec2:DescribeSecurityGroupRules")
MOST = 100_000
"""Rows so far are counted (``functions.bootstrap``)."""
VECTOR_READS = ("ec2:DescribeVpcs", INSTANCES, EVENTS)
DRILL_READS = (*dict.fromkeys(("ec2:DescribeVpcs", INSTANCES, SNAPSHOTS, *CACHE_READS)), TAGS)
COLUMNS = ("store", "found", "what", "zones", "public", "key", "TLS alone", "restorable to", "protected")
_NO, _YES = Mark("no", "✓", "good"), Mark("yes", "✓", "good")
_OPEN, _BARE = Mark("yes", "✗", "bad"), Mark("no", "✗", "bad")
_NONE = "–"


def stores(look: Look) -> Table:
    """Return a row for PostgreSQL, the cache and the table, and for every other store in the VPC."""
    rows = [row for part in (_databases, _caches, _tables) for row in _rows(look, part)]
    note = "Which key, and whether the server really refuses clients without TLS, is judged in Verify."
    return Table("Stores", COLUMNS, rows, note=note)


def _rows(look: Look, part: Any) -> list[tuple[Any, ...]]:
    """Return the rows of one kind of store; a kind that has none is shown as it is declared."""
    try:
        found, reason = attempt(lambda: list(part(look)), [])
    except NotApplicable:
        found, reason = [], ""
    if reason:
        return [(_DECLARED[part][0], not_read(reason), *[""] * (len(COLUMNS) - 2))]
    name, what = _DECLARED[part]
    return found or [(name, LATER, what(look), *[""] * (len(COLUMNS) - 3))]


def _databases(look: Look) -> Iterator[tuple[Any, ...]]:
    for name, one in databases(look.intent, look.estate):
        zones = [one.get("AvailabilityZone"), one.get("SecondaryAvailabilityZone")]
        yield (
            name,
            str(one.get("DBInstanceStatus")),
            f"PostgreSQL {one.get('EngineVersion')}, {one.get('DBInstanceClass')}, {one.get('AllocatedStorage')} GiB",
            tuple(str(zone) for zone in zones if zone),
            _NO if one.get("PubliclyAccessible") is False else _OPEN,
            Code(str(one.get("KmsKeyId") or "none").rpartition("/")[2]),
            "by its parameters",
            str(one.get("LatestRestorableTime") or _NONE),
            _YES if one.get("DeletionProtection") else _BARE,
        )


def _caches(look: Look) -> Iterator[tuple[Any, ...]]:
    for name, cache in caches(look.intent, look.estate):
        item = cache.item
        yield (
            name,
            str(item.get("Status") or item.get("CacheClusterStatus")),
            f"{item.get('Engine')}, {len(cache.nodes)} × {item.get('CacheNodeType')}",
            tuple(sorted({str(node.get("PreferredAvailabilityZone")) for node in cache.nodes})),
            _NO,
            Code(str(item.get("KmsKeyId") or "none").rpartition("/")[2]),
            _YES if item.get("TransitEncryptionMode") == "required" else _BARE,
            f"daily, {item.get('SnapshotRetentionLimit', 0)} days",
            _NONE,
        )


def _tables(look: Look) -> Iterator[tuple[Any, ...]]:
    for name, table in tables_of(look.intent, look.estate):
        body, reason = attempt(partial(look.estate.page, RECOVERY, TableName=table["TableName"]), {})
        path = "ContinuousBackupsDescription.PointInTimeRecoveryDescription.LatestRestorableDateTime"
        yield (
            name,
            str(table.get("TableStatus")),
            f"DynamoDB, {dig(table, 'BillingModeSummary.BillingMode') or 'PROVISIONED'}",
            "the Region's",
            "by the gateway endpoint",
            Code(str(dig(table, "SSEDescription.KMSMasterKeyArn") or "none").rpartition("/")[2]),
            _YES,
            not_read(reason) if reason else str(dig(body or {}, path) or _NONE),
            _YES if table.get("DeletionProtectionEnabled") else _BARE,
        )


_DECLARED: dict[Any, tuple[str, Any]] = {
    _databases: (
        "db-instance:postgres",
        lambda look: f"PostgreSQL {look.intent.data.postgres_version}, {look.intent.data.postgres_class}",
    ),
    _caches: (
        "replication-group:cache",
        lambda look: f"{look.intent.data.cache_engine}, {look.intent.data.cache_node_type}",
    ),
    _tables: ("table:sessions", lambda look: "DynamoDB"),
}


def clients(look: Look) -> Table:
    """Return who may speak to the database and the cache, on which port and why, as their security groups say."""
    groups = look.items("ec2:DescribeSecurityGroups", "SecurityGroups")
    names = {one["GroupId"]: tags(one).get("airgap:key") or one["GroupId"] for one in groups}
    rules = look.items("ec2:DescribeSecurityGroupRules", "SecurityGroupRules")
    rows = [
        (
            names[rule["GroupId"]].removeprefix("security-group:"),
            f"{rule.get('IpProtocol')} {rule.get('FromPort')}",
            _peer(rule, names),
            rule.get("Description") or "",
        )
        for rule in rules
        if not rule.get("IsEgress")
        and names.get(rule["GroupId"]) in ("security-group:database", "security-group:cache")
    ]
    return Table("Clients of the stores", ("store", "port", "client", "why"), sorted(rows, key=str))


def _peer(rule: Mapping[str, Any], names: Mapping[str, str]) -> Any:
    group = dig(rule, "ReferencedGroupInfo.GroupId")
    if group:
        return str(names.get(group, group)).removeprefix("security-group:")
    peer = rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule.get("PrefixListId")
    return Mark(str(peer), "!", "unknown")


def vectors(look: Look) -> Facts:
    """Return what the database was asked to hold for vectors, and what the function has measured of it."""
    facts: list[tuple[str, Any]] = [("declared", asked_of_database(look.intent))]
    listed, reason = attempt(lambda: look.every(INSTANCES, "DBInstances"), [])
    ours = [one for one in listed if one["DBInstanceIdentifier"] == look.intent.data.postgres_name]
    asked = [tags(one).get(VECTORS_TAG) for one in ours]
    facts.append(("asked last", not_read(reason) if reason else (asked or [None])[0] or LATER))
    said, reason = attempt(lambda: last_said(look.intent, look.estate, ours[0]) if ours else None)
    if reason:
        return Facts("Vectors", [*facts, ("measured", not_read(reason))])
    if not said:
        return Facts("Vectors", [*facts, ("measured", LATER)])
    if said.get("rehearsed"):
        return Facts("Vectors", [*facts, ("measured", Mark("nothing: a rehearsal runs no statement", "–", "quiet"))])
    facts += [
        (name, _counted(said[name])) for name in ("server", "vector", "rows", "index", "measured_on") if name in said
    ]
    command = Code(f"airgap drill --env {look.intent.environment} index")
    if not said.get("rows"):
        facts.append(("index once there are rows", command))
    if said.get("building"):
        facts += [("being built by the server", Mark(str(said["building"]), "…", "quiet")), ("asked again by", command)]
    else:
        facts.append(("plan of a query", ", ".join(said.get("plan") or []) or Mark("no index", "✗", "bad")))
    facts.append(("connection", f"{dig(said, 'tls.version')}, {dig(said, 'tls.cipher')}, {dig(said, 'tls.verified')}"))
    return Facts("Vectors", facts)


def _counted(value: Any) -> str:
    """A value as text; the function counts rows so far and no further."""
    return f"{MOST} or more" if value == MOST else str(value)


def drills(look: Look) -> Table:
    """Return when a restore and a failover were tried last, and how each went."""
    held: list[tuple[str, str, Mapping[str, str]]] = []
    for one in look.every(INSTANCES, "DBInstances"):
        if one["DBInstanceIdentifier"] == look.intent.data.postgres_name:
            held += [("restore", "PostgreSQL", tags(one)), ("failover", "PostgreSQL", tags(one))]
    for one in look.every("elasticache:DescribeReplicationGroups", "ReplicationGroups"):
        if one["ReplicationGroupId"] == look.intent.name("cache"):
            body, _ = attempt(partial(look.estate.page, TAGS, ResourceName=one["ARN"]), {})
            held.append(("failover", "cache", tags({"Tags": (body or {}).get("TagList") or []})))
    known = {"restore": RESTORE_TAG, "failover": FAILOVER_TAG}
    command = f"airgap drill --env {look.intent.environment}"
    rows = [(drill, store, found.get(known[drill]) or Mark("not tried", "…", "quiet"), Code(f"{command} {drill}"))
            for drill, store, found in held]  # fmt: skip
    return Table("Drills", ("drill", "of", "last", "command"), rows)
