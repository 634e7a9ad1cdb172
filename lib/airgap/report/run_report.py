"""All that a run hands over, from what it left on disk: first page, summary, JUnit, SARIF, tables, annexes, paper."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from airgap.evidence.files import write_whole
from airgap.report import paper
from airgap.report.annex import annex
from airgap.report.index import index_page
from airgap.report.junit import junit
from airgap.report.record import RunRecord, read_run
from airgap.report.sarif import sarif
from airgap.report.step_report import step_page
from airgap.report.summary import add_to_step_summary, summary
from airgap.report.tables import findings_csv, population_csv


def render_run(run_root: Path, *, progress: Callable[[str, str], None] | None = None, pdf: bool = True) -> list[Path]:
    """Write every report of a run and return their paths; a missing PDF library is said on the first page."""
    run = read_run(run_root)
    why = paper.missing() if pdf else "PDF files were not asked for (--no-pdf)"
    told = summary(run)
    texts = {
        "index.html": index_page(run, why),
        "summary.md": told,
        "junit.xml": junit(run),
        "results.sarif": sarif(run),
        "findings.csv": findings_csv(run),
        "population.csv": population_csv(run),
    }
    for name, text in texts.items():
        write_whole(run_root / name, text)
    add_to_step_summary(told)
    notebooks = [run_root / "steps" / folder / "notebook.ipynb" for folder in run.steps]
    annexes = [annex(path) for path in notebooks if path.is_file()]
    if why and progress:
        progress("", why)
    return [
        *(run_root / name for name in texts),
        *annexes,
        *([] if why else _print(run, run_root, texts["index.html"])),
    ]


def _print(run: RunRecord, run_root: Path, index: str) -> list[Path]:
    pages = [(index, run_root / "index.pdf")]
    for folder, step in run.steps.items():
        html = step_page(step, run.data["env"], run.data["run_id"], paper=True)
        pages.append((html, run_root / "steps" / folder / "report.pdf"))
    return paper.print_pages(pages, run.data["ended"])
