"""TLS as a server speaks it: a verified handshake, a version it must not speak, and plain text it must not answer.

Sources: RFC 5246 and RFC 8446 (handshake, alerts); PostgreSQL documentation, "Message Flow" (SSLRequest, startup
message) and "PostgreSQL Error Codes"; Valkey documentation, "RESP protocol specification".
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
from collections.abc import Mapping
from typing import Any

from airgap.probes.names import connect

HANDSHAKE, ALERT = 22, 21
VERSIONS = {"1.0": 0x0301, "1.1": 0x0302, "1.2": 0x0303}
_SUITES = (0xC02F, 0xC030, 0xC02B, 0xC02C, 0xC013, 0xC014, 0xC009, 0xC00A, 0x009C, 0x009D, 0x002F, 0x0035)
"""What a client of any of these versions could take: ECDHE and RSA, with GCM and with CBC."""
_SSL_REQUEST = struct.pack("!II", 8, 80877103)
_UNENCRYPTED = "28000"
"""PostgreSQL's invalid_authorization_specification: no rule of pg_hba.conf admits such a connection."""


def secured(probe: Mapping[str, Any], given: str | None, authorities: Mapping[str, str]) -> ssl.SSLSocket:
    """Return a connection over TLS whose certificate is proven for ``server``, else for ``to``.

    ``authority`` names the authorities that are trusted, none the host's own; ``starts`` is ``postgres`` where TLS is
    asked for first. Raises ``ssl.SSLError`` where the server or its certificate will not do.
    """
    context = ssl.create_default_context(cadata=authorities.get(probe.get("authority", "")) or None)
    plain = connect(probe, given)
    try:
        if probe.get("starts") == "postgres":
            plain.sendall(_SSL_REQUEST)
            if plain.recv(1) != b"S":
                raise ssl.SSLError(1, "the server offers no TLS")
        return context.wrap_socket(plain, server_hostname=probe.get("server") or probe["to"])
    except OSError:
        plain.close()
        raise


def tls(probe: Mapping[str, Any], given: str | None, authorities: Mapping[str, str]) -> tuple[str, str]:
    """Make a verified handshake, and with ``says`` and ``hears`` one exchange within it."""
    with secured(probe, given, authorities) as one:
        shown = f"{one.version()}, proven for {probe.get('server') or probe['to']}"
        if "says" not in probe:
            return "answered", shown
        one.sendall(probe["says"].encode())
        heard = one.recv(256).decode("latin-1").strip()
    return ("answered" if heard.startswith(probe["hears"]) else "refused"), heard[:120]


def plain(probe: Mapping[str, Any], given: str | None, _: Mapping[str, str]) -> tuple[str, str]:
    """Speak a protocol without TLS: whatever answers in it has answered, a closed connection or an alert refuses."""
    with connect(probe, given) as one:
        one.sendall(_startup() if probe["speaks"] == "postgres" else b"PING\r\n")
        data = b""
        with contextlib.suppress(ConnectionResetError):
            data = one.recv(1024)
    if not data or data[0] == ALERT:
        return "refused", "an alert of TLS" if data else "the connection was closed"
    if probe["speaks"] != "postgres":
        return "answered", f"in plain text: {data[:40].decode('latin-1').strip()}"
    if data[:1] != b"E":
        return "answered", "it goes on in plain text"
    told = {field[:1]: field[1:].decode("latin-1") for field in data[5:].split(b"\0") if field}
    return ("refused" if told.get(b"C") == _UNENCRYPTED else "broken"), told.get(b"M", "an error without a text")


def _startup() -> bytes:
    said = b"user\0airgap\0database\0postgres\0\0"
    return struct.pack("!II", 8 + len(said), 3 << 16) + said


def hello(probe: Mapping[str, Any], given: str | None, _: Mapping[str, str]) -> tuple[str, str]:
    """Offer one version of TLS and no other, by bytes of our own: the host's library may refuse it itself."""
    version = VERSIONS[probe["version"]]
    with connect(probe, given) as one:
        one.sendall(_offer(version, probe.get("server") or probe["to"]))
        data = b""
        with contextlib.suppress(ConnectionResetError):
            while len(data) < 11 and (more := one.recv(4096)):
                data += more
    if data[:1] == bytes([HANDSHAKE]) and len(data) >= 11 and struct.unpack("!H", data[9:11])[0] == version:
        return "answered", f"TLS {probe['version']}"
    if data[:1] == bytes([ALERT]) and len(data) >= 7:
        return "refused", f"alert {data[6]}"
    return ("refused", "the connection was closed") if not data else ("broken", "an answer that is no TLS")


def _offer(version: int, server: str) -> bytes:
    """Return a ClientHello (RFC 5246, 7.4.1.2) with the server's name, groups, formats and signature algorithms."""
    name = server.encode("idna")
    extensions = _extension(0, _sized("!H", b"\0" + _sized("!H", name)))
    extensions += _extension(10, _sized("!H", struct.pack("!HHH", 29, 23, 24))) + _extension(11, b"\x01\0")
    extensions += _extension(
        13, _sized("!H", struct.pack("!8H", 0x403, 0x503, 0x804, 0x805, 0x401, 0x501, 0x203, 0x201))
    )
    suites = b"".join(struct.pack("!H", one) for one in _SUITES)
    body = struct.pack("!H", version) + os.urandom(32) + b"\0" + _sized("!H", suites) + b"\x01\0"
    body += _sized("!H", extensions)
    message = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return struct.pack("!BH", HANDSHAKE, 0x0301) + _sized("!H", message)


def _extension(kind: int, body: bytes) -> bytes:
    return struct.pack("!H", kind) + _sized("!H", body)


def _sized(form: str, body: bytes) -> bytes:
    return struct.pack(form, len(body)) + body


def turned_away(error: OSError) -> tuple[str, str] | None:
    """Return what an error of TLS stands for: refused, and why; None where it is another."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "refused", error.verify_message
    if isinstance(error, ssl.SSLError) and not isinstance(error, socket.timeout):
        return "refused", str(getattr(error, "reason", None) or error.strerror or error)
    return None


KINDS = {"tls": tls, "plain": plain, "hello": hello}
