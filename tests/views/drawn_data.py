"""Pages of the stores for the views: nothing of ours there, and all in place."""

from __future__ import annotations

import json
from typing import Any

from airgap.model.data_stores import bootstrap_log_group
from airgap.model.intent import Intent

Pages = dict[tuple[str, str], Any]
EVENTS = {"logGroupName": "", "filterPattern": '"database-prepared"'}
ZONES = ("us-east-1a", "us-east-1b")


def none(intent: Intent) -> Pages:
    """Every store was asked for, and there is none to ask about."""
    asked = ("dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", "dynamodb:DescribeContinuousBackups",
             "elasticache:ListTagsForResource", "logs:FilterLogEvents")  # fmt: skip
    return {(call, "{}"): None for call in asked}


def deployed(intent: Intent, vpc: str) -> Pages:
    """A database, a cache and a table, and what the function measured."""
    cache, table = intent.arn("elasticache", "replicationgroup:fintech-cache"), intent.data.table
    arn = intent.arn("dynamodb", f"table/{table}")
    database = {
        "DBInstanceIdentifier": intent.data.postgres_name, "DBInstanceStatus": "available", "EngineVersion": "18.1",
        "DBInstanceClass": intent.data.postgres_class, "AllocatedStorage": 100, "AvailabilityZone": ZONES[0],
        "SecondaryAvailabilityZone": ZONES[1], "PubliclyAccessible": False, "KmsKeyId": "arn:k/1",
        "DBSubnetGroup": {"VpcId": vpc}, "LatestRestorableTime": "2026-11-01T23:55:00Z", "DeletionProtection": True,
        "TagList": [{"Key": "airgap:environment", "Value": intent.environment},
                    {"Key": "airgap:key", "Value": "db-instance:postgres"},
                    {"Key": "airgap:vectors", "Value": "embeddings<1024>"}],
    }  # fmt: skip
    group = {
        "ReplicationGroupId": intent.name("cache"), "ARN": cache, "Status": "available", "Engine": "valkey",
        "CacheNodeType": "cache.r7g.large", "TransitEncryptionMode": "required", "SnapshotRetentionLimit": 35,
    }  # fmt: skip
    nodes = [
        {"CacheClusterId": f"fintech-cache-00{number}", "ReplicationGroupId": intent.name("cache"),
         "CacheSubnetGroupName": "fintech-cache", "PreferredAvailabilityZone": zone}
        for number, zone in enumerate(ZONES, 1)
    ]  # fmt: skip
    said = {"rehearsed": True, "did": "database-prepared"}
    asked = json.dumps({**EVENTS, "logGroupName": bootstrap_log_group(intent)})
    return {
        ("rds:DescribeDBInstances", "{}"): {"DBInstances": [database]},
        ("elasticache:DescribeReplicationGroups", "{}"): {"ReplicationGroups": [group]},
        ("elasticache:DescribeCacheClusters", "{}"): {"CacheClusters": nodes},
        ("elasticache:DescribeCacheSubnetGroups", "{}"): {
            "CacheSubnetGroups": [{"CacheSubnetGroupName": "fintech-cache", "VpcId": vpc, "Subnets": []}]
        },
        ("elasticache:ListTagsForResource", json.dumps({"ResourceName": cache})): {"TagList": []},
        ("dynamodb:ListTables", "{}"): {"TableNames": [table]},
        ("dynamodb:DescribeTable", json.dumps({"TableName": table})): {
            "Table": {"TableName": table, "TableArn": arn, "TableStatus": "ACTIVE", "DeletionProtectionEnabled": True}
        },
        ("dynamodb:ListTagsOfResource", json.dumps({"ResourceArn": arn})): {
            "Tags": [{"Key": "airgap:environment", "Value": intent.environment},
                     {"Key": "airgap:key", "Value": "table:sessions"}]
        },
        ("dynamodb:DescribeContinuousBackups", json.dumps({"TableName": table})): {"ContinuousBackupsDescription": {}},
        ("logs:FilterLogEvents", asked): {"events": [{"timestamp": 1, "message": json.dumps(said)}]},
    }  # fmt: skip
