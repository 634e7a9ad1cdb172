"""All that a run hands over, from what it left on disk: first page, summary, JUnit, SARIF, tables, annexes, paper."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from airgap.evidence.files import write_whole
from airgap.report.annex import annex_page
from airgap.report.exports import exports
from airgap.report.frameworks import framework_pages
from airgap.report.index import index_page
from airgap.report.junit import junit
from airgap.report.paper import Press
from airgap.report.record import RunRecord, read_run
from airgap.report.sarif import sarif
from airgap.report.step_report import frame, step_page
from airgap.report.summary import add_to_step_summary, summary

NOTEBOOK, REPORT = "notebook.ipynb", "report.html"


def render_run(
    run_root: Path,
    *,
    progress: Callable[[str, str], None] | None = None,
    pdf: bool = True,
    press: Press | None = None,
) -> list[Path]:
    """Write every report of a run and return their paths; where there is no PDF, the first page says why.

    ``press`` is one that has set the reports of steps already, while the run went on.
    """
    if press is not None:
        return _render(run_root, progress, press)
    with Press(run_root, wanted=pdf) as own:
        return _render(run_root, progress, own)


def _render(run_root: Path, progress: Callable[[str, str], None] | None, press: Press) -> list[Path]:
    run = read_run(run_root)
    press.index()
    for folder in run.steps:
        press.step(folder)
    by_framework = framework_pages(run)
    for name in by_framework:
        press.framework(Path(name).stem)
    told, why = summary(run), press.missing
    texts = {
        "index.html": index_page(run, why),
        "summary.md": told,
        "junit.xml": junit(run),
        "results.sarif": sarif(run),
        **exports(run_root),
        **by_framework,
        **_steps(run),
    }
    for name, text in texts.items():
        write_whole(run_root / name, text)
    add_to_step_summary(told)
    printed = press.done()
    if press.missing != why:
        why = press.missing
        write_whole(run_root / "index.html", index_page(run, why))
    if why and progress:
        progress("", why)
    return [*(run_root / name for name in texts), *printed]


def _steps(run: RunRecord) -> dict[str, str]:
    """Return the annex of each step, and the report of each that died before it could write its own."""
    texts = {}
    for folder, step in run.steps.items():
        place, own = f"steps/{folder}", frame(step, run.data["env"], run.data["run_id"])
        if NOTEBOOK in step.files:
            notebook = (run.root / place / NOTEBOOK).read_text(encoding="utf-8")
            texts[f"{place}/notebook.html"] = annex_page(notebook, own)
        if REPORT not in step.files or not step.closed:
            texts[f"{place}/{REPORT}"] = step_page(step, run.data["env"], run.data["run_id"])
    return texts
