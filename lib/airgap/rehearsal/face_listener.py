"""The TLS listener of the faces: HTTP/1.1, a thread per connection, connections kept alive, loopback only."""

from __future__ import annotations

import contextlib
import io
import logging
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import unquote, urlsplit

from airgap.rehearsal.authority import Authority
from airgap.rehearsal.faces import Answered, Asked, face_of

log = logging.getLogger(__name__)
HOST = "127.0.0.1"
UNNAMED = ("localhost", HOST)
_TLS_HANDSHAKE = b"\x16"
_MOST_LEFT_UNREAD = 1 << 20


class Dropped(ConnectionError):
    """The connection ends without (the rest of) an answer; a face raises it, also in the middle of a body."""


class _Named(ssl.SSLSocket):
    """A connection that remembers which server its client asked for."""

    asked_name = ""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    secure: Callable[[socket.socket], ssl.SSLSocket]

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Handler)
        self.open: set[socket.socket] = set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is its client's affair; anything else is a fault of ours."""
        log.exception("a connection ended in an error")


class Listener:
    """The listening socket, its authority, and one TLS context for each name asked for."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self._unnamed = self._context(list(UNNAMED))
        self._unnamed.sni_callback = self._named
        self._server = _Server()
        self._server.secure = self._secure
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Serve from a thread of this process."""
        self._thread.start()

    def close(self) -> None:
        """End the listener and every connection."""
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._server.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _context(self, names: list[str]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.sslsocket_class = _Named
        context.load_cert_chain(self.authority.issue(names))
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _named(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        """Choose the certificate for the name that a client asks for; a name without a face is refused."""
        if name is None or name in UNNAMED:
            return None
        if face_of(name) is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        with self._lock:
            if name not in self._contexts:
                self._contexts[name] = self._context([name])
        connection.context = self._contexts[name]
        cast(_Named, connection).asked_name = name.lower()
        return None

    def _secure(self, connection: socket.socket) -> ssl.SSLSocket:
        """Return the connection under TLS, after a ``CONNECT`` where the client takes us for its proxy."""
        if connection.recv(1, socket.MSG_PEEK) != _TLS_HANDSHAKE:
            head = b""
            while b"\r\n\r\n" not in head:
                received = connection.recv(4096)
                if not received or len(head) > 65536:
                    raise ConnectionError("the client sent no request")
                head += received
            if not head.startswith(b"CONNECT "):
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                raise ConnectionError("only TLS is spoken here")
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return self._unnamed.wrap_socket(connection, server_side=True)


class _Handler(BaseHTTPRequestHandler):
    """One connection; each of its requests goes to the face of the name asked for."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: _Server

    def setup(self) -> None:
        """Nothing is read before TLS stands."""

    def handle(self) -> None:
        """Answer requests until either side ends; a client that breaks off ends its own connection and no more."""
        with contextlib.suppress(OSError), self.server.secure(self.request) as self.request:
            self.server.open.add(self.request)
            super().setup()
            try:
                super().handle()
            finally:
                self.server.open.discard(self.request)
                super().finish()

    def finish(self) -> None:
        """Everything has ended with TLS."""

    def handle_expect_100(self) -> bool:
        """A client that waits to be told so sends its body now."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def __getattr__(self, name: str) -> Any:
        """Every method is answered alike."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        host = cast(_Named, self.connection).asked_name or self._host()
        body = _body(self.rfile, self.headers.get("Transfer-Encoding", ""), self.headers.get("Content-Length"))
        url = urlsplit(self.path)
        try:
            face = face_of(host)
            if face is None:
                answer = Answered(421, {}, f"nothing answers for {host} here\n".encode())
            else:
                answer = face(Asked(self.command, host, unquote(url.path), url.query, self.headers, body))
            self._send(answer)
        except Dropped:
            self.close_connection = True
            return
        except OSError:
            raise
        except Exception:
            # A fault of a face is its client's 500 and the log's traceback; the connection and the others go on.
            log.exception("%s %s%s failed", self.command, host, self.path)
            self._send(Answered(500, {}, b"internal error\n"))
        self._leave_clean(body)

    def _host(self) -> str:
        return (self.headers.get("Host") or "").rpartition(":")[0].lower() or (self.headers.get("Host") or "").lower()

    def _send(self, answer: Answered) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        given = {name.lower() for name in answer.headers}
        bare = self.command == "HEAD" or answer.status in (204, 304)
        chunked = not isinstance(answer.body, bytes) and "content-length" not in given
        if isinstance(answer.body, bytes) and "content-length" not in given and answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        if chunked and not bare:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if chunked:
            self.wfile.flush()
        if not bare:
            for piece in _pieces(answer.body, chunked):
                if not piece and self._hung_up():
                    raise Dropped
                self.wfile.write(piece)
                self.wfile.flush()
        self.wfile.flush()

    def _hung_up(self) -> bool:
        """Say whether the client ended: while it waits for the rest of an answer it sends nothing else."""
        return bool(select.select([self.connection], [], [], 0)[0])

    def _leave_clean(self, body: IO[bytes]) -> None:
        """Read what the face left of the body, so that the next request begins where it should."""
        left = 0
        while piece := body.read(1 << 16):
            left += len(piece)
            if left > _MOST_LEFT_UNREAD:
                self.close_connection = True
                return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Faces keep their own journals."""


def _pieces(body: bytes | Iterator[bytes], chunked: bool) -> Iterator[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    for piece in body:
        yield b"%x\r\n%b\r\n" % (len(piece), piece) if chunked and piece else piece
    if chunked:
        yield b"0\r\n\r\n"


class _Limited(io.RawIOBase):
    """The next ``length`` bytes of a stream; a client that dies before them raises ``ConnectionError``."""

    def __init__(self, stream: io.BufferedIOBase, length: int) -> None:
        self._stream, self._left = stream, length

    def readable(self) -> bool:
        """It is read only."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; 0 at the end of the body."""
        wanted = min(len(buffer), self._left)
        piece = self._stream.read1(wanted) if wanted else b""
        if wanted and not piece:
            raise ConnectionError("the client died while it sent")
        buffer[: len(piece)] = piece
        self._left -= len(piece)
        return len(piece)


def _body(stream: io.BufferedIOBase, encoding: str, length: str | None) -> IO[bytes]:
    if encoding.strip().lower() == "chunked":
        from werkzeug.serving import DechunkedInput

        return cast(IO[bytes], io.BufferedReader(DechunkedInput(stream)))
    return cast(IO[bytes], io.BufferedReader(_Limited(stream, int(length or 0)), 1 << 16))
