"""Step data on the embedded AWS: made, found again, changed behind the back, destroyed, made again."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from embedded import AWS
from standins import keys

from airgap.errors import NotApproved
from airgap.model.plan import IMPOSSIBLE, LOSES, Change, Plan
from airgap.resources import cache, database, security_groups, tables, vpc
from airgap.resources.kind import Declaration
from airgap.run import approving

GROUND: tuple[Declaration, ...] = (keys, vpc.declare, vpc.declare_subnets, security_groups.declare)
LOGS = (database.declare_log_groups, cache.declare_log_groups)
STORES: tuple[Declaration, ...] = (*GROUND, *LOGS, database.declare, cache.declare, tables.declare)
DATABASE: tuple[Declaration, ...] = (*GROUND, database.declare_log_groups, database.declare)
NAME, CACHE, TABLE = "fintech-postgres", "fintech-cache", "fintech-sessions"


def settled(aws: AWS, **changes: Any) -> None:
    """Change the database behind the back, and wait until RDS has done so."""
    rds = aws.client("rds")
    rds.modify_db_instance(DBInstanceIdentifier=NAME, ApplyImmediately=True, **changes)
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=NAME, WaiterConfig={"Delay": 1})


def test_stores_come_stay_and_go(aws: AWS) -> None:
    for _ in range(2):
        aws.apply(*STORES)
        aws.memory.lines.clear()
        aws.settled(*STORES)
        assert aws.memory.calls("write") == []
        aws.destroy(*STORES)
    assert aws.client("rds").describe_db_instances()["DBInstances"] == []
    assert aws.client("rds").describe_db_snapshots()["DBSnapshots"] == []
    assert aws.client("elasticache").describe_replication_groups()["ReplicationGroups"] == []
    assert aws.client("dynamodb").list_tables()["TableNames"] == []


def test_what_is_opened_behind_the_back_is_shown_field_by_field_and_closed(aws: AWS) -> None:
    aws.apply(*STORES)
    settled(aws, PubliclyAccessible=True, DeletionProtection=False, BackupRetentionPeriod=1)
    rds, caches, dynamo = aws.client("rds"), aws.client("elasticache"), aws.client("dynamodb")
    group = "fintech-postgres-postgres18"
    off = {"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}
    more = {"ParameterName": "log_statement", "ParameterValue": "all", "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[off, more])
    caches.modify_user(UserId="fintech-cache-default", AccessString="on ~* +@all")
    caches.modify_replication_group(ReplicationGroupId=CACHE, RemoveUserGroups=True, ApplyImmediately=True)
    dynamo.update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    caches.get_waiter("replication_group_available").wait(ReplicationGroupId=CACHE, WaiterConfig={"Delay": 1})
    changes = aws.plan(*STORES).changes
    assert set(changes) == {
        "db-instance:postgres", "db-parameter-group:postgres", "cache-user:default", "replication-group:cache",
        "table:sessions",
    }  # fmt: skip
    assert set(changes["db-instance:postgres"]) == {"public", "deletion_protection", "backup_days"}
    assert set(changes["replication-group:cache"]) == {"user_groups"}
    aws.settled(*STORES)


def test_what_a_database_cannot_change_is_impossible_or_loses_its_data(aws: AWS) -> None:
    aws.apply(*DATABASE)
    aws.change(data=dataclasses.replace(aws.intent.data, postgres_gib=50, postgres_version="17", database="other"))
    found = {one.field: one for one in aws.plan(*DATABASE).plan.changes if one.resource == "db-instance:postgres"}
    assert (found["version"].risk, found["storage_gib"].risk) == (IMPOSSIBLE, IMPOSSIBLE)
    assert (found["database"].op, found["database"].risk) == ("replace", LOSES)
    assert "with the old one go the database, and all backups" in found["database"].why


def test_a_snapshot_stays_where_the_params_say_so_and_its_name_does_not_stand_in_the_way(aws: AWS) -> None:
    aws.change(retain="snapshots")
    for count in (1, 2):
        aws.apply(*STORES)
        aws.destroy(*STORES)
        kept = aws.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
        assert len({one["DBSnapshotIdentifier"] for one in kept}) == count
        assert all(one["Encrypted"] for one in kept)
    assert len(aws.client("elasticache").describe_snapshots()["Snapshots"]) == 2
    assert len(aws.client("dynamodb").list_backups(TableName=TABLE)["BackupSummaries"]) == 2


def test_no_password_is_in_what_is_kept(aws: AWS) -> None:
    aws.apply(*DATABASE)
    arn = aws.client("rds").describe_db_instances()["DBInstances"][0]["MasterUserSecret"]["SecretArn"]
    held = json.loads(aws.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    kept = json.dumps([aws.memory.pages, aws.memory.lines], default=str)
    assert held["password"] not in kept
    assert '"MasterUserPassword"' not in kept


def test_a_protected_database_is_not_deleted_by_a_slip(aws: AWS) -> None:
    aws.apply(*DATABASE)
    with pytest.raises(Exception, match="deletion protection"):
        aws.client("rds").delete_db_instance(DBInstanceIdentifier=NAME, SkipFinalSnapshot=True)
    assert aws.plan(*DATABASE).changes == {}


def test_a_stranger_of_that_name_is_never_touched(aws: AWS) -> None:
    aws.apply(*GROUND)
    aws.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    planned = aws.plan(*GROUND, tables.declare)
    assert dict(planned.plan.unknowns) == {
        "table:sessions": f"{TABLE} has its name and is not ours: adopt it, or choose another prefix"
    }


@pytest.mark.parametrize(("mode", "refused"), [("apply", True), ("destroy", False)])
def test_no_blanket_approval_covers_what_loses_data(mode: str, refused: bool) -> None:
    class Anybody:
        intent = dataclasses.make_dataclass("Intent", [("approval", str, "auto")])()

        def __init__(self) -> None:
            self.mode = mode
            self.journal = self

        def append(self, event: str, data: Any) -> None:
            assert event == "approval"

    change = Change("replace", "db-instance:postgres", "kms_key", "a", "b", LOSES, "what stays so")
    plan, context = Plan("data", (change,)), Anybody()
    if not refused:
        assert "auto" in approving.approve(context, plan, "", {})  # type: ignore[arg-type]
        return
    with pytest.raises(NotApproved, match="only the digest of this very plan approves: replace db-instance:postgres"):
        approving.approve(context, plan, "", {})  # type: ignore[arg-type]


def test_a_failed_function_is_a_failed_write() -> None:
    """What the function raised is told, and the database is not said to be prepared."""
    from airgap.cloud.failures import inside

    class Body:
        def read(self) -> bytes:
            return b'{"errorMessage": "holds vectors of 512 dimensions"}'

    found = inside({"StatusCode": 200, "FunctionError": "Unhandled", "Payload": Body()})
    assert found is not None
    assert found.code == "FunctionErrorUnhandled"
    assert found.message == '{"errorMessage": "holds vectors of 512 dimensions"}'
    assert inside({"StatusCode": 200, "Payload": Body()}) is None
