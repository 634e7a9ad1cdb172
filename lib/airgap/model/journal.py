"""Journal lines: one NDJSON object each, chained to the previous line's digest.

A line is ``{"seq", "time", "event", "data", "prev", "digest"}``. ``digest`` is the SHA-256 over the canonical JSON of
the other five members; ``prev`` is the digest of the line before, 64 zeros for the first. Events are ``open``,
``read``, ``write``, ``answer``, ``plan``, ``approval``, ``verdict``, ``error`` and ``close``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

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


def read(text: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the lines of a journal and what is wrong with it; an unfinished last line is ignored but named."""
    entries: list[dict[str, Any]] = []
    problems: list[str] = []
    raw = text.split("\n")
    if raw[-1]:
        problems.append(f"unfinished last line after line {len(raw) - 1}, ignored")
    prev = GENESIS
    for number, item in enumerate(raw[:-1], 1):
        try:
            entry = json.loads(item)
            body = {key: entry[key] for key in ("seq", "time", "event", "data", "prev")}
            # What json.loads gives is plain already.
            own = digest(encode(body).encode("utf-8"))
            intact = entry["digest"] == own and set(entry) == {*body, "digest"}
        except (ValueError, KeyError, TypeError) as error:
            problems.append(f"line {number} cannot be read: {error}")
            break
        if not intact:
            problems.append(f"line {number} was altered: its digest does not match")
        if entry["prev"] != prev or entry["seq"] != number:
            problems.append(f"line {number} does not follow the line before it")
        prev = entry["digest"]
        entries.append(entry)
    return entries, problems
