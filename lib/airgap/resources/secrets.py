"""Secrets in Secrets Manager: the application's database user, rotated by a function of ours, and its further secrets.

No password passes through the runbook. A secret is made with an empty value; the first rotation, which the step waits
for, has Secrets Manager make the password for the function inside the VPC. Where the database is stands in the
description, as JSON: there it can be read, and compared, without reading the secret.
AWS: Secrets Manager User Guide, "Rotation by Lambda function", "Resource-based policies"; API_DeleteSecret (recovery).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from airgap.model.canonical import encode, plain
from airgap.model.data_stores import PORT
from airgap.model.estate import Estate
from airgap.model.intent import FurtherSecret, Intent
from airgap.model.names import secret_readers
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources import external_secrets, functions
from airgap.resources.functions import FUNCTION, PERMISSION
from airgap.resources.kind import WHOLE, Ask, Call, Declaration, Fields, Kind, declares, tag_list
from airgap.resources.logs import LOG_GROUP
from airgap.resources.security_groups import EGRESS, INGRESS, RULE, rule

LIST = "secretsmanager:ListSecrets"
EMPTY = "{}"
"""The value of a secret until its first rotation: no user, no password."""
RECOVERY_DAYS = 30
_PENDING_DELETION = ("You can't create this secret because a secret with this name is already scheduled for deletion",)
_NEW_PRINCIPAL = ("MalformedPolicyDocumentException", "InvalidParameterException: This resource policy contains")


def _state(item: Mapping[str, Any]) -> str:
    """A rotation runs while a version is pending that is not the current one, and before the first one has ended."""
    stages = [set(held) for held in (item.get("VersionIdsToStages") or {}).values()]
    running = any("AWSPENDING" in held and "AWSCURRENT" not in held for held in stages)
    first = bool(item.get("RotationEnabled")) and not item.get("LastRotatedDate")
    return "rotating" if running or first else "ready"


def _failure(ask: Ask, fields: Fields) -> str:
    """Return the last error in the log of the function that rotates."""
    group = f"/aws/lambda/{str(fields.get('rotated_by') or '').rpartition(':')[2]}"
    events = ask("logs:FilterLogEvents", {"logGroupName": group, "filterPattern": "ERROR"}).get("events") or []
    return f"{group} says: {events[-1]['message'].strip()}" if events else f"{group} has no error in it"


_ROTATE = Call(
    "secretsmanager:RotateSecret",
    lambda f: {
        "SecretId": f["name"],
        "RotationLambdaARN": f["rotated_by"],
        "RotationRules": {"AutomaticallyAfterDays": f["rotation_days"]},
        "RotateImmediately": True,
    },
    # Lambda knows a new permission, and wakes a new function, a little later.
    retry=("Secrets Manager cannot invoke the specified Lambda function", "A previous rotation isn't complete"),
    actions=("lambda:InvokeFunction",),
    when=lambda f: bool(f.get("rotated_by")),
)


_CANCEL = Call(
    "secretsmanager:CancelRotateSecret",
    lambda f: {"SecretId": f["name"]},
    when=lambda f: not f.get("rotated_by") and bool((f.get("was") or {}).get("rotation")),
)


def _described(f: Fields) -> dict[str, Any]:
    return {"SecretId": f["name"], "Description": f["description"], "KmsKeyId": f["kms_key"]}


_KEY = ("kms:GenerateDataKey", "kms:Decrypt")
_DESCRIBE = Call("secretsmanager:UpdateSecret", _described, actions=_KEY)

SECRET = Kind(
    "secret",
    "Secret",
    Reading(
        LIST,
        "SecretList",
        "Name",
        owner="name",
        natural=("name",),
        # One that waits for its deletion is gone for every purpose; a later apply takes it back.
        unless=(("DeletedDate", "?*"),),
        attrs={"arn": "ARN"},
        fields={
            "name": Field("Name", change=NEVER, why="a secret is its name"),
            "description": Field("Description", risk="rotates", why="it says which database it is of"),
            "kms_key": Field("KmsKeyId", absent="AWS's own", risk="opens", why="who uses the key may read it"),
            "policy": Field(
                "ResourcePolicy",
                call="secretsmanager:GetResourcePolicy",
                by={"SecretId": "ARN"},
                form="policy",
                risk="opens",
                why="it says who may read it",
            ),
            "rotation": Field("RotationEnabled", absent=False, risk="rotates", why="a password would grow old"),
            "rotated_by": Field("RotationLambdaARN", absent="", risk="opens", why="who rotates it knows it"),
            "rotation_days": Field("RotationRules.AutomaticallyAfterDays", risk="rotates", why="how old it may become"),
        },
        settled=("ready",),
        holds="the versions of its value",
    ),
    create=(
        Call("secretsmanager:RestoreSecret", lambda f: {"SecretId": f["name"]}, when=lambda f: f["taken_back"]),
        Call(
            "secretsmanager:CreateSecret",
            lambda f: {
                "Name": f["name"],
                "Description": f["description"],
                "KmsKeyId": f["kms_key"],
                "SecretString": EMPTY,
                "Tags": tag_list(f),
            },
            # The name of one that was deleted for good is free a moment later.
            retry=_PENDING_DELETION,
            actions=("secretsmanager:TagResource", *_KEY),
            when=lambda f: not f["taken_back"],
        ),
        replace(_DESCRIBE, when=lambda f: f["taken_back"]),
    ),
    later=("policy", "rotation"),
    updates={
        # The place of the database is in the value too; a rotation brings it there.
        "description": (_DESCRIBE, _ROTATE),
        "kms_key": (_DESCRIBE,),
        "policy": (
            Call(
                "secretsmanager:PutResourcePolicy",
                lambda f: {
                    "SecretId": f["name"],
                    "ResourcePolicy": encode(plain(f["policy"])),
                    "BlockPublicPolicy": True,
                },
                retry=_NEW_PRINCIPAL,
            ),
        ),
        **dict.fromkeys(("rotation", "rotated_by", "rotation_days"), (_ROTATE, _CANCEL)),
    },
    delete=(
        Call(
            "secretsmanager:DeleteSecret",
            lambda f: {"SecretId": f["name"], **_recovery(f.get("recovery_days", RECOVERY_DAYS))},
            ignore=("ResourceNotFoundException",),
        ),
    ),
    poll=Call("secretsmanager:DescribeSecret", lambda f: {"SecretId": f["name"]}, result=WHOLE),
    seconds=60.0,
    limit=900.0,
    state_of=_state,
    diagnose=_failure,
)


def _recovery(days: int) -> dict[str, Any]:
    """Return how a secret goes: after days in which it can be taken back, or at once where nothing shall stay."""
    return {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}


def description(intent: Intent) -> str:
    """Return where the database is, and the secret of its master, as JSON: what a rotation must know."""
    place = {
        "engine": "postgres",
        "host": ref("db-instance:postgres", "endpoint"),
        "port": PORT,
        "dbname": intent.data.database,
        "masterarn": ref("db-instance:postgres", "master_secret"),
    }
    return encode(place)


def secret_policy(intent: Intent, further: FurtherSecret | None = None) -> dict[str, Any]:
    """Return the policy that refuses other accounts everything, and all but the declared readers the value."""
    service = {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}
    every = {"Effect": "Deny", "Principal": "*", "Resource": "*"}
    strangers = {"StringNotEquals": {"aws:PrincipalAccount": intent.account}, **service}
    readers = secret_readers(intent, further)
    others = {**({"ArnNotEquals": {"aws:PrincipalArn": readers}} if readers else {}), **service}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {**every, "Sid": "OursOnly", "Action": "secretsmanager:*", "Condition": strangers},
            {
                **every,
                "Sid": "ReadersOnly",
                "Action": ["secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue"],
                "Condition": others,
            },
        ],
    }


@declares(LOG_GROUP, FUNCTION, PERMISSION, RULE)
def declare_function(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the function that rotates, who may call it, and its ways to Secrets Manager and to the database."""
    if not _rotated(intent):
        return
    why = "it changes the password of the application's database user"
    handler = "functions.rotation.handler"
    yield from functions.function(intent, "rotation", handler=handler, role="rotation", group="rotation", why=why)
    yield functions.permission(intent, "rotation", "secretsmanager")
    yield from ways(intent)


