"""Executes one notebook through papermill, and never records as completed what did not complete.

papermill 2.7 marks every cell *completed* when the kernel dies, a cell times out or Ctrl-C ends it, and writes its file
in place. Here the cell that was running is marked failed, with an error output that says why, the later ones stay
pending, and the file on disk is whole at every moment.
"""

from __future__ import annotations

import asyncio
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from airgap.kube.absent import absent
from airgap.run.kernel import PrivateKernel, private_kernel
from airgap.run.outcome import Event, Failure, Outcome, Status, sections
from airgap.run.saving import SCHEME, WholeFiles, address, shown

with absent("rfc3987_syntax"):  # jsonschema compiles its grammar for 1.4 s, to check IRIs; no notebook has one
    import papermill
    from jupyter_core.utils import ensure_event_loop
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from nbformat import NotebookNode, v4
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
    from papermill.exceptions import PapermillExecutionError
    from papermill.iorw import papermill_io

Kernels = Callable[[], AbstractContextManager[PrivateKernel]]

__all__ = ["GRACE", "Event", "Outcome", "Status", "execute"]

GRACE = 10.0
"""Seconds that an interrupted cell has to write down what it did, before its kernel is killed."""

_ENGINE = "airgap"
_TICK = 0.1  # seconds between two looks at a request to stop


class _Stopped(Exception):
    """The execution was asked to stop before its next cell began."""


def execute(
    source: Path,
    target: Path,
    parameters: dict[str, str],
    *,
    timeout: float,
    on_event: Callable[[Event], None] | None = None,
    environment: dict[str, str] | None = None,
    stop: threading.Event | None = None,
    kernels: Kernels = private_kernel,
) -> Outcome:
    """Execute ``source`` into ``target``, ``timeout`` seconds a cell; what goes wrong in the notebook is an outcome.

    ``kernels`` gives the kernel, started or not; one that has started has its environment already. Any number may run
    at once, one a thread. Events are delivered in the calling thread. When ``stop`` is set, the running cell is
    interrupted and the outcome says so. Ctrl-C, and SIGTERM where the caller has no handler of its own, do the same to
    an execution in the main thread, and raise KeyboardInterrupt once the notebook is saved.
    """
    if wrong := [name for name, value in parameters.items() if not isinstance(value, str)]:
        raise TypeError(f"notebook parameters are strings; these are not: {', '.join(wrong)}")
    execution = _Execution(source, target, timeout, environment or {}, kernels)
    # papermill blocks a thread of its own, so that neither signals nor the caller's event loop ever meet nbclient's.
    with _sigterm_interrupts(), ThreadPoolExecutor(1, "notebook") as pool:
        try:
            future = pool.submit(execution.run, parameters)
            _follow(execution, on_event, stop)
        except BaseException:
            execution.end()
            raise
        return future.result()


def _follow(execution: _Execution, on_event: Callable[[Event], None] | None, stop: threading.Event | None) -> None:
    """Hand on events until the execution is done; end it when ``stop`` is set."""
    while True:
        if stop is not None and stop.is_set() and not execution.stopped.is_set():
            execution.end()
        try:
            event = execution.events.get(timeout=_TICK)
        except queue.Empty:
            continue
        if event is None:
            return
        if on_event is not None:
            on_event(event)


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Make SIGTERM raise KeyboardInterrupt, in the main thread of a program that has no handler for it."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


