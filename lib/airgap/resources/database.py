"""PostgreSQL on RDS: in the sealed subnets, under our key, TLS alone, in two zones, its master password kept by AWS.

AWS: RDS User Guide, "Working with a DB instance in a VPC", "Using SSL with a PostgreSQL DB instance", "Password
management with RDS and Secrets Manager", "Publishing database logs to CloudWatch Logs".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airgap.model.data_stores import PORT, RDS_CA, log_exports, rds_log_group
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import FIXED, FORWARD, NEVER, ONCE, Field, Reading
from airgap.resources.database_groups import PARAMETER_GROUP, SUBNET_GROUP, declared
from airgap.resources.kind import Call, Fields, Kind, declares, tag_list
from airgap.resources.logs import LOG_GROUP, log_group

GONE = ("DBInstanceNotFound", "DBInstanceNotFoundFault")
BUSY = ("InvalidDBInstanceState",)
_REPLACED = "RDS sets it when the database is created"
_FAILED = ("failed", "incompatible-parameters", "incompatible-network", "incompatible-restore", "storage-full",
           "inaccessible-encryption-credentials", "restore-error")  # fmt: skip


def _modified(**members: Any) -> tuple[Call, ...]:
    """Return the change of an instance, made at once and not in its next maintenance window."""

    def params(f: Fields) -> Mapping[str, Any]:
        chosen = {name: value(f) if callable(value) else f[value] for name, value in members.items()}
        return {"DBInstanceIdentifier": f["name"], "ApplyImmediately": True, **chosen}

    return (Call("rds:ModifyDBInstance", params, retry=BUSY),)


def _created(f: Fields) -> dict[str, Any]:
    return {
        "DBInstanceIdentifier": f["name"],
        "DBName": f["database"],
        "Engine": f["engine"],
        "EngineVersion": f["version"],
        "DBInstanceClass": f["instance_class"],
        "AllocatedStorage": f["storage_gib"],
        "StorageType": f["storage_type"],
        "StorageEncrypted": f["encrypted"],
        "KmsKeyId": f["kms_key"],
        "MasterUsername": f["master"],
        "ManageMasterUserPassword": True,
        "MasterUserSecretKmsKeyId": f["master_secret_key"],
        "DBSubnetGroupName": f["subnet_group"],
        "VpcSecurityGroupIds": f["groups"],
        "DBParameterGroupName": f["parameter_group"],
        "PubliclyAccessible": f["public"],
        "MultiAZ": f["multi_az"],
        "BackupRetentionPeriod": f["backup_days"],
        "CopyTagsToSnapshot": f["copies_tags"],
        "DeletionProtection": f["deletion_protection"],
        "EnableIAMDatabaseAuthentication": f["iam_authentication"],
        "EnableCloudwatchLogsExports": f["log_exports"],
        "CACertificateIdentifier": f["certificate_authority"],
        "AutoMinorVersionUpgrade": f["minor_upgrades"],
        "Port": f["port"],
        "Tags": tag_list(f),
    }


def _exports(f: Fields) -> dict[str, list[str]]:
    was, now = set(f["was"].get("log_exports") or ()), set(f["log_exports"])
    return {"EnableLogTypes": sorted(now - was), "DisableLogTypes": sorted(was - now)}


def state(item: Mapping[str, Any]) -> str:
    """Return the state of a database; one with a change before it is being changed, whatever its status says yet."""
    status = str(item.get("DBInstanceStatus") or "")
    return "modifying" if status == "available" and item.get("PendingModifiedValues") else status


def final_snapshot(f: Fields) -> dict[str, Any]:
    """Return what a deletion leaves: nothing, or a snapshot whose name no earlier database of this name has taken.

    Of a database that nobody declares any more a snapshot stays, since nobody has said that none shall.
    """
    if f.get("final_snapshot") is False:
        return {"SkipFinalSnapshot": True, "DeleteAutomatedBackups": True}
    name = f"{f['id']}-final-{f['resource'].removeprefix('db-')[:8].lower()}"
    return {"SkipFinalSnapshot": False, "FinalDBSnapshotIdentifier": name, "DeleteAutomatedBackups": False}


INSTANCE = Kind(
    "db-instance",
    "PostgreSQL",
    Reading(
        "rds:DescribeDBInstances",
        "DBInstances",
        "DBInstanceIdentifier",
        owner="name",
        natural=("name",),
        tags="TagList",
        attrs={
            "arn": "DBInstanceArn",
            "endpoint": "Endpoint.Address",
            "master_secret": "MasterUserSecret.SecretArn",
            "resource": "DbiResourceId",
        },
        fields={
            "name": Field("DBInstanceIdentifier", change=NEVER, why="a database is its name"),
            "database": Field("DBName", change=NEVER, why=_REPLACED),
            "engine": Field("Engine", change=NEVER, why=_REPLACED),
            "version": Field(
                "EngineVersion",
                form="major",
                change=FIXED,
                why="another major version is a migration with parameters of its own (blue/green deployment); minor "
                "ones RDS raises by itself",
            ),
            "instance_class": Field("DBInstanceClass", risk="interrupts", why="it moves to another machine"),
            "storage_gib": Field("AllocatedStorage", change=FORWARD, why="storage grows and never shrinks"),
            "storage_type": Field("StorageType", why="the volume is changed while it works"),
            "encrypted": Field("StorageEncrypted", change=NEVER, absent=False, why=_REPLACED),
            "kms_key": Field("KmsKeyId", change=NEVER, why="what is encrypted with a key stays so"),
            "master": Field("MasterUsername", change=NEVER, why=_REPLACED),
            "master_secret_key": Field(
                "MasterUserSecret.KmsKeyId", risk="opens", why="AWS keeps the password under it"
            ),
            "subnet_group": Field("DBSubnetGroup.DBSubnetGroupName", change=NEVER, why=_REPLACED),
            "groups": Field(
                "VpcSecurityGroups[].VpcSecurityGroupId", form="set", risk="opens", why="its own group and no other"
            ),
            "parameter_group": Field(
                "DBParameterGroups[].DBParameterGroupName", form="one", risk="opens", why="it demands TLS"
            ),
            "public": Field("PubliclyAccessible", risk="opens", why="it would have a public address", absent=False),
            "multi_az": Field("MultiAZ", risk="unprotects", why="a zone may fail", absent=False),
            "backup_days": Field("BackupRetentionPeriod", risk="unprotects", why="older backups go for good"),
            "copies_tags": Field("CopyTagsToSnapshot", absent=False, why="snapshots have an owner too"),
            "deletion_protection": Field("DeletionProtection", risk="unprotects", absent=False, why="nobody slips"),
            "iam_authentication": Field("IAMDatabaseAuthenticationEnabled", risk="opens", absent=False),
            "log_exports": Field("EnabledCloudwatchLogsExports", form="set", risk="blinds", absent=()),
            "certificate_authority": Field("CACertificateIdentifier", risk="interrupts", why="clients trust it"),
            "minor_upgrades": Field("AutoMinorVersionUpgrade", why="fixes come in the maintenance window"),
            "port": Field("Endpoint.Port", change=ONCE),
        },
        state="DBInstanceStatus",
        settled=("available", "storage-optimization"),
        failed=_FAILED,
        holds="the database, and all backups that are not retained",
    ),
    create=(
        Call(
            "rds:CreateDBInstance",
            _created,
            result="DBInstance",
            actions=(
                "rds:AddTagsToResource",
                "iam:CreateServiceLinkedRole",
                "kms:CreateGrant",
                "kms:DescribeKey",
                "secretsmanager:CreateSecret",
                "secretsmanager:TagResource",
            ),
            # A log group, key or role that was made a moment ago.
            retry=("DBSubnetGroupNotFoundFault", "KMSKeyNotAccessibleFault"),
        ),
    ),
    updates={
        "instance_class": _modified(DBInstanceClass="instance_class"),
        "storage_gib": _modified(AllocatedStorage="storage_gib"),
        "storage_type": _modified(StorageType="storage_type"),
        "master_secret_key": _modified(
            ManageMasterUserPassword=lambda f: True, MasterUserSecretKmsKeyId="master_secret_key"
        ),
        "groups": _modified(VpcSecurityGroupIds="groups"),
        "parameter_group": _modified(DBParameterGroupName="parameter_group"),
        "public": _modified(PubliclyAccessible="public"),
        "multi_az": _modified(MultiAZ="multi_az"),
        "backup_days": _modified(BackupRetentionPeriod="backup_days"),
        "copies_tags": _modified(CopyTagsToSnapshot="copies_tags"),
        "deletion_protection": _modified(DeletionProtection="deletion_protection"),
        "iam_authentication": _modified(EnableIAMDatabaseAuthentication="iam_authentication"),
        "log_exports": _modified(CloudwatchLogsExportConfiguration=_exports),
        "certificate_authority": _modified(CACertificateIdentifier="certificate_authority"),
        "minor_upgrades": _modified(AutoMinorVersionUpgrade="minor_upgrades"),
    },
    delete=(
        Call(
            "rds:DeleteDBInstance",
            lambda f: {"DBInstanceIdentifier": f["id"], **final_snapshot(f)},
            ignore=GONE,
            retry=BUSY,
            actions=("rds:CreateDBSnapshot", "rds:DeleteDBInstanceAutomatedBackup"),
        ),
    ),
    poll=Call("rds:DescribeDBInstances", lambda f: {"DBInstanceIdentifier": f["name"]}, ignore=GONE),
    protection={"deletion_protection": False},
    state_of=state,
    seconds=720,
    limit=5400,
    gone=True,
    serial=True,
)


@declares(LOG_GROUP)
def declare_log_groups(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the log groups of the database: RDS would make them without retention and key."""
    for kind in log_exports(intent):
        why = f"{kind} log of PostgreSQL"
        yield log_group(f"database-{kind}", rds_log_group(intent, kind), intent.logs.retention_days, why=why)


