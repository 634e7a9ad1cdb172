"""What ``airgap policy`` prints: IAM policies derived from the operations that the kinds and the read calls declare.

Each action is limited as IAM can (``iam_actions.tsv``, from the Service Authorization Reference): to our names where
names are ours, to resources that carry our tags, or to creating with our tags; the rest to this account and Region.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, Protocol

from airgap.errors import UsageError
from airgap.model.canonical import encode
from airgap.model.intent import Intent
from airgap.model.permissions import iam_action
from airgap.model.policy_lint import READ_VERBS
from airgap.resources import guardrails, names
from airgap.resources.kind import Kind
from airgap.resources.rights import platform_roles
from airgap.resources.roles import allow, document
from airgap.resources.workloads import pod_identity_trust, workload_roles

ROLES = ("deployer", "verifier", "guardrails")
LIMIT = 6144  # characters of a managed policy, white space not counted (IAM User Guide, "IAM and STS quotas")

# What gives out data, secrets or credentials: no read call of ours may ever need it.
EXPOSING = frozenset(
    {
        "dynamodb:GetItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "ec2:GetPasswordData",
        "kms:Decrypt",
        "lambda:GetFunction",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "secretsmanager:BatchGetSecretValue",
        "secretsmanager:GetSecretValue",
        "sqs:ReceiveMessage",
        "ssm:GetParameterHistory",
    }
)
# Parameters hold secrets too; AWS's own public ones (AMIs, Regions) belong to no account.
_PUBLIC_PARAMETERS = frozenset({"ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"})

# Resources whose names are ours, so that a name says more than a tag, which somebody else might set.
_NAMED: dict[str, tuple[str, ...]] = {
    "iam::{account}:role/*": ("role/{prefix}-*", "role/{deploy_role}"),
    "iam::{account}:instance-profile/*": ("instance-profile/{prefix}-*",),
    "kms:{region}:{account}:alias/*": ("alias/{prefix}-*",),
    "logs:{region}:{account}:log-group:*": ("log-group:{own_logs}", "log-group:/aws/*/{prefix}-*"),
    "s3:::*": ("{prefix}-*-{account}-{region}",),
    "s3:::*/*": ("{prefix}-*-{account}-{region}/*",),
    "cloudtrail:{region}:{account}:trail/*": ("trail/{prefix}-*",),
}
# The action by which a service sets tags at birth, which it asks for beside the creating one.
_TAGGING = {"cloudtrail": "cloudtrail:AddTags", "ec2": "ec2:CreateTags", "route53resolver": "route53resolver:TagResource"}


class Call(Protocol):
    """A row of the table of read calls, as far as permissions go."""

    @property
    def call(self) -> str:
        """The call, as ``ec2:DescribeVpcs``."""


def policies(role: str, intent: Intent, kinds: Iterable[Kind], queries: Iterable[Call]) -> dict[str, Any]:
    """Return the policy documents of one role by name, each within IAM's size limits.

    ``deployer`` writes and reads, ``verifier`` reads, ``guardrails`` are for the organisation: service control,
    resource control and declarative policies. Raises ``UsageError`` for any other role.
    """
    if role == "guardrails":
        return guardrails.documents(intent)
    if role not in ROLES:
        raise UsageError(f"no role is called {role!r}", action=f"choose among {', '.join(ROLES)}")
    chosen = tuple(kinds) if role == "deployer" else ()
    needed = {action for kind in chosen for action in kind.permissions}
    reads = {action for action in needed if _reads(action)} | {iam_action(one.call) for one in queries}
    found = {"read": _split(read_statements(intent, reads))}
    if chosen:
        found["write"] = _split(write_statements(intent, chosen))
    return {
        f"{intent.name(role)}-{part}-{number}": document(*statements)
        for part, documents in sorted(found.items())
        for number, statements in enumerate(documents, start=1)
    }


def _reads(action: str) -> bool:
    return action.split(":")[1].startswith(READ_VERBS) and action not in _scopes()


def read_statements(intent: Intent, actions: Iterable[str]) -> list[dict[str, Any]]:
    """Return statements for reading configuration, anywhere in the account: what is not ours is to be seen too.

    Raises ``LookupError`` if an action would give out data, secrets or credentials.
    """
    wanted = set(actions)
    if wanted & EXPOSING:
        raise LookupError(f"a read call needs {sorted(wanted & EXPOSING)}, which gives out more than configuration")
    listed = [allow("Read", sorted(wanted - _PUBLIC_PARAMETERS))]
    if wanted & _PUBLIC_PARAMETERS:
        public = intent.arn("ssm", "parameter/aws/service/*", account="")
        listed.append(allow("PublicParameters", sorted(wanted & _PUBLIC_PARAMETERS), public))
    return listed


@functools.cache
def _scopes() -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Action -> (ARN without partition, what tags can limit it), as the Service Authorization Reference has it."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for line in (files(__package__) / "iam_actions.tsv").read_text(encoding="utf-8").splitlines():
        action, resource, tagged = line.split("\t")
        found[action] = (*found.get(action, ()), (resource, tagged))
    return found


def writes(kinds: Iterable[Kind]) -> dict[str, bool]:
    """Return the actions that change something, and whether they also touch what AWS makes, which no tag of ours is on."""
    found: dict[str, bool] = {}
    for kind in kinds:
        for action in kind.permissions:
            if not _reads(action):
                found[action] = found.get(action, False) or kind.born is not None
    creating = {action for action in found if any(tagged == "request" for _, tagged in _scopes().get(action, ()))}
    for service in sorted({action.split(":")[0] for action in creating} & set(_TAGGING)):
        found.setdefault(_TAGGING[service], False)
    return dict(sorted(found.items()))


def write_statements(intent: Intent, kinds: Sequence[Kind]) -> list[dict[str, Any]]:
    """Return statements for creating, changing and removing what is ours.

    Raises ``LookupError`` for an action that ``iam_actions.tsv`` lacks.
    """
    grouped: dict[str, tuple[Any, Any, list[str]]] = {}
    wanted = writes(kinds)
    for action, born in wanted.items():
        for resource, condition in _limits(intent, action, born, wanted):
            key = encode([resource, condition])
            grouped.setdefault(key, (resource, condition, []))[2].append(action)
    return [
        allow(f"Write{number}", sorted(set(actions)), resource, condition or None)
        for number, (_, (resource, condition, actions)) in enumerate(sorted(grouped.items()), start=1)
    ]


Limit = tuple[str | list[str], dict[str, Any]]


def _limits(intent: Intent, action: str, born: bool, wanted: Iterable[str]) -> Iterator[Limit]:
    special = _SPECIAL.get(action)
    if special:
        yield special(intent, wanted)
        return
    if action not in _scopes():
        raise LookupError(f"iam_actions.tsv has no row for {action}: write it anew from the reference")
    for template, tagged in _scopes()[action]:
        yield _limit(intent, template, "-" if born and tagged == "resource" else tagged)


def _limit(intent: Intent, template: str, tagged: str) -> Limit:
    if template in _NAMED:
        head = template.rpartition(":")[0] if template.startswith("s3") else ":".join(template.split(":")[:3])
        return [_arn(intent, f"{head}:{name}") for name in _NAMED[template]], {}
    mine = {"StringEquals": {f"aws:{tagged.capitalize()}Tag/airgap:environment": intent.environment}}
    if tagged == "resource":
        return "*", mine
    return _arn(intent, template), mine if tagged == "request" else {}


def _arn(intent: Intent, template: str) -> str:
    if template == "*":
        return template
    values = {
        "region": intent.region,
        "account": intent.account,
        "prefix": intent.prefix,
        "deploy_role": intent.identity.deploy_role,
        "own_logs": names.log_group(intent, "*"),
    }
    return f"arn:{intent.partition}:{template.format(**values)}"


def _roles(intent: Intent) -> list[str]:
    return [_arn(intent, f"iam::{{account}}:{name}") for name in _NAMED["iam::{account}:role/*"]]


def _pass_role(intent: Intent, wanted: Iterable[str]) -> Limit:
    """A role is passed to the services that its own trust names, and to no other."""
    roles = [*platform_roles(intent), *workload_roles(intent, lambda one: pod_identity_trust(intent, one))]
    services = {
        one["Principal"]["Service"] for role in roles for one in role.trust["Statement"] if "Service" in one["Principal"]
    }
    return _roles(intent), {"StringEquals": {"iam:PassedToService": sorted(services)}}


def _service_linked(intent: Intent, wanted: Iterable[str]) -> Limit:
    services = [f"{name}.amazonaws.com" for name in guardrails.SERVICE_LINKED]
    resource = _arn(intent, "iam::{account}:role/aws-service-role/*")
    return resource, {"StringEquals": {"iam:AWSServiceName": services}}


def _bounded(intent: Intent, wanted: Iterable[str]) -> Limit:
    """Rights are given under the declared permissions boundary only, so that the deployer cannot outgrow itself."""
    boundary = intent.identity.permissions_boundary
    return _roles(intent), {"StringEquals": {"iam:PermissionsBoundary": boundary}} if boundary else {}


def _attach(intent: Intent, wanted: Iterable[str]) -> Limit:
    """AWS's own policies that the roles are declared to carry, and no other."""
    roles = [*platform_roles(intent), *workload_roles(intent, lambda one: pod_identity_trust(intent, one))]
    attached = sorted({_arn(intent, f"iam::aws:policy/{name}") for role in roles for name in role.managed})
    resource, condition = _bounded(intent, wanted)
    return resource, {**condition, "ArnEquals": {"iam:PolicyARN": attached}}


