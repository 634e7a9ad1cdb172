"""Databases, caches, tables, functions, secrets and builds of the embedded AWS: their order, and what AWS refuses."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

import pytest
from emulated import Account, refused, until

LATE = 100_000
KEY = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"


@dataclass
class Place:
    """A VPC with a subnet in each of two zones, a group, and a group of another VPC."""

    vpc: str
    subnets: list[str]
    group: str
    foreign: str


@pytest.fixture
def place(aws: Account) -> Place:
    ec2, vpc = aws.client("ec2"), aws.vpc()
    subnets = [aws.subnet(vpc, 1), aws.subnet(vpc, 2, "us-east-1b")]
    group, foreign = (
        ec2.create_security_group(VpcId=one, GroupName="g", Description="d")["GroupId"]
        for one in (vpc, aws.vpc("10.1.0.0/16"))
    )
    return Place(vpc, subnets, group, foreign)


@pytest.fixture
def database(aws: Account, place: Place) -> dict[str, Any]:
    """What a database is asked for; its subnet group and parameter group are there."""
    rds = aws.client("rds")
    rds.create_db_subnet_group(DBSubnetGroupName="own", DBSubnetGroupDescription="d", SubnetIds=place.subnets)
    rds.create_db_parameter_group(DBParameterGroupName="own", DBParameterGroupFamily="postgres18", Description="d")
    return {
        "DBInstanceIdentifier": "one", "Engine": "postgres", "EngineVersion": "18", "DBInstanceClass": "db.t4g.micro",
        "AllocatedStorage": 20, "MasterUsername": "master", "ManageMasterUserPassword": True,
        "DBSubnetGroupName": "own", "DBParameterGroupName": "own", "VpcSecurityGroupIds": [place.group],
        "BackupRetentionPeriod": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "differs"),
    [
        ("InvalidParameterCombination", {"EngineVersion": "99"}),
        ("InvalidParameterCombination", {"EngineVersion": "17"}),  # its parameter group is of another family
        ("DBSubnetGroupNotFoundFault", {"DBSubnetGroupName": "none"}),
        ("KMSKeyNotAccessibleFault", {"KmsKeyId": KEY, "StorageEncrypted": True}),
    ],
)
def test_a_database_that_rds_would_not_make_is_refused(
    aws: Account, database: dict[str, Any], code: str, differs: dict[str, Any]
) -> None:
    refused(code, aws.client("rds").create_db_instance, **{**database, **differs})


def test_a_database_stands_in_two_zones_of_one_vpc(aws: Account, place: Place, database: dict[str, Any]) -> None:
    rds = aws.client("rds")
    refused(
        "InvalidParameterCombination", rds.create_db_instance, **{**database, "VpcSecurityGroupIds": [place.foreign]}
    )
    rds.create_db_subnet_group(DBSubnetGroupName="narrow", DBSubnetGroupDescription="d", SubnetIds=place.subnets[:1])
    refused("DBSubnetGroupDoesNotCoverEnoughAZs", rds.create_db_instance, **{**database, "DBSubnetGroupName": "narrow"})


def test_a_database_takes_its_time_and_one_thing_at_a_time(aws: Account, database: dict[str, Any]) -> None:
    rds, ec2 = aws.client("rds"), aws.client("ec2")
    aws.control("POST", "/latency", {"rds:CreateDBInstance": LATE, "rds:DeleteDBInstance": LATE})
    made = rds.create_db_instance(**database)["DBInstance"]
    assert (made["DBInstanceStatus"], made.get("Endpoint")) == ("creating", None)
    refused("InvalidDBInstanceState", rds.modify_db_instance, DBInstanceIdentifier="one", BackupRetentionPeriod=2)
    aws.control("POST", "/skip", {"seconds": LATE})
    (shown,) = rds.describe_db_instances()["DBInstances"]
    assert shown["Endpoint"]["Address"]
    refused(
        "InvalidParameterCombination", rds.reboot_db_instance, DBInstanceIdentifier="one", ForceFailover=True
    )  # in one zone
    refused("InvalidDBSubnetGroupStateFault", rds.delete_db_subnet_group, DBSubnetGroupName="own")
    refused("InvalidDBParameterGroupState", rds.delete_db_parameter_group, DBParameterGroupName="own")
    refused("InvalidParameterCombination", rds.delete_db_instance, DBInstanceIdentifier="one")
    rds.create_db_snapshot(DBInstanceIdentifier="one", DBSnapshotIdentifier="last")
    last = {"DBInstanceIdentifier": "one", "FinalDBSnapshotIdentifier": "last"}
    refused("DBSnapshotAlreadyExists", rds.delete_db_instance, **last)
    rds.modify_db_instance(DBInstanceIdentifier="one", DeletionProtection=True)
    gone = {"DBInstanceIdentifier": "one", "SkipFinalSnapshot": True}
    until(lambda: rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"], "available")
    refused("InvalidParameterCombination", rds.delete_db_instance, **gone)
    rds.modify_db_instance(DBInstanceIdentifier="one", DeletionProtection=False)
    until(lambda: rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"], "available")
    assert rds.delete_db_instance(**gone)["DBInstance"]["DBInstanceStatus"] == "deleting"
    assert ec2.describe_network_interfaces()["NetworkInterfaces"]
    aws.control("POST", "/skip", {"seconds": LATE})
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    refused("DBInstanceNotFound", rds.delete_db_instance, **gone)
    rds.delete_db_subnet_group(DBSubnetGroupName="own")


def test_a_restore_needs_backups_and_makes_another_database(aws: Account, database: dict[str, Any]) -> None:
    rds = aws.client("rds")
    asked = {"SourceDBInstanceIdentifier": "one", "TargetDBInstanceIdentifier": "two", "UseLatestRestorableTime": True,
             "DBSubnetGroupName": "own"}  # fmt: skip
    refused("DBInstanceNotFound", rds.restore_db_instance_to_point_in_time, **asked)
    rds.create_db_instance(**{**database, "BackupRetentionPeriod": 0})
    refused("PointInTimeRestoreNotEnabled", rds.restore_db_instance_to_point_in_time, **asked)


CACHE: dict[str, Any] = {
    "ReplicationGroupId": "one", "ReplicationGroupDescription": "d", "Engine": "valkey", "NumCacheClusters": 2,
    "CacheNodeType": "cache.t4g.micro", "CacheSubnetGroupName": "own", "AutomaticFailoverEnabled": True,
    "MultiAZEnabled": True, "TransitEncryptionEnabled": True,
}  # fmt: skip


@pytest.fixture
def cache(aws: Account, place: Place) -> Any:
    """ElastiCache with a subnet group."""
    client = aws.client("elasticache")
    client.create_cache_subnet_group(
        CacheSubnetGroupName="own", CacheSubnetGroupDescription="d", SubnetIds=place.subnets
    )
    return client


@pytest.mark.parametrize(
    ("code", "differs"),
    [
        ("InvalidParameterCombination", {"AutomaticFailoverEnabled": False}),  # two zones fail over by themselves
        ("InvalidParameterCombination", {"NumCacheClusters": 1}),
        ("InvalidParameterCombination", {"TransitEncryptionEnabled": False, "UserGroupIds": ["own"]}),
        ("UserGroupNotFound", {"UserGroupIds": ["none"]}),
        ("CacheSubnetGroupNotFoundFault", {"CacheSubnetGroupName": "none"}),
        ("InvalidParameterValue", {"Engine": "memcached"}),
    ],
)
def test_a_cache_that_elasticache_would_not_make_is_refused(cache: Any, code: str, differs: dict[str, Any]) -> None:
    refused(code, cache.create_replication_group, **{**CACHE, **differs})


def test_logs_of_a_cache_go_to_a_group_that_is_there(cache: Any) -> None:
    logs = {"LogType": "slow-log", "DestinationType": "cloudwatch-logs", "LogFormat": "json",
            "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": "none"}}}  # fmt: skip
    refused("InvalidParameterValue", cache.create_replication_group, **CACHE, LogDeliveryConfigurations=[logs])


def test_a_cache_is_changed_one_thing_at_a_time_and_tls_comes_in_two_steps(aws: Account, cache: Any) -> None:
    aws.control("POST", "/latency", {"elasticache:CreateReplicationGroup": LATE})
    cache.create_replication_group(**{**CACHE, "TransitEncryptionEnabled": False})
    change = {"ReplicationGroupId": "one", "ApplyImmediately": True}
    refused("InvalidReplicationGroupState", cache.modify_replication_group, **change, SnapshotRetentionLimit=1)
    refused("InvalidReplicationGroupState", cache.delete_replication_group, ReplicationGroupId="one")
    aws.control("POST", "/skip", {"seconds": LATE})
    refused("CacheSubnetGroupInUse", cache.delete_cache_subnet_group, CacheSubnetGroupName="own")
    tls = {"TransitEncryptionEnabled": True}
    refused("InvalidParameterCombination", cache.modify_replication_group, **change, **tls)
    cache.modify_replication_group(**change, **tls, TransitEncryptionMode="preferred")
    refused("NodeGroupNotFoundFault", _settled(cache).test_failover, ReplicationGroupId="one", NodeGroupId="0009")
    cache.create_snapshot(ReplicationGroupId="one", SnapshotName="last")
    last = {"ReplicationGroupId": "one", "FinalSnapshotIdentifier": "last"}
    refused("SnapshotAlreadyExistsFault", _settled(cache).delete_replication_group, **last)


def _settled(cache: Any) -> Any:
    until(lambda: cache.describe_replication_groups()["ReplicationGroups"][0]["Status"], "available")
    return cache


def test_a_user_group_has_a_default_user_and_a_user_of_iam_is_called_by_its_id(cache: Any) -> None:
    nobody = {"UserId": "nobody", "UserName": "default", "Engine": "redis", "AccessString": "off -@all"}
    cache.create_user(**nobody, AuthenticationMode={"Type": "no-password-required"})
    own = {"UserId": "own", "UserName": "own", "Engine": "redis", "AccessString": "on ~* +@all"}
    iam = {"AuthenticationMode": {"Type": "iam"}}
    refused("InvalidParameterCombination", cache.create_user, **{**own, "UserName": "another"}, **iam)
    refused("InvalidParameterCombination", cache.create_user, **own, AuthenticationMode={"Type": "password"})
    cache.create_user(**own, **iam)
    group = {"UserGroupId": "own", "Engine": "redis"}
    refused("DefaultUserRequired", cache.create_user_group, **group, UserIds=["own"])
    refused("DuplicateUserName", cache.create_user_group, **group, UserIds=["default", "nobody"])
    refused("UserNotFound", cache.create_user_group, **group, UserIds=["nobody", "stranger"])
    cache.create_user_group(**group, UserIds=["nobody", "own"])
    refused("DefaultUserRequired", cache.modify_user_group, UserGroupId="own", UserIdsToRemove=["nobody"])
    refused("DefaultUserAssociatedToUserGroup", cache.delete_user, UserId="nobody")
    cache.create_replication_group(**CACHE, UserGroupIds=["own"])
    refused("InvalidUserGroupState", cache.delete_user_group, UserGroupId="own")


def test_a_table_is_changed_one_thing_at_a_time_and_its_backups_come_later(aws: Account) -> None:
    dynamo = aws.client("dynamodb")
    aws.control("POST", "/latency", {"dynamodb:CreateTable": LATE, "dynamodb:EnableBackups": 2 * LATE})
    dynamo.create_table(
        TableName="one", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], DeletionProtectionEnabled=True,
    )  # fmt: skip
    assert dynamo.describe_table(TableName="one")["Table"]["TableStatus"] == "CREATING"
    refused("ResourceInUseException", dynamo.update_table, TableName="one", DeletionProtectionEnabled=False)
    backups = {"TableName": "one", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    aws.control("POST", "/skip", {"seconds": LATE})
    assert dynamo.describe_table(TableName="one")["Table"]["TableStatus"] == "ACTIVE"
    refused("ContinuousBackupsUnavailableException", dynamo.update_continuous_backups, **backups)
    aws.control("POST", "/skip", {"seconds": LATE})
    dynamo.update_continuous_backups(**backups)
    refused("ValidationException", dynamo.delete_table, TableName="one")


def _role(aws: Account, service: str, *actions: str) -> str:
    iam, trust = aws.client("iam"), {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    name = f"of-{service.partition('.')[0]}-{len(actions)}"
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]
    if actions:
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(document))
    return str(made["Arn"])


INTERFACES = ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface")


def _code() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.py", "")
    return packed.getvalue()


def test_a_function_needs_its_role_its_place_and_its_code(aws: Account, place: Place) -> None:
    client, wrong = aws.client("lambda"), "InvalidParameterValueException"
    asked = {
        "FunctionName": "one", "Runtime": "python3.13", "Handler": "one.handler", "Code": {"ZipFile": _code()},
        "Role": _role(aws, "lambda.amazonaws.com", *INTERFACES),
        "VpcConfig": {"SubnetIds": place.subnets, "SecurityGroupIds": [place.group]},
    }  # fmt: skip
    unplaced = {"SubnetIds": ["subnet-0bad"], "SecurityGroupIds": [place.group]}
    differs: list[dict[str, Any]] = [
        {"Role": _role(aws, "ec2.amazonaws.com")},
        {"Role": _role(aws, "lambda.amazonaws.com")},  # may make no interface
        {"VpcConfig": unplaced},
        {"KMSKeyArn": KEY},
    ]
    for each in differs:
        refused(wrong, client.create_function, **{**asked, **each})
    aws.client("s3").create_bucket(Bucket="packages-of-functions")
    nowhere = {"S3Bucket": "packages-of-functions", "S3Key": "none"}
    refused(wrong, client.create_function, **{**asked, "Code": nowhere})
    aws.control("POST", "/latency", {"lambda:CreateFunction": LATE, "lambda:ReleaseInterfaces": LATE})
    client.create_function(**asked)
    refused("ResourceConflictException", client.invoke, FunctionName="one")
    refused("ResourceConflictException", client.update_function_configuration, FunctionName="one", Timeout=9)
    aws.control("POST", "/skip", {"seconds": LATE})
    assert client.get_function_configuration(FunctionName="one")["State"] == "Active"
    client.delete_function(FunctionName="one")
    ec2 = aws.client("ec2")
    refused("DependencyViolation", ec2.delete_security_group, GroupId=place.group)
    aws.control("POST", "/skip", {"seconds": LATE})
    ec2.delete_security_group(GroupId=place.group)


def test_a_secret_is_rotated_by_a_function_that_admits_it_and_its_name_is_taken_till_it_is_gone(aws: Account) -> None:
    manager, client = aws.client("secretsmanager"), aws.client("lambda")
    refused("InvalidParameterException", manager.create_secret, Name="one", KmsKeyId=KEY, SecretString="{}")
    manager.create_secret(Name="one", SecretString="{}")
    refused("InvalidRequestException", manager.rotate_secret, SecretId="one")
    arn = "arn:aws:lambda:us-east-1:123456789012:function:one"
    refused("ResourceNotFoundException", manager.rotate_secret, SecretId="one", RotationLambdaARN=arn)
    client.create_function(
        FunctionName="one", Runtime="python3.13", Handler="one.handler", Code={"ZipFile": _code()},
        Role=_role(aws, "lambda.amazonaws.com"),
    )  # fmt: skip
    refused("AccessDeniedException", manager.rotate_secret, SecretId="one", RotationLambdaARN=arn)
    client.add_permission(
        FunctionName="one", StatementId="a", Action="lambda:InvokeFunction", Principal="secretsmanager.amazonaws.com",
        SourceAccount="123456789012",
    )  # fmt: skip
    manager.rotate_secret(SecretId="one", RotationLambdaARN=arn)
    refused("InvalidRequestException", manager.rotate_secret, SecretId="one", RotationLambdaARN=arn)  # it is under way
    everybody = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    ]}  # fmt: skip
    policy = {"SecretId": "one", "ResourcePolicy": json.dumps(everybody), "BlockPublicPolicy": True}
    refused("PublicPolicyException", manager.put_resource_policy, **policy)
    manager.delete_secret(SecretId="one", RecoveryWindowInDays=7)
    refused("InvalidRequestException", manager.create_secret, Name="one", SecretString="{}")


def test_a_build_project_needs_its_role_and_its_place(aws: Account, place: Place) -> None:
    builds, wrong = aws.client("codebuild"), "InvalidInputException"
    asked = {
        "name": "one", "source": {"type": "CODEPIPELINE"}, "artifacts": {"type": "CODEPIPELINE"},
        "environment": {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
                        "computeType": "BUILD_GENERAL1_SMALL"},
        "serviceRole": _role(aws, "codebuild.amazonaws.com", *INTERFACES, "ec2:DescribeSubnets",
                             "ec2:DescribeSecurityGroups", "ec2:DescribeDhcpOptions", "ec2:DescribeVpcs",
                             "ec2:CreateNetworkInterfacePermission"),
        "vpcConfig": {"vpcId": place.vpc, "subnets": place.subnets, "securityGroupIds": [place.group]},
    }  # fmt: skip
    foreign = {**asked["vpcConfig"], "securityGroupIds": [place.foreign]}
    differs = [{"serviceRole": _role(aws, "codebuild.amazonaws.com")}, {"vpcConfig": foreign},
               {"serviceRole": _role(aws, "ec2.amazonaws.com")}]  # fmt: skip
    for each in differs:
        refused(wrong, builds.create_project, **{**asked, **each})
    builds.create_project(**asked)
    refused("ResourceAlreadyExistsException", builds.create_project, **asked)
