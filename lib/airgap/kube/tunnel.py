"""Tunnels through the operations host, by AWS's Session Manager plug-in: one session for each host and port.

The plug-in speaks the session's protocol; it is given what the AWS CLI gives it. What it does and says is its own: it
ends with status 0 and tells why on its standard output, and ends a session in order at SIGINT alone.
Sources: aws-cli, ``sessionmanager.py``; session-manager-plugin, ``session.go``, ``muxportforwarding.go``;
Systems Manager User Guide, "Start a session (port forwarding to remote host)".
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from airgap.errors import AirgapError, Unreachable
from airgap.model.cluster import FORWARDING

PLUGIN = "session-manager-plugin"
SESSION_VARIABLE = "AWS_SSM_START_SESSION_RESPONSE"
"""The plug-in reads the session from the environment variable of this name when it is given as the argument."""
LAST_WITHOUT_VARIABLE = (1, 2, 497, 0)
"""The last version that takes a session as an argument alone, where its token would stand in the list of processes."""
OPENS_WITHIN = 20.0
"""Seconds after which a tunnel that does not listen is given up."""
_UNCHANGED = "anything in the cluster"
_UPDATE = "install a current Session Manager plug-in ('airgap kit' carries it), or run inside the VPC"
# The plug-in's own way out: proxies and certificate authorities, and where its socket lies. It needs no credentials.
_GIVEN = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR", "HOME")


@dataclass(frozen=True)
class Tunnel:
    """A session that forwards a local port; ``told`` is what its plug-in says."""

    port: int
    process: subprocess.Popen[bytes]
    told: IO[bytes]

    @property
    def open(self) -> bool:
        """Whether the plug-in still runs: Session Manager ends what is idle, and every session after some hours."""
        return self.process.poll() is None

    def said(self) -> str:
        """Return the last that the plug-in said."""
        self.told.seek(0)
        lines = [one.strip() for one in self.told.read().decode("utf-8", "replace").splitlines() if one.strip()]
        return "; ".join(lines[-3:]) or "it gave no reason"

    def end(self) -> None:
        """End the session as a person would, so that it does not stay open on AWS's side until it is idle."""
        if self.open:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.told.close()


@dataclass
class SessionManager:
    """From outside: one port-forwarding session through the operations host for each host and port.

    ``start`` makes ssm:StartSession and returns its answer; ``target`` is the operations host's instance id, and
    ``endpoint`` where Systems Manager is asked ('': where the plug-in's SDK finds it); safe to use from threads.
    """

    target: str
    region: str
    start: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    endpoint: str = ""
    _tunnels: dict[tuple[str, int], Tunnel] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, host: str, port: int) -> tuple[str, int]:
        """Return the local end of the tunnel to a host; it is kept while it lives, and opened anew when it ended."""
        with self._lock:
            kept = self._tunnels.get((host, port))
            if kept is None or not kept.open:
                if kept is not None:
                    kept.end()
                kept = self._tunnels[host, port] = self._opened(host, port)
            return "127.0.0.1", kept.port

    def _opened(self, host: str, port: int) -> Tunnel:
        plugin = plug_in(host)
        if not self.target:
            raise Unreachable(
                "There is no operations host to tunnel through",
                _UNCHANGED,
                "run 04_cluster in mode apply first; it makes the operations host",
            )
        local = _free_port()
        asked = {
            "Target": self.target,
            "DocumentName": FORWARDING,
            "Parameters": {"host": [host], "portNumber": [str(port)], "localPortNumber": [str(local)]},
        }
        try:
            answer = self.start(asked)
        except AirgapError as error:
            what = f"No session to {host}:{port} could be started on {self.target}: {error.what}"
            raise Unreachable(what, _UNCHANGED, error.action or "look at the host in Session Manager") from error
        session = {name: answer[name] for name in ("SessionId", "StreamUrl", "TokenValue")}
        tunnel = self._started(plugin, session, asked, local)
        _await(tunnel, host, port)
        if not self._tunnels:
            # A kernel may end without a last cell; no session outlives it.
            atexit.register(self.close)
        return tunnel

    def _started(self, plugin: str, session: Mapping[str, str], asked: Mapping[str, Any], local: int) -> Tunnel:
        given = {name: os.environ[name] for name in _GIVEN if name in os.environ}
        if "AWS_CA_BUNDLE" in os.environ:
            given["SSL_CERT_FILE"] = os.environ["AWS_CA_BUNDLE"]  # as the runbook itself trusts AWS
        told = tempfile.TemporaryFile()  # noqa: SIM115 - the tunnel closes it; a pipe that nobody reads would fill up
        # The plug-in takes the session by its environment, so that no token stands in a process list.
        process = subprocess.Popen(
            [plugin, SESSION_VARIABLE, self.region, "StartSession", "", json.dumps(asked), self.endpoint],
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=subprocess.STDOUT,
            env={**given, SESSION_VARIABLE: json.dumps(session), "PATH": "/usr/bin:/bin"},
        )
        return Tunnel(local, process, told)

    def close(self) -> None:
        """End every tunnel."""
        with self._lock:
            for tunnel in self._tunnels.values():
                tunnel.end()
            self._tunnels.clear()


def plug_in(host: str) -> str:
    """Return the plug-in's path; Unreachable, naming the host that it is for, where none is installed that will do."""
    found = shutil.which(PLUGIN)
    if found is None:
        what = f"{PLUGIN} is not installed, so no tunnel to {host} can be opened"
        raise Unreachable(what, _UNCHANGED, "install AWS's Session Manager plug-in ('airgap kit' carries it), or "
                                            "run inside the VPC")  # fmt: skip
    try:
        done = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=10, check=False)
        said = (done.stdout or done.stderr).strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unreachable(f"{found} does not run: {error}", _UNCHANGED, _UPDATE) from error
    if not re.fullmatch(r"\d+(\.\d+){1,3}", said):
        raise Unreachable(f"{found} does not tell its version but {said[:200]!r}", _UNCHANGED, _UPDATE)
    numbers = tuple(int(part) for part in said.split("."))
    if numbers + (0,) * (4 - len(numbers)) <= LAST_WITHOUT_VARIABLE:
        needed = ".".join(map(str, LAST_WITHOUT_VARIABLE))
        what = f"{PLUGIN} is {said}; it must be newer than {needed}, which showed a session's token to whoever looks"
        raise Unreachable(what, _UNCHANGED, _UPDATE)
    return found


def _await(tunnel: Tunnel, host: str, port: int) -> None:
    deadline = time.monotonic() + OPENS_WITHIN
    while time.monotonic() < deadline:
        if not tunnel.open:
            said = tunnel.said()
            tunnel.end()
            raise Unreachable(
                f"The tunnel to {host}:{port} ended at once: {said}",
                _UNCHANGED,
                "the operations host must be online in Session Manager and resolve and reach the name",
            )
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", tunnel.port), timeout=1).close()
            return
        time.sleep(0.1)
    said = tunnel.said()
    tunnel.end()
    raise Unreachable(
        f"The tunnel to {host}:{port} did not open within {OPENS_WITHIN:.0f} s: {said}",
        _UNCHANGED,
        "look at the operations host in Session Manager, and whether a proxy lets WebSockets pass; then run again",
    )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
