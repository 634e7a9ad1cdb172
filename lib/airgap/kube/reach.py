"""How a host inside the VPC is reached: directly, through a Session Manager tunnel, or in the embedded AWS.

The TLS server name stays the true one on every way, so that the certificate proves who answers.
Source: Systems Manager User Guide, "Start a session (port forwarding to remote host)",
document ``AWS-StartPortForwardingSessionToRemoteHost``.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from airgap.errors import Unreachable
from airgap.model.cluster import FORWARDING

PLUGIN = "session-manager-plugin"
SESSION_VARIABLE = "AWS_SSM_START_SESSION_RESPONSE"
"""The plug-in reads the session from the environment variable of this name when it is given as the argument."""
OPENS_WITHIN = 20.0
"""Seconds after which a tunnel that does not listen is given up."""


class Way(Protocol):
    """A way to a host and port inside the VPC."""

    def open(self, host: str, port: int) -> tuple[str, int]:
        """Return the address and port to connect to; raises ``Unreachable`` with what stands in the way."""

    def close(self) -> None:
        """End what was opened."""


@dataclass
class Inside:
    """From inside the VPC, where the name resolves and the port answers; otherwise another way, if there is one.

    A private cluster's name resolves to its private addresses everywhere, so only trying tells.
    """

    otherwise: Way | None = None
    _other: bool = False

    def open(self, host: str, port: int) -> tuple[str, int]:
        """Return the host itself, after trying that it resolves and answers, or what the other way gives."""
        try:
            self._try(host, port)
        except Unreachable:
            if self.otherwise is None:
                raise
            self._other = True
            return self.otherwise.open(host, port)
        return host, port

    def _try(self, host: str, port: int) -> None:
        try:
            address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
        except socket.gaierror as error:
            raise Unreachable(
                f"{host} does not resolve here ({error})",
                "anything in the cluster",
                "run inside the VPC or through the operations host; the DNS firewall must allow the name",
            ) from error
        try:
            socket.create_connection((str(address), port), timeout=2).close()
        except OSError as error:
            raise Unreachable(
                f"{host} resolves to {address}, and port {port} does not answer ({error})",
                "anything in the cluster",
                "the cluster's security group must admit this host on that port",
            ) from error

    def close(self) -> None:
        """End the other way, where it was taken."""
        if self._other and self.otherwise is not None:
            self.otherwise.close()


@dataclass(frozen=True)
class Embedded:
    """In a rehearsal: every host inside stands behind one TLS listener on loopback."""

    port: int

    def open(self, host: str, port: int) -> tuple[str, int]:
        """Return the listener of the embedded AWS, which tells hosts apart by the TLS server name."""
        return "127.0.0.1", self.port

    def close(self) -> None:
        """Nothing was opened."""


def embedded_listener(endpoint: str) -> int:
    """Return the port at which an embedded AWS serves what stands inside the VPC."""
    import urllib.request

    with urllib.request.urlopen(f"{endpoint}/rehearsal/faces", timeout=30) as answer:
        return int(json.load(answer)["tls_port"])


@dataclass
class SessionManager:
    """From outside: one port-forwarding session through the operations host for each host and port.

    ``start`` makes ssm:StartSession and returns its answer; ``target`` is the operations host's instance id.
    """

    target: str
    region: str
    start: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    _tunnels: dict[tuple[str, int], tuple[int, subprocess.Popen[bytes]]] = field(default_factory=dict)

    def open(self, host: str, port: int) -> tuple[str, int]:
        """Return the local end of the tunnel to a host; it is opened once and kept."""
        if (host, port) in self._tunnels and self._tunnels[host, port][1].poll() is None:
            return "127.0.0.1", self._tunnels[host, port][0]
        plugin = shutil.which(PLUGIN)
        if plugin is None:
            raise Unreachable(
                f"{PLUGIN} is not installed, so no tunnel to {host} can be opened",
                "anything in the cluster",
                "install AWS's Session Manager plug-in ('airgap kit' carries it), or run inside the VPC",
            )
        if not self.target:
            raise Unreachable(
                "There is no operations host to tunnel through",
                "anything in the cluster",
                "run 04_cluster in mode apply first; it makes the operations host",
            )
        local = _free_port()
        asked = {
            "Target": self.target,
            "DocumentName": FORWARDING,
            "Parameters": {"host": [host], "portNumber": [str(port)], "localPortNumber": [str(local)]},
        }
        answer = self.start(asked)
        session = {name: answer[name] for name in ("SessionId", "StreamUrl", "TokenValue")}
        # The plug-in takes the session by its environment, so that no token stands in a process list.
        process = subprocess.Popen(
            [plugin, SESSION_VARIABLE, self.region, "StartSession", "", json.dumps(asked)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={SESSION_VARIABLE: json.dumps(session), "PATH": "/usr/bin:/bin"},
        )
        self._await(process, host, port, local)
        if not self._tunnels:
            # A kernel may end without a last cell; no session outlives it.
            atexit.register(self.close)
        self._tunnels[host, port] = local, process
        return "127.0.0.1", local

    def _await(self, process: subprocess.Popen[bytes], host: str, port: int, local: int) -> None:
        deadline = time.monotonic() + OPENS_WITHIN
        while time.monotonic() < deadline:
            if process.poll() is not None:
                told = process.communicate()[1].decode("utf-8", "replace").strip()
                raise Unreachable(
                    f"The tunnel to {host}:{port} ended at once: {told or 'no reason given'}",
                    "anything in the cluster",
                    "the operations host must be online in Session Manager and resolve and reach the name",
                )
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", local), timeout=1).close()
                return
            time.sleep(0.1)
        _end(process)
        raise Unreachable(
            f"The tunnel to {host}:{port} did not open within {OPENS_WITHIN:.0f} s",
            "anything in the cluster",
            "look at the operations host in Session Manager, then run again",
        )

    def close(self) -> None:
        """End every tunnel."""
        for _, process in self._tunnels.values():
            _end(process)
        self._tunnels.clear()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stderr is not None:
        process.stderr.close()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
