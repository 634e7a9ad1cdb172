"""All that a run hands over, from what it left on disk: first page, summary, JUnit, SARIF, tables, annexes, paper."""

from __future__ import annotations

from pathlib import Path

from airgap.evidence.files import write_whole
from airgap.report.index import index_page
from airgap.report.record import read_run


def render_run(run_root: Path, *, progress=None) -> list[Path]:
    run = read_run(run_root)
    path = run_root / "index.html"
    write_whole(path, index_page(run))
    return [path]
