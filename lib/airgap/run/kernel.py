"""One kernel of this very interpreter, on sockets of its own that nothing else on the machine can reach.

TCP kernels listen unencrypted on loopback and race for ports; named ipc sockets in a private directory do neither.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import Popen
from typing import IO, Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from airgap.cloud.liveness import RUNNER_VARIABLE, runner_mark
from airgap.run.nursery import Forked, Nursery

# The debugger costs 0.1 s a kernel and has no place in a process that holds a deployer's session.
_LAUNCH = "import sys; sys.modules['debugpy'] = None; from ipykernel.kernelapp import launch_new_instance as run; run()"
# -P: the working directory is no place to import the kernel from.
_PYTHON = [sys.executable, "-P", "-c", _LAUNCH]
_SPEC = KernelSpec(
    argv=[*_PYTHON, "-f", "{connection_file}"],
    display_name="Python 3",
    language="python",
    metadata={"kernel_provisioner": {"provisioner_name": "local-provisioner"}},
)
_PREFIX = "airgap-kernel-"
_SETTLED = 60.0  # seconds after which a directory that is being made has its log locked
_LONGEST_PARENT = 70  # characters; a socket's whole path has 107, unix(7)


class PrivateKernel(AsyncKernelManager):  # type: ignore[misc]
    """A kernel that runs ``sys.executable`` whatever kernel specifications the user has, in a 0700 directory."""

    def __init__(self, folder: Path, output: IO[bytes], nursery: Nursery | None = None) -> None:
        super().__init__(transport="ipc", ip=str(folder / "s"), connection_file=str(folder / "kernel.json"))
        self.folder, self.output, self.nursery = folder, output, nursery

    @property
    def kernel_spec(self) -> KernelSpec:
        """The one specification there is: this interpreter."""
        return _SPEC

    async def start(self, extra: dict[str, str]) -> None:
        """Start the process; a client that connects later finds it ready, or finds why it died."""
        private = ["--HistoryManager.hist_file=:memory:"]  # as nbclient asks for
        streams = {"stdout": self.output, "stderr": self.output}
        await self.start_kernel(extra_arguments=private, env=self.environment(extra), **streams)

    async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
        """Fork the process in the nursery, where there is one; start it from nothing otherwise."""
        forked = self.nursery and self.nursery.fork(kernel_cmd[len(_PYTHON) :], options["env"], self.output)
        if not forked:
            await super()._async_launch_kernel(kernel_cmd, **options)
            return
        self.provisioner.process, self.provisioner.pid, self.provisioner.pgid = forked, forked.pid, forked.pid
        self._reconcile_connection_info(self.provisioner.connection_info)

    def environment(self, extra: dict[str, str]) -> dict[str, str]:
        """Return the caller's environment with ``extra``, but no start-up file or setting of the user's own Jupyter."""
        ours = {name: str(self.folder / name.lower()) for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR")}
        return {**os.environ, **ours, "PYTHONSTARTUP": "", **extra, RUNNER_VARIABLE: runner_mark()}

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the kernel and all that it started; from any thread, at any time."""
        process = self._process
        if process is not None and process.poll() is None:
            with suppress(ProcessLookupError):  # it ended, and another thread has just seen it
                os.killpg(process.pid, number)  # a kernel leads a session of its own, and so a group

    def last_words(self) -> str:
        """Return what ended the process and the last line that it wrote past Jupyter, as a crashing one does."""
        code = None if self._process is None else self._process.poll()
        lines = (self.folder / "kernel.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return " ".join([*_cause(code), *[line.strip() for line in lines if line.strip()][-1:]])

    @property
    def _process(self) -> Popen[bytes] | Forked | None:
        process: Popen[bytes] | Forked | None = getattr(self.provisioner, "process", None)
        return process


@contextmanager
def private_kernel(nursery: Nursery | None = None) -> Iterator[PrivateKernel]:
    """A kernel, not yet started; its directory with sockets, key and log is removed afterwards.

    One of a nursery has imported what the steps need before its notebook begins.
    """
    parent = tempfile.gettempdir()
    usable = parent if len(parent) < _LONGEST_PARENT else "/tmp"
    _sweep(Path(usable))
    with (
        tempfile.TemporaryDirectory(prefix=_PREFIX, dir=usable, ignore_cleanup_errors=True) as folder,
        Path(folder, "kernel.log").open("wb") as output,
    ):
        fcntl.flock(output, fcntl.LOCK_EX)
        yield PrivateKernel(Path(folder), output, nursery)


def _sweep(parent: Path) -> None:
    """Remove the directories of killed runners: those whose log neither a runner nor its kernel holds locked."""
    for log in parent.glob(f"{_PREFIX}*/kernel.log"):
        with suppress(OSError), log.open("rb") as file:  # it is held, another user's, or another thread swept it
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - log.stat().st_mtime > _SETTLED:
                shutil.rmtree(log.parent)


def _cause(code: int | None) -> list[str]:
    """Return an exit status in words; a negative one is a signal, as in subprocess."""
    if code is None:
        return []
    if code < 0:
        name = signal.Signals(-code).name
        return [f"It was ended by {name}{', as the system does when memory runs out' if name == 'SIGKILL' else ''}."]
    return [f"It ended with exit status {code}."]
