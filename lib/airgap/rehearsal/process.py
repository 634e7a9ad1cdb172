"""Starting, finding and ending the embedded AWS, which runs in a process of its own.

The listening socket is opened here and handed to the new process, so a port in use is known at once, and the first
request of the caller waits in the socket's queue until the server answers it: readiness needs no polling.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from airgap.errors import AirgapError
from airgap.rehearsal.identity import ACCOUNT, DEFAULT, REGION, environment

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 10.0
_ME = "airgap.rehearsal.serve"
# Children of this process; they are reaped by ``down``, and a live child is no leak.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Rehearsal:
    """A running embedded AWS: where it listens, and the process that serves it."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """The endpoint URL."""
        return f"http://{HOST}:{self.port}"

    def environment(self, person: str = "alice", account: str = ACCOUNT) -> dict[str, str]:
        """Return the variables with which boto3 and the aws CLI work as ``person`` (alice, bob, carol)."""
        return environment(self.url, person, account)


def state_home() -> Path:
    """Return the directory that holds one directory per port; it is never inside a work tree."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "airgap" / "rehearsal"


def up(port: int | None = None) -> Rehearsal:
    """Start an embedded AWS with an empty account on ``port`` (None: any free one); return when it has answered.

    Raises AirgapError where the port is taken or the server does not come up.
    """
    listening = _listening(port or 0)
    number = listening.getsockname()[1]
    place = state_home() / str(number)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700, parents=True)
    log = place / "server.log"
    with listening, log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", _ME, str(listening.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            pass_fds=[listening.fileno()],
            start_new_session=True,
            cwd="/",
        )
    _children[child.pid] = child
    rehearsal = Rehearsal(number, child.pid)
    (place / "server.json").write_text(json.dumps(asdict(rehearsal)))
    try:
        _await_answer(rehearsal, log)
    except BaseException:
        child.kill()
        child.wait()
        shutil.rmtree(place, ignore_errors=True)
        raise
    return rehearsal


def down(where: int | str) -> bool:
    """End the embedded AWS that a port or URL names, and wait until it is gone; False where none runs there."""
    port = _port(where)
    rehearsal = status(port)
    if rehearsal is None:
        shutil.rmtree(state_home() / str(port), ignore_errors=True)
        return False
    os.kill(rehearsal.pid, signal.SIGTERM)
    if not _gone(rehearsal.pid, STOP_SECONDS):
        os.kill(rehearsal.pid, signal.SIGKILL)
        _gone(rehearsal.pid, STOP_SECONDS)
    shutil.rmtree(state_home() / str(port), ignore_errors=True)
    return True


def status(where: int | str) -> Rehearsal | None:
    """Return the embedded AWS that a port or URL names, None where none runs there that ``up`` started."""
    try:
        record = json.loads((state_home() / str(_port(where)) / "server.json").read_text())
    except FileNotFoundError:
        return None
    rehearsal = Rehearsal(int(record["port"]), int(record["pid"]))
    return rehearsal if _is_ours(rehearsal) else None


def running() -> list[Rehearsal]:
    """Return every embedded AWS of this user that runs, by port."""
    ports = sorted(int(entry.name) for entry in state_home().glob("[0-9]*"))
    return [found for found in map(status, ports) if found is not None]


def _listening(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise AirgapError(
            f"the embedded AWS cannot listen on port {port}: {error.strerror}",
            unchanged="nothing was started, and whatever uses the port still runs",
            action="choose another port, or none for any free one; `airgap rehearse down` ends an embedded AWS",
        ) from error
    listening.listen(128)
    return listening


def _port(where: int | str) -> int:
    if isinstance(where, int):
        return where
    port = urlsplit(where).port if "://" in where else int(where)
    if port is None:
        raise AirgapError(f"{where} names no port", action="give the URL as `airgap rehearse up` printed it")
    return port


def _request(port: int, method: str, path: str, body: str = "", timeout: float = 5.0) -> tuple[int, bytes]:
    scope = f"{DEFAULT.access_key}/20260101/{REGION}/ec2/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()


def _await_answer(rehearsal: Rehearsal, log: Path) -> None:
    try:
        code, _ = _request(rehearsal.port, "POST", "/", "Action=DescribeVpcs&Version=2016-11-15", START_SECONDS)
    except (OSError, http.client.HTTPException) as error:
        reason = str(error)
    else:
        if code == 200:
            return
        reason = f"its first call answered HTTP {code}"
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    raise AirgapError(
        f"the embedded AWS did not come up: {reason}\n{tail}".rstrip(),
        unchanged="no process is left running",
        action="install the rehearsal extra (`make setup`) and try again",
    )


def _is_ours(rehearsal: Rehearsal) -> bool:
    """Only the process that answers on the port with the recorded pid, or that still runs our module, is ours."""
    child = _children.get(rehearsal.pid)
    if child is not None and child.poll() is not None:
        return False
    with contextlib.suppress(OSError):
        return _ME.encode() in Path(f"/proc/{rehearsal.pid}/cmdline").read_bytes()
    try:
        _, body = _request(rehearsal.port, "GET", "/rehearsal")
        return bool(json.loads(body)["pid"] == rehearsal.pid)
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return False


def _gone(pid: int, limit: float) -> bool:
    """Wait until a process has ended (reaping it where it is our child); False where it outlives ``limit`` seconds."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        child = _children.get(pid)
        if child is not None and child.poll() is not None:
            del _children[pid]
            return True
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def reset(url: str) -> None:
    """Make the account of the embedded AWS at ``url`` empty again, and forget its calls, faults and latencies."""
    code, body = _request(_port(url), "POST", "/rehearsal/reset")
    if code != 200:
        raise AirgapError(f"{url} cannot be reset: HTTP {code} {body[:200]!r}")
