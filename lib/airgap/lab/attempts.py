"""Attempts on a real component as records of probes: what was tried, what must come of it, and what did.

The records are those of ``model.probes``: one that must be refused names the control that must be answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from airgap.lab.handshakes import UNTRIED
from airgap.model.probes import ANSWERED, REFUSED

Outcome = tuple[str, str]
DETAIL = 240
"""Characters of what was said that a record keeps."""


def must_answer(name: str, kind: str, tried: Callable[[], Outcome]) -> dict[str, Any]:
    """Return the record of an attempt that must succeed."""
    return _record(name, kind, ANSWERED, "", tried)


def must_refuse(name: str, kind: str, control: str, tried: Callable[[], Outcome]) -> dict[str, Any]:
    """Return the record of an attempt that must be refused, where another by the same instrument succeeds."""
    return _record(name, kind, REFUSED, control, tried)


def _record(name: str, kind: str, wants: str, control: str, tried: Callable[[], Outcome]) -> dict[str, Any]:
    outcome, detail = tried()
    return {"name": name, "kind": kind, "wants": wants, "control": control, "outcome": outcome,
            "detail": " ".join(detail.split())[:DETAIL]}  # fmt: skip


def held(true: bool, detail: str) -> Outcome:
    """Return the outcome of something that holds or does not."""
    return (ANSWERED if true else "not so"), detail


def turned_away(said: str, words: Iterable[str]) -> Outcome:
    """Return the outcome of something that failed: refused where it was for one of these reasons, else untried."""
    return (REFUSED if any(one in said for one in words) else UNTRIED), said
