"""Signatures judged with the standard library alone: the same answer as the library that the mirror asks."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from airgap.model import signatures
from airgap.oci.signatures import verifies as by_library

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
LARGE = 2**252 + 27742317777372353535851937790883648493


def pem(key: object) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


P256, ED, RSA = (
    ec.generate_private_key(ec.SECP256R1()),
    ed25519.Ed25519PrivateKey.generate(),
    rsa.generate_private_key(65537, 2048),
)
SIGNS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    signatures.P256: (pem(P256), lambda message: P256.sign(message, ec.ECDSA(SHA256()))),
    signatures.ED25519: (pem(ED), ED.sign),
    signatures.RSA: (pem(RSA), lambda message: RSA.sign(message, padding.PKCS1v15(), SHA256())),
}


def judged(key: str, signature: bytes, message: bytes) -> bool:
    """The answer, which must be the library's."""
    found = signatures.verifies(signatures.public_key(key), signature, message)
    assert found == by_library(key, signature, message)
    return found


@pytest.mark.parametrize("kind", SIGNS)
def test_a_signature_holds_for_its_message_and_its_key_and_nothing_else(kind: str) -> None:
    key, sign = SIGNS[kind]
    chance = random.Random(kind)
    assert signatures.public_key(key).kind == kind
    for size in (0, 1, 63, 64, 65, 300):
        message = chance.randbytes(size)
        signature = sign(message)
        assert judged(key, signature, message)
        assert not judged(key, signature, message + b"\0")
        for other in SIGNS.values():
            assert judged(other[0], signature, message) is (other[0] == key)
        broken = bytearray(signature)
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        assert not judged(key, bytes(broken), message)
    assert not judged(key, b"", b"")
    assert not judged(key, signature[:-1], message)
    assert not judged(key, signature + b"\0", message)


@pytest.mark.parametrize(
    ("r", "s"), [(0, 1), (1, 0), (ORDER, 1), (1, ORDER), (0, 0), (ORDER + 1, 1), (2**255, 2**255), (1, 1)]
)
def test_numbers_outside_the_order_sign_nothing(r: int, s: int) -> None:
    assert not judged(SIGNS[signatures.P256][0], encode_dss_signature(r, s), b"message")


def test_the_other_half_of_an_ecdsa_signature_and_an_ed25519_scalar_beyond_the_order() -> None:
    key, sign = SIGNS[signatures.P256]
    r, s = decode_dss_signature(sign(b"message"))
    assert judged(key, encode_dss_signature(r, ORDER - s), b"message")  # ECDSA's own ambiguity
    key, sign = SIGNS[signatures.ED25519]
    signature = sign(b"message")
    raised = int.from_bytes(signature[32:], "little") + LARGE
    assert not judged(key, signature[:32] + raised.to_bytes(32, "little"), b"message")


def test_the_vector_of_rfc_8032() -> None:
    """RFC 8032, 7.1, test 3."""
    der = bytes.fromhex("302a300506032b6570032100fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
    text = f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(der).decode()}\n-----END PUBLIC KEY-----\n"
    signature = bytes.fromhex(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    assert judged(text, signature, bytes.fromhex("af82"))


def _public(der: bytes) -> str:
    return f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(der).decode()}\n-----END PUBLIC KEY-----\n"


NO_KEYS = {
    "another curve": pem(ec.generate_private_key(ec.SECP384R1())),
    "a short RSA key": pem(rsa.generate_private_key(65537, 1024)),
    "no PEM": "MCowBQYDK2VwAyEA",
    "no point of P-256": _public(bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\4" * 65),
    "no point of Ed25519": _public(bytes.fromhex("302a300506032b6570032100") + b"\xff" * 32),
    "cut off": _public(bytes.fromhex("302a300506032b6570")),
    "two keys": SIGNS[signatures.P256][0] * 2,
}


@pytest.mark.parametrize("text", NO_KEYS.values(), ids=NO_KEYS)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        signatures.public_key(text)
