"""RDS: databases that take their time, stand in zones and subnets by interfaces, and are refused what RDS refuses.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html (states)
"""

from __future__ import annotations

import secrets
import string
from typing import Any

from moto.core.utils import utcnow
from moto.rds.models import DBInstance, RDSBackend

from airgap.rehearsal import settling
from airgap.rehearsal.answers.database_versions import MAJOR_VERSIONS
from airgap.rehearsal.hook import after, answers, before
from airgap.rehearsal.mends.addresses import managed_interface, release
from airgap.rehearsal.store import Store, store
from airgap.rehearsal.wire import Call, Refusal, backend_of

HELD = "held"
MINOR = "1"
_SPREAD = 2  # zones that every database subnet group covers, for a second zone some day
_create, _delete = RDSBackend.create_db_instance, RDSBackend.delete_db_instance


class _Status:
    """The state of a database: an interim one until what was begun is finished."""

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value, interim, moment = instance.__dict__["_state"]
        return value if settling.passed(moment) else interim

    def __set__(self, instance: Any, value: str) -> None:
        instance.__dict__["_state"] = (value, value, 0.0)


def begin(instance: Any, interim: str, operation: str, then: str = "available") -> None:
    """Let a database be in an interim state for as long as an operation takes."""
    instance.__dict__["_state"] = (then, interim, settling.due(operation))


def _held(backend: Any) -> Store:
    return store(backend.account_id, backend.region_name, "rds")


def _create_instance(self: Any, named: dict[str, Any]) -> DBInstance:
    """A major version stands for its newest minor one; parts that moto gives to all databases alike are its own."""
    version = str(named.get("engine_version") or "")
    named = {**named, "engine_version": version if "." in version else f"{version}.{MINOR}"}
    named["publicly_accessible"] = bool(named.get("publicly_accessible"))
    instance: Any = _create(self, named)
    instance.dbi_resource_id = "db-" + "".join(secrets.choice(string.ascii_uppercase + "234567") for _ in range(26))
    for snapshot in self.database_snapshots.values():
        if snapshot.db_instance_identifier == instance.db_instance_identifier and snapshot.snapshot_type == "automated":
            snapshot.dbi_resource_id = instance.dbi_resource_id
    _place(self, instance)
    begin(instance, "creating", "rds:CreateDBInstance")
    return instance


def _place(backend: Any, instance: Any) -> None:
    """Put an interface of the database into a subnet of each zone that it stands in."""
    ec2, group = backend_of("ec2", backend.account_id, backend.region_name), getattr(instance, "db_subnet_group", None)
    zones: dict[str, str] = {}
    for subnet in group._subnets if group else ():
        zones.setdefault(subnet.availability_zone, subnet.id)
    chosen = sorted(zones)[: 2 if instance.multi_az else 1]
    instance.availability_zone = chosen[0] if chosen else instance.availability_zone
    made = [
        managed_interface(
            ec2, zones[zone], "interface", "RDSNetworkInterface", list(instance.vpc_security_group_ids)
        ).id
        for zone in chosen
    ]
    record = {"name": instance.db_instance_identifier, "interfaces": made, "zones": chosen}
    _held(backend).put(HELD, instance.db_instance_identifier, record)


def _delete_instance(self: Any, db_instance_identifier: str, *more: Any, **rest: Any) -> DBInstance:
    """A deleted database is seen for a while, and lets its interfaces go at the end."""
    instance: Any = _delete(self, db_instance_identifier, *more, **rest)
    begin(instance, "deleting", "rds:DeleteDBInstance", "gone")
    self.databases[db_instance_identifier] = instance
    return instance


def end_deletions(call: Call) -> None:
    """Take away databases whose deletion has ended, with their interfaces."""
    backend = call.backend("rds")
    for name, instance in list(backend.databases.items()):
        if instance.status == "gone":
            del backend.databases[name]
            held = _held(backend).remove(HELD, name) or {"interfaces": []}
            for identifier in held["interfaces"]:
                release(call.backend("ec2"), identifier)


