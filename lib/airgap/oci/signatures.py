"""Signatures of images: what they say, read where the image comes from; and nothing unsigned where a key is approved.

What cosign 2 signs is a layer of its own, and the signature an annotation of it; cosign 3 has both in a bundle. Whether
the manifest that holds them has a tag (``sha256-....sig``) or a subject makes no difference.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from airgap.errors import Unsigned
from airgap.model.intent import Signer
from airgap.model.mirror import Claim, Entry
from airgap.model.signed_images import ENVELOPE, approved, digest_of, signed_by
from airgap.oci.content import Descriptor, Manifest
from airgap.oci.registry import Repository
from airgap.oci.transfer import Incoming

PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
READ = PAYLOAD, "application/vnd.dev.sigstore.bundle"
SIGNATURE = "dev.cosignproject.cosign/signature"
LARGEST = 1 << 16
"""Bytes of the largest text that is read as a signed one; cosign's have some 250, its bundles a few thousand."""


def claims(source: Repository, manifests: Iterable[Manifest]) -> Iterator[Claim]:
    """Yield what the signatures among some manifests say, in cosign's forms; others are carried and say nothing."""
    for manifest in manifests:
        for layer in [] if manifest.is_index else manifest.document.get("layers", []):
            payload = Descriptor.read(layer, manifest.digest)
            if payload.media_type.startswith(READ) and payload.size <= LARGEST:
                text = b"".join(Incoming(source, payload, source.session).pieces()).decode("utf-8", "replace")
                signature = (layer.get("annotations") or {}).get(SIGNATURE)
                yield from [Claim(text, str(signature))] if payload.media_type == PAYLOAD else _of_bundle(text)


def _of_bundle(text: str) -> list[Claim]:
    """Return the signatures of an image that a bundle holds; none where it holds an attestation, or is no bundle."""
    try:
        envelope: Any = json.loads(text)["dsseEnvelope"]
        said = base64.b64decode(envelope["payload"], validate=True).decode()
        found = [Claim(said, str(one["sig"])) for one in envelope["signatures"]]
    except (ValueError, LookupError, TypeError):
        return []
    return [one for one in found if envelope.get("payloadType") == ENVELOPE and digest_of(one)]


def signers(entries: Iterable[Entry], known: Sequence[Signer]) -> dict[str, str]:
    """Return who signed each entry by its reference, '' where no key is approved for it.

    Raises ``Unsigned``, naming every entry for which a key is approved and that nobody of these has signed.
    """
    found = [(entry, signed_by(entry, known, verifies)) for entry in entries]
    unsigned = [(entry, one.why) for entry, one in found if not one.by and approved(entry, known)]
    if unsigned:
        named = [f"{entry.reference}@{entry.digest} is not signed by an approved key: {why}" for entry, why in unsigned]
        raise Unsigned(
            "\n".join(named),
            "the lock and the mirror",
            "ask the publisher what happened; where the key has changed, have the new one approved in images.signers; "
            "where a signature came later, run 'airgap mirror lock' again",
        )
    return {entry.reference: one.by for entry, one in found}


def verifies(pem: str, signature: bytes, message: bytes) -> bool:
    """Tell whether a signature over a message is by a public key in PEM; ECDSA and RSA with SHA-256."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(pem.encode())
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), SHA256())
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        else:
            return False
    except InvalidSignature:
        return False
    return True
