"""Reports on paper: PDF by WeasyPrint, in processes of their own, beside the rest of a run or after it.

Pango and its kin are system libraries; where they are missing there is no PDF, and the first page says why.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from airgap.controls import FRAMEWORKS
from airgap.evidence.files import write_whole
from airgap.report.frameworks import FOLDER, Shelf, framework_page
from airgap.report.index import index_page
from airgap.report.record import read_run, read_step
from airgap.report.step_report import step_page

PAPERS = 2
"""PDF files made at the same time."""

BROKEN = (
    "The PDF files were not all made: a process that set them was ended from outside, perhaps for memory; "
    "print the pages from a browser, or run again"
)
NOT_WANTED = "There are no PDF files: they were not asked for (--no-pdf)"

VARIANT = "pdf/a-3b"
"""Archival PDF (ISO 19005-3): everything that it needs is inside it. It is tagged too, for those who do not see it; as
nobody has validated that its tags come up to level A of the standard, level B is what it claims.
"""


def missing() -> str:
    """Return why no PDF can be made here; empty where it can."""
    try:
        import weasyprint  # noqa: F401  its libraries are loaded with it
    except (ImportError, OSError) as error:
        needs = "install libpango-1.0-0 and libpangoft2-1.0-0"
        return f"There are no PDF files: WeasyPrint cannot load its libraries (Pango): {type(error).__name__}; {needs}"
    return ""


class Press:
    """Sets reports of one run as PDF in the background; leaving its block waits for those that are not done.

    A step may be set as soon as it has ended, as its record changes no more; the first page when the run has.
    """

    def __init__(self, run_root: Path, *, wanted: bool = True) -> None:
        self.run_root = run_root
        self._unwanted = "" if wanted else NOT_WANTED
        self._jobs: dict[str, Future[Path]] = {}
        context = multiprocessing.get_context("spawn")  # not forked: a runner has threads
        self._pool = ProcessPoolExecutor(PAPERS, mp_context=context, initializer=_behind)  # starts with its first job

    def __enter__(self) -> Press:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)

    @property
    def missing(self) -> str:
        """Why there is no PDF: not wanted, or not possible here; empty where there is."""
        return self._unwanted or self._able

    @cached_property
    def _able(self) -> str:
        try:
            return self._pool.submit(missing).result()
        except BrokenProcessPool:
            return BROKEN

    @property
    def wanted(self) -> bool:
        """Whether PDF files are wanted, as far as is known."""
        return not self._unwanted

    def give_up(self, why: str) -> None:
        """Set nothing more, and say why on the first page; what is being set is finished and stays."""
        self._unwanted = self._unwanted or why
        for job in self._jobs.values():
            job.cancel()

    def step(self, folder: str) -> None:
        """Set the report of a step that has ended; one that is set, or being set, is not set again."""
        if self.wanted and folder not in self._jobs:
            self._set(folder, print_step, self.run_root, folder)

    def index(self) -> None:
        """Set the first page of a run that has ended."""
        if self.wanted:
            self._set("index", print_index, self.run_root)

    def framework(self, name: str) -> None:
        """Set the report of a framework, by its id, over a run that has ended."""
        if self.wanted:
            self._set(f"frameworks/{name}", print_framework, self.run_root, name)

    def _set(self, name: str, job: Callable[..., Path], *arguments: Any) -> None:
        try:
            self._jobs[name] = self._pool.submit(job, *arguments)
        except BrokenProcessPool:
            self.give_up(BROKEN)

    def done(self) -> list[Path]:
        """Wait for every PDF and return their paths; none where none can be made or a process died over one.

        A run's verdict does not rest on its paper: ``missing`` says why there is none, and the run goes on.
        """
        if self.missing:
            return []
        try:
            return [job.result() for _, job in sorted(self._jobs.items())]
        except BrokenProcessPool:
            self.give_up(BROKEN)
            return []


def print_step(run_root: Path, folder: str) -> Path:
    """Write ``report.pdf`` of a step."""
    step = read_step(run_root, folder)
    page = step_page(step, run_root.parent.name, run_root.name, paper=True)
    return _print(page, run_root / "steps" / folder / "report.pdf", step.lines[-1]["time"] if step.lines else "")


def print_index(run_root: Path) -> Path:
    """Write ``index.pdf`` of a run."""
    run = read_run(run_root)
    return _print(index_page(run, on_paper=True), run_root / "index.pdf", run.data["ended"])


def print_framework(run_root: Path, name: str) -> Path:
    """Write the PDF of a framework's report over a run."""
    run = read_run(run_root)
    framework = next(one for one in FRAMEWORKS if one.id == name)
    page = framework_page(framework, Shelf(run), paper=True)
    return _print(page, run_root / FOLDER / f"{name}.pdf", run.data["ended"])


def _print(page: str, path: Path, ended: str) -> Path:
    """Write a page as PDF; it has the page's own times and digest, so that equal pages give equal bytes."""
    if ended:
        os.environ["SOURCE_DATE_EPOCH"] = str(int(dt.datetime.fromisoformat(ended).timestamp()))
    import weasyprint

    document = weasyprint.HTML(string=page, url_fetcher=_refuse)
    identifier = hashlib.sha256(page.encode("utf-8")).digest()
    write_whole(path, document.write_pdf(pdf_variant=VARIANT, pdf_identifier=identifier, pdf_tags=True))
    return path


def _end_with(parent: int) -> None:
    """End this process when the one that started it is gone: a pool's process would wait for work for ever."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _refuse(url: str, *_: Any, **__: Any) -> NoReturn:
    raise ValueError(f"a report fetches nothing, and this one asks for {url}")


def _behind() -> None:
    os.nice(5)  # the notebooks of a run that still goes on come first
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    # Ctrl-C reaches every process of a terminal; the runner hears it and ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
