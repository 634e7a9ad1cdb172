"""Further secrets on the embedded AWS, by params alone: each for its readers, without a value, mirrored, and gone."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from embedded import AWS, DEMO

from airgap.model.estate import Estate
from airgap.model.intent import FurtherSecret, Intent
from airgap.resources import external_secrets, platform
from airgap.resources.identity import IDENTITY
from airgap.resources.rights import platform_roles
from airgap.resources.secrets import declare_further
from airgap.resources.workloads import pod_identity_trust, workload_roles

PAYMENTS = FurtherSecret("fintech/prod/payments", "payments", "the payment provider", ("application", "billing"))
SEALED = FurtherSecret("fintech/prod/sealed", "sealed", "known to the deployment", (), ("cicd-deploy-role",))
ALL = (*IDENTITY, declare_further)


def meant(*further: FurtherSecret) -> Intent:
    """The demonstration with these secrets beside the database's."""
    return dataclasses.replace(DEMO, secrets=dataclasses.replace(DEMO.secrets, further=further))


def rights(intent: Intent) -> dict[str, Any]:
    """Role -> the secrets that its policy names."""
    roles = [*platform_roles(intent), *workload_roles(intent, lambda one: pod_identity_trust(intent, one))]
    return {
        role.name: [one["Resource"] for one in role.statements if one["Sid"] == "NamedSecrets"][0]
        for role in roles
        if any(one["Sid"] == "NamedSecrets" for one in role.statements)
    }


def nothing() -> Estate:
    """What declarations of objects look at: nothing."""
    return Estate([], {}.__getitem__, account=DEMO.account, region=DEMO.region, taken_at="")


def test_they_come_stay_and_go_with_no_value(aws: AWS) -> None:
    aws.intent = meant(PAYMENTS, SEALED)
    for _ in range(2):
        aws.settled(*ALL)
        manager = aws.client("secretsmanager")
        for one in (PAYMENTS, SEALED):
            assert manager.get_secret_value(SecretId=one.name)["SecretString"] == "{}"
            assert manager.describe_secret(SecretId=one.name)["Description"] == one.purpose
        assert {one for one in aws.memory.calls("read") if "Value" in one} == set()
        aws.destroy(*ALL)
        assert manager.list_secrets(IncludePlannedDeletion=True)["SecretList"] == []


def test_what_people_have_written_stays_and_what_is_changed_behind_the_back_is_mended(aws: AWS) -> None:
    aws.intent = meant(PAYMENTS)
    aws.settled(*ALL)
    manager = aws.client("secretsmanager")
    manager.put_secret_value(SecretId=PAYMENTS.name, SecretString='{"token": "theirs"}')
    assert aws.plan(*ALL).changes == {}
    manager.delete_resource_policy(SecretId=PAYMENTS.name)
    manager.update_secret(SecretId=PAYMENTS.name, Description="mine")
    seen = aws.plan(*ALL)
    assert {key: set(fields) for key, fields in seen.changes.items()} == {
        f"secret:{PAYMENTS.name}": {"policy", "description"}
    }
    aws.settled(*ALL)
    assert json.loads(manager.get_secret_value(SecretId=PAYMENTS.name)["SecretString"]) == {"token": "theirs"}