def ways(intent: Intent) -> Iterator[Desired]:
    """Yield the rules that let the function out, and into the database."""
    why = "the function that changes the passwords"
    yield rule("rotation", EGRESS, "tcp", 443, 443, peer="endpoints", why="Secrets Manager, through its endpoint")
    yield rule("rotation", EGRESS, "tcp", PORT, PORT, peer="database", why=why)
    yield rule("database", INGRESS, "tcp", PORT, PORT, peer="rotation", why=why)


def _rotated(intent: Intent) -> bool:
    return "secret-rotation" in intent.components


@declares(SECRET, reads=(LIST,))
def declare_secret(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the secret of the application's database user; it comes after all that its first rotation needs."""
    fields: dict[str, Any] = {
        "name": intent.secrets.database,
        "description": description(intent),
        "kms_key": ref("kms-key:data", "arn"),
        "policy": secret_policy(intent),
        "recovery_days": 0 if intent.retain == "none" else RECOVERY_DAYS,
        "taken_back": _waits_for_deletion(intent, facts, intent.secrets.database),
    }
    needs: tuple[str, ...] = ()
    if _rotated(intent):
        days = intent.secrets.rotation_days
        fields |= {"rotation": True, "rotated_by": ref("function:rotation", "arn"), "rotation_days": days}
        needs = ("function-permission:rotation-secretsmanager", *(one.key for one in ways(intent)))
    yield Desired("secret", "database", fields, needs=needs, why="the application signs in to the database with it")


@declares(SECRET, reads=(LIST,))
def declare_further(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the application's further secrets, without a value: who knows it writes it, in no step of this run."""
    for one in intent.secrets.further:
        fields: dict[str, Any] = {
            "name": one.name,
            "description": one.purpose,
            "kms_key": ref("kms-key:data", "arn"),
            "policy": secret_policy(intent, one),
            "recovery_days": 0 if intent.retain == "none" else RECOVERY_DAYS,
            "taken_back": _waits_for_deletion(intent, facts, one.name),
            "rotation": bool(one.rotated_by),
        }
        if one.rotated_by:
            fields |= {"rotated_by": one.rotated_by, "rotation_days": one.renewal_days}
        yield Desired("secret", one.name, fields, why=one.purpose)


def _waits_for_deletion(intent: Intent, facts: Estate, name: str) -> bool:
    """Tell whether a secret of ours with this name waits for its deletion, so that it can be taken back."""
    listed = [one for _, body in facts.pages(LIST) for one in body.get("SecretList") or ()]
    mine = {"Key": "airgap:environment", "Value": intent.environment}
    return any(one.get("Name") == name and one.get("DeletedDate") and mine in (one.get("Tags") or ()) for one in listed)


SECRETS: tuple[Declaration, ...] = (declare_function, declare_secret, declare_further, external_secrets.declare)
"""Step ``secrets``, in order: who rotates, what is rotated, what mirrors it into the cluster."""
