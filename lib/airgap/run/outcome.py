"""What an executed notebook says of itself: which cell is at work, in which section, and how it all ended."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["completed", "failed", "dead-kernel", "timed-out", "interrupted"]


@dataclass(frozen=True)
class Event:
    """A code cell has started or finished; ``cell`` counts the cells of the executed notebook from 0."""

    kind: Literal["started", "finished"]
    cell: int
    section: str


@dataclass(frozen=True)
class Failure:
    """The first cell that did not complete, and why."""

    status: Status
    cell: int
    ename: str
    evalue: str


@dataclass(frozen=True)
class Outcome:
    """How an execution ended, in how many seconds, and which cell of which section broke with what error."""

    status: Status
    seconds: float
    cell: int | None = None
    section: str = ""
    ename: str = ""
    evalue: str = ""


def sections(cells: Sequence[Any]) -> list[str]:
    """Return, for each cell, the last markdown heading at or above it."""
    section, sections = "", []
    for cell in cells:
        if cell.cell_type == "markdown":
            section = ([section, *re.findall(r"^#+ +(.+?) *$", cell.source, re.MULTILINE)])[-1]
        sections.append(section)
    return sections
