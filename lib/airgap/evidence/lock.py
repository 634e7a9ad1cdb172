"""One writer per environment: an advisory lock on ``reports/<env>/.lock`` that names its holder.

The lock ends with the process that took it, however that ends (flock(2)). A runner hands its kernels a token in the
environment variable ``AIRGAP_LOCK``; the file holds the token's digest, so a kernel of this runner may write and no
other process can say that it is one.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airgap.errors import EnvironmentLocked, Interrupted
from airgap.evidence.files import not_written
from airgap.evidence.journal import now as utc_now
from airgap.model.canonical import digest

TOKEN_VARIABLE = "AIRGAP_LOCK"
_OWN = frozenset({"pid", "user", "host", "since", "token_sha256"})


@dataclass(frozen=True)
class Lock:
    """A held lock: whether this process took it or joined its runner's, and the token for kernels."""

    token: str
    joined: bool

    def environment(self) -> dict[str, str]:
        """Return the environment variable by which a kernel joins this lock."""
        return {TOKEN_VARIABLE: self.token}


@contextmanager
def environment_lock(
    reports_root: Path, env: str, holder: Mapping[str, Any], now: Callable[[], str] = utc_now
) -> Iterator[Lock]:
    """Hold the right to write in an environment; ``holder`` says what for, as ``{"mode": "apply", "run": "..."}``.

    Raises ``EnvironmentLocked`` at once where another holds it, and ``Interrupted`` in a kernel whose runner is gone.
    """
    path = reports_root / env / ".lock"
    number = _open(path)
    try:
        lock = _taken(number, holder, env, now)
        try:
            yield lock
        finally:
            if not lock.joined:
                os.ftruncate(number, 0)
    finally:
        os.close(number)


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise not_written(path, error) from error


def _taken(number: int, holder: Mapping[str, Any], env: str, now: Callable[[], str]) -> Lock:
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not _try(number):
        found = _holder(number)
        if token and found.get("token_sha256") == digest(token.encode()):
            return Lock(token, joined=True)
        raise _locked(env, found)
    if token:
        raise Interrupted(
            f"The runner of this kernel no longer holds {env}",
            "anything further; what it did is found by its tags",
            "run the command again: it resumes",
        )
    token = secrets.token_hex(16)
    _name(number, {**holder, **_self(), "since": now(), "token_sha256": digest(token.encode())})
    return Lock(token, joined=False)


def _try(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _self() -> dict[str, Any]:
    return {"pid": os.getpid(), "user": _user(), "host": socket.gethostname()}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user id need not have a name
        return str(os.getuid())


def _name(number: int, holder: Mapping[str, Any]) -> None:
    raw = json.dumps(holder, sort_keys=True).encode()
    os.pwrite(number, raw, 0)
    os.ftruncate(number, len(raw))


def _holder(number: int) -> dict[str, Any]:
    """Return the holder as the file names it; empty in the instant between taking the lock and naming the holder."""
    try:
        found = json.loads(os.pread(number, 65536, 0) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _locked(env: str, found: Mapping[str, Any]) -> EnvironmentLocked:
    who = "a process that has not named itself yet"
    if found:
        doing = ", ".join(f"{key} {value}" for key, value in sorted(found.items()) if key not in _OWN and value)
        who = f"{found.get('user')} on {found.get('host')}, process {found.get('pid')}, since {found.get('since')}"
        who = f"{who} ({doing})" if doing else who
    return EnvironmentLocked(
        f"{env} is being written by {who}",
        "anything",
        "wait until it has ended, or end that process; its lock ends with it, and no file has to be removed",
    )
