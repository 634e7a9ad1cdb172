"""KMS: the keys of AWS services do not exist before their first use; digests are signed as what they are."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from moto.kms.models import Key, KmsBackend

from airgap.rehearsal.hook import after
from airgap.rehearsal.wire import Call

_generate = KmsBackend._generate_default_keys
_metadata = Key.to_dict


def _managed_key(self: Any, alias_name: str) -> str | None:
    identifier: str | None = _generate(self, alias_name)
    if identifier is not None:
        key, service = self.keys[identifier], alias_name.rpartition("/")[2]
        key.key_manager, key.key_rotation_status = "AWS", True
        key.description = f"Default key that protects my {service} data when no other key is defined"
    return identifier


def _complete(self: Any) -> dict[str, Any]:
    """A key that is not replicated says so."""
    document: dict[str, Any] = _metadata(self)
    document["KeyMetadata"]["MultiRegion"] = bool(self.multi_region)
    return document


@after("kms", "ListAliases")
def unused_aliases(call: Call, result: dict[str, Any]) -> None:
    """The alias of a service that has not been used has no target yet."""
    keys = call.backend("kms").keys
    for alias in result["Aliases"]:
        if alias.get("TargetKeyId") not in keys:
            alias.pop("TargetKeyId", None)


_HASHES: dict[str, Callable[[], Any]] = {
    "ECDSA_SHA_256": hashes.SHA256,
    "ECDSA_SHA_384": hashes.SHA384,
    "ECDSA_SHA_512": hashes.SHA512,
}


@after("kms", "Sign")
def signed(call: Call, result: dict[str, Any]) -> None:
    """An elliptic key signs the message itself, or the digest that is given as such."""
    key = call.backend("kms").describe_key(call.get("KeyId")).private_key
    given, algorithm = call.get("Message"), _HASHES.get(call.get("SigningAlgorithm"))
    if algorithm is None or not hasattr(key, "private_key"):
        return
    raw = base64.b64decode(given) if isinstance(given, str) else bytes(given)
    how: Any = Prehashed(algorithm()) if call.get("MessageType") == "DIGEST" else algorithm()
    result["Signature"] = key.private_key.sign(raw, ec.ECDSA(how))


KmsBackend._generate_default_keys = _managed_key
Key.to_dict = _complete
