"""Secrets: kept in Secrets Manager, rotated in time, open to nobody else (KEY-02)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from airgap.checks.check import NotApplicable, Undecided, check
from airgap.checks.scope import Item, Named, every, is_ours
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.policy import parse
from airgap.model.policy_lint import foreign_principals


def secrets(intent: Intent, estate: Estate) -> Named:
    """Return the environment's secrets: the declared one, and those with its tag."""
    listed = every(estate, "secretsmanager:ListSecrets", "SecretList")
    found = [one for one in listed if is_ours(one, intent) or one.get("Name") == intent.secrets.database]
    live = [(str(one["Name"]), one) for one in found if not one.get("DeletedDate")]
    if not live:
        raise NotApplicable("the environment has no secret yet: no step of this run makes one")
    return live


@check(
    "secrets-rotated",
    "The secret is rotated within the declared time",
    severity="high",
    properties=("KEY-02",),
    reads=("secretsmanager:ListSecrets",),
    remedy="switch rotation on, and find out why the last one failed",
    over=secrets,
)
def rotated(secret: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that rotation is off or late."""
    if not secret.get("RotationEnabled"):
        yield "rotation is off"
        return
    last = secret.get("LastRotatedDate") or secret.get("CreatedDate")
    if not last:
        raise Undecided("the page does not say when it was last rotated")
    due = dt.datetime.fromisoformat(last.replace("Z", "+00:00")) + dt.timedelta(days=intent.secrets.rotation_days)
    if due < dt.datetime.fromisoformat(estate.taken_at.replace("Z", "+00:00")):
        yield f"it was due for rotation on {due.date()}"


@check(
    "secrets-own-principals",
    "The secret's policy admits nobody outside the accounts in scope, and it is copied to no Region out of scope",
    severity="critical",
    properties=("KEY-02",),
    reads=("secretsmanager:ListSecrets", "secretsmanager:GetResourcePolicy", "secretsmanager:DescribeSecret"),
    remedy="take the principal out of the secret's policy; remove the replica",
    over=secrets,
)
def own_principals(secret: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each foreign principal, and each Region that the secret is replicated to."""
    body = estate.page("secretsmanager:GetResourcePolicy", SecretId=secret["ARN"]) or {}
    if body.get("ResourcePolicy"):
        admitted = foreign_principals(parse(body["ResourcePolicy"]), intent.accounts, intent.organization)
        yield from (*admitted.foreign, *admitted.unresolved)
    described = estate.page("secretsmanager:DescribeSecret", SecretId=secret["ARN"]) or {}
    for one in described.get("ReplicationStatus") or []:
        if one.get("Region") not in intent.regions:
            yield f"it is replicated to {one.get('Region')}"


CHECKS = (rotated, own_principals)
