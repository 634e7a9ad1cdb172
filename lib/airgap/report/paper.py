"""PDF of the pages of a run, by WeasyPrint; where its system libraries are missing the reports say so."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from airgap.evidence.files import write_whole

PAPERS = 2
"""PDF files made at the same time."""


def missing() -> str:
    """Return why no PDF can be made here; empty where it can."""
    try:
        import weasyprint  # noqa: F401  its libraries are loaded with it
    except (ImportError, OSError) as error:
        needs = "install libpango-1.0-0 and libpangoft2-1.0-0"
        return f"WeasyPrint cannot load its libraries (Pango): {type(error).__name__}; {needs}"
    return ""


def print_pages(pages: Sequence[tuple[str, Path]], ended: str) -> list[Path]:
    """Write each (HTML, target) as PDF; the time in the files is the run's own, so that equal runs give equal bytes."""
    jobs = [(html, str(target), ended) for html, target in pages]
    # Spawned and not forked: the runner has threads.
    with ProcessPoolExecutor(PAPERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        return [Path(name) for name in pool.map(_print, jobs)]


def _print(job: tuple[str, str, str]) -> str:
    html, target, ended = job
    epoch = int(dt.datetime.fromisoformat(ended.replace("Z", "+00:00")).timestamp())
    os.environ["SOURCE_DATE_EPOCH"] = str(epoch)
    import weasyprint

    write_whole(Path(target), weasyprint.HTML(string=html).write_pdf())
    return target
