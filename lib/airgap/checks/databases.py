"""PostgreSQL: no address outside, our key, TLS alone, two zones, logs that are kept (DAT-01 to DAT-03, DAT-05, LOG-02).

Judged are every database of the account in the environment's VPC, and those with its tags: an undeclared one is ours to
answer for. Whether a security group is closed plays no part in whether a database is public.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Optional

from airgap.checks.check import NotApplicable, check
from airgap.checks.keys import KEY_READS, own_keys
from airgap.checks.scope import SUBNET_READS, VPC_READS, Item, Named, every, is_ours, label, tiers, vpc_ids
from airgap.model.canonical import dig
from airgap.model.data_stores import TLS_PARAMETERS, log_exports, rds_log_group
from airgap.model.estate import Estate
from airgap.model.intent import Intent

INSTANCES = "rds:DescribeDBInstances"
READS = (*VPC_READS, INSTANCES)
PARAMETERS = "rds:DescribeDBParameters"


def databases(intent: Intent, estate: Estate) -> Named:
    """Return every database in the VPC, and every one with the environment's tags, restored copies included."""
    ours = vpc_ids(intent, estate)
    found = [
        (label(one, "DBInstanceIdentifier"), one)
        for one in every(estate, INSTANCES, "DBInstances")
        if dig(one, "DBSubnetGroup.VpcId") in ours or is_ours(one, intent)
    ]
    if not found:
        raise NotApplicable("the environment has no database yet")
    return found


