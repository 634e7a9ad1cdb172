"""The environment's buckets: who may reach them and how they keep what they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airgap.model.canonical import dig
from airgap.model.derived import BUCKETS
from airgap.model.names import bucket
from airgap.views.look import Look, attempt
from airgap.views.table import LATER, Code, Mark, Table, not_read

COLUMNS = ("bucket", "public access", "encryption", "versions", "policy", "lock", "copies to")
READS = (
    "s3:ListBuckets",
    "s3:GetPublicAccessBlock",
    "s3:GetBucketEncryption",
    "s3:GetBucketVersioning",
    "s3:GetBucketPolicy",
    "s3:GetObjectLockConfiguration",
    "s3:GetBucketReplication",
)
NONE = Mark("none", "✗", "bad")
SWITCHES = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def buckets(look: Look) -> Table:
    """Return every bucket of the environment with its protections; before it exists, its name."""
    there = {one["Name"] for one in look.every("s3:ListBuckets", "Buckets")}
    wanted = {str(one.fields.get("name")) for one in look.wanted("bucket")}
    names = [bucket(look.intent, purpose) for purpose in BUCKETS]
    rows = []
    for name in (name for name in names if name in there or name in wanted or not wanted):
        cells = [_cell(look, call, name, say) for call, say in CELLS] if name in there else [LATER] * len(CELLS)
        rows.append((Code(name), *cells))
    return Table("Buckets", COLUMNS, rows)


def _cell(look: Look, call: str, name: str, say: Callable[[Mapping[str, Any] | None], Any]) -> Any:
    page, reason = attempt(lambda: look.estate.page(call, Bucket=name))
    return not_read(reason) if reason else say(page)


def _public(page: Mapping[str, Any] | None) -> Any:
    held = (page or {}).get("PublicAccessBlockConfiguration") or {}
    off = [name for name in SWITCHES if not held.get(name)]
    return Mark(f"open: {', '.join(off)}", "✗", "bad") if off else Mark("blocked", "✓", "good")


def _encryption(page: Mapping[str, Any] | None) -> Any:
    rules = dig(page or {}, "ServerSideEncryptionConfiguration.Rules[].ApplyServerSideEncryptionByDefault") or []
    return tuple(Code(one.get("KMSMasterKeyID") or one.get("SSEAlgorithm", "")) for one in rules) or NONE


def _versions(page: Mapping[str, Any] | None) -> Any:
    status = (page or {}).get("Status", "")
    return Mark("kept", "✓", "good") if status == "Enabled" else Mark(status or "not kept", "✗", "bad")


def _policy(page: Mapping[str, Any] | None) -> Any:
    text = (page or {}).get("Policy", "")
    if not text:
        return NONE
    return Mark("TLS only", "✓", "good") if "aws:SecureTransport" in text else Mark("without TLS rule", "✗", "bad")


def _lock(page: Mapping[str, Any] | None) -> str:
    held = dig(page or {}, "ObjectLockConfiguration.Rule.DefaultRetention") or {}
    return f"{held.get('Mode', '')} {held.get('Days', '')} days" if held else "no"


def _copies(page: Mapping[str, Any] | None) -> Any:
    to = dig(page or {}, "ReplicationConfiguration.Rules[].Destination.Bucket") or []
    return Mark(", ".join(to), "✗", "bad") if to else "nowhere"


CELLS: tuple[tuple[str, Callable[[Mapping[str, Any] | None], Any]], ...] = (
    ("s3:GetPublicAccessBlock", _public),
    ("s3:GetBucketEncryption", _encryption),
    ("s3:GetBucketVersioning", _versions),
    ("s3:GetBucketPolicy", _policy),
    ("s3:GetObjectLockConfiguration", _lock),
    ("s3:GetBucketReplication", _copies),
)
