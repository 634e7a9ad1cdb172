"""S3 buckets: public access blocked, own key, TLS only, versioned, owned by the account (REQUIREMENTS: buckets).

Names are known before anything exists, so policies speak of buckets by name. AWS: S3 User Guide, "Security best
practices".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.errors import AccessDenied, Refused
from airgap.model.canonical import encode, plain
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Live, Reading
from airgap.resources import names
from airgap.resources.bucket_policies import bucket_policy
from airgap.resources.kind import Acting, Call, Fields, Kind, declares, tag_list

LONGEST_NAME = 63
# Purpose -> (key, component without which nobody needs it, what it holds).
PURPOSES = {
    "application": ("data", "application-buckets", "the application's objects"),
    "transcribe-in": ("data", "transcribe-batch", "audio to be transcribed"),
    "transcribe-out": ("data", "transcribe-batch", "transcripts"),
    "artifacts": ("data", "", "release artefacts, and the runbook's own kit"),
    "logs": ("logs", "", "the trail's log files"),
    "evidence": ("logs", "", "evidence bundles"),
}
_GONE = ("NoSuchBucket",)
_BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
# Noncurrent versions and unfinished uploads go; current objects stay.
_TIDY = [
    {
        "ID": "tidy",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
]
_BY = {"Bucket": "Name"}


def _empty(cloud: Acting, live: Live) -> None:
    """Delete every version and delete marker; what Object Lock retains is refused by S3, and the refusal is raised."""
    for page in cloud.client("s3").get_paginator("list_object_versions").paginate(Bucket=live.id):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
        if not objects:
            continue
        try:
            cloud.write("s3:DeleteObjects", {"Bucket": live.id, "Delete": {"Objects": objects, "Quiet": True}})
        except AccessDenied as error:
            raise Refused(
                f"{live.key}: not everything in it can be deleted: {error.what}",
                f"{live.id} and what is left in it",
                "wait until its retention ends, or leave the bucket",
            ) from error


def _created(f: Fields) -> dict[str, Any]:
    """us-east-1 is S3's default location and must not be named."""
    where = {"LocationConstraint": f["region"]} if f["region"] != "us-east-1" else {}
    return {
        "Bucket": f["name"],
        "ObjectOwnership": f["ownership"][0],
        "ObjectLockEnabledForBucket": True if f.get("lock_days") else None,
        "CreateBucketConfiguration": {**where, "Tags": tag_list(f)},
    }