def _tag_at_birth(intent: Intent, wanted: Iterable[str]) -> Limit:
    """EC2 tags in the creating call; tags of what exists are never changed (EC2 User Guide, "Tag resources")."""
    creating = [
        action.split(":")[1]
        for action in wanted
        if action.startswith("ec2:") and any(tagged == "request" for _, tagged in _scopes().get(action, ()))
    ]
    return _arn(intent, "ec2:*:{account}:*/*"), {"StringEquals": {"ec2:CreateAction": sorted(creating)}}


_SPECIAL = {
    "ec2:CreateTags": _tag_at_birth,
    "iam:AttachRolePolicy": _attach,
    "iam:CreateRole": _bounded,
    "iam:CreateServiceLinkedRole": _service_linked,
    "iam:PassRole": _pass_role,
    "iam:PutRolePermissionsBoundary": _bounded,
    "iam:PutRolePolicy": _bounded,
}


def size(policy: Mapping[str, Any]) -> int:
    """Return the length of a policy as IAM counts it, without white space."""
    return len("".join(encode(policy).split()))


def _split(statements: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Distribute statements over as few documents as their order allows, each within the limit."""
    documents: list[list[dict[str, Any]]] = [[]]
    for statement in statements:
        for part in _parts(statement):
            if documents[-1] and size(document(*documents[-1], part)) > LIMIT:
                documents.append([])
            documents[-1].append(part)
    return documents


def _parts(statement: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a statement, halved by its actions until each part fits a document."""
    if size(document(statement)) <= LIMIT:
        yield statement
        return
    actions = statement["Action"]
    for number, half in enumerate((actions[: len(actions) // 2], actions[len(actions) // 2 :]), start=1):
        yield from _parts({**statement, "Sid": f"{statement['Sid']}Part{number}", "Action": half})
