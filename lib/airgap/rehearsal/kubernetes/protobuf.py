"""Requests that come as protobuf: typed clients of Go send some kinds in no other form.

``protobuf.tsv`` has the messages that helm and kubectl send, as ``number name type``: s string, i integer, b boolean,
y bytes (base64 in JSON), time, skip for a status, ``map`` of those, another message, and ``*`` for repeated ones
(Kubernetes API, ``generated.proto``). A field that is not in the table is refused rather than lost. Answers are JSON.
"""

from __future__ import annotations

import base64
import csv
import functools
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from airgap.rehearsal.kubernetes.refusals import unsupported

MAGIC = b"k8s\0"
Field = tuple[str, str]


@functools.cache
def _messages() -> dict[str, dict[int, Field]]:
    text = files(__package__).joinpath("protobuf.tsv").read_text()
    found: dict[str, dict[int, Field]] = {}
    for row in csv.DictReader(text.splitlines(), delimiter="\t"):
        parts = (one.split(" ", 2) for one in (row["fields"] or "").split(";") if one)
        found[row["message"]] = {int(number): (name, sort) for number, name, sort in parts}
    return found


def decoded(body: bytes) -> dict[str, Any]:
    """Return the object in a protobuf body; a Refusal (415) where its kind is not in the table."""
    if not body.startswith(MAGIC):
        raise unsupported()
    try:
        return _envelope(body[len(MAGIC) :])
    except (IndexError, UnicodeDecodeError) as error:
        raise unsupported() from error


def _envelope(body: bytes) -> dict[str, Any]:
    meta, raw = b"", b""
    for number, value in _fields(body):
        if number == 1 and isinstance(value, bytes):
            meta = value
        elif number == 2 and isinstance(value, bytes):
            raw = value
    named = {number: value.decode() for number, value in _fields(meta) if isinstance(value, bytes)}
    kind = named.get(2, "")
    if kind not in _messages():
        raise unsupported()
    return {"apiVersion": named.get(1, ""), "kind": kind, **_message(kind, raw)}


def _varint(body: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def _fields(body: bytes) -> Iterator[tuple[int, int | bytes]]:
    place = 0
    while place < len(body):
        tag, place = _varint(body, place)
        sort = tag & 7
        if sort == 0:
            number, place = _varint(body, place)
            yield tag >> 3, number
        elif sort == 2:
            length, place = _varint(body, place)
            yield tag >> 3, body[place : place + length]
            place += length
        else:
            raise unsupported()


def _message(name: str, body: bytes) -> dict[str, Any]:
    table = _messages()[name]
    found: dict[str, Any] = {}
    for number, value in _fields(body):
        if number not in table:
            if value:
                raise unsupported()
            continue
        field, sort = table[number]
        if sort == "skip":
            continue
        if sort.startswith("map "):
            key, member = _pair(value, sort.removeprefix("map "))
            found.setdefault(field, {})[key] = member
        elif sort.startswith("*"):
            found.setdefault(field, []).append(_value(value, sort[1:]))
        elif (member := _value(value, sort)) not in ("", None):
            found[field] = member
    return found


def _pair(value: int | bytes, sort: str) -> tuple[str, Any]:
    parts = dict(_fields(value)) if isinstance(value, bytes) else {}
    key = parts.get(1, b"")
    return (key.decode() if isinstance(key, bytes) else ""), _value(parts.get(2, b""), sort)


def _value(value: int | bytes, sort: str) -> Any:
    if isinstance(value, int):
        return bool(value) if sort == "b" else value - (1 << 64) if value >> 63 else value
    if sort == "s":
        return value.decode()
    if sort == "y":
        return base64.b64encode(value).decode()
    if sort in ("time", "microtime"):
        return _time(dict(_fields(value)), sort)
    return _message(sort, value)


def _time(parts: dict[int, int | bytes], sort: str) -> str | None:
    seconds, nanos = parts.get(1), parts.get(2, 0)
    if not isinstance(seconds, int) or not isinstance(nanos, int):
        return None
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanos // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ" if sort == "time" else "%Y-%m-%dT%H:%M:%S.%fZ")