@declares(SUBNET_GROUP, PARAMETER_GROUP, INSTANCE)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the database with the groups that say where it stands and how it is spoken to."""
    data, name = intent.data, intent.data.postgres_name
    yield from declared(intent)
    fields = {
        "name": name,
        "database": data.database,
        "engine": "postgres",
        "version": data.postgres_version,
        "instance_class": data.postgres_class,
        "storage_gib": data.postgres_gib,
        "storage_type": "gp3",
        "encrypted": True,
        "kms_key": ref("kms-key:data", "arn"),
        "master": "postgres",
        "master_secret_key": ref("kms-key:data", "arn"),
        "subnet_group": ref("db-subnet-group:postgres"),
        "groups": [ref("security-group:database")],
        "parameter_group": ref("db-parameter-group:postgres"),
        "public": False,
        "multi_az": True,
        "backup_days": data.backup_days,
        "copies_tags": True,
        "deletion_protection": True,
        "iam_authentication": True,
        "log_exports": log_exports(intent),
        "certificate_authority": RDS_CA,
        "minor_upgrades": True,
        "port": PORT,
        "final_snapshot": intent.retain == "snapshots",
    }
    needs = tuple(f"log-group:database-{kind}" for kind in log_exports(intent))
    yield Desired("db-instance", "postgres", fields, needs=needs, why="PostgreSQL, in two zones, without an address")
