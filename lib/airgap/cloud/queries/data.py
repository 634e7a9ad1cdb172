"""Read calls on databases, caches and data transfer services (N5, N12)."""

from __future__ import annotations

from airgap.cloud.query import Query, follow

# A service that was never set up in the account says so; then it moves nothing.
NOT_SET_UP = ("UninitializedAccountException",)
_BY_ARN = {"ResourceName": "ARN"}

QUERIES: tuple[Query, ...] = (
    Query("rds:DescribeDBInstances"),
    Query("rds:DescribeDBMajorEngineVersions", {"Engine": "postgres"}),
    Query("rds:DescribeDBClusters"),
    Query("rds:DescribeDBSubnetGroups"),
    Query("rds:DescribeDBParameterGroups"),
    follow(
        "rds:ListTagsForResource", "rds:DescribeDBSubnetGroups", "DBSubnetGroups", {"ResourceName": "DBSubnetGroupArn"}
    ),
    follow(
        "rds:ListTagsForResource",
        "rds:DescribeDBParameterGroups",
        "DBParameterGroups",
        {"ResourceName": "DBParameterGroupArn"},
    ),
    follow(
        "rds:DescribeDBParameters",
        "rds:DescribeDBParameterGroups",
        "DBParameterGroups",
        {"DBParameterGroupName": "DBParameterGroupName"},
        # What was set by somebody; the rest is the engine's own.
        params={"Source": "user"},
        skip=(("DBParameterGroupName", "default.*"),),
    ),
    Query("rds:DescribeDBSnapshots"),
    follow(
        "rds:DescribeDBSnapshotAttributes",
        "rds:DescribeDBSnapshots",
        "DBSnapshots",
        {"DBSnapshotIdentifier": "DBSnapshotIdentifier"},
        only=(("SnapshotType", "manual"),),
    ),
    Query("rds:DescribeDBClusterSnapshots"),
    follow(
        "rds:DescribeDBClusterSnapshotAttributes",
        "rds:DescribeDBClusterSnapshots",
        "DBClusterSnapshots",
        {"DBClusterSnapshotIdentifier": "DBClusterSnapshotIdentifier"},
        only=(("SnapshotType", "manual"),),
    ),
    Query("rds:DescribeDBInstanceAutomatedBackups"),
    Query("rds:DescribeExportTasks"),
    Query("rds:DescribeGlobalClusters"),
    Query("rds:DescribeIntegrations"),
    Query("elasticache:DescribeReplicationGroups"),
    Query("elasticache:DescribeCacheClusters"),
    Query("elasticache:DescribeServerlessCaches"),
    Query("elasticache:DescribeCacheSubnetGroups"),
    Query("elasticache:DescribeUsers"),
    Query("elasticache:DescribeUserGroups"),
    follow("elasticache:ListTagsForResource", "elasticache:DescribeReplicationGroups", "ReplicationGroups", _BY_ARN),
    follow("elasticache:ListTagsForResource", "elasticache:DescribeCacheSubnetGroups", "CacheSubnetGroups", _BY_ARN),
    follow(
        "elasticache:ListTagsForResource",
        "elasticache:DescribeUsers",
        "Users",
        _BY_ARN,
        skip=(("UserId", "default"),),
    ),
    follow("elasticache:ListTagsForResource", "elasticache:DescribeUserGroups", "UserGroups", _BY_ARN),
    Query("elasticache:DescribeSnapshots"),
    Query("elasticache:DescribeGlobalReplicationGroups"),
    Query("dynamodb:ListTables"),
    follow("dynamodb:DescribeTable", "dynamodb:ListTables", "TableNames", {"TableName": "@"}),
    follow("dynamodb:DescribeContinuousBackups", "dynamodb:ListTables", "TableNames", {"TableName": "@"}),
    follow("dynamodb:DescribeKinesisStreamingDestination", "dynamodb:ListTables", "TableNames", {"TableName": "@"}),
    follow(
        "dynamodb:GetResourcePolicy",
        "dynamodb:DescribeTable",
        "Table",
        {"ResourceArn": "TableArn"},
        absent=("PolicyNotFoundException",),
    ),
    follow("dynamodb:ListTagsOfResource", "dynamodb:DescribeTable", "Table", {"ResourceArn": "TableArn"}),
    Query("dynamodb:ListExports"),
    Query("dynamodb:ListGlobalTables"),
    Query("redshift:DescribeClusters"),
    Query("redshift:DescribeClusterSnapshots"),
    Query("redshift:DescribeDataShares"),
    Query("docdb:DescribeGlobalClusters"),
    Query("neptune:DescribeGlobalClusters"),
    Query("dms:DescribeEndpoints"),
    Query("dms:DescribeReplicationInstances"),
    Query("datasync:ListLocations"),
    Query("datasync:ListTasks"),
    Query("transfer:ListServers"),
    Query("transfer:ListConnectors"),
    Query("drs:DescribeSourceServers", absent=NOT_SET_UP),
    Query("mgn:DescribeSourceServers", absent=NOT_SET_UP),
    Query("lakeformation:GetDataLakeSettings"),
    Query("lakeformation:ListResources"),
    Query("kafka:ListClustersV2"),
    Query("kafka:ListReplicators"),
)
