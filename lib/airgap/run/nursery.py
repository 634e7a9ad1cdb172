"""A nursery: one process that imports once what every kernel needs, and forks each kernel of a run from itself.

Importing costs a kernel one to three seconds of a processor, and a run has a kernel a step. The nursery has one thread,
holds no session and reads nothing; a kernel that it forks leads a session of its own, with the log that it was given as
output. When the runner is gone, so is the nursery, and its kernels see that their parent is (ipykernel's poller).
"""

from __future__ import annotations

import array
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO, Any

_SERVE = "import sys; sys.modules['debugpy'] = None; from airgap.run.nursery import serve; serve(int(sys.argv[1]))"
_LONGEST = 1 << 18  # bytes of one message, which is mostly an environment
_FD = array.array("i").itemsize


class Forked:
    """A kernel as ``subprocess.Popen`` would show it; its parent is the nursery, which tells how it ended."""

    stdin = stdout = stderr = None

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.nursery, self.pid = nursery, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal; None while it runs."""
        if self.returncode is None:
            self.returncode = self.nursery.ended(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status, once it has ended; raises ``subprocess.TimeoutExpired``."""
        if self.poll() is None:
            self.nursery.hear(timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired("kernel", timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal to it, where it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The runner's side of the process that forks kernels; safe to use from several threads."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-P", "-c", _SERVE, str(theirs.fileno())]
            # A session of its own: Ctrl-C in a terminal is for the runner, who interrupts kernels as it sees fit.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True
            )
        self._lock = threading.Lock()
        self._ended: dict[int, int] = {}
        self._held: dict[int, int] = {}  # kernel -> its pidfd

    def fork(self, arguments: list[str], environment: dict[str, str], output: IO[bytes]) -> Forked | None:
        """Fork a kernel and return it; None where the nursery is gone, and a kernel must be started from nothing."""
        asked = json.dumps([arguments, environment]).encode()
        with self._lock:
            try:
                rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [output.fileno()]))
                self._socket.sendmsg([asked], [rights])
                while (told := self._told()) and "forked" not in told:
                    pass
            except OSError:
                return None
            if not told:
                return None
            pid = int(told["forked"])
            with suppress(OSError):  # it has ended already: its status comes next
                self._held[pid] = os.pidfd_open(pid)
            return Forked(self, pid)

    def ended(self, pid: int) -> int | None:
        """Return how a kernel ended, None while it runs; one that lost its nursery is killed, as nobody hears of it."""
        with self._lock:
            with suppress(BlockingIOError):
                while self._told(socket.MSG_DONTWAIT):
                    pass
                if pid not in self._ended and pid in self._held:
                    with suppress(ProcessLookupError):
                        signal.pidfd_send_signal(self._held[pid], signal.SIGKILL)
                self._ended.setdefault(pid, -signal.SIGKILL)
            return self._ended.get(pid)

    def hear(self, timeout: float | None) -> None:
        """Wait until the nursery says something, or the timeout has passed."""
        select.select([self._socket], [], [], timeout)

    def close(self) -> None:
        """End the nursery."""
        self._socket.close()
        self._process.wait()
        for held in self._held.values():
            os.close(held)
        self._held.clear()

    def _told(self, flags: int = 0) -> dict[str, int]:
        """Return the next thing that the nursery says, noting what has ended; nothing where it is gone."""
        try:
            raw = self._socket.recv(_LONGEST, flags)
        except ConnectionError:
            return {}
        told: dict[str, int] = json.loads(raw) if raw else {}
        if "ended" in told:
            self._ended[told["ended"]] = told["status"]
        return told


def serve(channel: int) -> None:
    """Fork a kernel whenever the runner asks for one; returns in each kernel, once that is to begin and end."""
    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # ipykernel reads it on import: the parent of all kernels
    _preload(_FIRST)
    parsed = False
    runner = socket.socket(fileno=channel)
    heard, woken = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(heard, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken)
    while True:
        ready = select.select([runner.fileno(), heard], [], [])[0]
        if heard in ready:
            with suppress(BlockingIOError):
                os.read(heard, 4096)
            _tell_ended(runner)
        if channel in ready:
            message, rights, _, _ = runner.recvmsg(_LONGEST, socket.CMSG_SPACE(_FD))
            if not message:
                os._exit(0)
            arguments, environment = json.loads(message)
            output = array.array("i", rights[0][2])[0]
            if _fork(runner, output):
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for one in (heard, woken):
                    os.close(one)
                runner.close()
                _become(arguments, environment)
                return
            if not parsed:  # the first kernel needs little, and is waited for; the later ones are asked for in time
                parsed = True
                _preload(_LATER)
                _parse()


_FIRST = (
    "ipykernel.kernelapp", "airgap.notebook", "airgap.params.loading", "yaml", "pydantic", "boto3", "botocore.client",
    "botocore.httpsession", "botocore.parsers", "jinja2", "IPython.core.completer", "airgap.cloud.models",
)  # fmt: skip
"""What every step's notebook imports, and what its first read calls do."""
_LATER = ("airgap.kube.cluster", "kubernetes_validate", "jsonschema", "kubernetes.client")
"""What the notebooks of the cluster import beside."""
_MODELS = ("sts", "ec2", "iam", "kms", "s3", "s3control", "logs", "eks", "ecr", "elbv2", "secretsmanager", "lambda",
           "cloudtrail", "rds", "elasticache", "autoscaling")  # fmt: skip
"""Services that several notebooks speak to; ``ec2`` alone takes half a second to parse."""


def _preload(names: tuple[str, ...]) -> None:
    """Import these for all kernels that are forked from now on."""
    import gc
    import importlib

    from airgap.kube.absent import absent

    with absent("rfc3987_syntax"):  # see airgap.kube.schemas
        for name in names:
            importlib.import_module(name)
    gc.freeze()  # so that kernels share these pages for good


def _parse() -> None:
    """Parse what every kernel would parse again: the models of services, and the shape of params."""
    import gc

    from airgap.cloud import models
    from airgap.params.shapes import adapter

    models.parse(*_MODELS)
    adapter()
    gc.freeze()


def _fork(runner: socket.socket, output: int) -> bool:
    """Fork; true in the kernel, whose session is its own before the runner hears of it."""
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        for stream in (1, 2):
            os.dup2(output, stream)
        for one in (ready, told, output):
            os.close(one)
        return True
    for one in (told, output):
        os.close(one)
    os.read(ready, 1)  # ends when the kernel has closed it
    os.close(ready)
    runner.send(json.dumps({"forked": pid}).encode())
    return False


def _tell_ended(runner: socket.socket) -> None:
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            with suppress(ConnectionError):
                told: dict[str, Any] = {"ended": pid, "status": os.waitstatus_to_exitcode(status)}
                runner.send(json.dumps(told).encode())


def _become(arguments: list[str], environment: dict[str, str]) -> None:
    """Be a kernel until it is shut down."""
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["kernel", *arguments]
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()