def _encryption(f: Fields) -> dict[str, Any]:
    default = (
        {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": f["key_id"][0]} if f["key_id"] else {"SSEAlgorithm": "AES256"}
    )
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": f["bucket_key"][0]}
    return {"Bucket": f["name"], "ServerSideEncryptionConfiguration": {"Rules": [rule]}}


def _set(operation: str, parameter: str, value: Any) -> Call:
    return Call(f"s3:{operation}", lambda f: {"Bucket": f["name"], parameter: value(f)}, retry=("OperationAborted",))


def _locked(f: Fields) -> dict[str, Any]:
    retention = {"Mode": f["lock_mode"], "Days": f["lock_days"]}
    rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
    return {"Bucket": f["name"], "ObjectLockConfiguration": rule}


_LOCK = Call("s3:PutObjectLockConfiguration", _locked, when=lambda f: bool(f["lock_days"]))
_ENCRYPT = Call("s3:PutBucketEncryption", _encryption, retry=("OperationAborted",))
_RULES = "ServerSideEncryptionConfiguration.Rules[]"

BUCKET = Kind(
    "bucket",
    "S3 bucket",
    Reading(
        "s3:ListBuckets",
        "Buckets",
        "Name",
        owner="name",
        natural=("name",),
        tags="s3:GetBucketTagging|Bucket=Name|TagSet",
        fields={
            "name": Field("Name", change=NEVER, why="a bucket is its name"),
            "region": Field(
                "LocationConstraint",
                call="s3:GetBucketLocation",
                by=_BY,
                change=NEVER,
                absent="us-east-1",
                why="a bucket stays in its Region",
            ),
            "public_access": Field(
                "PublicAccessBlockConfiguration",
                call="s3:GetPublicAccessBlock",
                by=_BY,
                risk="opens",
                why="objects could become public",
            ),
            "ownership": Field(
                "OwnershipControls.Rules[].ObjectOwnership",
                call="s3:GetBucketOwnershipControls",
                by=_BY,
                why="ACLs would say who may read",
            ),
            "key_id": Field(
                f"{_RULES}.ApplyServerSideEncryptionByDefault.KMSMasterKeyID",
                call="s3:GetBucketEncryption",
                by=_BY,
                why="new objects would be encrypted with another key",
            ),
            "bucket_key": Field(f"{_RULES}.BucketKeyEnabled", call="s3:GetBucketEncryption", by=_BY),
            "versioning": Field(
                "Status", call="s3:GetBucketVersioning", by=_BY, why="overwritten objects would be lost"
            ),
            "policy": Field(
                "Policy", call="s3:GetBucketPolicy", by=_BY, form="policy", risk="opens", why="it says who may read"
            ),
            "lifecycle": Field(
                "Rules", call="s3:GetBucketLifecycleConfiguration", by=_BY, why="old versions stay or go"
            ),
            "lock_days": Field(
                "ObjectLockConfiguration.Rule.DefaultRetention.Days",
                call="s3:GetObjectLockConfiguration",
                by=_BY,
                absent=0,
                risk="locks",
                why="objects of the evidence bucket could be deleted earlier or only later",
            ),
            "lock_mode": Field(
                "ObjectLockConfiguration.Rule.DefaultRetention.Mode",
                call="s3:GetObjectLockConfiguration",
                by=_BY,
                absent="",
                risk="locks",
                why="who may shorten the lock of the evidence bucket",
            ),
        },
    ),  # fmt: skip
    create=(
        Call(
            "s3:CreateBucket",
            _created,
            actions=("s3:TagResource", "s3:PutBucketOwnershipControls", "s3:PutBucketObjectLockConfiguration"),
            retry=("OperationAborted",),
        ),
    ),
    later=("public_access", "key_id", "versioning", "policy", "lifecycle", "lock_days", "lock_mode"),
    updates={
        "public_access": (
            _set("PutPublicAccessBlock", "PublicAccessBlockConfiguration", lambda f: f["public_access"]),
        ),
        "ownership": (
            _set(
                "PutBucketOwnershipControls",
                "OwnershipControls",
                lambda f: {"Rules": [{"ObjectOwnership": f["ownership"][0]}]},
            ),
        ),
        "key_id": (_ENCRYPT,),
        "bucket_key": (_ENCRYPT,),
        "versioning": (_set("PutBucketVersioning", "VersioningConfiguration", lambda f: {"Status": f["versioning"]}),),
        "policy": (_set("PutBucketPolicy", "Policy", lambda f: encode(plain(f["policy"]))),),
        "lifecycle": (
            _set("PutBucketLifecycleConfiguration", "LifecycleConfiguration", lambda f: {"Rules": f["lifecycle"]}),
        ),
        "lock_days": (_LOCK,),
        "lock_mode": (_LOCK,),
    },
    delete=(Call("s3:DeleteBucket", lambda f: {"Bucket": f["id"]}, ignore=_GONE, retry=("BucketNotEmpty",)),),
    empty=_empty,
    empty_actions=("s3:ListBucketVersions", "s3:DeleteObject", "s3:DeleteObjectVersion"),
)

ACCOUNT_BLOCK = Kind(
    "s3-account-block",
    "Public access block of the account's S3",
    Reading(
        "s3control:GetPublicAccessBlock",
        "PublicAccessBlockConfiguration",
        "=s3+^.?.AccountId",
        owner="account",
        fields={
            "account": Field("^.?.AccountId", change=NEVER),
            **{name: Field(name, risk="opens", why="buckets could become public") for name in _BLOCKED},
        },
    ),
    create=(
        _BLOCK_ALL := Call(
            "s3control:PutPublicAccessBlock",
            lambda f: {
                "AccountId": f["account"],
                "PublicAccessBlockConfiguration": {name: f[name] for name in _BLOCKED},
            },
        ),
    ),
    updates=dict.fromkeys(_BLOCKED, (_BLOCK_ALL,)),
    account_wide=True,
)


@declares(BUCKET, ACCOUNT_BLOCK)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the buckets that the chosen components need and, in an exclusive account, the account's own block."""
    for purpose, (key, component, why) in PURPOSES.items():
        if component in ("", *intent.components):
            yield bucket(intent, purpose, key, why)
    if intent.exclusive_account:
        fields = {"account": intent.account, **_BLOCKED}
        yield Desired("s3-account-block", "account", fields, why="no bucket of the account", label="account-wide")


def bucket(intent: Intent, purpose: str, key: str, why: str) -> Desired:
    """Return one bucket under the key for ``key``, S3's own where that is ''; raise ``Refused`` for too long a name."""
    name = names.bucket(intent, purpose)
    if len(name) > LONGEST_NAME:
        raise Refused(
            f"The bucket name {name} has {len(name)} characters; S3 takes {LONGEST_NAME}",
            "anything; nothing was written",
            "choose a shorter prefix",
        )
    days = intent.logs.evidence_lock_days if purpose == "evidence" else 0
    fields = {
        "name": name,
        "region": intent.region,
        "public_access": _BLOCKED,
        "ownership": ["BucketOwnerEnforced"],
        "key_id": [ref(f"kms-key:{key}", "arn")] if key else [],
        "bucket_key": [bool(key)],
        "versioning": "Enabled",
        "policy": bucket_policy(intent, purpose),
        "lifecycle": _TIDY,
        "lock_days": days,
        "lock_mode": intent.logs.evidence_lock_mode if days else "",
    }
    kept = f"its objects are locked for {days} days" if days else ""
    return Desired("bucket", purpose, fields, why=why, kept=kept)
