"""Secrets: in Secrets Manager under our key, rotated in time by our function, open to nobody else (KEY-02, DAT-02).

AWS: Secrets Manager User Guide, "Rotate AWS Secrets Manager secrets", "Attach a permissions policy to a secret".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Optional

from airgap.checks.check import NotApplicable, Undecided, check
from airgap.checks.keys import KEY_READS, own_keys
from airgap.checks.roles import READS, allowed, roles
from airgap.checks.scope import Item, Named, every, is_ours, tags
from airgap.model.estate import Estate
from airgap.model.intent import FurtherSecret, Intent
from airgap.model.names import readable_secrets, secret_readers
from airgap.model.policy import DENY, Policy, Request, evaluate, parse
from airgap.model.policy_lint import foreign_principals

LIST, POLICY = "secretsmanager:ListSecrets", "secretsmanager:GetResourcePolicy"
DESCRIBE, VERSIONS = "secretsmanager:DescribeSecret", "secretsmanager:ListSecretVersionIds"
READ = "secretsmanager:GetSecretValue"
SecretItem = Optional[Item]


def secrets(intent: Intent, estate: Estate) -> list[tuple[str, SecretItem]]:
    """Return the environment's secrets, each declared one even where it is missing, and those with its tag."""
    declared = {intent.secrets.database: "secret:database"}
    declared.update({one.name: f"secret:{one.name}" for one in intent.secrets.further})
    live = [one for one in every(estate, LIST, "SecretList") if not one.get("DeletedDate")]
    found = [one for one in live if is_ours(one, intent) or one.get("Name") in declared]
    named: list[tuple[str, SecretItem]] = [(tags(one).get("airgap:key") or str(one["Name"]), one) for one in found]
    there = {one.get("Name") for one in found}
    return [*named, *((key, None) for name, key in declared.items() if name not in there)]


def _declared(secret: Item, intent: Intent) -> Optional[FurtherSecret]:
    """Return what the params say of a further secret; None for the database's."""
    return next((one for one in intent.secrets.further if one.name == secret.get("Name")), None)


def existing(intent: Intent, estate: Estate) -> Named:
    """Return the environment's secrets that are there; that one is missing is ``secrets-rotated``'s to say."""
    found = [(name, one) for name, one in secrets(intent, estate) if one is not None]
    if not found:
        raise NotApplicable("the environment has no secret")
    return found


