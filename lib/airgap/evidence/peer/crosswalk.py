"""The crosswalk: each check of the second scanner beside the check of ours that judges the same, as data."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from airgap.errors import UsageError
from airgap.evidence.bundle.peer import Crossing, Disposition, crossings
from airgap.evidence.bundle.peer import dispositions as parsed

VERSION = "5.46.0"
"""The version of Prowler that the table was read from; another one is refused."""


def table() -> str:
    """Return the table as text."""
    return resources.files("airgap.evidence.peer").joinpath("crosswalk.tsv").read_text(encoding="utf-8")


def crosswalk() -> list[Crossing]:
    """Return the table."""
    return crossings(table())


def dispositions(path: Path) -> list[Disposition]:
    """Return a file's dispositions, none where there is no file; raises ``UsageError`` for one that is not whole."""
    try:
        return parsed(explained(path))
    except ValueError as error:
        columns = ", ".join(Disposition._fields)
        raise UsageError(f"{path}: {error}", "anything", f"say who, when and why: {columns}, with tabs") from error


def explained(path: Path) -> str:
    """Return the text of a file of dispositions, empty where there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""
