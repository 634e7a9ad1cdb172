"""KMS: the keys of AWS services are managed by AWS, and do not exist before their first use."""

from __future__ import annotations

from typing import Any

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


KmsBackend._generate_default_keys = _managed_key
Key.to_dict = _complete
