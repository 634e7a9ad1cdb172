"""The evidence bucket: a bundle and its side files, each as one locked version, read back after it was written.

A version under Object Lock in mode COMPLIANCE is removed by nobody before its day, the account's root included, so
nothing is written until the bucket itself was found to be versioned and locked as declared.
Source: Amazon S3 User Guide, "Locking objects with Object Lock" and "Checking object integrity".
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from airgap.errors import AirgapError

MOST = 5 * 1000**3
"""Bytes that one PutObject takes."""


@dataclass(frozen=True)
class Lock:
    """What a version must be held under: mode, and days counted from the moment of its upload."""

    mode: str
    days: int


@dataclass(frozen=True)
class Receipt:
    """One version in the bucket, as it was read back: where, which bytes, and until when nothing may remove it."""

    bucket: str
    key: str
    version_id: str
    size: int
    sha256: str
    mode: str
    retain_until: str
    request_id: str
    new: bool

    def as_data(self) -> dict[str, Any]:
        """Return the receipt as JSON data."""
        return asdict(self)


@dataclass(frozen=True)
class EvidenceStore:
    """A bucket of one account, and the lock under which evidence is put into it."""

    bucket: str
    account: str
    lock: Lock
    client: Any
    now: Callable[[], dt.datetime]

    def put(self, prefix: str, files: list[Path]) -> list[Receipt]:
        """Write files below a prefix and return a receipt of each; what is there already, locked as long, stays.

        Raises ``AirgapError`` where the bucket is not versioned and locked as declared, where S3 refuses, and where
        what was read back is not what was written.
        """
        self._bucket_is_locked()
        return [self._put(f"{prefix}/{one.name}", one) for one in files]

    def _bucket_is_locked(self) -> None:
        versioning = self._ask("get_bucket_versioning").get("Status", "off")
        rule = self._ask("get_object_lock_configuration")["ObjectLockConfiguration"].get("Rule", {})
        held = rule.get("DefaultRetention", {})
        days = held.get("Days", 0) + 365 * held.get("Years", 0)
        if versioning != "Enabled" or held.get("Mode") != self.lock.mode or days < self.lock.days:
            found = f"versioning {versioning}, lock {held.get('Mode', 'off')} for {days} days"
            raise AirgapError(
                f"Bucket {self.bucket} is not as declared: {found}; declared: {self.lock.mode}, {self.lock.days} days",
                "anything; nothing was uploaded",
                "declare logs.evidence_lock_days and evidence_lock_mode, and apply the step network",
            )

    def _put(self, key: str, path: Path) -> Receipt:
        size = path.stat().st_size
        if size > MOST:
            raise AirgapError(f"{path} is larger than one upload takes (5 GB)", "anything; it was not uploaded")
        raw = path.read_bytes()
        digest = hashlib.sha256(raw).digest()
        if held := self._held(key, digest):
            return self._receipt(key, held, digest, "", new=False)
        until = (self.now() + dt.timedelta(days=self.lock.days)).replace(microsecond=0)
        answer = self._ask(
            "put_object",
            Key=key,
            Body=raw,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=base64.b64encode(digest).decode(),
            ObjectLockMode=self.lock.mode,
            ObjectLockRetainUntilDate=until,
        )
        version, request = answer.get("VersionId", ""), answer["ResponseMetadata"].get("RequestId", "")
        receipt = self._receipt(key, version, digest, request, new=True)
        if receipt.mode != self.lock.mode or receipt.retain_until < _text(until):
            raise self._wrong(key, f"it is held under {receipt.mode or 'no lock'} until {receipt.retain_until or '-'}")
        return receipt

    def _held(self, key: str, digest: bytes) -> str:
        """Return the newest version of a key if it has these bytes and is locked now, empty if not."""
        found = self._ask("list_object_versions", Prefix=key).get("Versions", [])
        newest = next((one["VersionId"] for one in found if one["Key"] == key and one["IsLatest"]), "")
        if not newest or self._digest(key, newest) != digest:
            return ""
        mode, until = self._retention(key, newest)
        return newest if mode == self.lock.mode and until > _text(self.now()) else ""

    def _receipt(self, key: str, version: str, digest: bytes, request: str, *, new: bool) -> Receipt:
        """Return what the bucket says of a version after every byte of it was read back."""
        if not version:
            raise self._wrong(key, "S3 gave it no version")
        if (found := self._digest(key, version)) != digest:
            raise self._wrong(key, f"its bytes have the digest {found.hex()}, those that were sent {digest.hex()}")
        head = self._ask("head_object", Key=key, VersionId=version)
        mode, until = self._retention(key, version)
        size = int(head["ContentLength"])
        return Receipt(self.bucket, key, version, size, digest.hex(), mode, until, request, new)

    def _digest(self, key: str, version: str) -> bytes:
        body = self._ask("get_object", Key=key, VersionId=version)["Body"]
        read = hashlib.sha256()
        for chunk in iter(lambda: body.read(1 << 20), b""):
            read.update(chunk)
        return read.digest()

    def _retention(self, key: str, version: str) -> tuple[str, str]:
        held = self._ask("get_object_retention", Key=key, VersionId=version).get("Retention", {})
        until = held.get("RetainUntilDate")
        return held.get("Mode", ""), _text(until) if until else ""

    def _ask(self, operation: str, **params: Any) -> dict[str, Any]:
        """Return S3's answer; the account that must own the bucket is named in every call."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            call = getattr(self.client, operation)
            return dict(call(Bucket=self.bucket, ExpectedBucketOwner=self.account, **params))
        except (BotoCoreError, ClientError) as error:
            raise AirgapError(
                f"S3 refused {operation} on bucket {self.bucket}: {error}",
                "the bundle, which stays where it is",
                "apply the step network with logs.evidence_lock_days; grant s3:PutObject, s3:PutObjectRetention, "
                "s3:GetObjectVersion, s3:GetObjectRetention and s3:ListBucketVersions on it",
            ) from error

    def _wrong(self, key: str, what: str) -> AirgapError:
        return AirgapError(
            f"{key} was uploaded to {self.bucket}, and what is there is not what was asked for: {what}",
            "the bundle, which stays where it is",
            "do not rely on the copy; look at the bucket, and upload again",
        )


def evidence_store(bucket: str, account: str, region: str, lock: Lock) -> EvidenceStore:
    """Return the evidence bucket of an account and Region, by the caller's own credentials."""
    import boto3

    client = boto3.session.Session(region_name=region).client("s3")
    return EvidenceStore(bucket, account, lock, client, lambda: dt.datetime.now(dt.UTC))


def _text(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
