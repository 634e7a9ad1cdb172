"""Protobuf bodies, written here by hand as Go's clients write them."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest

from airgap.rehearsal.kubernetes.protobuf import decoded
from airgap.rehearsal.kubernetes.refusals import Refusal


def message(*fields: tuple[int, bytes | int]) -> bytes:
    found = b""
    for number, value in fields:
        if isinstance(value, int):
            found += bytes([number << 3]) + varint(value)
        else:
            found += bytes([number << 3 | 2]) + varint(len(value)) + value
    return found


def varint(value: int) -> bytes:
    found = b""
    while value > 0x7F:
        found, value = found + bytes([value & 0x7F | 0x80]), value >> 7
    return found + bytes([value])


def body(version: str, kind: str, raw: bytes) -> bytes:
    meta = message((1, version.encode()), (2, kind.encode()))
    return b"k8s\0" + message((1, meta), (2, raw), (3, b""), (4, b""))


def pairs(number: int, held: Mapping[str, bytes]) -> list[tuple[int, bytes]]:
    return [(number, message((1, key.encode()), (2, value))) for key, value in held.items()]


def test_a_release_of_helm() -> None:
    meta = message((1, b"sh.helm.release.v1.demo.v1"), (3, b"shop"), (8, b""), *pairs(11, {"owner": b"helm"}))
    release = bytes(range(256)) * 3
    raw = message((1, meta), *pairs(2, {"release": release}), (3, b"helm.sh/release.v1"))
    assert decoded(body("v1", "Secret", raw)) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "sh.helm.release.v1.demo.v1", "namespace": "shop", "labels": {"owner": "helm"}},
        "data": {"release": base64.b64encode(release).decode()},
        "type": "helm.sh/release.v1",
    }


def test_options_of_a_deletion() -> None:
    raw = message((1, 30), (2, message((1, b"some-uid"))), (4, b"Background"), (5, b"All"))
    assert decoded(body("v1", "DeleteOptions", raw)) == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "gracePeriodSeconds": 30,
        "preconditions": {"uid": "some-uid"},
        "propagationPolicy": "Background",
        "dryRun": ["All"],
    }


@pytest.mark.parametrize(
    "wrong",
    [
        b"{}",
        body("v1", "Widget", b""),
        body("v1", "Secret", message((99 >> 4, b"lost"))),
        body("v1", "Secret", message((1, b"short"))[:-3]),
    ],
)
def test_what_the_table_does_not_have_is_refused(wrong: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        decoded(wrong)
    assert caught.value.code == 415