@before("ec2", "*")
def end_for_ec2(call: Call) -> None:
    """Interfaces of a database that is gone are gone too."""
    if _held(call.backend("rds")).all(HELD):
        end_deletions(call)


before("rds", "*")(end_deletions)


@before("logs", "*")
def deliver_logs(call: Call) -> None:
    """A database that exports logs writes all the time: a missing group comes back, without retention or key."""
    logs = call.backend("logs")
    for instance in call.backend("rds").databases.values():
        for kind in instance.enabled_cloudwatch_logs_exports if instance.status != "deleting" else ():
            name = f"/aws/rds/instance/{instance.db_instance_identifier}/{kind}"
            if name not in logs.groups:
                logs.create_log_group(name, {})


def _found(call: Call) -> Any:
    name = str(call.get("DBInstanceIdentifier") or "")
    found = call.backend("rds").databases.get(name)
    if found is None:
        raise Refusal("DBInstanceNotFound", f"DBInstance {name} not found.", 404)
    return found


@before("rds", "ModifyDBInstance", "RebootDBInstance", "DeleteDBInstance", "CreateDBSnapshot")
def not_while_busy(call: Call) -> None:
    """RDS does one thing with a database at a time."""
    found = _found(call)
    if found.status != "available":
        message = f"Database instance is not in available state: {found.status}"
        raise Refusal("InvalidDBInstanceState", message)


@before("rds", "DeleteDBInstance")
def judge_deletion(call: Call) -> None:
    """A last snapshot is taken under a name that is free, or none is."""
    name, skipped = call.get("FinalDBSnapshotIdentifier"), bool(call.get("SkipFinalSnapshot"))
    if bool(name) is skipped:
        message = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified, and only then."
        raise Refusal("InvalidParameterCombination", message)
    if name and name in call.backend("rds").database_snapshots:
        raise Refusal("DBSnapshotAlreadyExists", f"Cannot create the snapshot because {name} already exists")


@before("rds", "CreateDBInstance", "RestoreDBInstanceToPointInTime")
def judge_creation(call: Call) -> None:
    """Encryption needs a key that is there; two zones need subnets in two."""
    backend, key = call.backend("rds"), call.get("KmsKeyId")
    if key and key.rpartition("/")[2] not in call.backend("kms").keys:
        raise Refusal("KMSKeyNotAccessibleFault", f"The specified KMS key [{key}] does not exist")
    group = backend.subnet_groups.get(call.get("DBSubnetGroupName") or "")
    if group is None:
        raise Refusal(
            "DBSubnetGroupNotFoundFault", f"DB subnet group {call.get('DBSubnetGroupName')} does not exist", 404
        )
    if len({subnet.availability_zone for subnet in group._subnets}) < _SPREAD:
        raise Refusal(
            "DBSubnetGroupDoesNotCoverEnoughAZs", "The DB subnet group must cover at least 2 availability zones"
        )
    _judge_groups_of_vpc(call, group)


def _judge_groups_of_vpc(call: Call, subnets: Any) -> None:
    """Security groups are of the VPC in which the subnets are."""
    for identifier in call.get("VpcSecurityGroupIds") or ():
        found = call.backend("ec2").get_security_group_from_id(identifier)
        if found is None or found.vpc_id != subnets.vpc_id:
            what = f"The DB instance is in {subnets.vpc_id} and the EC2 security group {identifier} is not"
            raise Refusal("InvalidParameterCombination", f"The two are in different VPCs. {what}")


