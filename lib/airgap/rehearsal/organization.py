"""The organization of an account, where one was made with CreateOrganization, and the policies in effect there."""

from __future__ import annotations

import json
from typing import Any

from moto.organizations.models import FakePolicy, FakeRoot, OrganizationsBackend, organizations_backends

DECLARATIVE = "DECLARATIVE_POLICY_EC2"
MORE_TYPES = (DECLARATIVE, "CHATBOT_POLICY", "SECURITYHUB_POLICY", "INSPECTOR_POLICY")
_begin = FakePolicy.__init__


def backend_of(account: str, partition: str) -> OrganizationsBackend | None:
    """Return the organization that an account belongs to, as its management account sees it; None where it has none."""
    master = organizations_backends.master_accounts.get(account)
    if master is not None:
        return organizations_backends[master[0]][master[1]]
    own = organizations_backends[account][partition]
    return own if own.org else None


def effective(account: str, partition: str, policy_type: str) -> dict[str, Any] | None:
    """Return the policies of a type in effect for an account, merged from the root down; None where there are none.

    Only the operator ``@@assign`` is known, the nearest to the account wins:
    https://docs.aws.amazon.com/organizations/latest/userguide/policy-operators.html
    """
    backend = backend_of(account, partition)
    if backend is None:
        return None
    chain = _chain(backend, account)
    policies = [policy for entity in chain for policy in entity.attached_policies if policy.type == policy_type]
    merged: dict[str, Any] = {}
    for policy in policies:
        _merge(merged, json.loads(policy.content))
    return merged if policies else None


def _chain(backend: Any, account: str) -> list[Any]:
    """Return the root, the organizational units and the account, in this order."""
    units = {unit.id: unit for unit in backend.ou}
    entity = next((x for x in backend.accounts if x.id == account), None)
    chain: list[Any] = []
    while entity is not None:
        chain.insert(0, entity)
        entity = units.get(getattr(entity, "parent_id", None)) if entity.type != "ROOT" else None
    return chain


def _merge(into: dict[str, Any], document: dict[str, Any]) -> None:
    for name, value in document.items():
        if isinstance(value, dict) and "@@assign" in value:
            into[name] = value["@@assign"]
        elif isinstance(value, dict):
            _merge(into.setdefault(name, {}), value)
        elif not name.startswith("@@"):
            into[name] = value


def _policy(self: Any, organization: Any, **fields: Any) -> None:
    """moto knows the names of five types only; the others behave like tag policies."""
    known = fields.get("Type") not in (*MORE_TYPES, "BACKUP_POLICY")
    _begin(self, organization, **(fields if known else {**fields, "Type": "TAG_POLICY"}))
    self.type = fields.get("Type", "")


FakePolicy.__init__ = _policy
FakePolicy.SUPPORTED_POLICY_TYPES = [*FakePolicy.SUPPORTED_POLICY_TYPES, *MORE_TYPES]
FakeRoot.SUPPORTED_POLICY_TYPES = [*FakeRoot.SUPPORTED_POLICY_TYPES, *MORE_TYPES]
