"""What is wrong in a params file: one problem each, with the place, the wrong value and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

Where = tuple[str | int, ...]
"""Place of a value in the file: keys and list positions from the top."""

LONGEST_ECHO = 60
"""Characters of a wrong value that a message repeats."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong at one place; ``line`` is set only where it is not the line of the place itself.

    ``absent`` marks a required key that is missing; ``meant`` is the place that a misspelt key was meant for.
    """

    where: Where
    what: str
    action: str = ""
    line: int = 0
    absent: bool = False
    meant: Where = ()


def spell(where: Where) -> str:
    """Return a place as it is said: ``network.private_subnets[1].zone``.

    >>> spell(("network", "private_subnets", 1, "zone"))
    'network.private_subnets[1].zone'
    """
    parts = [f"[{part}]" if isinstance(part, int) else f".{printable(part)}" for part in where]
    return "".join(parts).removeprefix(".")


def printable(text: str) -> str:
    """Return a text with control characters escaped, so that no message moves the cursor of a terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def quoted(value: object) -> str:
    """Return a value for a message, on one line, text in single quotes and cut when long."""
    text = printable(str(value))
    shown = text if len(text) <= LONGEST_ECHO else text[: LONGEST_ECHO - 3] + "..."
    return f"'{shown}'" if isinstance(value, str) else shown


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is most like ``word``, or an empty text; case, dashes and underscores do not count."""
    plain = {_bare(item): item for item in known}
    match = difflib.get_close_matches(_bare(word), plain, n=1, cutoff=0.6)
    return plain[match[0]] if match else ""


def _bare(word: str) -> str:
    return word.replace("_", "").replace("-", "").lower()


def within(where: Where, place: Where) -> bool:
    """Tell whether a place is another, or lies in it."""
    return where[: len(place)] == place


def touches(where: Where, other: Where) -> bool:
    """Tell whether one place is the other, or holds it."""
    shared = min(len(where), len(other))
    return where[:shared] == other[:shared]
