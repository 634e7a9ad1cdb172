"""What ``airgap policy`` prints: IAM policies derived from the operations that the kinds and the read calls declare.

Each action is limited as IAM can (``iam_actions.tsv``, from the Service Authorization Reference): to our names where
names are ours, to resources that carry our tags, or to creating with our tags; the rest to this account and Region.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from airgap.errors import UsageError
from airgap.model.canonical import encode
from airgap.model.cluster import FORWARDING, deployer_role, role_arn, verifier_role
from airgap.model.intent import Intent
from airgap.model.permissions import by_iam, iam_action
from airgap.model.policy_lint import READ_VERBS
from airgap.resources import drill_rights, guardrails, trials
from airgap.resources.iam_limits import SPECIAL, TAGGING, creates, limits, scopes
from airgap.resources.kind import Kind
from airgap.resources.rights import way_in
from airgap.resources.splitting import split
from airgap.resources.statements import allow, document

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
    reads = {action for action in needed if _reads(action)} | {
        iam_action(one.call) for one in queries if by_iam(one.call)
    }
    # From outside the cluster is reached through the operations host, by AWS's document, which bears no tag of ours.
    found = {"read": split([*read_statements(intent, reads), *way_in(intent, (FORWARDING,))], LIMIT)}
    if chosen:
        tried = (*trials.statements(intent), *drill_rights.statements(intent))
        found["write"] = split([*write_statements(intent, chosen), *tried], LIMIT)
    return {
        f"{intent.name(role)}-{part}-{number}": document(*statements)
        for part, documents in sorted(found.items())
        for number, statements in enumerate(documents, start=1)
    }


def _reads(action: str) -> bool:
    return action.split(":")[1].startswith(READ_VERBS) and action not in scopes() and action not in SPECIAL


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


def writes(kinds: Iterable[Kind]) -> dict[str, bool]:
    """Return the actions that change something; true for those that also touch what AWS makes, which has no tag."""
    found: dict[str, bool] = {}
    for kind in kinds:
        for action in kind.permissions:
            if not _reads(action):
                found[action] = found.get(action, False) or kind.born is not None
    for service in sorted({action.split(":")[0] for action in found if creates(action)} & set(TAGGING)):
        found.setdefault(TAGGING[service], False)
    return dict(sorted(found.items()))


def write_statements(intent: Intent, kinds: Sequence[Kind]) -> list[dict[str, Any]]:
    """Return statements for creating, changing and removing what is ours.

    Raises ``LookupError`` for an action that ``iam_actions.tsv`` lacks.
    """
    grouped: dict[str, tuple[Any, Any, list[str]]] = {}
    wanted = writes(kinds)
    if intent.identity.permissions_boundary:
        wanted.pop("iam:DeleteRolePermissionsBoundary", None)
    for action, born in wanted.items():
        for resource, condition in limits(intent, action, born, wanted):
            key = encode([resource, condition])
            grouped.setdefault(key, (resource, condition, []))[2].append(action)
    statements = [
        allow(f"Write{number}", sorted(set(actions)), resource, condition or None)
        for number, (_, (resource, condition, actions)) in enumerate(sorted(grouped.items()), start=1)
    ]
    return [*statements, _not_itself(intent, wanted)]


def _not_itself(intent: Intent, wanted: Iterable[str]) -> dict[str, Any]:
    """The runbook's own roles have the prefix too, and are somebody else's to change."""
    actions = [action for action in wanted if action.startswith("iam:")]
    named = {deployer_role(intent), verifier_role(intent), *(intent.name(role) for role in ("deployer", "verifier"))}
    own = [role_arn(intent, role) for role in sorted(named)]
    return {**allow("NotItself", actions, own), "Effect": "Deny"}
