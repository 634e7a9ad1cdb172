"""The IAM roles that EKS is told to use: that they exist, whom they trust and what they may do."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

from airgap.rehearsal.principals import admits, listed, statements
from airgap.rehearsal.wire import Call


def role_of(call: Call, arn: str | None) -> Any:
    """Return moto's role of an ARN, None where the caller's account has none."""
    return next((role for role in call.backend("iam").roles.values() if role.arn == arn), None)


def trusts(role: Any, service: str, *actions: str, context: dict[str, str] | None = None) -> bool:
    """Say whether a role's trust lets a service perform every action (``sts:AssumeRole`` where none is given).

    Conditions on keys outside ``context`` are taken as met.
    """
    document = role.assume_role_policy_document
    return all(admits(document, service, action, context) for action in actions or ("sts:AssumeRole",))


def policies(call: Call, role: Any) -> list[dict[str, Any]]:
    """Return the policy documents of a role: inline and attached ones."""
    inline = [text if isinstance(text, dict) else json.loads(text) for text in role.policies.values()]
    managed = (call.backend("iam").managed_policies.get(arn) for arn in role.managed_policies)
    return inline + [json.loads(_default(policy)) for policy in managed if policy is not None]


def _default(policy: Any) -> str:
    """Return the document of a managed policy's default version."""
    return str(next(version.document for version in policy.versions if version.is_default))


def may(call: Call, role: Any, action: str) -> bool:
    """Say whether a role's policies allow an action on some resource, whatever their conditions; a denial wins."""
    verdicts = {
        one["Effect"]
        for document in policies(call, role)
        for one in statements(document)
        if any(fnmatchcase(action.lower(), pattern.lower()) for pattern in listed(one.get("Action")))
        and (one["Effect"] == "Allow" or not one.get("Condition"))
    }
    return verdicts == {"Allow"}


def lacking(call: Call, role: Any, actions: tuple[str, ...]) -> list[str]:
    """Return the actions that a role may not perform."""
    return [action for action in actions if not may(call, role, action)]


def linked_role(call: Call, service: str) -> str:
    """Return the ARN of a service-linked role, which the service creates when it first needs it."""
    backend, path = call.backend("iam"), f"/aws-service-role/{service}.amazonaws.com/"
    found = next((role for role in backend.roles.values() if role.path == path), None)
    if found is None:
        found = backend.create_service_linked_role(f"{service}.amazonaws.com", "", "")
    return str(found.arn)
