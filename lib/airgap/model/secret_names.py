"""Names of members that hold secrets: what botocore's ``sensitive`` traits miss, and what they hide too much of.

Names match whole and as AWS writes them: ``Password`` is hidden, ``PasswordPolicy`` and ``PasswordLastUsed`` are not.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

SECRET = frozenset({
    "SecretString", "SecretBinary", "SecretAccessKey", "secretAccessKey", "SessionToken", "sessionToken",
    "AuthorizationToken", "authorizationToken", "AuthToken", "WebIdentityToken", "SAMLAssertion", "TokenValue",
    "Password", "password", "NewPassword", "OldPassword", "MasterUserPassword", "RandomPassword", "ServicePassword",
    "PasswordData", "PreSharedKey", "SharedSecret", "ClientSecret", "clientSecret", "ActivationCode",
    "KeyMaterial", "PrivateKey", "PrivateKeyPlaintext", "Plaintext", ".dockerconfigjson",
})  # fmt: skip
"""Members whose value is secret wherever it turns up again."""

HIDDEN = frozenset({
    "UserData", "userData", "CustomerGatewayConfiguration", "VpnConnectionDeviceSampleConfiguration",
    "CiphertextBlob", "PrivateKeyCiphertextBlob", "AuthenticationCode1", "AuthenticationCode2", "OTP",
})  # fmt: skip
"""Members that are hidden, but whose value is too long or too short-lived to be looked for elsewhere."""

PUBLIC = frozenset({"KMSMasterKeyID", "SSEKMSKeyId", "KeyId", "PublicKey", "inputAction", "outputAction"})
"""Members that botocore marks as sensitive although they are no secret and checks rest on them: the key ids of S3's
encryption settings, KMS's public keys, what a Bedrock guardrail does with what it finds."""

_VARIABLE = re.compile(
    r"(?:[A-Z0-9]+_)*(?:PASSWORD|PASSWD|SECRET|TOKEN|SECRET_ACCESS_KEY|API_KEY|PRIVATE_KEY)"
    r"|(?:aws_)?(?:secret_access_key|session_token|security_token)"
)
_PAIRS = (("Name", "Value"), ("name", "value"), ("Key", "Value"), ("key", "value"))
_CREDENTIALS = frozenset({"SecretAccessKey", "secretAccessKey"})
_KEY_IDS = frozenset({"AccessKeyId", "accessKeyId"})
_PUBLIC_PARAMETERS = "/aws/service/"
_PARTS = (*SECRET, *HIDDEN, "PASSWORD", "PASSWD", "SECRET", "TOKEN", "_KEY", "secret_access_key", "_token")


def any_in(text: str) -> bool:
    """Tell whether a page, as JSON, can hold a secret by name at all; most hold none, and need no walk."""
    return any(part in text for part in _PARTS)


@functools.lru_cache(maxsize=4096)  # pages repeat few names
def is_secret(name: str) -> bool:
    """Tell whether a member, an environment variable or a key of this name holds a secret."""
    return name in SECRET or _VARIABLE.fullmatch(name) is not None


def members(value: Mapping[str, Any]) -> set[str]:
    """Return the keys of a mapping whose values are hidden: for their name, or for the name that stands beside them.

    The id of an access key is hidden where its secret stands beside it.
    """
    found = {key for key in value if key in HIDDEN or is_secret(key)}
    if found & _CREDENTIALS:
        found |= _KEY_IDS & set(value)
    for name, held in _PAIRS:
        if held in value and isinstance(value.get(name), str) and is_secret(value[name]):
            found.add(held)
    return found


def is_public(key: str, parent: Mapping[str, Any]) -> bool:
    """Tell whether a member that botocore marks as sensitive is shown: no secret, or one of AWS's public parameters."""
    return key in PUBLIC or (key == "Value" and str(parent.get("Name", "")).startswith(_PUBLIC_PARAMETERS))


def values(data: Any, secret: bool = False) -> Iterator[str]:
    """Yield the secret strings in JSON data by the names of their members, within JSON texts too."""
    if isinstance(data, dict):
        names = members(data) - HIDDEN - _KEY_IDS
        for key, item in data.items():
            yield from values(item, secret or key in names)
    elif isinstance(data, list):
        for item in data:
            yield from values(item, secret)
    elif secret and isinstance(data, str):
        yield data
        yield from values(_parsed(data))


def _parsed(text: str) -> Any:
    """Return the JSON object in a text, as the secrets of databases are kept; None where there is none."""
    try:
        return json.loads(text) if text.startswith("{") else None
    except ValueError:
        return None
