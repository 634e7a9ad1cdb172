"""Digest and log files as CloudTrail writes them, signed with a key of the test's own by an independent library."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ACCOUNT, BUCKET = "123456789012", "fintech-logs"
DAY = dt.date(2026, 11, 23)


class Writer:
    """CloudTrail in one Region: an hour is a log file and a digest file; objects by key, with their metadata."""

    def __init__(self, key: rsa.RSAPrivateKey | None = None, region: str = "us-east-1") -> None:
        self.key = key or rsa.generate_private_key(65537, 2048)
        self.region = region
        self.objects: dict[str, bytes] = {}
        self.signatures: dict[str, str] = {}
        self._before: tuple[str, str, str] | None = None

    @property
    def public(self) -> dict[str, str]:
        form = self.key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
        return {"fingerprint": hashlib.md5(form).hexdigest(), "value": base64.b64encode(form).decode()}

    def hour(self, hour: int, events: list[dict[str, Any]], day: dt.date = DAY) -> str:
        """Write the log and the digest of an hour, 0 or later, of a day, and return the digest's key."""
        first = dt.datetime.combine(day, dt.time()) + dt.timedelta(hours=hour)
        began, ended = (f"{one:%Y-%m-%dT%H:00:00Z}" for one in (first, first + dt.timedelta(hours=1)))
        within = f"{self.region}/{first:%Y/%m/%d}/{ACCOUNT}"
        log = f"AWSLogs/{ACCOUNT}/CloudTrail/{within}_CloudTrail_{self.region}_{first:%H}.json.gz"
        records = json.dumps({"Records": events}).encode()
        place = f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{within}_CloudTrail-Digest_{self.region}_{first:%H}.json.gz"
        before = self._before or (None, None, None)
        digest = {
            "awsAccountId": ACCOUNT, "digestStartTime": began, "digestEndTime": ended,
            "digestS3Bucket": BUCKET, "digestS3Object": place,
            "digestPublicKeyFingerprint": self.public["fingerprint"], "digestSignatureAlgorithm": "SHA256withRSA",
            "previousDigestS3Bucket": BUCKET if self._before else None, "previousDigestS3Object": before[0],
            "previousDigestHashValue": before[1], "previousDigestHashAlgorithm": "SHA-256",
            "previousDigestSignature": before[2],
            "logFiles": [{"s3Bucket": BUCKET, "s3Object": log, "hashAlgorithm": "SHA-256",
                          "hashValue": hashlib.sha256(records).hexdigest()}],
        }  # fmt: skip
        content = json.dumps(digest).encode()
        sha256 = hashlib.sha256(content).hexdigest()
        message = f"{ended}\n{BUCKET}/{place}\n{sha256}\n{before[2] or 'null'}".encode()
        signature = self.key.sign(message, padding.PKCS1v15(), hashes.SHA256()).hex()
        self.objects |= {log: gzip.compress(records, mtime=0), place: gzip.compress(content, mtime=0)}
        self.signatures[place] = signature
        self._before = (place, sha256, signature)
        return place

    def members(self) -> dict[str, bytes]:
        """What a bundle holds of it."""
        return folder(self)


def folder(*writers: Writer) -> dict[str, bytes]:
    """The members of a bundle that hold what these have written."""
    digests = [{"bucket": BUCKET, "object": key, "signature": signature, "region": one.region}
               for one in writers for key, signature in one.signatures.items()]  # fmt: skip
    index = {"schema": "airgap/trail/v1", "digests": digests, "keys": [one.public for one in writers]}
    held = {f"cloudtrail/{key}": raw for one in writers for key, raw in one.objects.items()}
    return {**held, "cloudtrail/index.json": json.dumps(index).encode()}


def event(request: str, name: str = "CreateVpc", **more: Any) -> dict[str, Any]:
    """One record of a log file."""
    return {
        "requestID": request, "eventName": name, "eventSource": "ec2.amazonaws.com",
        "eventTime": "2026-11-23T09:30:00Z", "readOnly": False,
        "userIdentity": {"arn": "arn:aws:sts::123456789012:assumed-role/platform-engineer/alice"}, **more,
    }  # fmt: skip
