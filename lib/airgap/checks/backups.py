"""Backups of PostgreSQL: recent, encrypted, shared with nobody (DAT-02, DAT-04, NET-11)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Optional

from airgap.checks.check import NotApplicable, Undecided, check
from airgap.checks.databases import READS, databases
from airgap.checks.keys import KEY_READS, own_keys
from airgap.checks.scope import Item, Named, every, is_ours
from airgap.model.estate import Estate
from airgap.model.intent import Intent

BACKUPS, AUTOMATED = "rds:DescribeDBInstanceAutomatedBackups", "DBInstanceAutomatedBackups"
SNAPSHOTS, SHARED = "rds:DescribeDBSnapshots", "rds:DescribeDBSnapshotAttributes"


def moment(text: Optional[str]) -> dt.datetime:
    """Return a time of a page; raises ``Undecided`` where it names none."""
    if not text:
        raise Undecided("the page does not say until when it can be restored")
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


@check(
    "database-backed-up",
    "The database is backed up as long as declared, restorable to a recent moment, and protected against deletion",
    severity="high",
    properties=("DAT-04",),
    reads=READS,
    remedy="set the declared retention and the protection; why a restorable time stands still only AWS can say",
    over=databases,
)
def backed_up(database: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that backups are too short or too old, or that a slip would delete the database."""
    days = int(database.get("BackupRetentionPeriod") or 0)
    if days < intent.data.backup_days:
        yield f"backups are kept {days} days, declared {intent.data.backup_days}"
    if not database.get("DeletionProtection"):
        yield "it is not protected against deletion"
    if days:
        least = dt.timedelta(minutes=intent.data.recovery_point_minutes)
        latest = moment(database.get("LatestRestorableTime"))
        if moment(estate.taken_at) - latest > least:
            yield f"it can be restored to {latest.isoformat()} at the latest, more than {least} before now"


def _copies(intent: Intent, estate: Estate) -> Named:
    """Automated backups and snapshots of the environment's databases."""
    names = {one["DBInstanceIdentifier"] for _, one in databases(intent, estate)}
    held = [(one, f"backup of {one.get('DBInstanceIdentifier')}") for one in every(estate, BACKUPS, AUTOMATED)]
    held += [(one, str(one["DBSnapshotIdentifier"])) for one in every(estate, SNAPSHOTS, "DBSnapshots")]
    return [(name, one) for one, name in held if one.get("DBInstanceIdentifier") in names or is_ours(one, intent)]


@check(
    "database-backups-encrypted",
    "Each backup and snapshot of the database is encrypted with a customer key of the environment",
    severity="high",
    properties=("DAT-02", "DAT-04"),
    reads=(*READS, BACKUPS, SNAPSHOTS, *KEY_READS),
    remedy="copy it under the environment's key, and delete the one in the clear",
    over=_copies,
)
def backups_encrypted(copy: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that a backup lies in the clear or under a key of somebody else."""
    if copy.get("Encrypted") is not True:
        yield "it is not encrypted"
    elif copy.get("KmsKeyId") not in own_keys(intent, estate):
        yield f"its key is {copy.get('KmsKeyId')}, none of the environment's"


@check(
    "database-snapshots-private",
    "No snapshot of the account's databases is shared with anybody out of scope",
    severity="critical",
    properties=("NET-11", "DAT-04"),
    reads=(SNAPSHOTS, SHARED),
    remedy="end the sharing; what was copied meanwhile is the other account's",
    over=lambda intent, estate: _manual(estate),
)
def snapshots_private(snapshot: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each account that may restore from a snapshot."""
    answers = [body.get("DBSnapshotAttributesResult") or {} for _, body in estate.pages(SHARED)]
    mine = [one for one in answers if one.get("DBSnapshotIdentifier") == snapshot["DBSnapshotIdentifier"]]
    if not mine:
        raise Undecided("nothing says with whom it is shared")
    for one in mine[0].get("DBSnapshotAttributes") or []:
        for who in one.get("AttributeValues") or []:
            if one.get("AttributeName") == "restore" and who not in intent.accounts:
                yield f"it is shared with {'everybody' if who == 'all' else who}"


def _manual(estate: Estate) -> Named:
    listed = every(estate, SNAPSHOTS, "DBSnapshots")
    found = [(str(one["DBSnapshotIdentifier"]), one) for one in listed if one.get("SnapshotType") == "manual"]
    if not found:
        raise NotApplicable("the account has no snapshot that could be shared: automated ones cannot be")
    return found


CHECKS = (backed_up, backups_encrypted, snapshots_private)
