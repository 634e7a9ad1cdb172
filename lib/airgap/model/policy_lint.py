"""What a policy grants, and to whom, as plain sentences for checks.

Every function errs on the side of naming a grant: a condition that is not understood never makes one disappear.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from airgap.model.conditions import every, matches, tokens
from airgap.model.policy import Request, applies
from airgap.model.policy_document import Policy, Statement

# The first word of an action that changes nothing (AWS access levels List and Read).
READ_VERBS = ("BatchGet", "Describe", "Filter", "Get", "List", "Lookup", "Query", "Scan", "Search", "Select", "View")

_PRINCIPAL_ACCOUNT = re.compile(r"^(?:arn:[^:]+:(?:iam|sts)::)?(\d{12})(?::|$)")
_UNIQUE_ID = re.compile(r"^A[A-Z]{3}[A-Z0-9]{12,}$")
_ARN_ACCOUNT_KEYS = frozenset({"aws:sourcearn", "aws:principalarn"})
_ARN_OPERATORS = frozenset({"ArnEquals", "ArnLike", "StringEquals", "StringLike"})
# Keys by whom they describe, with what an own value is: an account id, an organisation id, or a path below it.
_CALLER_KEYS = {
    "aws:principalaccount": "account",
    "kms:calleraccount": "account",
    "aws:principalorgid": "organization",
    "aws:principalorgpaths": "path",
}
_SOURCE_KEYS = {
    "aws:sourceaccount": "account",
    "aws:sourceowner": "account",
    "aws:sourceorgid": "organization",
    "aws:sourceorgpaths": "path",
}
_NOBODY = {"account": "0" * 12, "organization": "o-0000000000", "path": "o-0000000000/r-0000/"}


class Grant(NamedTuple):
    """One action pattern on one resource pattern; `exact` is False where a Not element was widened to `*`."""

    effect: str
    action: str
    resource: str
    conditioned: bool
    statement: str
    exact: bool


class ServicePrincipal(NamedTuple):
    """An AWS service that a policy admits; `limited` says that it must act for an own account (confused deputy)."""

    service: str
    limited: bool
    statement: str


class Admitted(NamedTuple):
    """Who a resource policy admits beside its own accounts: sentences on foreign principals and on principals that
    cannot be resolved (ids of deleted ones, canonical users), and the service principals apart."""

    foreign: tuple[str, ...]
    unresolved: tuple[str, ...]
    services: tuple[ServicePrincipal, ...]


def actions(policy: Policy) -> Iterator[Grant]:
    """Yield every pair of action and resource pattern; NotAction and NotResource are widened to `*`."""
    for statement in policy.statements:
        named = ("*",) if "Action" in statement.negated else statement.actions
        where = ("*",) if "Resource" in statement.negated or statement.resources is None else statement.resources
        exact = not statement.negated & {"Action", "Resource"}
        for action in named:
            for resource in where:
                conditioned = bool(statement.conditions)
                yield Grant(statement.effect, action, resource, conditioned, statement.name, exact)


def grants_admin(policy: Policy) -> bool:
    """Whether an Allow covers every action (or all but some) on every resource; conditions do not excuse it."""
    return any(
        grant.effect == "Allow" and grant.action in ("*", "*:*") and grant.resource == "*" for grant in actions(policy)
    )


def _writes(action: str) -> bool:
    verb = action.partition(":")[2] or action
    return not verb.startswith(READ_VERBS)


def wildcard_grants(policy: Policy) -> list[str]:
    """Sentences on Allows that name every action of a service, or an unconditioned write on every resource."""
    found = []
    for grant in actions(policy):
        if grant.effect != "Allow":
            continue
        whole = grant.action == "*" or grant.action.endswith(":*")
        if whole:
            what = "every action" if grant.exact else "every action but those it excepts"
            found.append(f"{grant.statement!r} allows {what} ({grant.action}) on {grant.resource}")
        elif grant.resource == "*" and _writes(grant.action) and not grant.conditioned:
            found.append(f"{grant.statement!r} allows the write {grant.action} on every resource without a condition")
    return sorted(set(found))


class _Home(NamedTuple):
    """What is ours, and every value that the policy's conditions want, by key in lower case."""

    accounts: Collection[str]
    organization: str | None
    wanted: Mapping[str, Collection[str]]

    def owns(self, what: str, value: str) -> bool:
        """Whether a wanted value admits us alone."""
        if what == "account":
            return value in self.accounts
        return self.organization is not None and (value + "/").startswith(self.organization + "/")

    def foreign(self, keys: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        """A foreign value for each key; unknown (left out) where the policy also wants a value that is not ours."""
        ours = {key: what for key, what in keys.items() if all(self.owns(what, v) for v in self.wanted.get(key, ()))}
        return {key: (_NOBODY[what],) for key, what in ours.items()}


def _home(policy: Policy, accounts: Collection[str], organization: str | None) -> _Home:
    wanted: dict[str, set[str]] = {}
    for statement in policy.statements:
        for _, key, values in statement.conditions:
            wanted.setdefault(key.lower(), set()).update(values)
    return _Home(accounts, organization, wanted)


def _strangers(kind: str, entry: str, home: _Home) -> Iterator[Request]:
    """The callers from outside that a principal entry may admit; of their other keys nothing is known."""
    found = _PRINCIPAL_ACCOUNT.match(entry)
    account = found.group(1) if found else _NOBODY["account"]
    caller, source = home.foreign(_CALLER_KEYS), home.foreign(_SOURCE_KEYS)
    no_source: dict[str, tuple[str, ...]] = dict.fromkeys(_SOURCE_KEYS, ())
    nothing: dict[str, tuple[str, ...]] = {**dict.fromkeys(_CALLER_KEYS, ()), **no_source}
    everyone = entry == "*" and kind in ("*", "AWS")
    shapes = []
    if kind not in ("Service", "Federated"):
        shapes.append(("AWS", {**caller, **no_source}))
    if everyone or kind == "Service":
        shapes.append(("Service", {**caller, **source}))
    if everyone or kind in ("Service", "Federated"):
        shapes.append(("Anonymous" if everyone else kind, nothing))
    for principal_type, context in shapes:
        name = entry if principal_type == kind or found else ""
        yield Request("", "*", name, principal_type, account, context, complete=False)


def _names_own(arn: str, own: Collection[str]) -> bool:
    parts = arn.split(":", 5)
    return len(parts) == 6 and parts[4] in own


def _own_arns_only(statement: Statement, own: Collection[str]) -> bool:
    """Whether a condition admits only ARNs of own accounts as the caller or the source."""
    return any(
        operator in _ARN_OPERATORS and key.lower() in _ARN_ACCOUNT_KEYS and all(_names_own(arn, own) for arn in wanted)
        for operator, key, wanted in statement.conditions
    )


def _conditions_hold(statement: Statement, request: Request, policy: Policy) -> bool | None:
    elements = {"Action", "Resource", "Principal"}
    met = applies(statement, request, policy.variables)
    return every(truth for name, truth in met.items() if name not in elements)


def _covers(wide: tuple[str, ...] | None, narrow: tuple[str, ...] | None) -> bool:
    """Whether each narrow pattern, read as text, matches a wide one: then all that it matches does."""
    if wide is None or narrow is None:
        return wide is None or "*" in wide
    return all(any(matches(tokens(one.lower()), each.lower()) for one in wide) for each in narrow)


def _denied(policy: Policy, allowed: Statement, request: Request) -> bool:
    """Whether a Deny surely takes back the whole Allow for this caller."""
    return any(
        each.effect == "Deny"
        and not each.negated & {"Action", "Resource"}
        and _covers(each.actions, allowed.actions)
        and _covers(each.resources, allowed.resources)
        and _conditions_hold(each, request, policy) is True
        and applies(each, request, policy.variables).get("Principal", True) is True
        for each in policy.statements
    )


def _open_to(policy: Policy, statement: Statement, request: Request, own: Collection[str]) -> bool:
    if _conditions_hold(statement, request, policy) is False or _own_arns_only(statement, own):
        return False
    return not _denied(policy, statement, request)


def _is_own(entry: str, own: Collection[str]) -> bool:
    found = _PRINCIPAL_ACCOUNT.match(entry)
    return bool(found and found.group(1) in own)


def _entries(statement: Statement) -> Iterator[tuple[str, str]]:
    """The principals of an Allow; NotPrincipal admits everyone else, which is read as everyone."""
    if statement.effect == "Allow" and "Principal" in statement.negated:
        yield "*", "*"
    elif statement.effect == "Allow":
        for kind, names in (statement.principals or {}).items():
            for entry in names:
                yield kind, entry


def foreign_principals(policy: Policy, own_accounts: Collection[str], organization: str | None = None) -> Admitted:
    """Who else than the own accounts an Allow of a resource policy may admit.

    `*` and foreign accounts count unless a condition on the caller (aws:PrincipalOrgID, aws:PrincipalAccount,
    aws:SourceAccount, kms:CallerAccount, own ARNs) or a Deny surely refuses every caller from outside. Which network a
    caller comes from (aws:SourceVpce, aws:SourceIp) says nothing about who it is.
    """
    home = _home(policy, own_accounts, organization)
    foreign, unresolved, services = set(), set(), set()
    for statement in policy.statements:
        for kind, entry in _entries(statement):
            if _is_own(entry, own_accounts):
                continue
            is_open = any(_open_to(policy, statement, each, own_accounts) for each in _strangers(kind, entry, home))
            if kind == "Service":
                services.add(ServicePrincipal(entry, not is_open, statement.name))
            elif is_open and (kind == "CanonicalUser" or _UNIQUE_ID.match(entry)):
                unresolved.add(f"{statement.name!r} admits {entry}, which cannot be resolved to an account")
            elif is_open:
                foreign.add(f"{statement.name!r} admits {entry if kind == '*' else f'{kind} {entry}'}")
    return Admitted(tuple(sorted(foreign)), tuple(sorted(unresolved)), tuple(sorted(services)))
