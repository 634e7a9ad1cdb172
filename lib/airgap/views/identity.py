"""Identity: the role matrix, the keys, and the statements of the inline policies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from airgap.checks import scope
from airgap.model.canonical import dig
from airgap.views.changes import spelt
from airgap.views.look import Look, attempt
from airgap.views.table import LATER, Code, Group, Mark, Table, not_read

DETAILS = "iam:GetAccountAuthorizationDetails"
ROLE_READS = (DETAILS,)
KEY_READS = (
    "kms:ListKeys",
    "kms:ListAliases",
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListResourceTags",
)
# What neither looks at settings nor changes any: keys, secrets, models and sessions.
USING = ("GetSecretValue", "Decrypt", "Encrypt", "ReEncrypt", "GenerateDataKey", "Sign", "Invoke", "Converse", "Assume",
         "Apply")  # fmt: skip
READING = (
    "Describe",
    "List",
    "Get",
    "BatchGet",
    "Lookup",
    "Search",
    "Filter",
    "View",
    "Head",
    "Select",
    "Scan",
    "Query",
)


def roles(look: Look) -> Table:
    """Return every role of the environment: who may assume it, what it may do, in words, and its boundary."""
    found = {one["RoleName"]: one for one in look.every(DETAILS, "RoleDetailList") if scope.is_ours(one, look.intent)}
    rows: list[tuple[Any, ...]] = [_role(one) for one in found.values()]
    rows += [
        _declared_role(look, one.name, one.fields) for one in look.wanted("role") if one.fields["name"] not in found
    ]
    columns = ("role", "may be assumed by", "under conditions", "may do", "attached policies", "boundary")
    rows.sort(key=lambda row: str(row[0]))
    return Table("Role matrix", columns, rows)


def _role(role: Mapping[str, Any]) -> tuple[Any, ...]:
    documents = [one.get("PolicyDocument") for one in role.get("RolePolicyList", [])]
    attached = [one["PolicyName"] for one in role.get("AttachedManagedPolicies", [])]
    boundary = dig(role, "PermissionsBoundary.PermissionsBoundaryArn")
    return (
        role["RoleName"],
        *_trust(role.get("AssumeRolePolicyDocument")),
        rights(documents),
        tuple(attached) or "none",
        Code(boundary) if boundary else "none",
    )


def _declared_role(look: Look, name: str, fields: Mapping[str, Any]) -> tuple[Any, ...]:
    mine = f"role:{name}."
    documents = [
        one.fields.get("document") for one in look.wanted("role-policy") if mine in str(one.fields.get("role"))
    ]
    attached = [
        str(one.fields["policy"]).split("/")[-1]
        for one in look.wanted("role-attachment")
        if mine in str(one.fields.get("role"))
    ]
    return (
        (str(fields["name"]), LATER),
        *_trust(fields.get("trust")),
        rights(documents),
        tuple(attached) or "none",
        Code(str(fields["boundary"])) if fields.get("boundary") else "none",
    )


def _trust(document: Any) -> tuple[Any, Any]:
    who: list[Any] = []
    when: list[Any] = []
    for statement in statements(document):
        principal = statement.get("Principal", "*")
        named = principal.items() if isinstance(principal, Mapping) else [("", principal)]
        who += [_principal(str(kind), one) for kind, many in named for one in _many(many)]
        when += [
            Code(f"{key} = {_short(value)}")
            for test in statement.get("Condition", {}).values()
            for key, value in test.items()
        ]
    return tuple(dict.fromkeys(who)) or "nobody", tuple(dict.fromkeys(when)) or "none"


def _principal(kind: str, name: str) -> Any:
    return Mark("anybody", "✗", "bad") if name == "*" and kind != "Federated" else Code(spelt(name))


def rights(documents: Iterable[Any]) -> Any:
    """Return what policies allow, in words: for each service how many actions read and how many change something."""
    tally: dict[str, dict[str, set[str]]] = {}
    for statement in (one for document in documents for one in statements(document)):
        if statement.get("Effect") != "Allow":
            continue
        for action in _many(statement.get("Action", "not " + str(statement.get("NotAction", "")))):
            service, _, name = str(action).partition(":")
            tally.setdefault(service, {"read": set(), "use": set(), "change": set()})[_level(name)].add(name)
    return tuple(_said(service, levels) for service, levels in sorted(tally.items())) or "nothing"


def _level(name: str) -> str:
    if name.startswith(USING):
        return "use"
    return "read" if name.startswith(READING) else "change"


def _said(service: str, levels: Mapping[str, set[str]]) -> Any:
    if "*" in levels["change"] or service == "*":
        return Mark(f"{service}: everything", "✗", "bad")
    words = [f"{len(names)} to {level}" for level, names in levels.items() if names]
    return f"{service}: {', '.join(words)}"


def keys(look: Look) -> Table:
    """Return the environment's customer keys: state, rotation, grants and principals outside the account."""
    aliases = {str(one.get("TargetKeyId")): str(one["AliasName"]) for one in look.every("kms:ListAliases", "Aliases")}
    rows = [_customer_key(look, str(one["KeyId"]), aliases) for one in look.every("kms:ListKeys", "Keys")]
    shown = [row for row in rows if row]
    there = {row[0] for row in shown}
    shown += [
        (str(one.fields["name"]), LATER, "", "", "", "")
        for one in look.wanted("kms-alias")
        if one.fields["name"] not in there
    ]
    return Table("Customer keys", ("alias", "key", "state", "rotation", "grants", "principals outside"), shown)


