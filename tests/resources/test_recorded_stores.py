"""What the lab sets up of a recorded estate: as declared right after an apply, and as it was opened after that."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from embedded import AWS
from test_data import CACHE, GROUND, LOGS

from airgap.errors import MissingPredecessor, Unreadable
from airgap.lab import data_planes
from airgap.lab.data_planes import Planes
from airgap.model.probes import told
from airgap.resources import cache, database
from airgap.run.data_planes import KINDS, declared, recorded

STORES = (*GROUND, *LOGS, database.declare, cache.declare)
READS = tuple(dict.fromkeys(call for kind in KINDS for call in kind.reading.reads))


def opened(aws: AWS) -> Planes:
    """What is recorded once somebody has let in connections in the clear, and whoever gives no name."""
    off = {"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}
    rds, caches = aws.client("rds"), aws.client("elasticache")
    rds.modify_db_parameter_group(DBParameterGroupName="fintech-postgres-postgres18", Parameters=[off])
    caches.modify_user(UserId="fintech-cache-default", AccessString="on ~* +@all")
    return recorded(aws.intent, aws.estate(*READS))


def test_the_lab_takes_the_stores_as_they_are_recorded(aws: AWS) -> None:
    with pytest.raises(MissingPredecessor, match="db-|cache"):
        recorded(aws.intent, aws.estate(*READS))
    with pytest.raises(Unreadable, match="The stores were not read"):
        recorded(aws.intent, aws.estate("sts:GetCallerIdentity"))
    aws.apply(*STORES)
    assert recorded(aws.intent, aws.estate(*READS)) == declared(aws.intent)
    found, meant = opened(aws), declared(aws.intent)
    assert dict(found.database.parameters) == {**meant.database.parameters, "rds.force_ssl": "0"}
    assert [one.access for one in found.cache.users if one.name == "default"] == ["on ~* +@all"]
    assert dataclasses.replace(found.cache, users=()) == dataclasses.replace(meant.cache, users=())
    aws.client("elasticache").modify_replication_group(
        ReplicationGroupId=CACHE, RemoveUserGroups=True, ApplyImmediately=True
    )
    aws.client("elasticache").get_waiter("replication_group_available").wait(
        ReplicationGroupId=CACHE, WaiterConfig={"Delay": 1}
    )
    assert recorded(aws.intent, aws.estate(*READS)).cache.users == ()


@pytest.mark.lab
def test_what_was_opened_is_open_on_real_components(aws: AWS, tmp_path: Path) -> None:
    aws.apply(*STORES)
    planes = dataclasses.replace(opened(aws), secret="")
    found = [*data_planes.database(planes, tmp_path, {}, print), *data_planes.cache(planes, tmp_path, print)]
    others = {one["name"]: one for one in found}
    assert {name for name, one in others.items() if told(one, others)[0] != "pass"} == {
        "database-plain-text", "cache-without-password", "cache-default-user"}  # fmt: skip
