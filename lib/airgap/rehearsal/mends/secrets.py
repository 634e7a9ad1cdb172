"""Secrets Manager: rotations that take a while and end only if their function can do its work; what is refused.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda.html and API_RotateSecret.html.
"""

from __future__ import annotations

import json
import time
from typing import Any

from moto.core.exceptions import ServiceException

from airgap.rehearsal import settling
from airgap.rehearsal.answers.invocations import Failed, acts, need, reach_database, reach_endpoint, run
from airgap.rehearsal.hook import answers, before
from airgap.rehearsal.principals import admits, listed, statements
from airgap.rehearsal.store import new_id, store
from airgap.rehearsal.wire import Call, Refusal

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
_RUNNING = "rotation"
_RIGHTS = ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage", "GetRandomPassword")


def _held(call: Call) -> Any:
    secrets = call.backend("secretsmanager").secrets
    found = secrets.get(call.get("SecretId"))
    if found is None:
        raise Refusal("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    if found.is_deleted():
        message = "You can't perform this operation on the secret because it was marked for deletion."
        raise Refusal("InvalidRequestException", message)
    return found


@answers("secretsmanager", "ListSecretVersionIds")
def versions(call: Call) -> dict[str, Any]:
    """Each version with the time at which it was made; moto says that of the question."""
    secret = _held(call)
    listed = [
        {"VersionId": name, "VersionStages": one["version_stages"], "CreatedDate": one["createdate"]}
        for name, one in secret.versions.items()
        if one["version_stages"] or call.get("IncludeDeprecated")
    ]
    return {"ARN": secret.arn, "Name": secret.name, "Versions": listed}


@answers("secretsmanager", "RotateSecret")
def rotate(call: Call) -> dict[str, Any]:
    """Keep the rotation's rules and begin one: a version without a value waits until the function has made it."""
    secret, immediately = _held(call), call.get("RotateImmediately", True)
    arn = call.get("RotationLambdaARN") or secret.rotation_lambda_arn
    _judge_function(call, arn)
    if any(
        PENDING in one["version_stages"] and CURRENT not in one["version_stages"] for one in secret.versions.values()
    ):
        message = "A previous rotation isn't complete. That rotation will be reattempted."
        raise Refusal("InvalidRequestException", message)
    rules = call.get("RotationRules") or {}
    secret.rotation_requested = secret.rotation_enabled = True
    secret.rotation_lambda_arn = arn
    secret.auto_rotate_after_days = rules.get("AutomaticallyAfterDays", secret.auto_rotate_after_days)
    answer = {"ARN": secret.arn, "Name": secret.name}
    if not immediately:
        return answer
    token = call.get("ClientRequestToken") or new_id("", 32)
    made = {"createdate": int(time.time()), "version_id": token, "version_stages": [PENDING]}
    secret.versions[token] = made
    record = {"name": secret.name, "token": token, "due": settling.due("secretsmanager:RotateSecret")}
    store(call.account, call.region, "secretsmanager").put(_RUNNING, secret.name, record)
    return {**answer, "VersionId": token}


def _judge_function(call: Call, arn: str) -> None:
    if not arn:
        raise Refusal("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.")
    try:
        function = call.backend("lambda").get_function(arn)
    except ServiceException as error:
        raise Refusal("ResourceNotFoundException", f"Lambda does not exist: {arn}") from error
    document = {"Statement": function.policy.statements}
    context = {"AWS:SourceAccount": call.account}
    if not admits(document, "secretsmanager.amazonaws.com", "lambda:InvokeFunction", context):  # type: ignore[arg-type]
        message = "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants "
        raise Refusal("AccessDeniedException", f"{message}access to the principal secretsmanager.amazonaws.com")


@before("secretsmanager", "*")
def go_on(call: Call) -> None:
    """Take every step of a rotation that is due; one that fails is tried again later, from its first step on."""
    kept = store(call.account, call.region, "secretsmanager")
    for record in kept.all(_RUNNING):
        secret = call.backend("secretsmanager").secrets.get(record["name"])
        if secret is None or secret.is_deleted():
            kept.remove(_RUNNING, record["name"])
        elif settling.passed(record["due"]):
            kept.remove(_RUNNING, record["name"])
            try:
                function = call.backend("lambda").get_function(secret.rotation_lambda_arn)
                for step in STEPS:
                    run(call, function, {"Step": step, "SecretId": secret.arn, "ClientRequestToken": record["token"]})
                secret.last_rotation_date = int(time.time())
            except (Failed, ServiceException):
                later = {**record, "due": settling.due("secretsmanager:RotateSecret")}
                kept.put(_RUNNING, record["name"], later)


@acts("functions.rotation.handler")
def rotation(call: Call, function: Any, event: dict[str, Any]) -> dict[str, Any]:
    """Take one step as the rotation function does: two users in turn, the password by Secrets Manager."""
    reach_endpoint(call, function, "secretsmanager")
    need(call, function, *(f"secretsmanager:{name}" for name in _RIGHTS))
    secret, token = call.backend("secretsmanager").secrets[event["SecretId"]], event["ClientRequestToken"]
    place = _place(secret)
    if event["Step"] == "createSecret":
        _create(call, secret, token, place)
    elif event["Step"] == "finishSecret":
        secret.reset_default_version({**secret.versions[token], "version_stages": [CURRENT, PENDING]}, token)
        secret.versions[token]["version_stages"] = [CURRENT]
    else:
        master = call.backend("secretsmanager").secrets.get(place["masterarn"])
        if master is None:
            raise Failed(f"ResourceNotFoundException: Secrets Manager can't find {place['masterarn']}")
        reach_database(call, function, str(place["host"]), int(place["port"]))
    return {"step": event["Step"], "done": "now"}


def _place(secret: Any) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(secret.description or "")
        return {name: told[name] for name in ("engine", "host", "port", "dbname", "masterarn")}
    except (ValueError, KeyError) as error:
        raise Failed(f"the description of {secret.name} does not say where the database is: {error}") from error


def _create(call: Call, secret: Any, token: str, place: dict[str, Any]) -> None:
    version = secret.versions[token]
    if "secret_string" in version:
        return
    current = json.loads(secret.versions[secret.default_version_id]["secret_string"])
    user = "application_b" if current.get("username") == "application_a" else "application_a"
    made = call.backend("secretsmanager").get_random_password(40, "", False, True, False, False, False, False)
    password = json.loads(made)["RandomPassword"]
    version["secret_string"] = json.dumps({**place, "username": user, "password": password})


def refuses(secret: Any, role: str) -> bool:
    """Say whether a secret's policy denies its value to a role; of conditions, the caller's ARN alone is judged."""
    for one in statements(secret.policy) if secret.policy else ():
        conditions = one.get("Condition") or {}
        spared = listed(conditions.get("ArnNotEquals", {}).get("aws:PrincipalArn"))
        reads = {"secretsmanager:GetSecretValue", "secretsmanager:*", "*"} & set(listed(one.get("Action")))
        named = spared or not conditions
        if one.get("Effect") == "Deny" and reads and named and role not in spared:
            return True
    return False


@before("secretsmanager", "CreateSecret")
def judge_creation(call: Call) -> None:
    """A name is taken until its deletion has ended; the key is there."""
    held = call.backend("secretsmanager").secrets.get(call.get("Name"))
    if held is not None and held.is_deleted():
        message = "You can't create this secret because a secret with this name is already scheduled for deletion."
        raise Refusal("InvalidRequestException", message)
    key = call.get("KmsKeyId", "")
    if key and "alias/" not in key and key.rpartition("/")[2] not in call.backend("kms").keys:
        raise Refusal("InvalidParameterException", f"The KMS key {key} does not exist or you may not use it.")


@before("secretsmanager", "PutResourcePolicy")
def judge_policy(call: Call) -> None:
    """A policy that admits everybody is refused where the caller asks for that."""
    try:
        found = statements(call.get("ResourcePolicy", ""))
    except ValueError as error:
        raise Refusal("MalformedPolicyDocumentException", f"This resource policy is malformed: {error}") from error
    for one in found if call.get("BlockPublicPolicy") else ():
        principal = one.get("Principal")
        named = listed(principal.get("AWS")) if isinstance(principal, dict) else listed(principal)
        if one.get("Effect") == "Allow" and "*" in named and not one.get("Condition"):
            message = "You can't use this policy because it grants public access to the secret."
            raise Refusal("PublicPolicyException", message)
