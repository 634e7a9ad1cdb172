"""Canonical JSON and digests: equal data has equal bytes.

Keys are sorted, no white space, UTF-8 unescaped, times in UTC with a ``Z``. It is the subset of RFC 8785
that the product's own data needs: strings, integers, booleans, null, lists and objects (a float is written
by ``repr``, as Python's own encoder does).
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_LEAVES = frozenset({str, bool, int, float, type(None)})


def plain(value: Any) -> Any:
    """Return ``value`` as JSON data: mappings, lists, strings, numbers, booleans and null only.

    Naive times are read as UTC; bytes become base64; sets are sorted. Anything else raises ``TypeError``.
    """
    if value.__class__ in _LEAVES or isinstance(value, (str, int, float)):
        return value
    if value.__class__ is dict:  # what nearly all data is made of, and what most of the time would go into
        return {str(key): item if item.__class__ in _LEAVES else plain(item) for key, item in value.items()}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=encode)
    if isinstance(value, dt.datetime):
        return utc(value)
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(bytes(value)).decode("ascii")
    raise TypeError(f"not JSON data: {type(value).__name__}")


def utc(moment: dt.datetime) -> str:
    """Return an RFC 3339 time in UTC, to the second, or to the microsecond where it has one."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)
    text = aware.astimezone(dt.timezone.utc).isoformat(timespec="microseconds" if aware.microsecond else "seconds")
    return text.replace("+00:00", "Z")


def encode(value: Any) -> str:
    """Return the canonical JSON text of JSON data."""
    return _ENCODER.encode(value)


def canonical_bytes(value: Any) -> bytes:
    """Return the canonical JSON of any data that ``plain`` accepts, as UTF-8 bytes."""
    return encode(plain(value)).encode("utf-8")


def digest(data: bytes) -> str:
    """Return the SHA-256 of ``data`` as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest_of(value: Any) -> str:
    """Return the digest of a value's canonical JSON."""
    return digest(canonical_bytes(value))


def is_digest(text: str) -> bool:
    """Tell whether ``text`` has the form of a digest: 64 lower-case hex digits."""
    return len(text) == 64 and all(c in "0123456789abcdef" for c in text)


def dig(data: Any, path: str) -> Any:
    """Return the member of nested data at a dotted path, or None; ``a[].b`` maps over a list.

    >>> dig({"a": [{"b": 1}, {"b": 2}]}, "a[].b")
    [1, 2]
    """
    if not path:
        return data
    head, _, rest = path.partition(".")
    if head.endswith("[]"):
        items = data.get(head[:-2]) if isinstance(data, Mapping) and head != "[]" else data
        if not isinstance(items, Sequence) or isinstance(items, str):
            return []
        found = [dig(item, rest) for item in items]
        nested = "[]" in rest
        return [one for many in found for one in many] if nested else [one for one in found if one is not None]
    if not isinstance(data, Mapping):
        return None
    return dig(data.get(head), rest)
