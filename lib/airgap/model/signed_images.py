"""Who has signed an image or chart of the lock, by the keys that the params approve.

A signature is in one of cosign's two forms: over a JSON text whose ``critical.image.docker-manifest-digest`` is the
digest of what is signed, or over an in-toto statement about that digest, in a DSSE envelope (cosign 3). Attestations
and SBOMs are statements of another type, and sign no image. Keys are judged, certificates and logs are not.
https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any, Callable, NamedTuple

from airgap.model import signatures
from airgap.model.intent import Signer
from airgap.model.mirror import Claim, Entry, canonical_source

Verifies = Callable[[str, bytes, bytes], bool]
"""Whether, by a key (PEM), a signature is over a message."""
TYPE = "cosign container image signature"
STATEMENT, PREDICATE = "https://in-toto.io/Statement/", "https://sigstore.dev/cosign/sign/v1"
ENVELOPE = "application/vnd.in-toto+json"
"""Payload type of the DSSE envelopes that hold such statements."""


class Signed(NamedTuple):
    """Who signed an entry, '' for nobody whose key is approved; and why not."""

    by: str
    why: str = ""


@functools.lru_cache(maxsize=4096)
def verifies(pem: str, signature: bytes, message: bytes) -> bool:
    """Tell whether a signature over a message is by a key, with the standard library alone."""
    return signatures.verifies(signatures.public_key(pem), signature, message)


def approved(entry: Entry, signers: Iterable[Signer]) -> list[Signer]:
    """Return those whose keys are approved for where an entry comes from."""
    source = canonical_source(entry.source)
    return [one for one in signers if any(fnmatchcase(source, pattern) for pattern in one.images)]


def signed_by(entry: Entry, signers: Iterable[Signer], check: Verifies = verifies) -> Signed:
    """Return who of those whose keys are approved for it has signed an entry, and why nobody where it is nobody."""
    mine = approved(entry, signers)
    if not mine:
        return Signed("", f"no key is approved for {canonical_source(entry.source)}")
    own = [one for one in entry.claims if digest_of(one) == entry.digest]
    for signer in mine:
        if any(_holds(signer.key, one, check) for one in own):
            return Signed(signer.name)
    names = " or ".join(sorted(one.name for one in mine))
    if own:
        return Signed("", f"none of its {len(own)} signatures is by the key of {names}")
    others = sorted({digest_of(one) or "nothing that can be read" for one in entry.claims})
    if others:
        return Signed("", f"its signatures are of {', '.join(others)}")
    return Signed("", f"no signature in cosign's form came with it, and {names} should have signed it")


def digest_of(claim: Claim) -> str:
    """Return the digest that a claim is of, '' where it is no claim about an image."""
    try:
        said: Any = json.loads(claim.payload)
        if _is_statement(said):
            return f"sha256:{said['subject'][0]['digest']['sha256']}" if said["predicateType"] == PREDICATE else ""
        critical = said["critical"]
        return str(critical["image"]["docker-manifest-digest"]) if critical["type"] == TYPE else ""
    except (ValueError, LookupError, TypeError):
        return ""


def _is_statement(said: Any) -> bool:
    return str(said.get("_type", "") if isinstance(said, dict) else "").startswith(STATEMENT)


def _holds(key: str, claim: Claim, check: Verifies) -> bool:
    message = claim.payload.encode("utf-8")
    if _is_statement(json.loads(claim.payload)):
        message = b"DSSEv1 %d %b %d %b" % (len(ENVELOPE), ENVELOPE.encode(), len(message), message)
    try:
        return check(key, base64.b64decode(claim.signature, validate=True), message)
    except ValueError:
        return False
