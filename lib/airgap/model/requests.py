"""Requests that must pass an endpoint, and requests that must not: a policy is judged by their contexts.

The context of each request holds what AWS documents; a key that is not documented for it stays unknown, so that a
policy which leans on it is judged unknown, not right. Source: IAM User Guide, "AWS global condition context keys".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airgap.model.component_calls import CALLS, Calls
from airgap.model.components import takes_policy
from airgap.model.endpoint_exceptions import REFUSED, prefix
from airgap.model.endpoint_policies import EndpointFacts, fill
from airgap.model.policy import ALLOW, DENY, FULL_ACCESS, UNKNOWN, MalformedPolicy, Policy, Request, evaluate, parse

_Context = dict[str, tuple[str, ...]]

_FOREIGN_ORGANIZATION = "o-9999999999"
_FOREIGN_BUCKET = "a-foreign-bucket"
_ARN_ACCOUNT = re.compile(r"^arn:[^:]*:[^:]*:[^:]*:(\d{12}):")
_NO_CALLER: Mapping[str, tuple[str, ...]] = {
    "aws:PrincipalAccount": (),
    "aws:PrincipalOrgID": (),
    "aws:PrincipalOrgPaths": (),
    "aws:PrincipalArn": (),
}


@dataclass(frozen=True)
class Judgement:
    """What the requests say about a policy: sentences on what is wrong and on what cannot be decided.

    `tested` counts the requests: where it is zero nothing was judged, and an empty list of problems is no pass.
    """

    problems: tuple[str, ...]
    unknowns: tuple[str, ...]
    tested: int


def _foreign_account(facts: EndpointFacts) -> str:
    return "999999999999" if facts.account != "999999999999" else "888888888888"


def _session(account: str, facts: EndpointFacts, role: str) -> str:
    return f"arn:{facts.partition}:sts::{account}:assumed-role/{role}/session"


def _caller(by: str, facts: EndpointFacts, role: str) -> Request:
    """A request without action: the caller's part of it. `aws` is an account of AWS, `foreign` is anybody's."""
    if by in ("anonymous", "federated"):
        provider = (
            f"arn:{facts.partition}:iam::{facts.account}:oidc-provider/oidc.eks.{facts.region}.amazonaws.com/id/1"
        )
        named = ("Federated", provider) if by == "federated" else ("Anonymous", "")
        return Request("", "*", named[1], named[0], context=_NO_CALLER, complete=False)
    own = by == "own"
    account = facts.account if own else _foreign_account(facts)
    context: _Context = {"aws:PrincipalAccount": (account,), "aws:PrincipalIsAWSService": ("false",)}
    if not own or facts.organization:
        organization = facts.organization if own and facts.organization else _FOREIGN_ORGANIZATION
        context["aws:PrincipalOrgID"] = (organization,)
    return Request("", "*", _session(account, facts, role), "AWS", account, context, complete=False)


def _owner(owner: str, resource: str, facts: EndpointFacts) -> _Context:
    """The keys on the resource's owner, who is the facts' account; nothing where AWS does not document them."""
    if owner == "own":
        known: _Context = {"aws:ResourceOrgID": (facts.organization,)} if facts.organization else {}
        return {"aws:ResourceAccount": (facts.account,), **known}
    if owner == "foreign":
        return {"aws:ResourceAccount": (facts.account,), "aws:ResourceOrgID": (_FOREIGN_ORGANIZATION,)}
    found = _ARN_ACCOUNT.match(resource)
    return {"aws:ResourceAccount": (found.group(1),)} if owner == "aws" and found else {}


def _requests(calls: Calls, facts: EndpointFacts, label: str) -> Iterator[Request]:
    """Every request of these calls, a many-valued field giving one each."""
    for resource in fill(calls.resource, facts):
        for action in calls.actions:
            caller = _caller(calls.by, facts, label)
            context = {**caller.context, **_owner(calls.owner, resource, facts)}
            context["aws:RequestedRegion"] = (facts.region,)
            context["aws:SecureTransport"] = ("true",)
            for key, value in calls.context:
                context[key] = fill(value, facts)[:1]
            yield replace(caller, action=action, resource=resource, context=context, label=label)


def must_pass(service: str, facts: EndpointFacts) -> tuple[Request, ...]:
    """Every request that the chosen components make through this endpoint, labelled with the component."""
    chosen = [(name, calls) for name in facts.components for calls in CALLS[name] if calls.service == service]
    return tuple(request for name, calls in chosen for request in _requests(calls, facts, name))


def _elsewhere(facts: EndpointFacts) -> EndpointFacts:
    """The same names in a foreign account."""
    account = _foreign_account(facts)
    return replace(facts, account=account, buckets=(_FOREIGN_BUCKET,), repositories=("stolen",), models=())


def _sample(service: str) -> tuple[Calls, ...]:
    """Every call that any component could make on a resource of its own through this endpoint."""
    named = {calls for each in CALLS.values() for calls in each if calls.service == service}
    made = tuple(sorted(calls for calls in named if calls.owner == "own" and calls.by == "own"))
    anything = Calls(service, (f"{prefix(service)}:PutAnything",), f"arn:{{partition}}:{prefix(service)}:::anything")
    return made or (() if named else (anything,))


def _bare(service: str) -> tuple[Calls, ...]:
    named = {calls for each in CALLS.values() for calls in each if calls.service == service and calls.owner == "none"}
    return tuple(sorted(calls for calls in named if calls.resource == "*"))


def _model(kind: str) -> str:
    return f"arn:{{partition}}:bedrock:{{region}}:{{account}}:{kind}/foreign"


_UNDECLARED_MODEL = "arn:{partition}:bedrock:{region}::foundation-model/undeclared.model-v1:0"
_INVOKE = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
_ANY_ROLE = "arn:{partition}:iam::{account}:role/anything"
_LAYERS = "arn:{partition}:s3:::prod-{region}-starport-layer-bucket/key"
_PEER = "arn:{partition}:ec2:{region}:{account}:vpc/vpc-0123456789abcdef0"
_AN_IMAGE = "arn:{partition}:ec2:{region}::image/ami-0123456789abcdef0"
_AN_ENDPOINT = "arn:{partition}:ec2:{region}:{account}:vpc-endpoint/*"

# Ways out that a call on a foreign resource does not show, as (sentence, calls); their facts are those of elsewhere.
ATTEMPTS: tuple[tuple[str, Calls], ...] = (
    (
        "an own token traded for a foreign role",
        Calls("sts", ("sts:AssumeRoleWithWebIdentity",), _ANY_ROLE, "federated"),
    ),
    ("a write to a bucket of AWS", Calls("s3", ("s3:PutObject",), _LAYERS)),
    ("a write to a bucket of AWS without credentials", Calls("s3", ("s3:PutObject",), _LAYERS, "anonymous")),
    *(
        (f"a foreign {kind} invoked", Calls("bedrock-runtime", _INVOKE, _model(kind)))
        for kind in ("provisioned-model", "custom-model-deployment", "imported-model", "application-inference-profile")
    ),
    ("a model that is not declared", Calls("bedrock-runtime", _INVOKE, _UNDECLARED_MODEL)),
    (
        "a machine image of a foreign account",
        Calls("ec2", ("ec2:RunInstances",), _AN_IMAGE, context=(("ec2:Owner", "{account}"),)),
    ),
)
# The same, where the request itself is on our side and only one key of it points outside.
_OWN_ATTEMPTS: tuple[tuple[str, Calls], ...] = (
    *(
        (
            f"a transcript written to {where}",
            Calls("transcribe", ("transcribe:StartTranscriptionJob",), owner="none", context=context),
        )
        for where, context in (
            ("a foreign bucket", (("transcribe:OutputBucketName", _FOREIGN_BUCKET),)),
            ("a bucket of AWS", (("transcribe:OutputBucketName", ""),)),
        )
    ),
    (
        "an endpoint to somebody's own service",
        Calls(
            "ec2",
            ("ec2:CreateVpcEndpoint",),
            _AN_ENDPOINT,
            owner="none",
            context=(("ec2:VpceServiceOwner", "somebody"),),
        ),
    ),
    ("a peering with a foreign VPC", Calls("ec2", ("ec2:CreateVpcPeeringConnection",), _PEER, owner="none")),
)


def _crossings(service: str, facts: EndpointFacts) -> Iterator[Request]:
    """Own callers at foreign resources, foreign and anonymous callers at both."""
    elsewhere = _elsewhere(facts)
    for calls in _sample(service):
        for by, owner, what in (
            ("own", "foreign", "own caller, foreign resource"),
            ("foreign", "foreign", "foreign caller, foreign resource"),
            ("anonymous", "foreign", "no credentials, foreign resource"),
            ("foreign", "own", "foreign caller, own resource"),
            ("anonymous", "own", "no credentials, own resource"),
        ):
            where = facts if owner == "own" else elsewhere
            for request in _requests(calls._replace(owner=owner), where, what):
                yield _by(request, by, facts)
    for calls in _bare(service):
        for request in _requests(calls, facts, "foreign caller"):
            yield _by(request, "foreign", facts)


def _by(request: Request, by: str, facts: EndpointFacts) -> Request:
    """The request with another caller."""
    caller = _caller(by, facts, "attempt")
    kept = {key: value for key, value in request.context.items() if not key.startswith("aws:Principal")}
    return replace(
        caller,
        action=request.action,
        resource=request.resource,
        label=request.label,
        context={**kept, **caller.context},
    )


def _ways_out(service: str, facts: EndpointFacts) -> Iterator[Request]:
    for label, calls in ATTEMPTS:
        if calls.service == service:
            for request in _requests(calls._replace(owner="foreign"), _elsewhere(facts), label):
                yield _by(request, calls.by, facts)
    for label, calls in _OWN_ATTEMPTS:
        if calls.service == service:
            for request in _requests(calls, facts, label):
                absent = {key: () for key, values in request.context.items() if values == ("",)}
                yield replace(request, context={**request.context, **absent})
    for row in REFUSED.get(service, ()):
        if not row.key:
            copies = Calls(service, row.actions, f"arn:{{partition}}:{prefix(service)}:{{region}}:{{account}}:own")
            yield from _requests(copies, facts, "a copy that the service itself carries out")


def must_fail(service: str, facts: EndpointFacts) -> tuple[Request, ...]:
    """Every attempt to carry data out through this endpoint, or to bring foreign credentials in, labelled with it."""
    return (*_crossings(service, facts), *_ways_out(service, facts))


def _outcomes(policy: Policy, requests: Sequence[Request], wanted: str) -> tuple[list[str], list[str]]:
    """Sentences on the requests with the contrary outcome, and on those without one."""
    wrong, open_ = [], []
    verb = "refuses what must pass" if wanted == ALLOW else "lets through what must not"
    for request in requests:
        decision = evaluate(policy, request)
        what = f"{request.label}: {request.action} on {request.resource}"
        if decision.outcome == UNKNOWN:
            open_.append(f"{what}: {decision.reason}")
        elif decision.outcome != wanted:
            wrong.append(f"{verb}: {what} ({decision.reason})")
    return wrong, open_


def judge(document: str | Mapping[str, Any] | None, service: str, facts: EndpointFacts) -> Judgement:
    """The policy of the service's endpoint against every request; no document is AWS's default, full access.

    For a service whose endpoint takes no policy nothing is tested.
    """
    if not takes_policy(service):
        return Judgement((), (), 0)
    try:
        policy = parse(FULL_ACCESS if document is None else document)
    except MalformedPolicy as error:
        return Judgement((f"the policy of {service} cannot be read: {error}",), (), 0)
    passing, failing = must_pass(service, facts), must_fail(service, facts)
    refused, undecided = _outcomes(policy, passing, ALLOW)
    let_out, open_ = _outcomes(policy, failing, DENY)
    problems = tuple(f"{service} {sentence}" for sentence in (*refused, *let_out))
    unknowns = tuple(f"{service}: cannot be decided, {sentence}" for sentence in (*undecided, *open_))
    return Judgement(problems, unknowns, len(passing) + len(failing))
