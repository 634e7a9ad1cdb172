"""Whether a signature is by a public key, with the standard library alone, so that an auditor can ask again anywhere.

RSA of 2048 bits or more (RSASSA-PKCS1-v1_5, RFC 8017, 8.2.2), ECDSA on P-256 (FIPS 186-5, 6.4.2), both with SHA-256,
and Ed25519 (RFC 8032, 5.1.7). Nothing secret is handled, so nothing here takes constant time. Keys are PEM of a
SubjectPublicKeyInfo (RFC 5280, 4.1.2.7), as ``cosign public-key`` and ``openssl pkey -pubout`` write them.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import NamedTuple, Optional

RSA, P256, ED25519 = "RSA", "P-256", "Ed25519"
LEAST_RSA = 2048
"""Bits of the shortest RSA key that is accepted (NIST SP 800-131A, 3)."""
_PEM = re.compile(r"\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*")
_OIDS = {
    bytes.fromhex("06092a864886f70d010101"): RSA,
    bytes.fromhex("06072a8648ce3d020106082a8648ce3d030107"): P256,
    bytes.fromhex("06032b6570"): ED25519,
}
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
"""DigestInfo of SHA-256, RFC 8017, 9.2, note 1."""


class Key(NamedTuple):
    """A public key: its kind, its own bytes (RSAPublicKey, a point, 32 bytes), and the SHA-256 of the whole, hex."""

    kind: str
    material: bytes
    fingerprint: str


def public_key(pem: str) -> Key:
    """Return the key of a PEM text; raises ``ValueError``, saying why, where it is none that is judged here."""
    found = _PEM.fullmatch(pem)
    if not found:
        raise ValueError("it is no PEM text of a public key")
    der = base64.b64decode("".join(found[1].split()), validate=True)
    body, rest = element(der, 0x30)
    algorithm, after = element(body, 0x30)
    bits, end = element(after, 0x03)
    kind = next((name for oid, name in _OIDS.items() if algorithm in (oid, oid + b"\x05\x00")), "")
    if rest or end or bits[:1] != b"\x00" or not kind:
        raise ValueError(f"it is of a kind that is not judged; {RSA}, {P256} and {ED25519} are")
    key = Key(kind, bits[1:], hashlib.sha256(der).hexdigest())
    _check(key)
    return key


def _check(key: Key) -> None:
    """Raise ``ValueError`` where a key cannot be one, or is too short."""
    if key.kind == RSA and _integers(key.material)[0].bit_length() < LEAST_RSA:
        raise ValueError(f"its modulus is shorter than {LEAST_RSA} bits")
    if (key.kind == P256 and _point(key.material) is None) or (key.kind == ED25519 and _unpacked(key.material) is None):
        raise ValueError("it is no point of its curve")


def verifies(key: Key, signature: bytes, message: bytes) -> bool:
    """Tell whether a signature over a message is by a key; ECDSA's in DER, as every tool writes it."""
    try:
        return _JUDGES[key.kind](key.material, signature, message)
    except ValueError:
        return False


