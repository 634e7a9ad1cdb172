"""IAM-style JSON policies, evaluated offline and exactly, in three values: ALLOW, DENY or UNKNOWN.

Source: IAM User Guide, "IAM JSON policy element reference" and "Policy evaluation logic", for one document by itself:
an explicit Deny wins, then an Allow, and nothing is allowed otherwise. What the evaluator does not understand makes the
outcome UNKNOWN exactly when it could change it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from airgap.model.conditions import ANY, Context, every, expand, holds, matches, negated, segments, some, tokens
from airgap.model.policy_document import ROOT, MalformedPolicy, Policy, Statement, canonical, parse

__all__ = [
    "ALLOW",
    "DENY",
    "FULL_ACCESS",
    "UNKNOWN",
    "Decision",
    "MalformedPolicy",
    "Policy",
    "Request",
    "Statement",
    "applies",
    "canonical",
    "evaluate",
    "parse",
]

ALLOW = "allow"
DENY = "deny"
UNKNOWN = "unknown"

# VPC User Guide, "Default endpoint policy": what an endpoint has when none was given.
FULL_ACCESS: Mapping[str, Any] = {
    "Version": "2008-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}

_ACCOUNT = re.compile(r"^\d{12}$")
_ROLE = re.compile(r"^arn:([^:]+):iam::(\d{12}):role/(?:.*/)?([^/]+)$")
_SESSION = re.compile(r"^arn:([^:]+):sts::(\d{12}):assumed-role/([^/]+)/.+$")
_UNIQUE_ID = re.compile(r"^A[A-Z]{3}[A-Z0-9]{12,}$")  # what a deleted principal turns into


@dataclass(frozen=True)
class Request:
    """One call as a policy sees it.

    `principal` is an ARN (of a user, role or assumed-role session), a service or a provider by `principal_type`: AWS,
    Service, Federated or Anonymous. `account` is the principal's account. `resource` is "*" for a call without one.
    `context` maps keys to values, no values meaning absent; `complete` is as in Context.
    """

    action: str
    resource: str = "*"
    principal: str = ""
    principal_type: str = "AWS"
    account: str = ""
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    complete: bool = True
    label: str = ""


class Decision(NamedTuple):
    """The outcome, the name of the deciding statement (None when no statement decides), and why, as a sentence."""

    outcome: str
    statement: str | None
    reason: str


def _aws_principal(entry: str, request: Request) -> bool | None:
    """Whether an AWS principal entry names the caller; ids of deleted principals and wildcard ARNs are unknown."""
    if entry == "*":
        return None if request.principal_type == "Federated" else True
    if request.principal_type != "AWS":
        return False
    root = ROOT.match(entry)
    if root or _ACCOUNT.match(entry):
        return request.account == (root.group(1) if root else entry)
    if _UNIQUE_ID.match(entry):
        known = Context(request.context, request.complete).get("aws:userid")
        return known[0].split(":")[0] == entry if known else None
    if "*" in entry or not entry.startswith("arn:"):
        return None
    role, session = _ROLE.match(entry), _SESSION.match(request.principal)
    return entry == request.principal or bool(role and session and role.groups() == session.groups())


def _principal(kind: str, entry: str, request: Request) -> bool | None:
    if kind == "*":
        return True
    if kind == "AWS":
        return _aws_principal(entry, request)
    if kind in ("Service", "Federated"):
        return request.principal_type == kind and entry in ("*", request.principal)
    return None


def _resource(entry: str, request: Request, variables: bool) -> bool | None:
    """Whether a resource entry names the request's resource.

    A `*` matches inside one colon-delimited segment, and past it at the end (IAM User Guide, "Resource"); a match that
    needs more than that is unknown.
    """
    wanted = expand(entry, Context(request.context, request.complete), variables)
    if not wanted.resolved:
        return wanted.resolved
    if not matches(wanted.pattern, request.resource):
        return False
    parts = segments(wanted.pattern, 6)
    values = request.resource.split(":", len(parts) - 1)
    inside = len(values) == len(parts) and all(matches(parts[at], value) for at, value in enumerate(values))
    return True if inside and (len(parts) == 6 or wanted.pattern[-1] == ANY) else None


def _action(entry: str, request: Request) -> bool:
    return matches(tokens(entry.lower()), request.action.lower())


def applies(statement: Statement, request: Request, variables: bool = True) -> dict[str, bool | None]:
    """Each element of the statement, by name, with whether the request meets it; an element left out is met."""

    def read(name: str, truth: bool | None) -> bool | None:
        return negated(truth) if name in statement.negated else truth

    context = Context(request.context, request.complete)
    met: dict[str, bool | None] = {"Action": read("Action", some(_action(each, request) for each in statement.actions))}
    if statement.resources is not None:
        found = some(_resource(each, request, variables) for each in statement.resources)
        met["Resource"] = read("Resource", found)
    if statement.principals is not None:
        named = [(kind, each) for kind, names in statement.principals.items() for each in names]
        met["Principal"] = read("Principal", some(_principal(kind, each, request) for kind, each in named))
    for operator, key, wanted in statement.conditions:
        met[f"{operator} {key}"] = holds(operator, key, wanted, context, variables)
    met.update({element: None for element, _ in statement.extra})
    return met


def _unknown(found: Sequence[tuple[Statement, Mapping[str, bool | None]]]) -> Decision:
    statement, met = found[0]
    open_elements = ", ".join(name for name, truth in met.items() if truth is None)
    return Decision(UNKNOWN, statement.name, f"whether {statement.name!r} applies is not known: {open_elements}")


def evaluate(policy: Policy, request: Request) -> Decision:
    """What the document decides about the request, with the statement that decides it."""
    if policy.extra:
        return Decision(UNKNOWN, None, f"the policy has elements that are not understood: {policy.extra[0][0]}")
    read = [(each, applies(each, request, policy.variables)) for each in policy.statements]
    judged = [(each, met, every(met.values())) for each, met in read]

    def found(effect: str, truth: bool | None) -> list[tuple[Statement, Mapping[str, bool | None]]]:
        return [(each, met) for each, met, decided in judged if each.effect == effect and decided is truth]

    denied, allowed = found("Deny", True), found("Allow", True)
    maybe_denied, maybe_allowed = found("Deny", None), found("Allow", None)
    if denied:
        return Decision(DENY, denied[0][0].name, f"{denied[0][0].name!r} denies it")
    if not allowed and not maybe_allowed:
        return Decision(DENY, None, "no statement allows it")
    if maybe_denied or not allowed:
        return _unknown(maybe_denied or maybe_allowed)
    return Decision(ALLOW, allowed[0][0].name, f"{allowed[0][0].name!r} allows it")