@check(
    "secrets-rotated",
    "The secret is rotated within the declared time, by the declared function",
    severity="high",
    properties=("KEY-02",),
    reads=(LIST, DESCRIBE, VERSIONS),
    remedy="apply the step secrets; read the function's log to find out why the last rotation failed",
    over=secrets,
)
def rotated(secret: SecretItem, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that there is no secret, that rotation is off, late, stuck or another function's."""
    if secret is None:
        yield "Secrets Manager has no secret by its name"
        return
    further = _declared(secret, intent)
    if further is not None and not further.rotated_by:
        yield from _by_hand(secret, further, estate)
        return
    if not secret.get("RotationEnabled"):
        yield "rotation is off"
        return
    expected = further.rotated_by if further else intent.arn("lambda", f"function:{intent.name('rotation')}")
    if secret.get("RotationLambdaARN") != expected:
        yield f"{secret.get('RotationLambdaARN')} rotates it, not {expected}"
    last = secret.get("LastRotatedDate") or secret.get("CreatedDate")
    yield from _late(last, further.renewal_days if further else intent.secrets.rotation_days, estate)
    stages = (estate.page(DESCRIBE, SecretId=secret["ARN"]) or {}).get("VersionIdsToStages") or {}
    if any("AWSPENDING" in held and "AWSCURRENT" not in held for held in stages.values()):
        yield "a rotation has begun and not ended"


def _by_hand(secret: Item, further: FurtherSecret, estate: Estate) -> Iterator[str]:
    """Yield that some function renews what its owners renew, or that they have not done so in time."""
    if secret.get("RotationEnabled"):
        yield f"{secret.get('RotationLambdaARN')} rotates it, which nobody declared"
    held = (estate.page(VERSIONS, SecretId=secret["ARN"]) or {}).get("Versions") or []
    current = [one.get("CreatedDate") for one in held if "AWSCURRENT" in (one.get("VersionStages") or ())]
    yield from _late(current[0] if current else None, further.renewal_days, estate)


def _late(last: Optional[str], days: int, estate: Estate) -> Iterator[str]:
    if not last:
        raise Undecided("the page does not say when it was last rotated")
    due = dt.datetime.fromisoformat(last.replace("Z", "+00:00")) + dt.timedelta(days=days)
    if due < dt.datetime.fromisoformat(estate.taken_at.replace("Z", "+00:00")):
        yield f"it was due for rotation on {due.date()}"


@check(
    "secrets-own-principals",
    "The secret's policy admits nobody outside the accounts in scope, and it is copied to no Region out of scope",
    severity="critical",
    properties=("KEY-02",),
    reads=(LIST, POLICY, DESCRIBE),
    remedy="take the principal out of the secret's policy; remove the replica; rotate the secret",
    over=existing,
)
def own_principals(secret: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each foreign principal, and each Region that the secret is replicated to."""
    body = estate.page(POLICY, SecretId=secret["ARN"]) or {}
    if body.get("ResourcePolicy"):
        admitted = foreign_principals(parse(body["ResourcePolicy"]), intent.accounts, intent.organization)
        yield from (*admitted.foreign, *admitted.unresolved)
    described = estate.page(DESCRIBE, SecretId=secret["ARN"]) or {}
    for one in described.get("ReplicationStatus") or []:
        if one.get("Region") not in intent.regions:
            yield f"it is replicated to {one.get('Region')}"


@check(
    "secrets-readers-named",
    "The secret's policy refuses its value to everybody but the declared readers, whatever IAM would allow",
    severity="high",
    properties=("KEY-02", "IAM-01"),
    reads=(LIST, POLICY),
    remedy="apply the step secrets; find in CloudTrail who has read the secret meanwhile, and rotate it",
    over=existing,
)
def readers_named(secret: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that some other role of the account could read the value, or that a declared reader cannot."""
    text = (estate.page(POLICY, SecretId=secret["ARN"]) or {}).get("ResourcePolicy")
    if not text:
        yield "it has no policy, so any role that IAM lets may read it"
        return
    policy = parse(text)
    stranger = intent.arn("iam", "role/somebody-else", region="")
    if not _refuses(policy, _reading(secret, stranger, intent)):
        yield "a role that is no declared reader may read it where IAM lets it"
    own = secret_readers(intent, _declared(secret, intent))
    for one in own:
        if _refuses(policy, _reading(secret, one, intent)):
            yield f"{one} may not read it"
    for one in sorted({each for other in (None, *intent.secrets.further) for each in secret_readers(intent, other)}):
        if one not in own and not _refuses(policy, _reading(secret, one, intent)):
            yield f"{one} may read it, which reads others only"


def _refuses(policy: Policy, request: Request) -> bool:
    """Tell whether a statement denies the request; where none decides, IAM does."""
    decision = evaluate(policy, request)
    return decision.outcome == DENY and decision.statement is not None


def _reading(secret: Item, role: str, intent: Intent) -> Request:
    context = {
        "aws:PrincipalArn": (role,),
        "aws:PrincipalAccount": (intent.account,),
        "aws:PrincipalIsAWSService": ("false",),
    }
    return Request(READ, secret["ARN"], role, "AWS", intent.account, context, complete=False)


@check(
    "secrets-encrypted",
    "The secret is encrypted with a key of the environment",
    severity="high",
    properties=("DAT-02",),
    reads=(LIST, *KEY_READS),
    remedy="apply the step secrets",
    over=existing,
)
def encrypted(secret: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the key is none of the environment's."""
    if secret.get("KmsKeyId") not in own_keys(intent, estate):
        yield f"its key is {secret.get('KmsKeyId') or 'AWS own one'}, none of ours"


def _mirrors(intent: Intent, estate: Estate) -> Named:
    found = [(name, one) for name, one in roles(intent, estate) if one["RoleName"] == intent.name("external-secrets")]
    if not found and "external-secrets" not in intent.components:
        raise NotApplicable("no operator mirrors secrets into the cluster")
    return found


@check(
    "secrets-operator-limited",
    "The operator that mirrors secrets into the cluster reads exactly the declared secret",
    severity="high",
    properties=("KEY-02", "IAM-01"),
    reads=READS,
    remedy="apply the step identity",
    over=_mirrors,
)
def operator(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each right on secrets beyond reading the one, and that even this is missing."""
    names = readable_secrets(intent, intent.name("external-secrets"))
    declared = {intent.arn("secretsmanager", f"secret:{name}-??????"): name for name in names}
    reading: set[str] = set()
    for grant in allowed(role, estate):
        if not grant.action.startswith(("secretsmanager:", "*")):
            continue
        if grant.action in (READ, DESCRIBE) and grant.resource in declared:
            reading |= {declared[grant.resource]} if grant.action == READ else set()
        else:
            yield f"it may {grant.action} on {grant.resource}"
    yield from (f"it may not read {name}" for name in names if name not in reading)


CHECKS = (rotated, own_principals, readers_named, encrypted, operator)
