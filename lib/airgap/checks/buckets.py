"""Buckets of the environment: closed, TLS only, under a named key, versioned, copied nowhere, locked as declared.

AWS: Amazon S3 User Guide, "Security best practices" (LOG-02, DAT-02, DAT-03).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Optional

from airgap.checks.check import NotApplicable, check
from airgap.checks.keys import KEY_READS, own_keys
from airgap.checks.scope import Item, Named, every, is_ours
from airgap.model import edge
from airgap.model.canonical import dig
from airgap.model.derived import BUCKETS
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.names import bucket
from airgap.model.policy import DENY, Request, evaluate, parse
from airgap.model.policy_lint import foreign_principals

LIST_READS = ("s3:ListBuckets", "s3:GetBucketTagging")
_SWITCHES = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def own_buckets(intent: Intent, estate: Estate) -> Named:
    """Return the environment's buckets: those of its names, and those with its tag, whatever they are called."""
    declared = {bucket(intent, purpose): f"bucket:{purpose}" for purpose in (*BUCKETS, edge.LOGS)}
    found: Named = []
    for one in every(estate, "s3:ListBuckets", "Buckets"):
        name = one["Name"]
        if name in declared:
            found.append((declared[name], one))
        elif is_ours({"Tags": (_page(estate, "GetBucketTagging", one) or {}).get("TagSet", [])}, intent):
            found.append((name, one))
    return found


def _page(estate: Estate, operation: str, one: Item) -> Optional[dict[str, Any]]:
    return estate.page(f"s3:{operation}", Bucket=one["Name"])