@before("rds", "CreateDBInstance")
def judge_engine(call: Call) -> None:
    """A version is one that RDS has, and the parameter group is of its family."""
    engine, version = str(call.get("Engine")), str(call.get("EngineVersion") or "")
    major = version.partition(".")[0]
    if engine == "postgres" and major and major not in MAJOR_VERSIONS:
        raise Refusal("InvalidParameterCombination", f"Cannot find version {version} for postgres")
    group = call.backend("rds").db_parameter_groups.get(call.get("DBParameterGroupName") or "")
    if group is not None and major and group.family != f"{engine}{major}":
        what = f"The parameter group {group.name} with DBParameterGroupFamily {group.family} can't be used"
        action = f"Please use a Parameter Group with DBParameterGroupFamily {engine}{major}"
        raise Refusal("InvalidParameterCombination", f"{what} for this instance. {action}")


@before("rds", "DeleteDBSubnetGroup", "DeleteDBParameterGroup")
def judge_groups(call: Call) -> None:
    """A group in which a database stands, or by which it runs, stays."""
    databases = call.backend("rds").databases.values()
    subnets, parameters = call.get("DBSubnetGroupName"), call.get("DBParameterGroupName")
    if subnets and any(x.db_subnet_group.name == subnets for x in databases if hasattr(x, "db_subnet_group")):
        raise Refusal("InvalidDBSubnetGroupStateFault", f"Cannot delete the subnet group '{subnets}': it is in use")
    if parameters and any(x.db_parameter_group_name == parameters for x in databases):
        message = f"One or more database instances are still members of this parameter group {parameters}"
        raise Refusal("InvalidDBParameterGroupState", message)


@after("rds", "ModifyDBInstance")
def take_time(call: Call, result: dict[str, Any]) -> None:
    """A change that takes time shows as one; interfaces follow the groups."""
    instance = _found(call)
    begin(instance, "modifying", "rds:ModifyDBInstance")
    held = _held(call.backend("rds")).get(HELD, instance.db_instance_identifier) or {"interfaces": [], "zones": []}
    if call.get("VpcSecurityGroupIds"):
        ec2 = call.backend("ec2")
        for identifier in held["interfaces"]:
            groups = [ec2.get_security_group_from_id(one) for one in call.get("VpcSecurityGroupIds")]
            ec2.enis[identifier]._group_set = groups
    complete(call, result)


@answers("rds", "RebootDBInstance")
def reboot(call: Call) -> dict[str, Any]:
    """Reboot a database; with a failover its second zone takes over."""
    instance = _found(call)
    held = _held(call.backend("rds")).get(HELD, instance.db_instance_identifier)
    if call.get("ForceFailover") and not instance.multi_az:
        raise Refusal("InvalidParameterCombination", "Failover is not supported for instances in a single zone")
    if call.get("ForceFailover") and held:
        held["zones"] = held["zones"][::-1]
        instance.availability_zone = held["zones"][0]
    begin(instance, "rebooting", "rds:RebootDBInstance")
    shown = {"DBInstanceIdentifier": instance.db_instance_identifier, "DBInstanceStatus": "rebooting"}
    return {"DBInstance": {**shown, "DBInstanceArn": instance.db_instance_arn, "Engine": instance.engine}}


@answers("rds", "ResetDBParameterGroup")
def reset_parameters(call: Call) -> dict[str, Any]:
    """Set parameters back to the engine's default."""
    name = str(call.get("DBParameterGroupName") or "")
    group = call.backend("rds").db_parameter_groups.get(name)
    if group is None:
        raise Refusal("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}", 404)
    for one in call.get("Parameters", []):
        group.parameters.pop(one["ParameterName"], None)
    return {"DBParameterGroupName": name}


@after("rds", "DescribeDBParameters")
def tell_sources(call: Call, result: dict[str, Any]) -> None:
    """What a group holds here was set by somebody; the engine's own defaults are not listed."""
    chosen = [{**one, "Source": "user"} for one in result.get("Parameters", [])]
    result["Parameters"] = chosen if call.get("Source", "user") == "user" else []