def test_a_rotation_that_nobody_declared_is_turned_off(aws: AWS, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.intent = meant(PAYMENTS)
    aws.settled(*ALL)
    role = aws.client("iam").get_role(RoleName=DEMO.name("rotation"))["Role"]["Arn"]
    function = aws.client("lambda")
    code = {"ZipFile": b"PK\x05\x06" + bytes(18)}
    made = function.create_function(
        FunctionName="theirs", Runtime="python3.13", Role=role, Handler="theirs.handler", Code=code
    )
    function.add_permission(
        FunctionName="theirs", StatementId="m", Action="lambda:InvokeFunction", Principal="secretsmanager.amazonaws.com"
    )
    aws.client("secretsmanager").rotate_secret(
        SecretId=PAYMENTS.name,
        RotationLambdaARN=made["FunctionArn"],
        RotationRules={"AutomaticallyAfterDays": 1},
        RotateImmediately=False,
    )
    assert set(aws.plan(*ALL).changes[f"secret:{PAYMENTS.name}"]) == {"rotation"}
    aws.memory.lines.clear()
    aws.settled(*ALL)
    assert aws.memory.calls("write") == ["secretsmanager:CancelRotateSecret"]


def test_a_secret_with_a_function_is_declared_with_it_and_no_other_is() -> None:
    arn = DEMO.arn("lambda", "function:renews")
    rotated = dataclasses.replace(PAYMENTS, rotated_by=arn, readers=("renews",), renewal_days=7)
    by_name = {one.name: one.fields for one in declare_further(meant(rotated, SEALED), _no_secrets())}
    assert by_name[rotated.name]["rotated_by"] == arn
    assert (by_name[rotated.name]["rotation"], by_name[rotated.name]["rotation_days"]) == (True, 7)
    assert (by_name[SEALED.name]["rotation"], "rotated_by" in by_name[SEALED.name]) == (False, False)


def _no_secrets() -> Estate:
    from airgap.model.observation import Observation

    listed = Observation("secretsmanager:ListSecrets", {"IncludePlannedDeletion": True}, DEMO.account, DEMO.region,
                         "regional", "ok", "2026-11-02T00:00:00Z", page="none")  # fmt: skip
    pages = {"none": {"SecretList": []}}
    return Estate([listed], pages.__getitem__, account=DEMO.account, region=DEMO.region, taken_at="").reading(
        ("secretsmanager:ListSecrets",)
    )


def test_each_role_may_read_exactly_its_secrets_by_name() -> None:
    arn = DEMO.arn("secretsmanager", "secret:{}-??????").format
    alone = rights(DEMO)
    assert set(alone.values()) == {arn(DEMO.secrets.database)}
    named = rights(meant(PAYMENTS, SEALED))
    assert named[DEMO.name("external-secrets")] == [arn(DEMO.secrets.database), arn(PAYMENTS.name)]
    assert named[DEMO.identity.deploy_role] == [arn(DEMO.secrets.database), arn(SEALED.name)]
    by_name = {one.name: one.fields["policy"] for one in declare_further(meant(PAYMENTS, SEALED), _no_secrets())}
    readers = {name: one["Statement"][1]["Condition"]["ArnNotEquals"] for name, one in by_name.items()}
    role = DEMO.arn("iam", "role/{}", region="").format
    assert readers[PAYMENTS.name] == {"aws:PrincipalArn": [role(DEMO.name("external-secrets"))]}
    assert readers[SEALED.name] == {"aws:PrincipalArn": [role(DEMO.identity.deploy_role)]}


def test_a_secret_that_nobody_reads_refuses_everybody() -> None:
    nobody = dataclasses.replace(SEALED, readers=())
    (made,) = declare_further(meant(nobody), _no_secrets())
    refused = made.fields["policy"]["Statement"][1]
    assert refused["Effect"] == "Deny"
    assert "ArnNotEquals" not in refused["Condition"]


def test_they_are_mirrored_where_the_params_say_into_namespaces_of_the_same_walls() -> None:
    intent = meant(PAYMENTS, SEALED)
    made = {one.name: one.fields["manifest"] for one in external_secrets.declare(intent, nothing())}
    mirrored = {name: one for name, one in made.items() if one["kind"] == "ExternalSecret"}
    assert set(mirrored) == {"application/db-credentials", "application/payments", "billing/payments"}
    assert mirrored["billing/payments"]["spec"]["data"] == [{"secretKey": "value", "remoteRef": {"key": PAYMENTS.name}}]
    store = next(one for one in made.values() if one["kind"] == "ClusterSecretStore")
    assert store["spec"]["conditions"] == [{"namespaces": ["application", "billing"]}]
    own = [one for one in platform.manifests(intent) if one["metadata"].get("namespace") == "billing"]
    policies = {one["metadata"]["name"] for one in own if one["kind"] == "NetworkPolicy"}
    assert policies == {"default-deny", "allow-dns", "allow-pod-identity", "allow-endpoints"}
    assert {one["metadata"]["name"] for one in own if one["kind"] == "Role"} == {"airgap-deployer"}
    assert "billing" not in {one["metadata"].get("namespace") for one in platform.manifests(DEMO)}
