"""The one way out of the lab's tools: a proxy that knows a few names, leads them to loopback, and refuses every other.

Copiers, engines and Helm ask registries by their true names and prove their certificates for them; where those answer
is said here alone. What was asked is kept, refused names too: it shows whom a tool asked at all.
"""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from airgap.lab.component import HOST

PIECE = 1 << 16
LIMIT = 60.0
"""Seconds after which a connection that says nothing is given up."""


class Doorway(socketserver.ThreadingTCPServer):
    """An HTTP proxy that takes CONNECT only (RFC 9110, 9.3.6), on a free port of loopback.

    ``ways`` are ports of loopback by host name. ``cuts`` are bytes by host name after which the next connection that
    carries so many, either way, breaks off; each cut happens once.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, ways: Mapping[str, int]) -> None:
        super().__init__((HOST, 0), _Passage)
        self.ways, self.cuts = dict(ways), dict[str, int]()
        self.asked: list[tuple[str, bool]] = []
        self.breaking = threading.Lock()

    @property
    def url(self) -> str:
        """What tools take as ``HTTPS_PROXY``."""
        return f"http://{HOST}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is its client's affair."""


class _Passage(socketserver.BaseRequestHandler):
    """One connection: led to where its name answers, or refused."""

    request: socket.socket
    server: Doorway

    def handle(self) -> None:
        """Read the request for a name, and carry bytes both ways until either side ends."""
        name = self._name()
        port = self.server.ways.get(name)
        self.server.asked.append((name, port is not None))
        if port is None:
            self.request.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        with socket.create_connection((HOST, port), timeout=LIMIT) as there:
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._carry(there, name)

    def _name(self) -> str:
        head = b""
        while b"\r\n\r\n" not in head:
            received = self.request.recv(4096)
            if not received or len(head) > PIECE:
                return ""
            head += received
        method, _, rest = head.decode("latin-1").partition(" ")
        return rest.partition(" ")[0].rpartition(":")[0].lower() if method == "CONNECT" else ""

    def _carry(self, there: socket.socket, name: str) -> None:
        for one in (self.request, there):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        both, carried = {self.request: there, there: self.request}, dict.fromkeys((self.request, there), 0)
        while True:
            ready, _, _ = select.select(list(both), [], [], LIMIT)
            if not ready:
                return
            for one in ready:
                data = one.recv(PIECE)
                if not data:
                    return
                carried[one] += len(data)
                if self._breaks(name, carried[one]):
                    return
                both[one].sendall(data)

    def _breaks(self, name: str, carried: int) -> bool:
        with self.server.breaking:
            if carried < self.server.cuts.get(name, carried + 1):
                return False
            del self.server.cuts[name]
            return True


@contextlib.contextmanager
def doorway(ways: Mapping[str, int]) -> Iterator[Doorway]:
    """Serve until the context ends."""
    with Doorway(ways) as one:
        thread = threading.Thread(target=one.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield one
        finally:
            one.shutdown()
            thread.join()
