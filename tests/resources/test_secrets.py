"""Step secrets on the embedded AWS: rotated before anybody reads it, its value nowhere, drift seen, all of it gone."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from embedded import AWS, DEMO

from airgap.errors import Unsettled
from airgap.model.data_stores import PORT
from airgap.resources import data_groups, database, packages
from airgap.resources.endpoints import ENDPOINTS
from airgap.resources.identity import IDENTITY
from airgap.resources.network import NETWORK
from airgap.resources.secrets import SECRET, declare_function, declare_secret

BEFORE = (*IDENTITY, *NETWORK, *ENDPOINTS, database.declare_log_groups, data_groups.declare, database.declare)
ALL = (*BEFORE, packages.declare, declare_function, declare_secret)
NAME = DEMO.secrets.database

pytestmark = pytest.mark.timeout(300)


def value(aws: AWS) -> dict[str, Any]:
    """What the application would read."""
    found: dict[str, Any] = json.loads(aws.client("secretsmanager").get_secret_value(SecretId=NAME)["SecretString"])
    return found


def test_the_secret_comes_rotated_stays_and_goes(aws: AWS) -> None:
    seen = set()
    for _ in range(2):
        aws.apply(*ALL)
        held = value(aws)
        assert (held["username"], held["dbname"], len(held["password"])) == ("application_a", "app", 40)
        seen.add(held["password"])
        kept = json.dumps([aws.memory.pages, aws.memory.lines])
        assert held["password"] not in kept
        aws.memory.lines.clear()
        aws.settled(*ALL)
        assert aws.memory.calls("write") == []
        aws.destroy(*ALL)
        listed = aws.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"]
        assert listed == []
        assert aws.client("ec2").describe_vpcs()["Vpcs"] == []
        assert aws.client("logs").describe_log_groups()["logGroups"] == []
    assert len(seen) == 2


def test_what_is_changed_behind_the_back_is_shown_and_mended(aws: AWS) -> None:
    aws.settled(*ALL)
    before = value(aws)
    manager = aws.client("secretsmanager")
    manager.cancel_rotate_secret(SecretId=NAME)
    foreign = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
        "Action": "*",
        "Resource": "*",
    }
    policy = {"Version": "2012-10-17", "Statement": [foreign]}
    manager.put_resource_policy(SecretId=NAME, ResourcePolicy=json.dumps(policy))
    manager.update_secret(SecretId=NAME, Description="mine")
    seen = aws.plan(*ALL)
    assert set(seen.changes) == {"secret:database"}
    assert set(seen.changes["secret:database"]) == {"rotation", "policy", "description"}
    assert {one.risk for one in seen.plan.changes} == {"opens", "rotates"}
    aws.settled(*ALL)
    assert value(aws)["password"] != before["password"]


def test_a_rotation_that_cannot_end_says_what_the_function_could_not_reach(aws: AWS) -> None:
    aws.apply(*BEFORE, packages.declare, declare_function)
    group = aws.plan(*ALL).found.lives["security-group:rotation"].id
    ec2 = aws.client("ec2")
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    ways = [one["SecurityGroupRuleId"] for one in rules if one["IsEgress"] and one["FromPort"] == PORT]
    ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=ways)
    planned = aws.plan(*ALL)
    only = tuple(one for one in planned.plan.changes if one.resource == "secret:database")
    planned.plan = dataclasses.replace(planned.plan, changes=only)
    impatient = dataclasses.replace(declare_secret, kinds=(dataclasses.replace(SECRET, limit=3.0),))
    with pytest.raises(Unsettled, match=r"says: .*Can't create a connection to host .*: timed out"):
        aws.run(planned, *BEFORE, packages.declare, declare_function, impatient)
    assert json.loads(manager_value(aws)) == {}


def manager_value(aws: AWS) -> str:
    """The value as it is kept."""
    return str(aws.client("secretsmanager").get_secret_value(SecretId=NAME)["SecretString"])


def test_without_the_permission_secrets_manager_refuses_the_function(aws: AWS) -> None:
    aws.apply(*BEFORE, packages.declare, declare_function)
    aws.client("lambda").remove_permission(FunctionName=DEMO.name("rotation"), StatementId="secretsmanager")
    arn = aws.client("lambda").get_function(FunctionName=DEMO.name("rotation"))["Configuration"]["FunctionArn"]
    manager = aws.client("secretsmanager")
    manager.create_secret(Name="theirs", SecretString="{}")
    with pytest.raises(manager.exceptions.ClientError, match="cannot invoke the specified Lambda function"):
        manager.rotate_secret(SecretId="theirs", RotationLambdaARN=arn, RotationRules={"AutomaticallyAfterDays": 1})


def test_a_retained_secret_can_be_taken_back_within_its_recovery_window(aws: AWS) -> None:
    aws.change(retain="snapshots")
    aws.settled(*ALL)
    before = value(aws)
    aws.destroy(declare_secret, declare_function)
    listed = aws.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"]
    assert [bool(one.get("DeletedDate")) for one in listed if one["Name"] == NAME] == [True]
    aws.memory.lines.clear()
    aws.settled(*ALL)
    calls = aws.memory.calls("write")
    assert "secretsmanager:RestoreSecret" in calls
    assert "secretsmanager:CreateSecret" not in calls
    assert value(aws)["password"] != before["password"]
