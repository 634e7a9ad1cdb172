"""DynamoDB tables: our key, recoverable to any second, admitting nobody else (DAT-02, DAT-04, NET-11)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from airgap.checks.backups import moment
from airgap.checks.check import NotApplicable, check
from airgap.checks.keys import KEY_READS, own_keys
from airgap.checks.scope import Item, Named, is_ours, label
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.policy import parse
from airgap.model.policy_lint import foreign_principals

TABLE = "dynamodb:DescribeTable"
TABLES = ("dynamodb:ListTables", TABLE, "dynamodb:ListTagsOfResource")
RECOVERY, POLICY = "dynamodb:DescribeContinuousBackups", "dynamodb:GetResourcePolicy"


def tables(intent: Intent, estate: Estate) -> Named:
    """Return the declared table, and every one with the environment's tags."""
    estate.pages("dynamodb:ListTables")
    found = []
    for _, body in estate.pages(TABLE):
        table = body["Table"]
        listed = estate.page("dynamodb:ListTagsOfResource", ResourceArn=table["TableArn"]) or {}
        if is_ours(listed, intent) or table["TableName"] == intent.data.table:
            found.append((label(listed, "-") if is_ours(listed, intent) else table["TableName"], table))
    if not found:
        raise NotApplicable("the environment has no table yet")
    return found


@check(
    "table-encrypted",
    "The table is encrypted with a customer key of the environment",
    severity="high",
    properties=("DAT-02",),
    reads=(*TABLES, *KEY_READS),
    remedy="set the environment's key on the table; it is changed in place",
    over=tables,
)
def table_encrypted(table: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that AWS's own key, or somebody else's, encrypts the table."""
    key = dig(table, "SSEDescription.KMSMasterKeyArn")
    if key not in own_keys(intent, estate) or dig(table, "SSEDescription.Status") == "DISABLED":
        yield f"its key is {key or 'a key of AWS'}, none of the environment's"


@check(
    "table-recoverable",
    "The table can be brought back to any second of the last days, and is protected against deletion",
    severity="high",
    properties=("DAT-04",),
    reads=(*TABLES, RECOVERY),
    remedy="turn point-in-time recovery and deletion protection on",
    over=tables,
)
def table_recoverable(table: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that recovery is off, too short or behind, or that a slip would delete the table."""
    body = estate.page(RECOVERY, TableName=table["TableName"]) or {}
    found = dig(body, "ContinuousBackupsDescription.PointInTimeRecoveryDescription") or {}
    if found.get("PointInTimeRecoveryStatus") != "ENABLED":
        yield "point-in-time recovery is off"
    else:
        if int(found.get("RecoveryPeriodInDays") or 35) < intent.data.backup_days:
            yield f"it can be recovered for {found['RecoveryPeriodInDays']} days, declared {intent.data.backup_days}"
        behind = moment(estate.taken_at) - moment(found.get("LatestRestorableDateTime"))
        if behind > dt.timedelta(minutes=max(intent.data.recovery_point_minutes, 6)):
            yield f"it can be recovered to {found.get('LatestRestorableDateTime')} at the latest"
    if table.get("DeletionProtectionEnabled") is not True:
        yield "it is not protected against deletion"


@check(
    "table-closed",
    "The table admits nobody outside the accounts in scope, and is copied to no Region out of scope",
    severity="critical",
    properties=("NET-11",),
    reads=(*TABLES, POLICY),
    remedy="put the declared policy back; remove the replica",
    over=tables,
)
def table_closed(table: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each foreign principal of the table's policy, and each Region to which it is replicated."""
    body = estate.page(POLICY, ResourceArn=table["TableArn"]) or {}
    if body.get("Policy"):
        admitted = foreign_principals(parse(body["Policy"]), intent.accounts, intent.organization)
        yield from (*admitted.foreign, *admitted.unresolved)
    for one in table.get("Replicas") or []:
        if one.get("RegionName") not in intent.regions:
            yield f"it is replicated to {one.get('RegionName')}"


CHECKS = (table_encrypted, table_recoverable, table_closed)