class _Execution:
    """One execution, shared by the thread that papermill blocks and the caller's, which watches it."""

    def __init__(
        self, source: Path, target: Path, timeout: float, environment: dict[str, str], kernels: Kernels
    ) -> None:
        self.source, self.target = source.absolute(), target.absolute()
        self.timeout = timeout
        self.environment = environment
        self.kernels = kernels
        self.events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self.sections: list[str] = []
        self.kernel: PrivateKernel | None = None
        self.failure: Failure | None = None
        self.busy = threading.Event()
        self.stopped = threading.Event()
        self.ended = threading.Event()

    def run(self, parameters: dict[str, str]) -> Outcome:
        """Execute in this thread and say how it ended."""
        began = time.monotonic()
        try:
            with _own_event_loop():
                papermill.execute_notebook(
                    address(self.source),
                    address(self.target),
                    parameters,
                    engine_name=_ENGINE,
                    kernel_name="python3",
                    language="python",
                    progress_bar=False,
                    execution=self,
                )
        except PapermillExecutionError:
            if self.failure is None:
                raise
        finally:
            self.busy.set()
            self.ended.set()
            self.events.put(None)
        seconds = time.monotonic() - began
        if (failure := self.failure) is None:
            return Outcome("completed", seconds)
        section = self.sections[failure.cell]
        return Outcome(failure.status, seconds, failure.cell, section, failure.ename, failure.evalue)

    def end(self) -> None:
        """Interrupt the running cell, begin no other, and kill the kernel when the cell takes longer than ``GRACE``."""
        self.stopped.set()
        try:
            self.busy.wait(1.0)  # a kernel ignores the signal until the moment in which it begins the cell
            self._signal(signal.SIGINT)
            self.ended.wait(GRACE)
        finally:
            self._signal(signal.SIGKILL)

    def explain(self, error: BaseException) -> tuple[Status, str, str]:
        """Return the status, name and text of what ended a cell."""
        if self.stopped.is_set():
            late = f" The cell went on for {GRACE:g} s and was killed." if isinstance(error, DeadKernelError) else ""
            return "interrupted", "KeyboardInterrupt", f"The run was asked to stop.{late}"
        if isinstance(error, CellExecutionError):
            return "failed", error.ename, error.evalue
        if isinstance(error, CellTimeoutError):
            return "timed-out", "CellTimeoutError", f"The cell did not end within {self.timeout:g} s."
        last_words = "" if self.kernel is None else self.kernel.last_words()
        return "dead-kernel", type(error).__name__, f"{error}. {last_words}".strip()

    def _signal(self, number: signal.Signals) -> None:
        kernel = self.kernel
        if kernel is not None:
            kernel.send(number)


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    """papermill's client, with events, and with no cell completed that was not."""

    def __init__(self, nb_man: NotebookExecutionManager, execution: _Execution, **options: Any) -> None:
        super().__init__(nb_man, timeout_func=lambda cell: execution.timeout, force_raise_errors=True, **options)
        self.execution = execution

    def papermill_execute_cells(self) -> None:
        """Execute the code cells in order, up to the first that fails."""
        events, sections = self.execution.events, self.execution.sections
        for index, cell in enumerate(self.nb.cells):
            if cell.cell_type != "code":
                continue
            self.execution.busy.clear()
            self.nb_man.cell_start(cell, index)
            events.put(Event("started", index, sections[index]))
            if self.execution.stopped.is_set():
                raise _Stopped
            self.execute_cell(cell, index)
            self.nb_man.cell_complete(cell, index)
            events.put(Event("finished", index, sections[index]))

    def process_message(self, msg: dict[str, Any], *place: Any) -> NotebookNode | None:
        """Note that the kernel has begun the cell, from which moment on it can be interrupted."""
        if msg["msg_type"] == "execute_input":
            self.execution.busy.set()
        return super().process_message(msg, *place)


class _Engine(NBClientEngine):  # type: ignore[misc]
    """The engine that papermill knows as ``airgap``."""

    @classmethod
    def execute_notebook(cls, nb: NotebookNode, kernel_name: str, **options: Any) -> NotebookNode:
        """Name both files as the repository does before the first save: no path of this machine is kept."""
        execution: _Execution = options["execution"]
        execution.sections = sections(nb.cells)
        nb.metadata.papermill["input_path"] = shown(execution.source, execution.source)
        nb.metadata.papermill["output_path"] = shown(execution.target, execution.source)
        return super().execute_notebook(nb, kernel_name, **options)

    @classmethod
    def execute_managed_notebook(cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any) -> None:
        """Execute on a private kernel; what ends it early is written into the notebook, where papermill looks."""
        execution: _Execution = options["execution"]
        with execution.kernels() as kernel:
            execution.kernel = kernel
            client = _Client(nb_man, execution, km=kernel, kernel_name=kernel_name, shutdown_kernel="immediate")
            streams = {"stdout": kernel.output, "stderr": kernel.output}
            try:
                client.execute(cleanup_kc=True, env=kernel.environment(execution.environment), **streams)
            except (CellExecutionError, CellTimeoutError, RuntimeError, _Stopped) as error:
                # RuntimeError: the kernel died, or did not start, for which nbclient has no class.
                _record(nb_man, execution, error)
            except BaseException as error:
                _record(nb_man, execution, error)
                raise
            finally:
                execution.kernel = None


def _record(nb_man: NotebookExecutionManager, execution: _Execution, error: BaseException) -> None:
    """Fail the cell that was running, or the first one when the kernel never came up."""
    codes = [(index, cell) for index, cell in enumerate(nb_man.nb.cells) if cell.cell_type == "code"]
    started = [(index, cell) for index, cell in codes if cell.metadata.papermill["start_time"]]
    index, cell = (started or codes[:1])[-1]
    status, ename, evalue = execution.explain(error)
    execution.failure = Failure(status, index, ename, evalue)
    if not any(output.output_type == "error" for output in cell.outputs):
        cell.outputs.append(v4.new_output("error", ename=ename, evalue=evalue, traceback=[f"{ename}: {evalue}"]))
    nb_man.cell_exception(cell, index)
    nb_man.cell_complete(cell, index)
    execution.events.put(Event("finished", index, execution.sections[index]))


@contextmanager
def _own_event_loop() -> Iterator[None]:
    """An event loop for nbclient in this thread, closed afterwards with all that a dead kernel left waiting."""
    loop = ensure_event_loop()
    try:
        yield
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))
        loop.close()


papermill_engines.register(_ENGINE, _Engine)
papermill_io.register(SCHEME, WholeFiles())
