"""Who may use each customer key, judged offline."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from embedded import DEMO

from airgap.model.policy import ALLOW, DENY, Policy, Request, evaluate, parse
from airgap.model.policy_lint import foreign_principals
from airgap.resources.key_policies import key_policy
from airgap.resources.keys import PURPOSES, declare_keys

ACCOUNT = DEMO.account
ROLE = DEMO.arn("iam", "role/somebody", region="")
SCALING = "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
KEYS = {one.name: one.fields for one in declare_keys.declare(DEMO, None) if one.kind == "kms-key"}


def policy(purpose: str) -> Policy:
    """A key's policy with the roles that it names in the form that AWS sees."""
    text = json.dumps(key_policy(DEMO, purpose))
    for key, arn in {
        "service-linked-role:autoscaling": SCALING,
        "role:cluster": DEMO.arn("iam", "role/fintech-cluster", region=""),
        "role:operations-host": DEMO.arn("iam", "role/fintech-operations-host", region=""),
        "role:runner": DEMO.arn("iam", "role/fintech-runner", region=""),
    }.items():
        text = text.replace("${" + key + ".arn}", arn)
    return parse(text)


def asks(purpose: str, action: str, principal: str = ROLE, **context: Any) -> str:
    """The outcome for a principal of the account, or for a service when the name has no colon."""
    service = ":" not in principal
    keys = {key.replace("__", ":").replace("_", "-"): (value,) for key, value in context.items() if value}
    caller = {"principal": principal, "principal_type": "Service" if service else "AWS"}
    account = "" if service else principal.split(":")[4]
    context = {"kms:CallerAccount": (account,), **keys} if account else keys
    return evaluate(policy(purpose), Request(f"kms:{action}", "*", account=account, context=context, **caller)).outcome


def test_one_key_a_purpose_and_rotation_where_kms_can() -> None:
    assert {name: (one["spec"], one["usage"], one.get("rotation")) for name, one in KEYS.items()} == {
        "cluster": ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", True),
        "data": ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", True),
        "logs": ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", True),
        "evidence": ("ECC_NIST_P256", "SIGN_VERIFY", None),
    }
    assert {one["multi_region"] for one in KEYS.values()} == {False}


@pytest.mark.parametrize("purpose", PURPOSES)
def test_no_key_admits_another_account(purpose: str) -> None:
    admitted = foreign_principals(policy(purpose), (ACCOUNT,))
    assert admitted.foreign == ()
    assert admitted.unresolved == ()
    stranger = ROLE.replace(ACCOUNT, "999999999999")
    for action in ("Decrypt", "CreateGrant", "PutKeyPolicy", "Sign"):
        assert asks(purpose, action, stranger, kms__ViaService="s3.us-east-1.amazonaws.com") == DENY


@pytest.mark.parametrize("purpose", PURPOSES)
def test_the_account_administers_and_does_not_decrypt_by_itself(purpose: str) -> None:
    assert asks(purpose, "PutKeyPolicy") == ALLOW
    assert asks(purpose, "ScheduleKeyDeletion") == ALLOW
    assert asks(purpose, "Decrypt") == DENY
    assert asks(purpose, "CreateGrant") == DENY


def test_data_is_reached_through_services_of_this_region() -> None:
    assert asks("data", "Decrypt", kms__ViaService="s3.us-east-1.amazonaws.com") == ALLOW
    assert asks("data", "Decrypt", kms__ViaService="s3.eu-west-1.amazonaws.com") == DENY
    assert asks("data", "Decrypt", kms__ViaService="sqs.us-east-1.amazonaws.com") == DENY


def test_services_are_those_of_the_chosen_components() -> None:
    few = dataclasses.replace(DEMO, components=("control-plane",))
    through = key_policy(few, "data")["Statement"][1]["Condition"]["StringEquals"]["kms:ViaService"]
    assert "dynamodb.us-east-1.amazonaws.com" not in through
    assert "s3.us-east-1.amazonaws.com" in through


def test_auto_scaling_starts_nodes_with_encrypted_volumes() -> None:
    assert asks("data", "GenerateDataKeyWithoutPlaintext", SCALING) == ALLOW
    assert asks("data", "CreateGrant", SCALING, kms__GrantIsForAWSResource="true") == ALLOW
    assert asks("data", "CreateGrant", SCALING, kms__GrantIsForAWSResource="false") == DENY


def test_the_cluster_role_encrypts_secrets_of_kubernetes() -> None:
    cluster = DEMO.arn("iam", "role/fintech-cluster", region="")
    assert asks("cluster", "Encrypt", cluster) == ALLOW
    assert asks("data", "Encrypt", cluster) == DENY


def test_log_groups_of_this_account_only() -> None:
    context = "kms__EncryptionContext__aws__logs__arn"
    ours, theirs = DEMO.arn("logs", "log-group:/x"), DEMO.arn("logs", "log-group:/x", account="999999999999")
    assert asks("logs", "GenerateDataKey", "logs.us-east-1.amazonaws.com", **{context: ours}) == ALLOW
    assert asks("logs", "GenerateDataKey", "logs.us-east-1.amazonaws.com", **{context: theirs}) == DENY
    assert asks("logs", "GenerateDataKey", "logs.us-east-1.amazonaws.com") == DENY


def test_trails_and_deliveries_on_behalf_of_this_account_only() -> None:
    trail = DEMO.arn("cloudtrail", "trail/fintech-trail")
    context = {"aws__SourceArn": trail, "kms__EncryptionContext__aws__cloudtrail__arn": trail}
    assert asks("logs", "GenerateDataKey", "cloudtrail.amazonaws.com", **context) == ALLOW
    assert asks("logs", "GenerateDataKey", "cloudtrail.amazonaws.com", aws__SourceArn=trail) == DENY
    delivery = {"aws__SourceAccount": ACCOUNT, "aws__SourceArn": DEMO.arn("logs", "delivery-source:x")}
    assert asks("logs", "GenerateDataKey", "delivery.logs.amazonaws.com", **delivery) == ALLOW
    assert asks("logs", "GenerateDataKey", "delivery.logs.amazonaws.com") == DENY


def test_a_session_is_decrypted_by_the_host_and_by_nobody_without_a_session() -> None:
    host = DEMO.arn("iam", "role/fintech-operations-host", region="")
    session = {"kms__EncryptionContext__aws__ssm__SessionId": "ada-0123"}
    assert asks("logs", "Decrypt", host, **session) == ALLOW
    assert asks("logs", "Decrypt", host) == DENY
    assert asks("logs", "GenerateDataKey", **session) == ALLOW


def test_evidence_is_signed_with_the_expected_algorithm() -> None:
    assert asks("evidence", "Sign", kms__SigningAlgorithm="ECDSA_SHA_256") == ALLOW
    assert asks("evidence", "Sign", kms__SigningAlgorithm="ECDSA_SHA_512") == DENY


def test_what_a_destroy_leaves_stays_readable() -> None:
    """The key of locked evidence and the key of retained snapshots outlive the environment, and no other."""
    locked = dataclasses.replace(DEMO, logs=dataclasses.replace(DEMO.logs, evidence_lock_days=30))
    for intent, kept in ((DEMO, []), (locked, ["logs"]), (dataclasses.replace(DEMO, retain="snapshots"), ["data"])):
        found = [one.name for one in declare_keys.declare(intent, None) if one.kept]
        assert found == kept
