"""Customer managed KMS keys and their aliases. AWS: KMS Developer Guide, "Key states" and "Rotate KMS keys"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airgap.model.canonical import encode, plain
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources import names
from airgap.resources.key_policies import key_policy
from airgap.resources.kind import Call, Kind, declares

_GONE = ("NotFoundException",)
_NEW_KEY = ("NotFoundException: Key '",)
# KMS knows a new principal a little later than IAM does.
_NEW_PRINCIPAL = ("MalformedPolicyDocumentException: Policy contains a statement with one or more invalid principals",)


def _tags(fields: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in sorted(fields["tags"].items())]


KEY = Kind(
    "kms-key",
    "Customer managed key",
    Reading(
        "kms:DescribeKey",
        "KeyMetadata",
        "KeyId",
        tags="kms:ListResourceTags|KeyId=KeyId|Tags",
        # A key that waits for its deletion is gone for every purpose; a later apply makes a new one.
        unless=(("KeyState", "Pending*"),),
        only=(("KeyManager", "CUSTOMER"),),
        attrs={"arn": "Arn"},
        fields={
            "spec": Field("KeySpec", change=NEVER, why="what is encrypted or signed with a key needs that very key"),
            "usage": Field("KeyUsage", change=NEVER, why="a key's use is fixed", absent="ENCRYPT_DECRYPT"),
            "multi_region": Field("MultiRegion", change=NEVER, why="a key's reach is fixed", absent=False),
            "description": Field("Description"),
            "enabled": Field("Enabled", risk="interrupts", why="nothing under a disabled key can be read"),
            "policy": Field(
                "Policy",
                call="kms:GetKeyPolicy",
                by={"KeyId": "KeyId", "PolicyName": "=default"},
                form="policy",
                risk="opens",
                why="it says who may use the key",
            ),
            "rotation": Field("KeyRotationEnabled", call="kms:GetKeyRotationStatus", by={"KeyId": "KeyId"}),
        },
    ),
    create=(
        Call(
            "kms:CreateKey",
            lambda f: {
                "KeySpec": f["spec"],
                "KeyUsage": f["usage"],
                "MultiRegion": f["multi_region"],
                "Description": f["description"],
                "Policy": encode(plain(f["policy"])),
                "Tags": _tags(f),
            },
            result="KeyMetadata",
            retry=_NEW_PRINCIPAL,
            actions=("kms:TagResource", "kms:PutKeyPolicy"),
        ),
    ),
    later=("rotation",),
    updates={
        "description": (
            Call("kms:UpdateKeyDescription", lambda f: {"KeyId": f["id"], "Description": f["description"]}),
        ),
        "enabled": (Call("kms:EnableKey", lambda f: {"KeyId": f["id"]}),),
        "policy": (
            Call(
                "kms:PutKeyPolicy",
                lambda f: {"KeyId": f["id"], "PolicyName": "default", "Policy": encode(plain(f["policy"]))},
                retry=_NEW_PRINCIPAL,
            ),
        ),
        "rotation": (Call("kms:EnableKeyRotation", lambda f: {"KeyId": f["id"]}, retry=_NEW_KEY),),
    },
    delete=(
        Call(
            "kms:ScheduleKeyDeletion",
            lambda f: {"KeyId": f["id"], "PendingWindowInDays": f.get("deletion_days")},
            ignore=_GONE,
        ),
    ),
)

ALIAS = Kind(
    "kms-alias",
    "Key alias",
    Reading(
        "kms:ListAliases",
        "Aliases",
        "AliasName",
        owner="name",
        tags="",
        natural=("name",),
        fields={
            "name": Field("AliasName", change=NEVER, why="an alias is its name"),
            "target": Field("TargetKeyId", risk="interrupts", why="who uses the alias would use another key"),
        },
    ),
    create=(Call("kms:CreateAlias", lambda f: {"AliasName": f["name"], "TargetKeyId": f["target"]}, retry=_NEW_KEY),),
    updates={
        "target": (
            Call("kms:UpdateAlias", lambda f: {"AliasName": f["id"], "TargetKeyId": f["target"]}, retry=_NEW_KEY),
        )
    },
    delete=(Call("kms:DeleteAlias", lambda f: {"AliasName": f["id"]}, ignore=_GONE),),
)

PURPOSES = {
    "cluster": "Secrets of the Kubernetes cluster",
    "data": "Volumes, databases, buckets, images and secrets",
    "logs": "Logs, trails and session transcripts",
    "evidence": "Signature of evidence bundles",
}
_SIGNING = {"spec": "ECC_NIST_P256", "usage": "SIGN_VERIFY"}  # KMS rotates symmetric keys only
_ENCRYPTING = {"spec": "SYMMETRIC_DEFAULT", "usage": "ENCRYPT_DECRYPT", "rotation": True}


def _kept(intent: Intent, purpose: str) -> str:
    """What a destroy leaves stays readable: locked evidence, and retained snapshots."""
    if purpose == "logs" and intent.logs.evidence_lock_days:
        return "the locked objects of the evidence bucket are encrypted with it"
    return "retained snapshots are encrypted with it" if purpose == "data" and intent.retain == "snapshots" else ""


@declares(KEY, ALIAS)
def declare_keys(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield one key per purpose, each with an alias; all but the signing key are rotated yearly."""
    for purpose, title in PURPOSES.items():
        fields = {
            **(_SIGNING if purpose == "evidence" else _ENCRYPTING),
            "multi_region": False,
            "enabled": True,
            "description": f"{title} of {intent.environment}",
            "policy": key_policy(intent, purpose),
            "deletion_days": intent.identity.key_deletion_days,
        }
        yield Desired("kms-key", purpose, fields, why=title, kept=_kept(intent, purpose))
        alias = {"name": names.alias(intent, purpose), "target": ref(f"kms-key:{purpose}")}
        yield Desired("kms-alias", purpose, alias, why=title)
