"""The cache: a replication group in two zones of the sealed subnets, TLS alone, under our key, with users by name.

AWS: ElastiCache User Guide, "In-transit encryption", "At-rest encryption", "Minimizing downtime with Multi-AZ".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airgap.model.data_stores import CACHE_PORT, cache_log_group
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import FIXED, NEVER, Field, Reading
from airgap.resources import cache_users
from airgap.resources.cache_users import BUSY, TAGS
from airgap.resources.database_groups import sealed
from airgap.resources.kind import Call, Fields, Kind, declares, tag_list
from airgap.resources.logs import LOG_GROUP, log_group

GONE = ("ReplicationGroupNotFoundFault",)
_REPLACED = "ElastiCache sets it when the cache is created"
NODES = 2
"""Nodes of the cache, one in each of two zones."""

SUBNET_GROUP = Kind(
    "cache-subnet-group",
    "Subnets of the cache",
    Reading(
        "elasticache:DescribeCacheSubnetGroups",
        "CacheSubnetGroups",
        "CacheSubnetGroupName",
        owner="name",
        natural=("name",),
        unless=(("CacheSubnetGroupName", "default"),),
        tags=TAGS,
        fields={
            "name": Field("CacheSubnetGroupName", change=NEVER, why="a subnet group is its name"),
            "description": Field("CacheSubnetGroupDescription"),
            "subnets": Field("Subnets[].SubnetIdentifier", form="set", risk="opens", why="the sealed subnets alone"),
        },
    ),
    create=(
        Call(
            "elasticache:CreateCacheSubnetGroup",
            lambda f: {**_subnet_group(f), "Tags": tag_list(f)},
            result="CacheSubnetGroup",
            actions=("elasticache:AddTagsToResource",),
        ),
    ),
    updates=dict.fromkeys(
        ("description", "subnets"), (Call("elasticache:ModifyCacheSubnetGroup", lambda f: _subnet_group(f)),)
    ),
    delete=(
        Call(
            "elasticache:DeleteCacheSubnetGroup",
            lambda f: {"CacheSubnetGroupName": f["id"]},
            ignore=("CacheSubnetGroupNotFoundFault",),
            retry=("CacheSubnetGroupInUse",),
        ),
    ),
)


def _subnet_group(f: Fields) -> dict[str, Any]:
    return {
        "CacheSubnetGroupName": f["name"],
        "CacheSubnetGroupDescription": f["description"],
        "SubnetIds": f["subnets"],
    }


def _log_delivery(group: str) -> list[dict[str, Any]]:
    """The engine's own log; the slow log would hold what commands carry."""
    details = {"CloudWatchLogsDetails": {"LogGroup": group}}
    return [
        {
            "LogType": "engine-log",
            "DestinationType": "cloudwatch-logs",
            "DestinationDetails": details,
            "LogFormat": "json",
        }
    ]


def _created(f: Fields) -> dict[str, Any]:
    return {
        "ReplicationGroupId": f["name"],
        "ReplicationGroupDescription": f["description"],
        "Engine": f["engine"],
        "CacheNodeType": f["node_type"],
        "NumNodeGroups": 1,
        "ReplicasPerNodeGroup": f["nodes"] - 1,
        "AutomaticFailoverEnabled": f["failover"] == "enabled",
        "MultiAZEnabled": f["multi_az"] == "enabled",
        "CacheSubnetGroupName": f["subnet_group"],
        "SecurityGroupIds": f["groups"],
        "Port": f["port"],
        "TransitEncryptionEnabled": f["tls"],
        "TransitEncryptionMode": f["tls_mode"],
        "AtRestEncryptionEnabled": f["encrypted"],
        "KmsKeyId": f["kms_key"],
        "UserGroupIds": f["user_groups"],
        "SnapshotRetentionLimit": f["backup_days"],
        "AutoMinorVersionUpgrade": f["minor_upgrades"],
        "LogDeliveryConfigurations": _log_delivery(f["log_group"]),
        "Tags": tag_list(f),
    }


def _modified(**members: Any) -> tuple[Call, ...]:
    def params(f: Fields) -> Mapping[str, Any]:
        chosen = {name: value(f) if callable(value) else f[value] for name, value in members.items()}
        return {"ReplicationGroupId": f["id"], "ApplyImmediately": True, **chosen}

    return (Call("elasticache:ModifyReplicationGroup", params, retry=BUSY),)


