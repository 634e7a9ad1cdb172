"""Time-stamps over bundles: that a manifest, or the signature over it, existed at a time that an authority vouches for.

Source: RFC 3161. The authority is the institution's own where the environment has no way out; the answer is kept in a
file beside the bundle and verified offline.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

from airgap.errors import AirgapError, UsageError
from airgap.evidence.signing import Signature

SUFFIX = ".tsr"
_WITHIN = 30.0
"""Seconds that an authority may take."""


def side_file(bundle: Path) -> Path:
    """Return the file beside a bundle that holds its time-stamp."""
    return bundle.with_name(bundle.name + SUFFIX)


def stamp(url: str, data: bytes) -> bytes:
    """Return an authority's answer about ``data``; raises ``AirgapError`` where it gives none."""
    from rfc3161_client import HashAlgorithm, PKIStatus, TimestampRequestBuilder, decode_timestamp_response

    if not url.startswith(("https://", "http://")):
        raise UsageError(f"{url} is no URL of a time-stamp authority", "anything", "name it with http:// or https://")
    asked = TimestampRequestBuilder(data=data, hash_algorithm=HashAlgorithm.SHA256).build()
    headers = {"Content-Type": "application/timestamp-query"}
    request = urllib.request.Request(url, asked.as_bytes(), headers)
    try:
        with urllib.request.urlopen(request, timeout=_WITHIN) as answer:
            raw = bytes(answer.read(2**20))
        told = decode_timestamp_response(raw)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise _unstamped(url, str(error)) from error
    if PKIStatus(told.status) != PKIStatus.GRANTED or told.tst_info.nonce != asked.nonce:
        raise _unstamped(url, "it did not grant what was asked")
    return raw


def _unstamped(url: str, why: str) -> AirgapError:
    return AirgapError(
        f"The time-stamp authority {url} gave no time-stamp: {why}",
        "the bundle and its signature, which are written",
        "ask again with the same command; bundles of one run are the same bytes",
    )


def judge(raw: bytes, data: bytes, roots: bytes | None) -> Signature:
    """Return whether a time-stamp is over ``data``, by the authority's certificates (PEM) of the reader."""
    from cryptography.x509 import load_pem_x509_certificates
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        answer = decode_timestamp_response(raw)
        when = answer.tst_info.gen_time.isoformat()
        certificates = load_pem_x509_certificates(roots) if roots else []
    except ValueError as error:
        return Signature(False, f"the time-stamp is malformed ({error})")
    if not certificates:
        return Signature(None, f"says {when}, which was not checked: name the authority's certificates (--authority)")
    builder = VerifierBuilder()
    for one in certificates:
        builder = builder.add_root_certificate(one)
    try:
        builder.build().verify_message(answer, data)
    except VerificationError as error:
        return Signature(False, f"the time-stamp does not hold: {error}")
    return Signature(True, f"existed at {when}")
