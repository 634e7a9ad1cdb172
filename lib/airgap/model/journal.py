"""Journal lines: one NDJSON object each, chained to the previous line's digest.

A line is ``{"seq", "time", "event", "data", "prev", "digest"}``. ``digest`` is the SHA-256 over the canonical JSON of
the other five members; ``prev`` is the digest of the line before, 64 zeros for the first. Events are ``open``,
``read``, ``write``, ``answer``, ``plan``, ``approval``, ``verdict``, ``error`` and ``close``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Optional, Protocol

from airgap.model.canonical import digest, digest_of, encode, plain

GENESIS = "0" * 64
EVENTS = ("open", "read", "write", "answer", "plan", "approval", "verdict", "error", "close")


class Journal(Protocol):
    """Something that records events in order; ``evidence`` writes it to a file."""

    def append(self, event: str, data: Mapping[str, Any]) -> str:
        """Record an event and return its line's digest."""


class PageStore(Protocol):
    """Something that keeps pages by digest; ``evidence`` writes them to files."""

    def keep(self, page: bytes) -> str:
        """Keep a page and return its digest."""


def line(seq: int, time: str, event: str, data: Mapping[str, Any], prev: str) -> dict[str, Any]:
    """Return one chained line."""
    if event not in EVENTS:
        raise ValueError(f"no such journal event: {event}")
    body = {"seq": seq, "time": time, "event": event, "data": plain(data), "prev": prev}
    return {**body, "digest": digest_of(body)}


def write(entry: Mapping[str, Any]) -> str:
    """Return a line as text, newline included."""
    return encode(entry) + "\n"


class Line(NamedTuple):
    """One line as it was read: the entry, None where it cannot be read, the digest of its data, and what is wrong."""

    entry: Optional[dict[str, Any]]
    data_sha256: str
    problems: list[str]


def read(text: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the lines of a journal and what is wrong with it; an unfinished last line is ignored but named."""
    found = list(follow(_lines(text)))
    return [one.entry for one in found if one.entry], [what for one in found for what in one.problems]


def _lines(text: str) -> list[str]:
    """Split at line feeds alone: what else counts as the end of a line stands unescaped in JSON."""
    *whole, rest = text.split("\n")
    return [*(f"{one}\n" for one in whole), *([rest] if rest else [])]


def follow(lines: Iterable[str]) -> Iterator[Line]:
    """Yield each line of a journal as it is read, its end included; what comes after an unreadable one is left."""
    prev = GENESIS
    for number, item in enumerate(lines, 1):
        if not item.endswith("\n"):
            yield Line(None, "", [f"unfinished last line after line {number - 1}, ignored"])
            return
        try:
            entry = json.loads(item)
            # What json.loads gives is plain already, and "data" comes first in canonical JSON.
            data = encode(entry["data"])
            rest = encode({key: entry[key] for key in ("seq", "time", "event", "prev")})
            intact = entry["digest"] == digest(f'{{"data":{data},{rest[1:]}'.encode()) and len(entry) == 6
        except (ValueError, KeyError, TypeError) as error:
            yield Line(None, "", [f"line {number} cannot be read: {error}"])
            return
        problems = [] if intact else [f"line {number} was altered: its digest does not match"]
        if entry["prev"] != prev or entry["seq"] != number:
            problems.append(f"line {number} does not follow the line before it")
        prev = entry["digest"]
        yield Line(entry, digest(data.encode("utf-8")), problems)