@answers("rds", "RestoreDBInstanceToPointInTime")
def restore(call: Call) -> dict[str, Any]:
    """Make another database of what one was at a moment; it has its source's key, and groups as the request says."""
    backend, source = call.backend("rds"), str(call.get("SourceDBInstanceIdentifier") or "")
    found = backend.databases.get(source)
    if found is None:
        raise Refusal("DBInstanceNotFound", f"DBInstance {source} not found.", 404)
    if not found.backup_retention_period:
        raise Refusal("PointInTimeRestoreNotEnabled", f"Backups of {source} are off")
    same = ("engine", "engine_version", "allocated_storage", "storage_type", "storage_encrypted", "kms_key_id",
            "master_username", "port", "db_name", "backup_retention_period")  # fmt: skip
    named = {name: getattr(found, name) for name in same}
    asked = {
        "db_instance_identifier": call.get("TargetDBInstanceIdentifier"),
        "db_instance_class": call.get("DBInstanceClass", found.db_instance_class),
        "db_subnet_group_name": call.get("DBSubnetGroupName"),
        "db_parameter_group_name": call.get("DBParameterGroupName", found.db_parameter_group_name),
        "vpc_security_group_ids": call.get("VpcSecurityGroupIds", []),
        "publicly_accessible": bool(call.get("PubliclyAccessible")),
        "multi_az": bool(call.get("MultiAZ")),
        "deletion_protection": bool(call.get("DeletionProtection")),
        "copy_tags_to_snapshot": bool(call.get("CopyTagsToSnapshot")),
        "tags": call.get("Tags", []),
    }
    made = backend.create_db_instance({**named, **asked})
    return {"DBInstance": {"DBInstanceIdentifier": made.db_instance_identifier, "DBInstanceStatus": made.status}}


@after("rds", "CreateDBInstance", "DescribeDBInstances", "DeleteDBInstance")
def complete(call: Call, result: dict[str, Any]) -> None:
    """Members that moto leaves out, or shows before they are there."""
    kept = _held(call.backend("rds"))
    for one in [*result.get("DBInstances", []), *([result["DBInstance"]] if "DBInstance" in result else [])]:
        held = kept.get(HELD, one["DBInstanceIdentifier"])
        if held and len(held["zones"]) > 1:
            one["SecondaryAvailabilityZone"] = held["zones"][1]
        if one.get("DBInstanceStatus") == "creating":
            one.pop("Endpoint", None)
        one.setdefault("PendingModifiedValues", {})
        one["CertificateDetails"] = {"CAIdentifier": one.get("CACertificateIdentifier")}
        one["NetworkType"] = "IPV4"


@after("rds", "DescribeDBInstanceAutomatedBackups")
def complete_backups(call: Call, result: dict[str, Any]) -> None:
    """Automated backups have their database's key and window."""
    databases = call.backend("rds").databases
    for one in result.get("DBInstanceAutomatedBackups", []):
        found = databases.get(one.get("DBInstanceIdentifier"))
        if found is None:
            continue
        one["Encrypted"], one["KmsKeyId"] = found.storage_encrypted, found.kms_key_id
        one["DBInstanceArn"], one["DbiResourceId"] = found.db_instance_arn, found.dbi_resource_id
        one["BackupRetentionPeriod"] = found.backup_retention_period
        latest = found.latest_restorable_time
        one["RestoreWindow"] = {"EarliestTime": found.instance_create_time, "LatestTime": latest}


def _back_up(self: Any) -> None:
    """An automated backup has the minute in its name; one of an earlier database may have that name still."""
    name = f"rds:{self.db_instance_identifier}-{utcnow():%Y-%m-%d-%H-%M}"
    taken = self.backend.database_snapshots
    self.backend.create_auto_snapshot(self.db_instance_identifier, f"{name}-{len(taken)}" if name in taken else name)


DBInstance.status = _Status()
DBInstance.save_automated_backup = _back_up
RDSBackend.create_db_instance = _create_instance
RDSBackend.delete_db_instance = _delete_instance
