"""Signing by PKCS#11: a key in a hardware module, smart card or token, which only ever gets a digest.

Module, token and key are named by a PKCS#11 URI, as other software names them. The PIN stands in no URI: it comes from
a file that the URI names (``pin-source``), or from the variable ``AIRGAP_PKCS11_PIN``.
Source: RFC 7512, "The PKCS #11 URI Scheme"; PKCS #11 v3.0, "EC signatures" (CKM_ECDSA signs a digest).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from airgap.errors import NoKey, NoModule, NoToken, NotSigned, PinRefused, UsageError

if TYPE_CHECKING:
    from pkcs11 import Token

PIN, MODULE = "AIRGAP_PKCS11_PIN", "AIRGAP_PKCS11_MODULE"
"""Variables that name the PIN, and the module where the URI names none."""
FORM = "pkcs11:token=LABEL;object=KEY?module-path=FILE&pin-source=file:FILE"
_PATH = {"token", "serial", "object", "id", "type"}
_QUERY = {"module-path", "pin-source"}


class Named(NamedTuple):
    """What a URI names: the module's file, the token, the key, and the file of the PIN, where it is in one."""

    module: str
    token: dict[str, Any]
    key: dict[str, Any]
    pin_file: str


def named(uri: str) -> Named:
    """Return what a PKCS#11 URI names; raises ``UsageError`` where it names too little, or anything unknown."""
    path, _, query = uri.removeprefix("pkcs11:").partition("?")
    within, beside = _attributes(uri, path, ";", _PATH), _attributes(uri, query, "&", _QUERY)
    module = unquote(beside.get("module-path", "")) or os.environ.get(MODULE, "")
    token: dict[str, Any] = {"token_label": unquote(within["token"])} if "token" in within else {}
    token |= {"token_serial": unquote_to_bytes(within["serial"])} if "serial" in within else {}
    key: dict[str, Any] = {"label": unquote(within["object"])} if "object" in within else {}
    key |= {"id": unquote_to_bytes(within["id"])} if "id" in within else {}
    if not (module and token and key) or within.get("type", "private") != "private":
        raise _misnamed(f"module ({MODULE} names one too), token and key must be named")
    return Named(module, token, key, _file(beside.get("pin-source", "")))


