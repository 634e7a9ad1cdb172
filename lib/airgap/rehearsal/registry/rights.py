"""What a principal may do in a repository, by its role's policies and the repository's own."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from moto.utilities.utils import get_partition

from airgap.rehearsal.identity import PEOPLE, Caller
from airgap.rehearsal.principals import listed, statements
from airgap.rehearsal.wire import backend_of


def allowed(caller: Caller, action: str, account: str, region: str, repository: str = "") -> bool:
    """Say whether a caller may do an ECR action; without a repository it is one that has no resource.

    The rehearsal's people may do everything, as they may through the API. Conditions of an allow are taken as met, and
    a deny under conditions as not met: what they ask for is not known here.
    """
    arn = f"arn:{get_partition(region)}:ecr:{region}:{account}:repository/{repository}" if repository else "*"
    own = {str(one["Effect"]) for one in _of_caller(caller, region) if _covers(one, action, arn)}
    theirs = _by_repository(caller, action, account, region, repository) if repository else set()
    if "Deny" in own | theirs:
        return False
    if caller.account == account:
        return "Allow" in own | theirs
    return "Allow" in own and (not repository or "Allow" in theirs)


def by_role(caller: Caller, action: str, arn: str, region: str) -> bool:
    """Say whether a caller's own policies let it do an action on a resource, whatever the service."""
    effects = {str(one["Effect"]) for one in _of_caller(caller, region) if _covers(one, action, arn)}
    return "Allow" in effects and "Deny" not in effects


def _of_caller(caller: Caller, region: str) -> Iterator[dict[str, Any]]:
    if any((person.role, person.account) == (caller.role, caller.account) for person in PEOPLE.values()):
        yield {"Effect": "Allow", "Action": "*", "Resource": "*"}
    backend = backend_of("iam", caller.account, region)
    for role in backend.roles.values():
        if role.name == caller.role:
            managed = [version for policy in role.managed_policies.values() for version in policy.versions]
            documents = [*role.policies.values(), *(one.document for one in managed if one.is_default)]
            for document in documents:
                yield from _effective(document)


def _by_repository(caller: Caller, action: str, account: str, region: str, repository: str) -> set[str]:
    found = backend_of("ecr", account, region).repositories.get(repository)
    if found is None or not found.policy:
        return set()
    partition = get_partition(region)
    names = {
        "*",
        caller.account,
        f"arn:{partition}:iam::{caller.account}:root",
        f"arn:{partition}:iam::{caller.account}:role/{caller.role}",
        caller.arn(partition),
    }
    return {
        str(one["Effect"])
        for one in _effective(found.policy)
        if names & set(_principals(one)) and _covers(one, action, "")
    }


def _effective(document: Any) -> Iterator[dict[str, Any]]:
    for one in statements(document):
        if not (one.get("Effect") == "Deny" and one.get("Condition")):
            yield one


def _principals(statement: dict[str, Any]) -> list[str]:
    named = statement.get("Principal")
    return listed(named.get("AWS")) if isinstance(named, dict) else listed(named)


def _covers(statement: dict[str, Any], action: str, arn: str) -> bool:
    actions = [one.lower() for one in listed(statement.get("Action"))]
    others = [one.lower() for one in listed(statement.get("NotAction"))]
    name = action.lower()
    acts = any(fnmatchcase(name, one) for one in actions) or (
        bool(others) and not any(fnmatchcase(name, x) for x in others)
    )
    resources = listed(statement.get("Resource"))
    return acts and (not arn or any(fnmatchcase(arn, one) for one in resources))