def _customer_key(look: Look, name: str, aliases: Mapping[str, str]) -> tuple[Any, ...]:
    """The row of a key, nothing for one that is not ours; a key of which that is not known is shown as not read."""
    alias = aliases.get(name, "no alias")
    page, reason = attempt(lambda: look.estate.page("kms:DescribeKey", KeyId=name))
    key = (page or {}).get("KeyMetadata") or {}
    if not reason and key.get("KeyManager") != "CUSTOMER":
        return ()
    tags, untold = attempt(lambda: look.estate.page("kms:ListResourceTags", KeyId=name))
    if reason or untold:
        return alias, Code(name), not_read(reason or untold), "", "", ""
    return _key(look, key, alias) if scope.is_ours(tags or {}, look.intent) else ()


def _key(look: Look, key: Mapping[str, Any], alias: str) -> tuple[Any, ...]:
    name = key["KeyId"]
    state = key.get("KeyState", "")
    shown = Mark("enabled", "✓", "good") if state == "Enabled" else Mark(state, "!", "unknown")
    turns = "does not rotate by its nature" if key.get("KeyUsage") == "SIGN_VERIFY" else _rotation(look, name)
    return alias, Code(name), shown, turns, _grants(look, name), _outsiders(look, name)


def _rotation(look: Look, key: str) -> Any:
    page, reason = attempt(lambda: look.estate.page("kms:GetKeyRotationStatus", KeyId=key))
    if reason:
        return not_read(reason)
    if page is None:
        return "does not rotate by its nature"
    return Mark("on", "✓", "good") if page.get("KeyRotationEnabled") else Mark("off", "✗", "bad")


def _grants(look: Look, key: str) -> Any:
    page, reason = attempt(lambda: look.estate.page("kms:ListGrants", KeyId=key))
    found = (page or {}).get("Grants", [])
    return not_read(reason) if reason else tuple(Code(one.get("GranteePrincipal", "")) for one in found) or "none"


def _outsiders(look: Look, key: str) -> Any:
    page, reason = attempt(lambda: look.estate.page("kms:GetKeyPolicy", KeyId=key, PolicyName="default"))
    if reason:
        return not_read(reason)
    named = [one for statement in statements((page or {}).get("Policy")) for one in _principals(statement)]
    foreign = [one for one in named if f":{look.intent.account}:" not in one and not one.endswith(".amazonaws.com")]
    return tuple(Mark(one, "✗", "bad") for one in dict.fromkeys(foreign)) or "none"


def _principals(statement: Mapping[str, Any]) -> list[str]:
    principal = statement.get("Principal", {})
    # A wildcard that conditions bind to the account or to a service is judged by the checks, not by this list.
    if statement.get("Effect") != "Allow" or statement.get("Condition"):
        return []
    return [
        str(one)
        for many in (principal.values() if isinstance(principal, Mapping) else [principal])
        for one in _many(many)
    ]


def policies(look: Look) -> Table:
    """Return every statement of every inline policy of the environment's roles."""
    found = [one for one in look.every(DETAILS, "RoleDetailList") if scope.is_ours(one, look.intent)]
    rows: list[Any] = []
    for role in sorted(found, key=lambda one: one["RoleName"]):
        for policy in role.get("RolePolicyList", []):
            rows.append(Group(f"{role['RoleName']} · {policy['PolicyName']}"))
            rows += [_statement(one) for one in statements(policy.get("PolicyDocument"))]
    there = {policy["PolicyName"] for role in found for policy in role.get("RolePolicyList", [])}
    for one in look.wanted("role-policy"):
        if one.fields.get("name") not in there:
            rows.append(Group(f"{one.fields.get('name')} · {LATER.word}"))
            rows += [_statement(each) for each in statements(one.fields.get("document"))]
    return Table("Inline policies", ("statement", "effect", "actions", "resources", "conditions"), rows)


def _statement(statement: Mapping[str, Any]) -> tuple[Any, ...]:
    actions = _many(statement.get("Action", [f"all but {one}" for one in _many(statement.get("NotAction", []))]))
    resources = _many(statement.get("Resource", [f"all but {one}" for one in _many(statement.get("NotResource", []))]))
    tests = [
        Code(f"{operator} {key} = {_short(value)}")
        for operator, test in statement.get("Condition", {}).items()
        for key, value in test.items()
    ]
    return (statement.get("Sid", ""), statement.get("Effect", ""), tuple(Code(str(one)) for one in actions),
            tuple(Code(spelt(str(one))) for one in resources), tuple(tests) or "none")  # fmt: skip


def statements(document: Any) -> list[dict[str, Any]]:
    """Return the statements of a policy document, given as text or as data; of none, none."""
    data = json.loads(document) if isinstance(document, str) else document or {}
    return [dict(one) for one in _many(data.get("Statement", []))]


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _short(value: Any) -> str:
    return ", ".join(str(one) for one in _many(value))
