"""The HTTP listener of the embedded AWS: HTTP/1.1 with connections kept alive, on loopback only.

werkzeug's own handler closes each connection and waits 10 ms for a late body; this one reads the body first, so neither
is needed, and a sequential client is answered in about a third of the time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import DechunkedInput, ThreadedWSGIServer, make_server

from airgap.rehearsal.faces import SERVED
from airgap.rehearsal.front import Dropped, Front
from airgap.rehearsal.setting import install
from airgap.rehearsal.wire import Reply

HOST = "127.0.0.1"
_NO_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


class Handler(MotoRequestHandler):  # type: ignore[misc]  # moto is untyped
    """One connection; each of its requests goes to the front."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        """Answer the request that has just been read."""
        if self.headers.get("Expect", "").strip().lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        environ = self.make_environ()
        front: Front = self.server.app
        try:
            reply = front(environ, self._body())
        except Dropped:
            self.close_connection = True
            return
        self._send(reply)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").strip().lower() == "chunked":
            return bytes(DechunkedInput(self.rfile).read())
        length = int(self.headers.get("Content-Length") or 0)
        body = bytes(self.rfile.read(length)) if length else b""
        if len(body) < length:  # the client died while it sent: AWS acts on whole requests only
            raise Dropped
        return body

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        skipped = {"content-length", "connection", "transfer-encoding", "date", "server", "status"}
        length = str(len(reply.body))
        for name, value in reply.headers.items():
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            elif name.lower() not in skipped:
                self.send_header(name, value)
        if reply.status not in _NO_BODY:
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD" and reply.status not in _NO_BODY:
            self.wfile.write(reply.body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The journal has every call; the log is for what went wrong."""


def listen(port: int = 0, fd: int | None = None) -> ThreadedWSGIServer:
    """Return a server on the loopback port (0: any free one), or on a listening socket that somebody else opened."""
    install()
    server = make_server(HOST, port, Front(), threaded=True, request_handler=Handler, fd=fd)
    assert isinstance(server, ThreadedWSGIServer)
    return server


@contextmanager
def serving() -> Iterator[str]:
    """Serve from a thread of this process, and yield the URL; the account is empty when it begins."""
    server = listen()
    front: Front = server.app
    front.reset(None)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        SERVED.close()