def _user_groups(f: Fields, add: bool) -> list[str] | None:
    was, now = set(f["was"].get("user_groups") or ()), set(f["user_groups"])
    return sorted(now - was if add else was - now) or None


def state(item: Mapping[str, Any]) -> str:
    """Return the state of a cache; one with a change before it is being changed, whatever its status says yet."""
    status = str(item.get("Status") or "")
    return "modifying" if status == "available" and item.get("PendingModifiedValues") else status


def final_snapshot(f: Fields) -> str | None:
    """Return the name of the snapshot that a deletion leaves, which no earlier cache of this name has taken."""
    if f.get("final_snapshot") is False:
        return None
    made = "".join(one for one in f.get("created", "") if one.isdigit())[:14]
    return f"{f['id']}-final-{made}".rstrip("-")


_DURING = {"failover": "AutomaticFailoverEnabled", "multi_az": "MultiAZEnabled"}
REPLICATION_GROUP = Kind(
    "replication-group",
    "Cache",
    Reading(
        "elasticache:DescribeReplicationGroups",
        "ReplicationGroups",
        "ReplicationGroupId",
        owner="name",
        natural=("name",),
        tags=TAGS,
        attrs={
            "arn": "ARN",
            "created": "ReplicationGroupCreateTime",
        },
        fields={
            "name": Field("ReplicationGroupId", change=NEVER, why="a cache is its id"),
            "description": Field("Description"),
            "engine": Field("Engine", change=NEVER, why=_REPLACED),
            "node_type": Field("CacheNodeType", risk="interrupts", why="it moves to other machines"),
            "failover": Field("AutomaticFailover", risk="unprotects", why="a zone may fail"),
            "multi_az": Field("MultiAZ", risk="unprotects", why="a zone may fail"),
            "tls": Field("TransitEncryptionEnabled", risk="opens", absent=False, why="it would talk in the clear"),
            "tls_mode": Field("TransitEncryptionMode", risk="opens", why="clients in the clear would be served too"),
            "encrypted": Field("AtRestEncryptionEnabled", change=NEVER, absent=False, why=_REPLACED),
            "kms_key": Field("KmsKeyId", change=NEVER, why=_REPLACED),
            "user_groups": Field("UserGroupIds", form="set", risk="opens", absent=(), why="who may use the cache"),
            "backup_days": Field("SnapshotRetentionLimit", risk="unprotects", absent=0, why="older backups go"),
            "minor_upgrades": Field("AutoMinorVersionUpgrade", why="fixes come in the maintenance window"),
            "log_group": Field(
                "LogDeliveryConfigurations[].DestinationDetails.CloudWatchLogsDetails.LogGroup",
                form="one",
                risk="blinds",
                why="what the engine says is kept",
            ),
        },
        state="Status",
        settled=("available",),
        failed=("create-failed",),
        holds="the cache's content, and all backups that are not retained",
    ),
    create=(
        Call(
            "elasticache:CreateReplicationGroup",
            _created,
            result="ReplicationGroup",
            actions=(
                "elasticache:AddTagsToResource",
                "iam:CreateServiceLinkedRole",
                "kms:CreateGrant",
                "kms:DescribeKey",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "logs:CreateLogDelivery",
                "logs:GetLogDelivery",
                "logs:UpdateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:ListLogDeliveries",
                "logs:PutResourcePolicy",
                "logs:DescribeResourcePolicies",
                "logs:DescribeLogGroups",
            ),
            retry=("UserGroupNotFound", "InvalidUserGroupState"),
        ),
    ),
    updates={
        "description": _modified(ReplicationGroupDescription="description"),
        "node_type": _modified(CacheNodeType="node_type"),
        **dict.fromkeys(
            _DURING,
            _modified(
                AutomaticFailoverEnabled=lambda f: f["failover"] == "enabled",
                MultiAZEnabled=lambda f: f["multi_az"] == "enabled",
            ),
        ),
        # In the clear first tolerated, then refused: a cache without TLS gets there in two changes.
        "tls": (
            *_modified(TransitEncryptionEnabled="tls", TransitEncryptionMode=lambda f: "preferred"),
            *_modified(TransitEncryptionMode="tls_mode"),
        ),
        "tls_mode": _modified(TransitEncryptionMode="tls_mode"),
        "user_groups": _modified(
            UserGroupIdsToAdd=lambda f: _user_groups(f, True), UserGroupIdsToRemove=lambda f: _user_groups(f, False)
        ),
        "backup_days": _modified(SnapshotRetentionLimit="backup_days"),
        "minor_upgrades": _modified(AutoMinorVersionUpgrade="minor_upgrades"),
        "log_group": _modified(LogDeliveryConfigurations=lambda f: _log_delivery(f["log_group"])),
    },
    delete=(
        Call(
            "elasticache:DeleteReplicationGroup",
            lambda f: {
                "ReplicationGroupId": f["id"],
                "RetainPrimaryCluster": False,
                "FinalSnapshotIdentifier": final_snapshot(f),
            },
            ignore=GONE,
            retry=BUSY,
            actions=("elasticache:CreateSnapshot",),
        ),
    ),
    poll=Call("elasticache:DescribeReplicationGroups", lambda f: {"ReplicationGroupId": f["name"]}, ignore=GONE),
    state_of=state,
    seconds=600,
    limit=3600,
    gone=True,
    serial=True,
)


