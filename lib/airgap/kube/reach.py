"""How a host inside the VPC is reached: directly, through a Session Manager tunnel, or in the embedded AWS.

The TLS server name stays the true one on every way, so that the certificate proves who answers. ``tunnel`` is the
Session Manager one.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, field
from typing import Protocol

from airgap.errors import Unreachable


class Way(Protocol):
    """A way to a host and port inside the VPC."""

    def open(self, host: str, port: int) -> tuple[str, int]:
        """Return the address and port to connect to; raises ``Unreachable`` with what stands in the way."""

    def close(self) -> None:
        """End what was opened."""


@dataclass
class Inside:
    """From inside the VPC, where the name resolves and the port answers; otherwise another way, if there is one.

    A private cluster's name resolves to its private addresses everywhere, so only trying tells; it is tried once.
    """

    otherwise: Way | None = None
    _direct: set[tuple[str, int]] = field(default_factory=set)
    _other: bool = False

    def open(self, host: str, port: int) -> tuple[str, int]:
        """Return the host itself, after trying that it resolves and answers, or what the other way gives."""
        if self._other and self.otherwise is not None:
            return self.otherwise.open(host, port)
        if (host, port) not in self._direct:
            try:
                self._try(host, port)
            except Unreachable:
                if self.otherwise is None:
                    raise
                self._other = True
                return self.otherwise.open(host, port)
            self._direct.add((host, port))
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
