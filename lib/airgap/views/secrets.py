"""Secrets without their values: which there are and when they rotate, the functions, and what the cluster mirrors."""

from __future__ import annotations

import json
from typing import Any

from airgap.checks import external_secrets, functions, secrets
from airgap.checks.check import NotApplicable, Over
from airgap.checks.secrets import SecretItem
from airgap.model.canonical import dig
from airgap.model.names import mirrored_secrets, secret_readers
from airgap.views.look import Look, attempt
from airgap.views.table import LATER, Code, Mark, Table, not_read

SECRET_READS = (secrets.LIST, secrets.DESCRIBE)
FUNCTION_READS = (*functions.READS, functions.POLICY)
MIRROR_READS = (*external_secrets.STORES, external_secrets.EXTERNAL)
_OFF = Mark("off", "✗", "bad")


def kept(look: Look) -> Table:
    """Return every secret of the environment: what it is for, who reads it, how it is rotated. Never what is in it."""
    rows = [_kept(look, key, one) for key, one in secrets.secrets(look.intent, look.estate)]
    columns = ("secret", "for", "key", "may be read by", "rotation", "versions")
    names = ", ".join((look.intent.secrets.database, *(one.name for one in look.intent.secrets.further)))
    return Table("Secrets", columns, rows, note=f"{names}: its value is read by no step of this run.")


def _kept(look: Look, key: str, secret: SecretItem) -> tuple[Any, ...]:
    """Return the row of a secret; what a further one is for, the params say."""
    further = next((one for one in look.intent.secrets.further if key == f"secret:{one.name}"), None)
    readers = tuple(one.rpartition("/")[2] for one in secret_readers(look.intent, further))
    what = Code(str(secret.get("KmsKeyId") or "AWS's own")) if secret else LATER
    by_hand = further is not None and not further.rotated_by
    rotation = f"by hand, every {further.renewal_days} days" if further and by_hand else _rotation(secret)
    place = further.purpose if further else _place(secret)
    return key, place, what, readers or "nobody", rotation, _versions(look, secret)


def _found(over: Over, look: Look) -> list[tuple[str, Any]]:
    """What a check's population holds; nothing where the environment has nothing of the kind."""
    try:
        return list(over(look.intent, look.estate))
    except NotApplicable:
        return []


def _place(secret: SecretItem) -> Any:
    if secret is None:
        return LATER
    try:
        told = json.loads(str(secret.get("Description") or ""))
        return f"{told['dbname']} at {told['host']}:{told['port']}"
    except (ValueError, KeyError, TypeError):
        return Mark("its description does not say", "?", "unknown")


def _rotation(secret: SecretItem) -> Any:
    if secret is None:
        return LATER
    if not secret.get("RotationEnabled"):
        return _OFF
    days = dig(secret, "RotationRules.AutomaticallyAfterDays")
    last = str(secret.get("LastRotatedDate") or "")[:10]
    state = Mark(f"last on {last}", "✓", "good") if last else Mark("not yet", "…", "unknown")
    return (f"every {days} days", state, Code(str(secret.get("RotationLambdaARN")).rpartition(":")[2]))


def _versions(look: Look, secret: SecretItem) -> Any:
    if secret is None:
        return LATER
    page, reason = attempt(lambda: look.estate.page(secrets.DESCRIBE, SecretId=secret["ARN"]) or {})
    if reason:
        return not_read(reason)
    return tuple(f"{', '.join(stages)}" for stages in (page.get("VersionIdsToStages") or {}).values() if stages)


def runs(look: Look) -> Table:
    """Return every function of the environment: its code by digest, where it stands, as whom it acts, who calls it."""
    rows = [
        (
            name,
            Code(str(one.get("CodeSha256"))),
            one.get("Runtime"),
            _stands(one),
            str(one.get("Role")).rpartition("/")[2],
            _callers(look, one),
        )
        for name, one in _found(functions.functions, look)
    ]
    columns = ("function", "code (SHA-256)", "runtime", "stands in", "acts as", "called by")
    return Table("Functions", columns, rows)


def _stands(function: dict[str, Any]) -> Any:
    subnets = dig(function, "VpcConfig.SubnetIds") or []
    return tuple(Code(one) for one in subnets) or Mark("no VPC", "✗", "bad")


def _callers(look: Look, function: dict[str, Any]) -> Any:
    page, reason = attempt(lambda: look.estate.page(functions.POLICY, FunctionName=function["FunctionName"]) or {})
    if reason:
        return not_read(reason)
    found = json.loads(page["Policy"])["Statement"] if page.get("Policy") else []
    named = [one["Principal"] for one in found]
    who = tuple(str(one.get("Service") or one) if isinstance(one, dict) else str(one) for one in named)
    return who or "whom IAM lets"


def mirrored(look: Look) -> Table:
    """Return every store and external secret of the cluster: what it reads, who may use it, whether it is in step."""
    rows: list[tuple[Any, ...]] = []
    declared: dict[Any, str] = {**mirrored_secrets(look.intent)}
    for name, one in _found(external_secrets.stores, look):
        allowed = [place for each in dig(one, "spec.conditions") or [] for place in each.get("namespaces") or []]
        aws = dig(one, "spec.provider.aws") or {}
        rows.append((name, f"{aws.get('service')} in {aws.get('region')}", tuple(allowed) or "any", _ready(one)))
    for name, found in _found(external_secrets.external, look):
        if found is None:
            rows.append((name, declared.get(tuple(name.partition(" ")[2].split("/")), ""), LATER, LATER))
            continue
        keys = tuple(
            f"{each['secretKey']} from {dig(each, 'remoteRef.key')}, {dig(each, 'remoteRef.property') or 'all of it'}"
            for each in dig(found, "spec.data") or []
        )
        rows.append((name, keys, f"every {dig(found, 'spec.refreshInterval')}", _ready(found)))
    return Table("Mirrored into the cluster", ("object", "reads", "for, or how often", "state"), rows)


def _ready(item: dict[str, Any]) -> Mark:
    found = [one for one in dig(item, "status.conditions") or [] if one.get("type") == "Ready"]
    if found and found[0].get("status") == "True":
        return Mark("in step", "✓", "good")
    return Mark(str(found[0].get("message")) if found else "not seen yet", "✗", "bad")