@check(
    "buckets-closed",
    "The bucket blocks public access in all four ways, and object owners are its owner",
    severity="critical",
    properties=("LOG-02",),
    reads=(*LIST_READS, "s3:GetPublicAccessBlock", "s3:GetBucketOwnershipControls"),
    remedy="switch the block on, and ownership to BucketOwnerEnforced",
    over=own_buckets,
)
def closed(one: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each switch that is off, and that access lists still count."""
    block = (_page(estate, "GetPublicAccessBlock", one) or {}).get("PublicAccessBlockConfiguration") or {}
    for name in _SWITCHES:
        if block.get(name) is not True:
            yield f"{name} is off"
    controls = _page(estate, "GetBucketOwnershipControls", one) or {}
    # Buckets made since April 2023 enforce the owner where nothing is said; older ones say nothing and do not.
    if dig(controls, "OwnershipControls.Rules[].ObjectOwnership") not in (["BucketOwnerEnforced"], None):
        yield "access lists of objects still count"


def _policy(estate: Estate, one: Item) -> Any:
    body = _page(estate, "GetBucketPolicy", one)
    return parse(body["Policy"]) if body else None


@check(
    "buckets-tls-only",
    "The bucket refuses every request without TLS",
    severity="high",
    properties=("DAT-03",),
    reads=(*LIST_READS, "s3:GetBucketPolicy"),
    remedy="deny every action where aws:SecureTransport is false",
    over=own_buckets,
)
def tls_only(one: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each action that the policy does not deny to a caller of ours without TLS."""
    policy = _policy(estate, one)
    if policy is None:
        yield "it has no policy, so requests without TLS are answered"
        return
    arn = intent.arn("s3", one["Name"], region="", account="")
    caller = intent.arn("sts", "assumed-role/anyone/session", region="")
    for action, resource in (("s3:ListBucket", arn), ("s3:GetObject", f"{arn}/key"), ("s3:PutObject", f"{arn}/key")):
        context = {"aws:SecureTransport": ("false",)}
        decision = evaluate(policy, Request(action, resource, caller, "AWS", intent.account, context, complete=False))
        if decision.outcome != DENY or decision.statement is None:
            yield f"{action} without TLS is not denied"


@check(
    "buckets-encrypted",
    "The bucket encrypts with a customer key of the environment",
    severity="high",
    properties=("DAT-02",),
    reads=(*LIST_READS, *KEY_READS, "s3:GetBucketEncryption"),
    remedy="set default encryption to the environment's key",
    over=own_buckets,
)
def encrypted(one: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that objects are encrypted with no key of ours."""
    known = own_keys(intent, estate)
    rules = dig(_page(estate, "GetBucketEncryption", one) or {}, "ServerSideEncryptionConfiguration.Rules[]") or []
    applied = [rule.get("ApplyServerSideEncryptionByDefault") or {} for rule in rules]
    if not any(str(rule.get("SSEAlgorithm", "")).startswith("aws:kms") for rule in applied):
        yield "default encryption is not by KMS"
    for rule in applied:
        if rule.get("KMSMasterKeyID") not in known:
            yield f"its key is {rule.get('KMSMasterKeyID') or 'AWS own one'}, none of the environment's"


@check(
    "buckets-versioned",
    "The bucket keeps every version of an object",
    severity="medium",
    properties=("LOG-02",),
    reads=(*LIST_READS, "s3:GetBucketVersioning"),
    remedy="enable versioning",
    over=own_buckets,
)
def versioned(one: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that versioning is not on."""
    status = (_page(estate, "GetBucketVersioning", one) or {}).get("Status")
    if status != "Enabled":
        yield f"versioning is {status or 'off'}"


@check(
    "buckets-own-principals",
    "The bucket's policy admits nobody outside the accounts in scope",
    severity="critical",
    properties=("LOG-02",),
    reads=(*LIST_READS, "s3:GetBucketPolicy"),
    remedy="take the principal out of the bucket policy, or limit the service to this account",
    over=own_buckets,
)
def own_principals(one: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each foreign principal, and each service that may act for anybody."""
    policy = _policy(estate, one)
    if policy is None:
        return
    admitted = foreign_principals(policy, intent.accounts, intent.organization)
    yield from (*admitted.foreign, *admitted.unresolved)
    for service in admitted.services:
        if not service.limited:
            yield f"{service.statement!r} admits {service.service} on anybody's behalf"


@check(
    "buckets-not-copied",
    "Nothing of the bucket is replicated, inventoried or logged to a bucket out of scope",
    severity="high",
    properties=("LOG-02",),
    reads=(*LIST_READS, "s3:GetBucketReplication", "s3:ListBucketInventoryConfigurations", "s3:GetBucketLogging"),
    remedy="delete the replication, inventory or logging configuration",
    over=own_buckets,
)
def not_copied(one: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each copy that S3 itself would make elsewhere."""
    own = {each["Name"] for each in every(estate, "s3:ListBuckets", "Buckets")}
    replication = _page(estate, "GetBucketReplication", one) or {}
    for rule in dig(replication, "ReplicationConfiguration.Rules[]") or []:
        yield f"objects are replicated to {dig(rule, 'Destination.Bucket')}"
    inventories = _page(estate, "ListBucketInventoryConfigurations", one) or {}
    for each in inventories.get("InventoryConfigurationList") or []:
        where = str(dig(each, "Destination.S3BucketDestination.Bucket") or "").rpartition(":")[2]
        if where not in own:
            yield f"an inventory is written to {where}"
    target = dig(_page(estate, "GetBucketLogging", one) or {}, "LoggingEnabled.TargetBucket")
    if target and target not in own:
        yield f"access is logged to {target}"


@check(
    "evidence-locked",
    "The evidence bucket locks objects in compliance mode for the declared time",
    severity="high",
    properties=("LOG-02",),
    reads=(*LIST_READS, "s3:GetObjectLockConfiguration"),
    remedy="set the default retention; compliance mode cannot be taken back",
    over=lambda intent, estate: [one for one in own_buckets(intent, estate) if one[0] == "bucket:evidence"],
)
def locked(one: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that evidence could be deleted earlier than declared."""
    if not intent.logs.evidence_lock_days:
        raise NotApplicable("the params declare no lock (logs.evidence_lock_days is 0)")
    body = _page(estate, "GetObjectLockConfiguration", one) or {}
    rule = dig(body, "ObjectLockConfiguration.Rule.DefaultRetention") or {}
    days = rule.get("Days", 0) + 365 * rule.get("Years", 0)
    # Whatever the params say: in mode GOVERNANCE whoever has the right may take evidence away.
    if rule.get("Mode") != "COMPLIANCE" or days < intent.logs.evidence_lock_days:
        yield f"the lock is {rule.get('Mode', 'off')} for {days} days, declared {intent.logs.evidence_lock_days}"


CHECKS = (closed, tls_only, encrypted, versioned, own_principals, not_copied, locked)
