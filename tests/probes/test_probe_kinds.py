"""Each kind of probe against a real server on loopback: what answers, what refuses, and what shows nothing."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from airgap.probes import asker, secure, web
from airgap.rehearsal.authority import Authority

HOST = "127.0.0.1"
Served = Callable[[socket.socket], None]


@contextmanager
def serving(talk: Served, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server of loopback that talks to each connection in turn; its port."""
    with socket.create_server((HOST, 0)) as one:

        def serve() -> None:
            while True:
                with suppress(OSError):
                    try:
                        conn, _ = one.accept()
                    except OSError:
                        return
                    with conn:
                        conn.settimeout(5)
                        with context.wrap_socket(conn, server_side=True) if context else conn as open_:
                            talk(open_)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield one.getsockname()[1]
        finally:
            one.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    assert not thread.is_alive()


def says(*texts: bytes) -> Served:
    def talk(conn: socket.socket) -> None:
        conn.recv(65536)
        for one in texts:
            conn.sendall(one)

    return talk


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def secured(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue([HOST]))
    return context


@pytest.fixture
def pem(authority: Authority) -> dict[str, str]:
    return {"": authority.pem}


def came(probe: dict[str, Any], authorities: dict[str, str] | None = None) -> tuple[str, str]:
    found = asker.attempt({"name": "p", "to": HOST, **probe}, None, authorities)
    return found["outcome"], found["detail"]


def test_a_handshake_is_proven_for_the_name_by_the_authority(
    secured: ssl.SSLContext, pem: dict[str, str], tmp_path: Path
) -> None:
    stranger = {"": Authority(tmp_path).pem}
    with serving(says(b"+PONG\r\n"), secured) as port:
        probe = {"kind": "tls", "port": port}
        assert came(probe, pem) == ("answered", "TLSv1.3, proven for 127.0.0.1")
        assert came({**probe, "server": "not-it.test"}, pem)[0] == "refused"
        assert "mismatch" in came({**probe, "server": "not-it.test"}, pem)[1].lower()
        assert came(probe, stranger)[0] == "refused"
        assert came({**probe, "says": "PING\r\n", "hears": "+PONG"}, pem) == ("answered", "+PONG")
        assert came({**probe, "says": "PING\r\n", "hears": "-"}, pem) == ("refused", "+PONG")


def test_a_server_without_tls_is_none(pem: dict[str, str]) -> None:
    with serving(says(b"N")) as port:
        assert came({"kind": "tls", "port": port, "starts": "postgres"}, pem) == ("refused", "the server offers no TLS")
    with serving(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        assert came({"kind": "tls", "port": port}, pem)[0] == "refused"


def error(code: str, text: str) -> bytes:
    fields = f"SFATAL\0C{code}\0M{text}\0\0".encode()
    return b"E" + (4 + len(fields)).to_bytes(4, "big") + fields


@pytest.mark.parametrize(
    ("speaks", "answer", "outcome"),
    [("postgres", error("28000", "no pg_hba.conf entry, no encryption"), "refused"),
     ("postgres", error("53300", "too many clients"), "broken"),
     ("postgres", b"R\0\0\0\x0c\0\0\0\x0aSCRAM", "answered"), ("postgres", b"", "refused"),
     ("redis", b"+PONG\r\n", "answered"), ("redis", b"-NOAUTH\r\n", "answered"), ("redis", b"", "refused"),
     ("redis", b"\x15\x03\x01\0\x02\x02\x46", "refused")],
)  # fmt: skip
def test_plain_text_is_refused_by_who_does_not_go_on_in_it(speaks: str, answer: bytes, outcome: str) -> None:
    with serving(says(answer)) as port:
        assert came({"kind": "plain", "port": port, "speaks": speaks})[0] == outcome


def test_one_version_of_tls_is_offered_and_no_other(authority: Authority) -> None:
    for lowest, expected in ((ssl.TLSVersion.TLSv1_2, "refused"), (ssl.TLSVersion.TLSv1_1, "answered")):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.issue([HOST]))
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings(action="ignore"):  # that TLS 1.1 is old is what is tried
            context.minimum_version = lowest
        with serving(says(), context) as port:
            assert came({"kind": "hello", "port": port, "version": "1.2"}) == ("answered", "TLS 1.2")
            assert came({"kind": "hello", "port": port, "version": "1.1"})[0] == expected
            assert came({"kind": "hello", "port": port, "version": "1.0"})[0] == "refused"


