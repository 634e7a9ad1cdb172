"""Signing by AWS KMS: the key never leaves, only a digest goes there, and CloudTrail knows of each signature.

Source: AWS KMS API Reference, "Sign" (``MessageType`` DIGEST) and "GetPublicKey".
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

from airgap.errors import NotSigned

ALGORITHM = "ECDSA_SHA_256"


def kms_key(key: str, region: str) -> tuple[Callable[[bytes], bytes], bytes]:
    """Return what signs with a KMS key, named by id, ARN or alias, and its public key (PEM).

    Raises ``NotSigned`` where the key may not sign.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    client: Any = boto3.session.Session(region_name=region).client("kms")

    def ask(operation: str, **params: Any) -> dict[str, Any]:
        try:
            return dict(getattr(client, operation)(KeyId=key, **params))
        except (BotoCoreError, ClientError) as error:
            raise NotSigned(
                f"KMS key {key} gave no signature: {error}",
                "the bundle, which is written and not signed",
                "grant kms:Sign and kms:GetPublicKey on an ECC_NIST_P256 key for signing, and ask again",
            ) from error

    public = ask("get_public_key")["PublicKey"]
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(public) + b"-----END PUBLIC KEY-----\n"

    def sign(message: bytes) -> bytes:
        digest = hashlib.sha256(message).digest()
        answer = ask("sign", Message=digest, MessageType="DIGEST", SigningAlgorithm=ALGORITHM)
        return bytes(answer["Signature"])

    return sign, pem
