"""One real program of a lab: started with a time limit, its output kept, ended by its id however the caller ends.

Whatever a component listens on is loopback, on a port that is free, so two labs run side by side.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airgap.errors import AirgapError

HOST = "127.0.0.1"
LIMIT, GRACE = 20.0, 10.0
"""Seconds a program has to answer, and to end once it was told to."""
PORTS = range(20_000, 32_768)
"""Below the ports that Linux gives out itself (``net.ipv4.ip_local_port_range``), where another may be first."""
TAIL = 1200
"""Characters of a log that an error repeats."""


class ComponentFailed(AirgapError):
    """A program of the lab did not come up, or broke; ``what`` ends with the last lines of its log."""


@dataclass(frozen=True)
class Component:
    """A program that runs and has answered: its name, its process, and the file with all that it says."""

    name: str
    pid: int
    log: Path

    def said(self) -> str:
        """Return the last lines of its log."""
        return self.log.read_text(errors="replace")[-TAIL:].strip()


@contextlib.contextmanager
def started(
    name: str, argv: Sequence[str | Path], *, folder: Path, ready: Callable[[], object], limit: float = LIMIT,
    env: Mapping[str, str] | None = None, user: str = "", stop: int = signal.SIGTERM,
) -> Iterator[Component]:  # fmt: skip
    """Run a program in ``folder`` until the context ends; enter it when ``ready`` says something true.

    ``ready`` may raise ``OSError`` for "not yet". Its output goes to ``folder/NAME.log``; ``env`` is its whole
    environment (None: the caller's); ``user`` is who it runs as (root alone can say so); ``stop`` is the signal that
    ends it in good order. Raises ``ComponentFailed`` where it ends by itself or is not ready in ``limit`` seconds.
    """
    log = folder / f"{name}.log"
    with log.open("ab") as out:
        child = subprocess.Popen(
            [*_bound(stop), *map(str, argv)], cwd=folder, env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, **_as(user),
        )  # fmt: skip
    component = Component(name, child.pid, log)
    try:
        _await(component, child, ready, limit)
        yield component
    finally:
        _end(child, stop)


def _bound(stop: int) -> list[str]:
    """Return what ends a program with the thread that started it, even where that one is killed (util-linux)."""
    return ["setpriv", "--pdeathsig", signal.Signals(stop).name.removeprefix("SIG"), "--"]


def _as(user: str) -> dict[str, Any]:
    if not user:
        return {}
    known = pwd.getpwnam(user)
    return {"user": known.pw_uid, "group": known.pw_gid, "extra_groups": []}


def _await(component: Component, child: subprocess.Popen[bytes], ready: Callable[[], object], limit: float) -> None:
    end, last = time.monotonic() + limit, ""
    # Looked at first: another's program may answer where one that has ended should.
    while child.poll() is None and time.monotonic() < end:
        try:
            if ready():
                return
        except OSError as error:
            last = f" ({error})"
        time.sleep(0.02)
    how = f"ended with {child.returncode}" if child.poll() is not None else f"did not answer in {limit:g} s{last}"
    raise ComponentFailed(f"{component.name} {how}: {component.said()}", "anything else", f"read {component.log}")


def _end(child: subprocess.Popen[bytes], stop: int) -> None:
    """End a program in good order, else at once, and with it whatever it started that is still in its session."""
    if child.poll() is None:
        child.send_signal(stop)
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def free_port() -> int:
    """Return a port of loopback that nobody has now, from below those that the kernel gives to whoever calls out."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind((HOST, port))
            return port


def listens(port: int) -> bool:
    """Tell whether somebody takes connections on a port of loopback."""
    with socket.socket() as one:
        one.settimeout(1.0)
        return one.connect_ex((HOST, port)) == 0