@pytest.mark.parametrize(
    ("status", "headers", "probe", "outcome"),
    [("200 OK", "", {}, "answered"), ("404 Not Found", "", {}, "answered"), ("403 Forbidden", "", {}, "refused"),
     ("401 Unauthorized", "", {}, "refused"), ("502 Bad Gateway", "", {}, "broken"),
     ("400 Bad Request", "", {}, "broken"),
     ("301 Moved", "Location: https://a.test/\r\n", {"clear": True}, "refused"),
     ("301 Moved", "Location: http://a.test/\r\n", {"clear": True}, "answered"),
     ("200 OK", "", {"clear": True}, "answered")],
)  # fmt: skip
def test_a_status_says_who_answered(
    status: str, headers: str, probe: dict[str, Any], outcome: str, secured: ssl.SSLContext, pem: dict[str, str]
) -> None:
    answer = f"HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\n\r\n".encode()
    with serving(says(answer), None if probe.get("clear") else secured) as port:
        assert came({"kind": "http", "port": port, **probe}, pem)[0] == outcome


def test_what_is_no_http_shows_nothing() -> None:
    for answer in (b"", b"airgap lab\n", b"HTTP/1.1"):
        with serving(says(answer)) as port:
            assert came({"kind": "http", "port": port, "clear": True})[0] == "broken"


def test_an_answer_in_pieces_is_joined(pem: dict[str, str]) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    with serving(says(chunked[:50], chunked[50:])) as port:
        status, _, body = web.request({"to": HOST, "port": port, "clear": True}, None, {})
    assert (status, body) == (200, b"abcde")


CONFIG = b"{}"
MANIFEST = json.dumps({"config": {"digest": "sha256:" + hashlib.sha256(CONFIG).hexdigest()}}).encode()
DIGEST = "sha256:" + hashlib.sha256(MANIFEST).hexdigest()


def registry(held: dict[str, bytes], token: bytes = b"") -> Served:
    """A registry of some content, by path; with a token it wants one."""

    def talk(conn: socket.socket) -> None:
        head = conn.recv(65536)
        body = held.get(head.split(b" ")[1].decode())
        status = "401 Unauthorized" if token not in head else "404 Not Found" if body is None else "200 OK"
        sent = body if status.startswith("200") and body else b""
        conn.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(sent)}\r\n\r\n".encode() + sent)

    return talk


def test_a_pull_is_of_bytes_that_have_their_digest(secured: ssl.SSLContext, pem: dict[str, str]) -> None:
    paths = {f"/v2/app/manifests/{DIGEST}": MANIFEST,
             f"/v2/app/blobs/sha256:{hashlib.sha256(CONFIG).hexdigest()}": CONFIG}  # fmt: skip
    probe = {"kind": "pull", "repository": "app", "digest": DIGEST}
    with serving(registry(paths), secured) as port:
        assert came({**probe, "port": port}, pem)[0] == "answered"
        assert came({**probe, "port": port, "digest": "sha256:0"}, pem) == ("refused", "404")
    with serving(registry(paths, b"Authorization: "), secured) as port:
        assert came({**probe, "port": port}, pem) == ("refused", "401")
    altered = dict.fromkeys(paths, MANIFEST + b" ")
    with serving(registry(altered), secured) as port:
        assert came({**probe, "port": port}, pem) == ("broken", "the bytes have another digest")


def test_a_call_is_signed_as_botocore_signs_it() -> None:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    keys, host, at = (
        {"AccessKeyId": "AKID", "SecretAccessKey": "secret", "Token": "t"},
        "api.ecr.r-1.test",
        1_800_000_000,
    )
    ours = web.signed(keys, host, "r-1", b"{}", at)
    request = AWSRequest("POST", f"https://{host}/", data=b"{}", headers={
        name: ours[name] for name in ("content-type", "x-amz-target", "host")})  # fmt: skip
    request.context["timestamp"] = ours["x-amz-date"]
    signer = SigV4Auth(Credentials("AKID", "secret", "t"), "ecr", "r-1")
    request.headers["X-Amz-Date"], request.headers["X-Amz-Security-Token"] = ours["x-amz-date"], "t"
    theirs = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    assert ours["authorization"].endswith(f"Signature={theirs}")


def test_errors_of_the_network_are_told_apart_from_refusals() -> None:
    assert came({"kind": "tls", "port": 1}) == ("refused", "Connection refused")
    assert secure.turned_away(OSError("else")) is None
