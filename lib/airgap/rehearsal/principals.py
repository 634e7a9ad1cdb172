"""Principals: the caller behind an access key, and whether a principal that a policy names exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from airgap.rehearsal.identity import ACCOUNT, DEFAULT, PEOPLE, Caller

_IDENTITY = re.compile(r"arn:[a-z-]+:(?:iam|sts)::(\d{12}):(root|(?:user|role|assumed-role|federated-user)/.+)")
_UNIQUE_ID = re.compile(r"A(?:ROA|IDA)[A-Z0-9]{12,}")


def resolve(access_key: str, region: str) -> Caller:
    """Return who signs with ``access_key``; a key that nobody was given stands for the default person."""
    if access_key in PEOPLE:
        return PEOPLE[access_key]
    partition = get_partition(region)
    for account in list(sts_backends):
        assumed = sts_backends[account][partition].get_assumed_role_from_access_key(access_key)
        if assumed is not None:
            return Caller(assumed.account_id, assumed.role_arn.split("/")[-1], assumed.session_name, access_key)
    return Caller(ACCOUNT, DEFAULT.role, DEFAULT.session, access_key)


def exists(account: str, partition: str, principal: str) -> bool:
    """Say whether an AWS principal exists: accounts do, other accounts' people are believed, ours are looked up."""
    if principal == "*" or re.fullmatch(r"\d{12}", principal):
        return True
    backend = iam_backends[account][partition]
    if _UNIQUE_ID.fullmatch(principal):
        return principal in backend.roles or any(user.id == principal for user in backend.users.values())
    match = _IDENTITY.fullmatch(principal)
    if match is None:
        return False
    owner, name = match.groups()
    if owner != account or name == "root":
        return True
    if name.startswith("assumed-role/"):
        return any(role.name == name.split("/")[1] for role in backend.roles.values())
    entities = [*backend.roles.values(), *backend.users.values()]
    return any(entity.arn == principal for entity in entities)


def statements(document: str | dict[str, Any]) -> list[dict[str, Any]]:
    """Return the statements of a policy; ValueError where it is not one."""
    policy = json.loads(document) if isinstance(document, str) else document
    if not isinstance(policy, dict) or "Statement" not in policy:
        raise ValueError("a policy has statements")
    found = policy["Statement"]
    return list(found) if isinstance(found, list) else [found]


def listed(value: Any) -> list[str]:
    """Return the strings of a policy element, which may be one or many."""
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def named(document: str, kind: str = "AWS") -> Iterator[str]:
    """Yield the principals of a kind (AWS, Service, Federated) that a policy names."""
    for statement in statements(document):
        for member in ("Principal", "NotPrincipal"):
            principals = statement.get(member)
            if isinstance(principals, dict):
                yield from listed(principals.get(kind))


def missing(account: str, partition: str, document: str) -> list[str]:
    """Return the principals of a policy that do not exist."""
    return [principal for principal in named(document) if not exists(account, partition, principal)]


def admits(document: str, service: str, action: str, context: dict[str, str] | None = None) -> bool:
    """Say whether a resource policy lets an AWS service act, given the values of condition keys.

    Conditions on keys outside ``context`` are taken as met: this asks whether a policy forgot a service, no more.
    """
    for statement in statements(document):
        principals = statement.get("Principal")
        services = listed(principals.get("Service")) if isinstance(principals, dict) else listed(principals)
        actions = [one.lower() for one in listed(statement.get("Action"))]
        if (
            statement.get("Effect") == "Allow"
            and (service in services or "*" in services)
            and any(fnmatchcase(action.lower(), one) for one in actions)
            and _met(statement.get("Condition", {}), context or {})
        ):
            return True
    return False


def _met(conditions: dict[str, dict[str, Any]], context: dict[str, str]) -> bool:
    values = {key.lower(): value for tests in conditions.values() for key, value in tests.items()}
    return all(
        any(fnmatchcase(actual, pattern) for pattern in listed(values[key.lower()]))
        for key, actual in context.items()
        if key.lower() in values
    )
