"""CloudTrail's own chain of digest files, verified from its files alone: no AWS is asked.

Each digest file lists the log files of its hour with their hashes, names the digest before it with its hash and its
signature, and is signed by a key of its Region. What is signed: the end of its time, its place in S3, its hash and the
signature before it.
Source: AWS CloudTrail User Guide, "CloudTrail digest file structure" and "Custom implementations of CloudTrail log file
integrity validation"; RFC 8017, A.1.1 (RSAPublicKey).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from airgap.evidence.bundle.members import INCOMPLETE, INTEGRITY, LARGEST, Broken, Fault
from airgap.model import signatures

FOLDER, INDEX = "cloudtrail", "cloudtrail/index.json"
SCHEMA = "airgap/trail/v1"
ALGORITHM = "SHA256withRSA"
_REGION = re.compile(r"/CloudTrail-Digest/([a-z0-9-]+)/")


class Digest(NamedTuple):
    """One digest file: where it lies, its signature (hex), its contents without compression, and what it says."""

    place: str
    signature: str
    content: bytes
    data: Mapping[str, Any]

    @property
    def region(self) -> str:
        """The Region whose events it covers, by its place, which is signed."""
        found = _REGION.search(self.place)
        return found[1] if found else ""

    @property
    def sha256(self) -> str:
        """The digest of its contents, hex."""
        return hashlib.sha256(self.content).hexdigest()


class Trail:
    """The digest and log files of a trail, over the members of a bundle."""

    def __init__(self, members: Mapping[str, bytes]) -> None:
        self.members = members
        self.index: Mapping[str, Any] = json.loads(members[INDEX].decode("utf-8"))
        self.digests = sorted(self._digests(), key=lambda one: (one.region, str(one.data["digestEndTime"])))
        self.logs = [log for one in self.digests for log in one.data["logFiles"]]

    def _digests(self) -> Iterator[Digest]:
        for one in self.index["digests"]:
            content = self.unpacked(one["object"])
            place = f"{one['bucket']}/{one['object']}"
            yield Digest(place, str(one["signature"]), content, json.loads(content.decode("utf-8")))

    def unpacked(self, key: str) -> bytes:
        """Return a file's contents without compression; raises ``Broken`` where it is missing or no gzip file."""
        name = f"{FOLDER}/{key}"
        if name not in self.members:
            raise Broken(name, "is missing, and CloudTrail's digests list it", INCOMPLETE)
        inflate = zlib.decompressobj(31)
        try:
            content = inflate.decompress(self.members[name], LARGEST)
        except zlib.error as error:
            raise Broken(name, f"is no gzip file ({error})") from error
        if not inflate.eof or inflate.unused_data:
            raise Broken(name, "is no whole gzip file")
        return content

    def events(self) -> Iterator[Mapping[str, Any]]:
        """Yield every event of the log files."""
        for log in self.logs:
            yield from json.loads(self.unpacked(log["s3Object"]).decode("utf-8"))["Records"]

    def covered(self, region: str) -> tuple[str, str]:
        """Return from when to when the digests of a Region reach; empty where there are none."""
        mine = [one.data for one in self.digests if one.region == region]
        if not mine:
            return "", ""
        return min(str(one["digestStartTime"]) for one in mine), max(str(one["digestEndTime"]) for one in mine)

    def faults(self, account: str) -> Iterator[Fault]:
        """Yield what is wrong with the chain: a signature, a link, a gap, a log file that is missing or altered."""
        before: dict[str, Digest] = {}
        for one in self.digests:
            yield from self._digest(one, account)
            if one.region in before:
                yield from _link(before[one.region], one)
            before[one.region] = one
        for log in self.logs:
            yield from self._log(log)

    def _digest(self, one: Digest, account: str) -> Iterator[Fault]:
        where, data = f"{FOLDER}/{one.place.partition('/')[2]}", one.data
        if f"{data['digestS3Bucket']}/{data['digestS3Object']}" != one.place:
            yield Fault(INTEGRITY, where, "says that it lies elsewhere")
        if data["awsAccountId"] != account:
            yield Fault(INTEGRITY, where, f"is of account {data['awsAccountId']}, not of this run's")
        keys = [each for each in self.index["keys"] if each["fingerprint"] == data["digestPublicKeyFingerprint"]]
        if data["digestSignatureAlgorithm"] != ALGORITHM or not keys:
            yield Fault(INCOMPLETE, where, "is signed by a key that is not here")
        elif not any(verifies(base64.b64decode(each["value"]), one.signature, signed(one)) for each in keys):
            yield Fault(INTEGRITY, where, "does not have its signature")

    def _log(self, log: Mapping[str, Any]) -> Iterator[Fault]:
        where = f"{FOLDER}/{log['s3Object']}"
        try:
            found = hashlib.sha256(self.unpacked(log["s3Object"])).hexdigest()
        except Broken as broken:
            yield broken.fault
            return
        if log["hashAlgorithm"] != "SHA-256" or found != log["hashValue"]:
            yield Fault(INTEGRITY, where, "is not the log file that CloudTrail wrote")


def _link(before: Digest, one: Digest) -> Iterator[Fault]:
    """Yield where a digest does not follow on the one before it in its Region."""
    where, data = f"{FOLDER}/{one.place.partition('/')[2]}", one.data
    if f"{data['previousDigestS3Bucket']}/{data['previousDigestS3Object']}" != before.place:
        yield Fault(INCOMPLETE, where, "follows on a digest that is not here: the chain has a gap")
    elif (data["previousDigestHashValue"], data["previousDigestSignature"]) != (before.sha256, before.signature):
        yield Fault(INTEGRITY, where, "does not follow on the digest before it")


def signed(one: Digest) -> bytes:
    """Return what the signature of a digest file is over."""
    before = one.data["previousDigestSignature"] or "null"
    return "\n".join((str(one.data["digestEndTime"]), one.place, one.sha256, str(before))).encode("utf-8")


def verifies(key: bytes, signature: str, message: bytes) -> bool:
    """Tell whether a signature (hex) over a message is by the RSA key (DER, RSAPublicKey)."""
    try:
        return signatures.rsa(key, binascii.unhexlify(signature), message)
    except ValueError:
        return False
