"""What runs leave on disk, dead ones too: every file is whole."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat

from airgap.evidence.journal import read_journal


def broken_files(reports: Path) -> list[str]:
    """Name each file that is not whole; a journal's unfinished last line, and a file being written, are."""
    return [f"{path.relative_to(reports)}: {why}" for path in sorted(reports.rglob("*")) if (why := _broken(path))]


def _broken(path: Path) -> str:
    if not path.is_file() or (path.name.startswith(".") and path.suffix in (".part", ".lock")) or path.name == ".lock":
        return ""
    if path.suffix == ".ndjson":
        return "; ".join(problem for problem in read_journal(path)[1] if "unfinished" not in problem)
    raw = path.read_bytes()
    try:
        if path.suffix in (".json", ".sarif"):
            json.loads(raw)
        elif path.suffix == ".ipynb":
            nbformat.reads(raw.decode(), as_version=4)
    except ValueError as error:
        return str(error)
    ends = {".html": b"</html>", ".xml": b">", ".pdf": b"%%EOF"}.get(path.suffix, b"")
    return "" if raw.rstrip().endswith(ends) else "it ends in the middle"