NODE = Kind(
    "cache-node",
    "Node of the cache",
    Reading(
        "elasticache:DescribeCacheClusters",
        "CacheClusters",
        "CacheClusterId",
        owner="parent",
        natural=("cache", "name"),
        fields={
            "cache": Field("ReplicationGroupId", change=NEVER, why="a node is a part of its cache"),
            "name": Field("CacheClusterId", change=NEVER, why="a node is its name"),
            "subnet_group": Field("CacheSubnetGroupName", change=FIXED, why="a cache stays in its subnets"),
            "groups": Field(
                "SecurityGroups[].SecurityGroupId", form="set", risk="opens", why="its own group and no other"
            ),
        },
        state="CacheClusterStatus",
        settled=("available",),
    ),
    born=Call(
        "elasticache:DescribeCacheClusters",
        lambda f: {"CacheClusterId": f["name"]},
        ignore=("CacheClusterNotFound",),
    ),
    create=(),
    updates={
        "groups": (
            Call(
                "elasticache:ModifyReplicationGroup",
                lambda f: {"ReplicationGroupId": f["cache"], "ApplyImmediately": True, "SecurityGroupIds": f["groups"]},
                retry=BUSY,
            ),
        )
    },
    poll=Call(
        "elasticache:DescribeCacheClusters",
        lambda f: {"CacheClusterId": f["name"]},
        ignore=("CacheClusterNotFound",),
    ),
    seconds=60,
    limit=1800,
)


@declares(LOG_GROUP)
def declare_log_groups(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the log group of the cache's engine."""
    yield log_group("cache-engine", cache_log_group(intent), intent.logs.retention_days, why="engine log of the cache")


@declares(SUBNET_GROUP, cache_users.USER, cache_users.USER_GROUP, REPLICATION_GROUP, NODE)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the cache, its users and the group of them, and where it stands."""
    name = intent.name("cache")
    placed = {"name": name, "description": f"Sealed subnets of {name}", "subnets": sealed(intent)}
    yield Desired("cache-subnet-group", "cache", placed, why="the cache stands in sealed subnets alone")
    yield from cache_users.declared(intent)
    fields = {
        "name": name,
        "description": f"Cache of {intent.environment}",
        "engine": intent.data.cache_engine,
        "node_type": intent.data.cache_node_type,
        "nodes": NODES,
        "failover": "enabled",
        "multi_az": "enabled",
        "subnet_group": ref("cache-subnet-group:cache"),
        "groups": [ref("security-group:cache")],
        "port": CACHE_PORT,
        "tls": True,
        "tls_mode": "required",
        "encrypted": True,
        "kms_key": ref("kms-key:data", "arn"),
        "user_groups": [ref("cache-user-group:cache")],
        "backup_days": min(intent.data.backup_days, 35),
        "minor_upgrades": True,
        "log_group": cache_log_group(intent),
        "final_snapshot": intent.retain == "snapshots",
    }
    why = "sessions and answers, in two zones, TLS alone"
    yield Desired("replication-group", "cache", fields, needs=("log-group:cache-engine",), why=why)
    for number in range(1, NODES + 1):
        node = {
            "cache": ref("replication-group:cache"),
            "name": f"{name}-{number:03}",
            "subnet_group": ref("cache-subnet-group:cache"),
            "groups": [ref("security-group:cache")],
        }
        yield Desired("cache-node", f"cache-{number:03}", node, why="ElastiCache makes it with the cache")
