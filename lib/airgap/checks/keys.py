"""Customer keys: alive, rotated, of one Region, open to nobody else, and usable by what depends on them (KEY-01)."""

from __future__ import annotations

from collections.abc import Iterator

from airgap.checks.check import NotApplicable, Undecided, check
from airgap.checks.scope import Item, Named, arn_account, every
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.names import alias, log_group
from airgap.model.policy import ALLOW, DENY, UNKNOWN, Policy, Request, evaluate, parse
from airgap.model.policy_lint import foreign_principals

PURPOSES = ("cluster", "data", "evidence", "logs")
KEY_READS = ("kms:ListAliases", "kms:DescribeKey")
POLICY_READS = (*KEY_READS, "kms:GetKeyPolicy")
_SYMMETRIC = "SYMMETRIC_DEFAULT"
Context = dict[str, tuple[str, ...]]


def keys(intent: Intent, estate: Estate) -> Named:
    """Return the metadata of the key behind each purpose's alias; a purpose without alias is empty."""
    targets = {one["AliasName"]: one.get("TargetKeyId") for one in every(estate, "kms:ListAliases", "Aliases")}
    found: Named = []
    for purpose in PURPOSES:
        target = targets.get(alias(intent, purpose))
        body = estate.page("kms:DescribeKey", KeyId=target) if target else None
        found.append((f"kms-key:{purpose}", (body or {}).get("KeyMetadata") or {}))
    return found


def own_keys(intent: Intent, estate: Estate) -> set[str]:
    """Return the ids and ARNs of the environment's keys, by either of which a resource may name its own."""
    return {key[name] for _, key in keys(intent, estate) for name in ("KeyId", "Arn") if key.get(name)}


def _existing(intent: Intent, estate: Estate) -> Named:
    return [(name, key) for name, key in keys(intent, estate) if key]


def _policy(key: Item, estate: Estate) -> Policy:
    body = estate.page("kms:GetKeyPolicy", KeyId=key["KeyId"], PolicyName="default")
    if not body:
        raise Undecided(f"the policy of {key['KeyId']} is not in the pages")
    return parse(body["Policy"])