@check(
    "database-sealed",
    "The database is not publicly accessible, and stands in sealed subnets of the VPC alone",
    severity="critical",
    properties=("DAT-01",),
    reads=(*SUBNET_READS, INSTANCES),
    remedy="turn public access off on the instance itself; find in CloudTrail since when it was on",
    over=databases,
)
def sealed(database: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that it would have a public address, and each subnet that is not sealed."""
    if database.get("PubliclyAccessible") is not False:
        yield "it is publicly accessible, whatever its security group admits"
    known = tiers(intent, estate)
    for one in dig(database, "DBSubnetGroup.Subnets[].SubnetIdentifier") or []:
        if known.get(one) != "private":
            yield f"{one} is {known.get(one, 'of no subnet of the VPC')}, not a sealed subnet"


@check(
    "database-own-group",
    "The database's security groups are the one that is declared for it",
    severity="high",
    properties=("DAT-01",),
    reads=(*READS, "ec2:DescribeSecurityGroups"),
    remedy="apply the step data: each group admits the peers that its own step declares",
    over=databases,
)
def own_group(database: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each security group of the database that is another's."""
    held = dig(database, "VpcSecurityGroups[].VpcSecurityGroupId") or []
    yield from foreign_groups(held, "security-group:database", intent, estate)


def foreign_groups(held: list[str], wanted: str, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each security group of a store beside the one with this key, and that it has none."""
    listed = estate.items("ec2:DescribeSecurityGroups", "SecurityGroups")
    adopted = intent.adopt.get(wanted)
    own = {
        one["GroupId"]
        for one in listed
        if one["GroupId"] == adopted or (is_ours(one, intent) and label(one, "GroupId") == wanted)
    }
    if not held:
        yield "it has no security group that is named"
    yield from (f"it carries {one}, which is not {wanted}" for one in held if one not in own)


@check(
    "database-encrypted",
    "The database lies under a customer key of the environment, and so does its master's password",
    severity="critical",
    properties=("DAT-02",),
    reads=(*READS, *KEY_READS),
    remedy="a database is encrypted when it is made: restore an encrypted copy of its snapshot and take that",
    over=databases,
)
def encrypted(database: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the database, a replica included, is in the clear or under another key, and the password likewise."""
    own = own_keys(intent, estate)
    if database.get("StorageEncrypted") is not True:
        yield "its storage is not encrypted"
    elif database.get("KmsKeyId") not in own:
        yield f"its key is {database.get('KmsKeyId')}, none of the environment's"
    secret = database.get("MasterUserSecret")
    if not secret and not database.get("ReadReplicaSourceDBInstanceIdentifier"):
        yield "its master's password is not kept by Secrets Manager"
    elif secret and secret.get("KmsKeyId") not in own:
        yield f"the key of its master's password is {secret.get('KmsKeyId')}, none of the environment's"


@check(
    "database-tls-only",
    "The database's server refuses connections without TLS, and TLS before 1.2",
    severity="critical",
    properties=("DAT-03",),
    reads=(*READS, PARAMETERS),
    remedy="give the database the declared parameter group; its parameters are dynamic, so no restart is needed",
    over=databases,
)
def tls_only(database: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each parameter of the database's own group that is not what demands TLS, and a group not yet in force."""
    for group in database.get("DBParameterGroups") or [{}]:
        name = str(group.get("DBParameterGroupName") or "")
        if not name or name.startswith("default."):
            yield f"its parameter group is {name or 'not named'}: what AWS sets there is nobody's of ours"
            continue
        if group.get("ParameterApplyStatus") not in ("in-sync", "applying"):
            yield f"the parameters of {name} are {group.get('ParameterApplyStatus')}"
        held = estate.items(PARAMETERS, "Parameters", DBParameterGroupName=name, Source="user")
        values = {one["ParameterName"]: one.get("ParameterValue") for one in held}
        for parameter, value in TLS_PARAMETERS.items():
            if not _demands(parameter, values.get(parameter), value):
                yield f"{parameter} is {values.get(parameter, 'not set')} in {name}, not {value}"


def _demands(parameter: str, found: Any, wanted: str) -> bool:
    """A later least version of TLS demands more, so it will do."""
    if parameter == "ssl_min_protocol_version":
        return str(found or "") in ("TLSv1.2", "TLSv1.3")
    return str(found) == wanted


@check(
    "database-two-zones",
    "The database stands in two zones of the environment",
    severity="high",
    properties=("DAT-05",),
    reads=READS,
    remedy="turn Multi-AZ on; it takes minutes and interrupts nothing",
    over=lambda intent, estate: [one for one in databases(intent, estate) if not is_copy(one[1])],
)
def two_zones(database: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that a zone's failure is the database's, or that its second zone is none of the environment's."""
    zones = [database.get("AvailabilityZone"), database.get("SecondaryAvailabilityZone")]
    if not database.get("MultiAZ"):
        yield f"it stands in {zones[0]} alone"
        return
    for zone in zones:
        if zone not in intent.zones:
            yield f"it stands in {zone}, which is no zone of the sealed subnets"


def is_copy(database: Mapping[str, Any]) -> bool:
    """Whether a database is a drill's restored copy, which is gone when the drill ends."""
    held = {one.get("Key"): one.get("Value") for one in database.get("TagList") or []}
    return str(held.get("airgap:key", "")).startswith("restored-copy:")


@check(
    "database-logs-kept",
    "The database sends its logs to CloudWatch Logs, which keeps them as long as declared under a customer key",
    severity="medium",
    properties=("LOG-02",),
    reads=(*READS, "logs:DescribeLogGroups"),
    remedy="apply the step data: log groups with retention and key first, then the exports",
    over=databases,
)
def logs_kept(database: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each log that is not exported, and what its log group lacks."""
    if is_copy(database):
        return
    groups = {one["logGroupName"]: one for one in every(estate, "logs:DescribeLogGroups", "logGroups")}
    for kind in log_exports(intent):
        if kind not in (database.get("EnabledCloudwatchLogsExports") or []):
            yield f"its {kind} log is not exported"
    for kind in log_exports(intent):
        name = rds_log_group(intent, kind)
        yield from lacking(name, groups.get(name), intent)


def lacking(name: str, group: Optional[Item], intent: Intent) -> Iterator[str]:
    """Yield what a log group lacks: itself, its retention or its key."""
    if group is None:
        yield f"the log group {name} does not exist"
        return
    days = group.get("retentionInDays")
    if days is None or days < intent.logs.retention_days:
        yield f"{name} keeps events {days or 'without end'}, declared {intent.logs.retention_days} days"
    if not group.get("kmsKeyId"):
        yield f"{name} has no customer key"


CHECKS = (sealed, own_group, encrypted, tls_only, two_zones, logs_kept)