def rsa(key: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether a signature over a message is by an RSA key (DER, RSAPublicKey); raises ``ValueError`` for none."""
    modulus, exponent = _integers(key)
    size, number = (modulus.bit_length() + 7) // 8, int.from_bytes(signature, "big")
    if len(signature) != size or number >= modulus or modulus.bit_length() < LEAST_RSA:
        return False
    info = _SHA256 + hashlib.sha256(message).digest()
    padded = b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
    return pow(number, exponent, modulus).to_bytes(size, "big") == padded


def element(der: bytes, tag: int) -> tuple[bytes, bytes]:
    """Return the contents of the first DER element, which has this tag, and what follows it; else ``ValueError``."""
    if len(der) < 2 or der[0] != tag:
        raise ValueError("another element")
    length, start = der[1], 2
    if length & 0x80:
        start = 2 + (length & 0x7F)
        length = int.from_bytes(der[2:start], "big")
    if len(der) < start + length:
        raise ValueError("cut off")
    return der[start : start + length], der[start + length :]


def _integers(der: bytes) -> tuple[int, int]:
    """Return the two positive integers of a DER sequence; raises ``ValueError`` where it is none."""
    body, rest = element(der, 0x30)
    first, after = element(body, 0x02)
    second, end = element(after, 0x02)
    if rest or end or not first or not second or (first[0] | second[0]) & 0x80:
        raise ValueError("no two positive integers")
    return int.from_bytes(first, "big"), int.from_bytes(second, "big")


# The curve P-256: SP 800-186, 3.2.1.3. A point is (x, y), None the one at infinity.
_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_Point = Optional[tuple[int, int]]
_G: _Point = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def _point(raw: bytes) -> _Point:
    x, y = int.from_bytes(raw[1:33], "big"), int.from_bytes(raw[33:], "big")
    on_curve = len(raw) == 65 and raw[0] == 4 and x < _P and y < _P and (y * y - x * x * x + 3 * x - _B) % _P == 0
    return (x, y) if on_curve else None


def _added(one: _Point, other: _Point) -> _Point:
    if one is None or other is None:
        return one or other
    if one[0] == other[0] and (one[1] + other[1]) % _P == 0:
        return None
    if one == other:
        slope = (3 * one[0] * one[0] - 3) * pow(2 * one[1], -1, _P)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, _P)
    x = (slope * slope - one[0] - other[0]) % _P
    return x, (slope * (one[0] - x) - one[1]) % _P


def _p256(key: bytes, signature: bytes, message: bytes) -> bool:
    (r, s), point = _integers(signature), _point(key)
    if point is None or not (0 < r < _N and 0 < s < _N):
        return False
    inverse = pow(s, -1, _N)
    first, second = int.from_bytes(hashlib.sha256(message).digest(), "big") * inverse % _N, r * inverse % _N
    chosen, found = {1: _G, 2: point, 3: _added(_G, point)}, None
    for bit in range(255, -1, -1):
        found = _added(found, found)
        found = _added(found, chosen.get((first >> bit & 1) | (second >> bit & 1) << 1))
    return found is not None and found[0] % _N == r


# Edwards25519 in extended coordinates: RFC 8032, 5.1 and 5.1.4.
_Q, _L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _Q) % _Q
_Extended = tuple[int, int, int, int]


def _unpacked(raw: bytes) -> Optional[_Extended]:
    """Return the point of 32 bytes, None where they are none (RFC 8032, 5.1.3)."""
    whole = int.from_bytes(raw, "little")
    y, sign = whole & ((1 << 255) - 1), whole >> 255
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _Q) % _Q
    x = pow(square, (_Q + 3) // 8, _Q)
    if (x * x - square) % _Q:
        x = x * pow(2, (_Q - 1) // 4, _Q) % _Q
    if len(raw) != 32 or y >= _Q or (x * x - square) % _Q or (x == 0 and sign):
        return None
    x = x if x & 1 == sign else _Q - x
    return x, y, 1, x * y % _Q


def _joined(one: _Extended, other: _Extended) -> _Extended:
    a, b = (one[1] - one[0]) * (other[1] - other[0]) % _Q, (one[1] + one[0]) * (other[1] + other[0]) % _Q
    c, d = 2 * one[3] * other[3] * _D % _Q, 2 * one[2] * other[2] % _Q
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _Q, g * h % _Q, f * g % _Q, e * h % _Q


def _times(number: int, point: _Extended) -> _Extended:
    found: _Extended = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = _joined(found, point)
        point, number = _joined(point, point), number >> 1
    return found


_BASE = _unpacked(bytes.fromhex("58" + "66" * 31))


def _ed25519(key: bytes, signature: bytes, message: bytes) -> bool:
    point, scalar = _unpacked(key), int.from_bytes(signature[32:], "little")
    if point is None or _BASE is None or len(signature) != 64 or scalar >= _L:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % _L
    against: _Extended = (_Q - point[0], point[1], 1, _Q - point[3])
    x, y, z, _ = _joined(_times(scalar, _BASE), _times(challenge, against))
    inverse = pow(z, -1, _Q)
    packed = y * inverse % _Q | (x * inverse % _Q & 1) << 255
    return packed.to_bytes(32, "little") == signature[:32]


_JUDGES = {RSA: rsa, P256: _p256, ED25519: _ed25519}
