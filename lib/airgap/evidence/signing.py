"""Signatures over bundles: an in-toto statement about the manifest, in a DSSE envelope, in a file beside the bundle.

What is signed is the manifest, since zip files differ between machines and the manifest does not. A signature proves
who vouches for a bundle only with a public key that the reader has from elsewhere.
Source: in-toto Attestation Framework, "Statement v1" and predicate "Test Result v0.1"; DSSE v1.0.2, "Protocol".
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from airgap.errors import NoKey, UsageError
from airgap.evidence.bundle.manifest import MANIFEST
from airgap.model.canonical import canonical_bytes, encode

PAYLOAD = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
SUFFIX = ".dsse.json"
_RESULTS = {"pass": "PASSED", "fail": "FAILED"}


@dataclass(frozen=True)
class Signer:
    """Whoever signs: ``sign`` gives the DER signature (ECDSA, P-256, SHA-256) over a message, ``public`` is the PEM."""

    sign: Callable[[bytes], bytes]
    public: bytes


class Signature(NamedTuple):
    """What became of a signature: whether it holds (None: not decided), and why, as a sentence."""

    holds: bool | None
    text: str


def side_file(bundle: Path) -> Path:
    """Return the file beside a bundle that holds its signature."""
    return bundle.with_name(bundle.name + SUFFIX)


def statement(run: Mapping[str, Any], manifest: bytes) -> bytes:
    """Return the statement about a run's bundle: its subject is the manifest, its predicate the run's verdict."""
    subject = {"name": MANIFEST, "digest": {"sha256": hashlib.sha256(manifest).hexdigest()}}
    config = {"name": f"params of {run['env']}", "digest": {"sha256": run["params_sha256"]}}
    steps = {one["name"]: one["verdict"] for one in run["steps"]}
    predicate = {
        "result": _RESULTS.get(run["verdict"], "WARNED"),
        "configuration": [config],
        "passedTests": sorted(name for name, verdict in steps.items() if verdict == "pass"),
        "warnedTests": sorted(name for name, verdict in steps.items() if verdict not in ("pass", "fail")),
        "failedTests": sorted(name for name, verdict in steps.items() if verdict == "fail"),
    }
    whole = {"_type": STATEMENT, "subject": [subject], "predicateType": PREDICATE, "predicate": predicate}
    return canonical_bytes(whole)


def encoded(kind: str, payload: bytes) -> bytes:
    """Return what is signed of a payload: DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)


def envelope(payload: bytes, signer: Signer) -> str:
    """Return the DSSE envelope of a payload; raises ``NoKey`` where the signer's two halves do not belong together."""
    message = encoded(PAYLOAD, payload)
    signature = signer.sign(message)
    if not _verifies(signer.public, signature, message):
        kept = "the bundle, which is written and not signed"
        raise NoKey(
            "The signature does not hold under its own public key", kept, "sign by an ECDSA key on the curve P-256"
        )
    one = {"keyid": key_id(signer.public), "sig": base64.b64encode(signature).decode()}
    body = {"payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD, "signatures": [one]}
    return encode(body) + "\n"


def key_id(public: bytes) -> str:
    """Return the SHA-256 of a public key (PEM) in its DER form, SubjectPublicKeyInfo."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    der = load_pem_public_key(public).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def local_key(path: Path) -> tuple[Callable[[bytes], bytes], bytes]:
    """Return what signs with a private key in a PEM file, and its public key (PEM).

    Raises ``UsageError`` where it is no P-256 key.
    """
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise _no_key(path, str(error)) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise _no_key(path, "it is of another kind")
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return lambda message: key.sign(message, ec.ECDSA(SHA256())), public


def _no_key(path: Path, why: str) -> UsageError:
    action = "make one: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem"
    return UsageError(f"{path} holds no private key on the curve P-256: {why}", "anything; nothing was signed", action)


def judge(raw: bytes, manifest: bytes, public: bytes | None) -> Signature:
    """Return whether an envelope vouches for a manifest, by the reader's own public key (PEM)."""
    try:
        body = json.loads(raw)
        payload = base64.b64decode(body["payload"], validate=True)
        said = json.loads(payload)
        signatures = [(one["keyid"], base64.b64decode(one["sig"], validate=True)) for one in body["signatures"]]
        subject = {one["name"]: one["digest"]["sha256"] for one in said["subject"]}
        kind = body["payloadType"]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        return Signature(False, f"the envelope is malformed ({type(error).__name__})")
    if subject != {MANIFEST: hashlib.sha256(manifest).hexdigest()} or kind != PAYLOAD or said.get("_type") != STATEMENT:
        return Signature(False, "it is a statement about something else than this bundle's manifest")
    names = ", ".join(name[:16] for name, _ in signatures)
    if public is None:
        return Signature(None, f"signed by key {names}, which was not checked: name its public key (--public-key)")
    if any(_verifies(public, one, encoded(kind, payload)) for _, one in signatures):
        return Signature(True, f"signed by key {key_id(public)[:16]}")
    return Signature(False, f"not signed by key {key_id(public)[:16]}; its signatures name {names or 'no key'}")


def _verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(public)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(signature, message, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