@check(
    "keys-live",
    "The key of each purpose is enabled, of this account, made by KMS, and of one Region",
    severity="critical",
    properties=("KEY-01",),
    reads=KEY_READS,
    remedy="cancel the deletion or enable the key; a multi-Region or imported key is replaced by a new one",
    over=keys,
)
def live(key: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield what keeps the key from being the environment's own, usable one."""
    if not key:
        yield "no key carries this purpose's alias"
        return
    if key.get("KeyState") != "Enabled":
        yield f"{key['KeyId']} is {key.get('KeyState')} (deletion on {key.get('DeletionDate', 'no date')})"
    if key.get("MultiRegion"):
        yield f"{key['KeyId']} is multi-Region: its material may be in other Regions"
    if key.get("KeyManager") != "CUSTOMER" or key.get("AWSAccountId") != intent.account:
        yield f"{key['KeyId']} is not this account's own"
    if key.get("Origin") != "AWS_KMS":
        yield f"{key['KeyId']} has the origin {key.get('Origin')}"


@check(
    "keys-rotate",
    "The key is rotated by KMS",
    severity="medium",
    properties=("KEY-01",),
    reads=(*KEY_READS, "kms:GetKeyRotationStatus"),
    remedy="enable automatic rotation",
    over=_existing,
)
def rotate(key: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that rotation is off; KMS rotates symmetric keys only."""
    if key.get("KeySpec", _SYMMETRIC) != _SYMMETRIC:
        raise NotApplicable(f"KMS does not rotate keys of type {key.get('KeySpec')}")
    body = estate.page("kms:GetKeyRotationStatus", KeyId=key["KeyId"]) or {}
    if not body.get("KeyRotationEnabled"):
        yield f"rotation of {key['KeyId']} is off"


@check(
    "keys-own-principals",
    "The key's policy admits nobody outside the accounts in scope",
    severity="critical",
    properties=("KEY-01",),
    reads=POLICY_READS,
    remedy="take the principal out of the key policy",
    over=_existing,
)
def own_principals(key: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each foreign principal, and each service that may come on anybody's behalf."""
    policy = _policy(key, estate)
    admitted = foreign_principals(policy, intent.accounts, intent.organization)
    yield from (*admitted.foreign, *admitted.unresolved)
    for one in admitted.services:
        if not one.limited and not _bound(policy, one.service, intent):
            yield f"{one.statement!r} admits {one.service} on anybody's behalf"


def _bound(policy: Policy, service: str, intent: Intent) -> bool:
    """Whether a log group of another account is refused: CloudWatch Logs names the group as encryption context."""
    stranger = intent.arn("logs", "log-group:a-group", account="999999999999")
    context: Context = {"kms:EncryptionContext:aws:logs:arn": (stranger,)}
    return all(
        evaluate(policy, _request(f"kms:{action}", service, context, "a stranger")).outcome == DENY
        for action in ("Decrypt", "GenerateDataKey", "Encrypt")
    )


@check(
    "keys-grants-known",
    "Every grant on the key is for AWS's own services or roles of the accounts in scope",
    severity="high",
    properties=("KEY-01",),
    reads=(*KEY_READS, "kms:ListGrants"),
    remedy="revoke the grant",
    over=_existing,
)
def grants_known(key: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each grant to a principal that is neither a service, a service-linked role nor a role of ours."""
    for one in estate.items("kms:ListGrants", "Grants", KeyId=key["KeyId"]):
        grantee = one.get("GranteePrincipal", "")
        known = (f":role/{intent.prefix}-", ":role/aws-service-role/", f":assumed-role/{intent.prefix}-")
        own = arn_account(grantee) in intent.accounts and any(each in grantee for each in known)
        if not own and not grantee.endswith((".amazonaws.com", ".amazonaws.com.cn")):
            yield f"grant {one.get('GrantId')} is for {grantee or 'nobody known'}"


def _needed(intent: Intent, purpose: str) -> list[Request]:
    """The requests that the key's consumers make, which its policy must let pass."""
    suffix = "amazonaws.com.cn" if intent.partition == "aws-cn" else "amazonaws.com"
    group = intent.arn("logs", f"log-group:{log_group(intent, 'flow-logs')}")
    cluster = intent.arn("iam", f"role/{intent.name('cluster')}", region="")
    scaling = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    home = intent.arn("iam", scaling, region="")
    trail = intent.arn("cloudtrail", f"trail/{intent.name('trail')}")
    trail_context: Context = {"aws:SourceArn": (trail,), "kms:EncryptionContext:aws:cloudtrail:arn": (trail,)}
    table = {
        "logs": [
            _request("kms:GenerateDataKey", f"logs.{intent.region}.{suffix}",
                     {"kms:EncryptionContext:aws:logs:arn": (group,)}, "log groups"),
            _request("kms:GenerateDataKey", "cloudtrail.amazonaws.com", trail_context, "the trail"),
        ],
        "cluster": [_request("kms:Encrypt", cluster, {}, "secrets of the cluster")],
        "data": [
            _request("kms:GenerateDataKeyWithoutPlaintext", home, {}, "volumes of nodes"),
            _request("kms:CreateGrant", home, {"kms:GrantIsForAWSResource": ("true",)}, "volumes of nodes"),
        ],
    }  # fmt: skip
    return table.get(purpose, [])


def _request(action: str, principal: str, context: Context, label: str) -> Request:
    kind = "AWS" if principal.startswith("arn:") else "Service"
    return Request(action, "*", principal, kind, arn_account(principal), context, complete=False, label=label)


@check(
    "keys-serve-consumers",
    "The key's policy lets the services that depend on it use it",
    severity="high",
    properties=("KEY-01",),
    reads=POLICY_READS,
    remedy="apply the derived key policy; its statements follow from the key's consumers",
    over=lambda intent, estate: [
        (name, (name.partition(":")[2], key))
        for name, key in _existing(intent, estate)
        if _needed(intent, name.partition(":")[2])
    ],
)
def serve(item: tuple[str, Item], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each consumer that the policy refuses, judged offline."""
    purpose, key = item
    policy = _policy(key, estate)
    for request in _needed(intent, purpose):
        decision = evaluate(policy, request)
        if decision.outcome == UNKNOWN:
            raise Undecided(f"{request.label}: {decision.reason}")
        if decision.outcome != ALLOW:
            yield f"{request.principal} may not {request.action}, which {request.label} need ({decision.reason})"


CHECKS = (live, rotate, own_principals, grants_known, serve)
