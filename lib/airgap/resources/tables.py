"""The DynamoDB table: under our key, recoverable to any second, protected against deletion, for this account alone.

AWS: DynamoDB Developer Guide, "DynamoDB encryption at rest", "Point-in-time recovery", "Resource-based policies".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model.canonical import encode, plain
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.kind import Call, Fields, Kind, declares, tag_list

_GONE = ("ResourceNotFoundException",)
_BUSY = ("ResourceInUseException",)
_REPLACED = "a table's keys cannot be changed"
_BACKUPS = "ContinuousBackupsDescription.PointInTimeRecoveryDescription"
_ITSELF = {"TableName": "TableName"}
DAYS = 35
"""Days to which a table can be recovered, which are the most that DynamoDB keeps."""


def _named(f: Fields, **members: Any) -> dict[str, Any]:
    return {"TableName": f["name"], **members}


def _recovery(f: Fields) -> dict[str, Any]:
    wanted = {"PointInTimeRecoveryEnabled": f["recovery"] == "ENABLED", "RecoveryPeriodInDays": f["recovery_days"]}
    return _named(f, PointInTimeRecoverySpecification=wanted)


_RECOVERED = (
    Call("dynamodb:UpdateContinuousBackups", _recovery, retry=("ContinuousBackupsUnavailableException", *_BUSY)),
)

TABLE = Kind(
    "table",
    "DynamoDB table",
    Reading(
        "dynamodb:DescribeTable",
        "Table",
        "TableName",
        owner="name",
        natural=("name",),
        unless=(("TableStatus", "DELETING"),),
        tags="dynamodb:ListTagsOfResource|ResourceArn=TableArn|Tags",
        attrs={"arn": "TableArn"},
        fields={
            "name": Field("TableName", change=NEVER, why="a table is its name"),
            "keys": Field("KeySchema", change=NEVER, why=_REPLACED),
            "attributes": Field("AttributeDefinitions", form="set", change=NEVER, why=_REPLACED),
            "billing": Field("BillingModeSummary.BillingMode", absent="PROVISIONED", why="capacity follows use"),
            "kms_key": Field("SSEDescription.KMSMasterKeyArn", risk="opens", why="it would lie under AWS's own key"),
            "deletion_protection": Field("DeletionProtectionEnabled", risk="unprotects", absent=False),
            "recovery": Field(
                f"{_BACKUPS}.PointInTimeRecoveryStatus",
                call="dynamodb:DescribeContinuousBackups",
                by=_ITSELF,
                risk="unprotects",
                why="what was there cannot be brought back",
            ),
            "recovery_days": Field(
                f"{_BACKUPS}.RecoveryPeriodInDays",
                call="dynamodb:DescribeContinuousBackups",
                by=_ITSELF,
                risk="unprotects",
                why="older states go for good",
            ),
            "policy": Field(
                "Policy",
                call="dynamodb:GetResourcePolicy",
                by={"ResourceArn": "TableArn"},
                form="policy",
                risk="opens",
                why="it says who may read and write",
            ),
        },
        state="TableStatus",
        settled=("ACTIVE",),
        failed=("INACCESSIBLE_ENCRYPTION_CREDENTIALS", "ARCHIVED"),
        holds="the table's items, and every state that it could be recovered to",
    ),
    create=(
        Call(
            "dynamodb:CreateTable",
            lambda f: _named(
                f,
                KeySchema=f["keys"],
                AttributeDefinitions=f["attributes"],
                BillingMode=f["billing"],
                SSESpecification=_encrypted(f),
                DeletionProtectionEnabled=f["deletion_protection"],
                ResourcePolicy=encode(plain(f["policy"])),
                Tags=tag_list(f),
            ),
            result="TableDescription",
            actions=(
                "dynamodb:TagResource",
                "dynamodb:PutResourcePolicy",
                "kms:CreateGrant",
                "kms:DescribeKey",
                "kms:Decrypt",
            ),
        ),
    ),
    later=("recovery",),
    updates={
        "billing": (Call("dynamodb:UpdateTable", lambda f: _named(f, BillingMode=f["billing"]), retry=_BUSY),),
        "kms_key": (Call("dynamodb:UpdateTable", lambda f: _named(f, SSESpecification=_encrypted(f)), retry=_BUSY),),
        "deletion_protection": (
            Call(
                "dynamodb:UpdateTable",
                lambda f: _named(f, DeletionProtectionEnabled=f["deletion_protection"]),
                retry=_BUSY,
            ),
        ),
        "recovery": _RECOVERED,
        "recovery_days": _RECOVERED,
        "policy": (
            Call(
                "dynamodb:PutResourcePolicy",
                lambda f: {"ResourceArn": f["arn"], "Policy": encode(plain(f["policy"]))},
                retry=_BUSY,
            ),
        ),
    },
    delete=(
        # A backup outlives its table; of a table that nobody declares any more one stays.
        Call(
            "dynamodb:CreateBackup",
            lambda f: {"TableName": f["id"], "BackupName": f"{f['id']}-final"},
            when=lambda f: f.get("final_backup") is not False,
        ),
        Call("dynamodb:DeleteTable", lambda f: {"TableName": f["id"]}, ignore=_GONE, retry=_BUSY),
    ),
    poll=Call("dynamodb:DescribeTable", lambda f: {"TableName": f["name"]}, ignore=_GONE),
    protection={"deletion_protection": False},
    seconds=20,
    limit=900,
    gone=True,
    serial=True,
)


def _encrypted(f: Fields) -> dict[str, Any]:
    return {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": f["kms_key"]}


def table_policy(intent: Intent) -> dict[str, Any]:
    """Return the policy that refuses every other account, whatever IAM would admit there."""
    strangers = {"StringNotEquals": {"aws:PrincipalAccount": intent.account}}
    statement = {
        "Sid": "OursOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "dynamodb:*",
        "Resource": intent.arn("dynamodb", f"table/{intent.data.table}"),
        "Condition": strangers,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


@declares(TABLE)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the table, reached through the gateway endpoint; none where the component is not chosen."""
    if "dynamodb" not in intent.components:
        return
    fields = {
        "name": intent.data.table,
        "keys": [{"AttributeName": "id", "KeyType": "HASH"}],
        "attributes": [{"AttributeName": "id", "AttributeType": "S"}],
        "billing": "PAY_PER_REQUEST",
        "kms_key": ref("kms-key:data", "arn"),
        "deletion_protection": True,
        "recovery": "ENABLED",
        "recovery_days": DAYS,
        "policy": table_policy(intent),
        "final_backup": intent.retain == "snapshots",
    }
    yield Desired("table", "sessions", fields, why="sessions, recoverable to any second")
