"""The crosswalk: each check of the second scanner beside the check of ours that judges the same, as data."""

from __future__ import annotations

import csv
import fnmatch
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from airgap.errors import UsageError

VERSION = "5.46.0"
"""The version of Prowler that the table was read from; another one is refused."""
SAME, NARROWER, INVERTED, NONE = "same", "narrower", "inverted", "none"
_COLUMNS = ("peer", "resource", "ours", "theirs", "by", "on", "why")


class Crossing(NamedTuple):
    """One check of the peer: the check of ours, the property, how they stand to each other, and why.

    ``by`` is ``resource`` where both judge the same resources, ``whole`` where ours judges once.
    """

    peer: str
    check: str
    property: str
    relation: str
    by: str
    rationale: str


class Disposition(NamedTuple):
    """Why a disagreement stands: on which resources (a pattern), of which verdicts, written by whom, on which day."""

    peer: str
    resource: str
    ours: str
    theirs: str
    by: str
    on: str
    why: str

    def covers(self, peer: str, resource: str, ours: str, theirs: str) -> bool:
        """Tell whether it is about this disagreement."""
        same = (self.peer, self.ours, self.theirs) == (peer, ours, theirs)
        return same and fnmatch.fnmatchcase(resource, self.resource)


def crosswalk() -> list[Crossing]:
    """Return the table."""
    text = resources.files("airgap.evidence.peer").joinpath("crosswalk.tsv").read_text(encoding="utf-8")
    return [Crossing(*row) for row in _rows(text, Crossing._fields)]


def dispositions(path: Path) -> list[Disposition]:
    """Return a file's dispositions, none where there is no file; raises ``UsageError`` for one that is not whole."""
    if not path.is_file():
        return []
    try:
        found = [Disposition(*row) for row in _rows(path.read_text(encoding="utf-8"), _COLUMNS)]
    except ValueError as error:
        raise UsageError(f"{path}: {error}", "anything", f"its columns are {', '.join(_COLUMNS)}, with tabs") from error
    for one in found:
        if not all(one):
            raise UsageError(f"{path}: a disposition of {one.peer} is not whole", "anything", "say who, when and why")
    return found


def _rows(text: str, columns: tuple[str, ...]) -> Iterator[list[str]]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    if tuple(next(rows, ())) != columns:
        raise ValueError("its first row does not name the columns")
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"{row[0]} has {len(row)} cells")
        yield row