def _attributes(uri: str, text: str, mark: str, known: set[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in text.split(mark) if one]
    names = [name for name, _, _ in pairs]
    if "pin-value" in names:
        raise _misnamed("a PIN does not belong into a command line, where every process sees it")
    wrong = sorted(set(names) - known) or sorted({name for name in names if names.count(name) > 1})
    if wrong:
        raise _misnamed(f"{', '.join(wrong)} is unknown here, or is there twice")
    return {name: value for name, _, value in pairs}


def _file(source: str) -> str:
    whole = urlsplit(source)
    if whole.scheme not in ("", "file") or whole.netloc or (source and not whole.path.startswith("/")):
        raise _misnamed("pin-source is a file, by its whole path")
    return unquote(whole.path)


def _misnamed(why: str) -> UsageError:
    return UsageError(f"The PKCS#11 URI names no key: {why}", "anything; nothing was signed", f"--sign '{FORM}'")


def _pin(where: str) -> str:
    """Return the PIN; raises ``UsageError`` where there is none. The token is asked with it once."""
    try:
        found = Path(where).read_text(encoding="utf-8").rstrip("\r\n") if where else os.environ.get(PIN, "")
    except (OSError, ValueError) as error:
        raise _misnamed(f"the PIN cannot be read from {where} ({type(error).__name__})") from error
    if not found:
        raise _misnamed(f"there is no PIN in {where}" if where else f"no pin-source, and {PIN} is not set")
    return found


def token_key(uri: str) -> tuple[Callable[[bytes], bytes], bytes]:
    """Return what signs with the key that a PKCS#11 URI names, and its public key (PEM).

    Raises ``UsageError`` for a URI that names no key or a missing PIN; ``NoModule``, ``NoToken``, ``NoKey`` and
    ``PinRefused``, all of them ``NotSigned``, for what is not there or does not open.
    """
    asked = named(uri)
    pin = _pin(asked.pin_file)
    with _refusals(asked):
        token = _token(asked)
        public = _public(token, asked)

    def sign(message: bytes) -> bytes:
        from pkcs11 import Mechanism, ObjectClass
        from pkcs11.util.ec import encode_ecdsa_signature

        with _refusals(asked), token.open(user_pin=pin) as session:
            key: Any = session.get_key(object_class=ObjectClass.PRIVATE_KEY, **asked.key)
            return encode_ecdsa_signature(key.sign(hashlib.sha256(message).digest(), mechanism=Mechanism.ECDSA))

    return sign, public


def _token(asked: Named) -> Token:
    import pkcs11

    if not Path(asked.module).is_file():
        raise _no_module(asked, "there is no such file")
    return pkcs11.lib(asked.module).get_token(**asked.token)


def _public(token: Token, asked: Named) -> bytes:
    """Return the public half (PEM); it is no secret, so the token need not be opened for it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
    from pkcs11 import ObjectClass
    from pkcs11.util.ec import encode_ec_public_key

    with token.open() as session:
        key: Any = session.get_key(object_class=ObjectClass.PUBLIC_KEY, **asked.key)
        der = encode_ec_public_key(key)
    return load_der_public_key(der).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


_KEPT = "the bundle, which is written and not signed"


def _no_module(asked: Named, why: str) -> NoModule:
    return NoModule(f"{asked.module} is no PKCS#11 module: {why}", _KEPT, "name the file of the vendor's library")


def _causes() -> Mapping[str, tuple[type[NotSigned], str, str]]:
    """Return what a refusal of the token means: the error, the sentence, and what to do."""
    pin = (
        PinRefused,
        "refuses the PIN",
        "look at the PIN; it was tried once, and a token locks after a few wrong ones",
    )
    key = (NoKey, "holds no such key with both halves", "list its objects: pkcs11-tool --list-objects --login")
    token = (NoToken, "is not there", "list the tokens: pkcs11-tool --list-token-slots")
    return {
        **dict.fromkeys(("PinIncorrect", "PinInvalid", "PinLenRange", "PinExpired", "PinLocked"), pin),
        "UserPinNotInitialized": (PinRefused, "has no user's PIN yet", "initialise its user's PIN"),
        **dict.fromkeys(("NoSuchKey", "KeyHandleInvalid"), key),
        "MultipleObjectsReturned": (NoKey, "holds several such keys", "name the key by id= too"),
        "KeyTypeInconsistent": (NoKey, "holds a key of another kind", "use a key on the curve P-256"),
        **dict.fromkeys(("NoSuchToken", "TokenNotPresent", "TokenNotRecognised", "DeviceRemoved"), token),
        "MultipleTokensReturned": (NoToken, "is there several times", "name the token by serial= too"),
    }


@contextmanager
def _refusals(asked: Named) -> Iterator[None]:
    """Turn what the module says into an error that a person can act on; the PIN stands in none of them."""
    from pkcs11.exceptions import PKCS11Error

    what = f"Token {asked.token.get('token_label') or asked.token.get('token_serial')}"
    try:
        yield
    except PKCS11Error as error:
        if "while loading" in str(error):
            raise _no_module(asked, str(error)) from error
        name = type(error).__name__
        other = (NotSigned, f"gave no signature ({name} {error})", "look at the log of the module")
        kind, text, action = _causes().get(name, other)
        key = f": {_shown(asked.key)}" if kind is NoKey else ""
        raise kind(f"{what} {text}{key}", _KEPT, action) from error


def _shown(key: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value.hex() if isinstance(value, bytes) else value}" for name, value in key.items())
