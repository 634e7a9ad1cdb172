"""The listener of the faces: names, certificates, connections, bodies, and clients that break off."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import sys
import time

import pytest

from airgap.rehearsal import down, faces, up
from airgap.rehearsal.face_listener import Dropped
from airgap.rehearsal.faces import Answered, Asked

NAME = "one.of.ours.example"


def echo(asked: Asked) -> Answered:
    if asked.path == "/stream":
        return Answered(200, {"X-Host": asked.host}, (b"%d" % n for n in range(3)))
    if asked.path == "/die":
        return Answered(200, {"Content-Length": "10"}, dying())
    if asked.path == "/broken":
        raise KeyError("ours")
    if asked.path == "/unread":
        return Answered(200, {}, b"unread")
    return Answered(
        200, {"X-Query": asked.query}, asked.method.encode() + b" " + asked.path.encode() + asked.body.read()
    )


def dying():
    yield b"12345"
    raise Dropped


@pytest.fixture
def place(server, monkeypatch):
    monkeypatch.setitem(faces.FACES, "*.ours.example", echo)
    return faces.about()


def connect(place, name=NAME):
    context = ssl.create_default_context(cadata=place["ca_pem"])
    connection = http.client.HTTPSConnection("127.0.0.1", place["tls_port"], context=context, timeout=10)
    plain = socket.create_connection(("127.0.0.1", place["tls_port"]), 10)
    connection.sock = context.wrap_socket(plain, server_hostname=name)
    return connection


def ask(connection, method, path, body=None, **headers):
    connection.request(method, path, body, {"Host": NAME, **headers})
    return connection.getresponse()


def test_a_connection_is_kept_over_requests_of_every_kind(place):
    connection = connect(place)
    sock = connection.sock
    answer = ask(connection, "PATCH", "/a%20b?x=1&y=", b"body")
    assert (answer.read(), answer.headers["X-Query"]) == (b"PATCH /a bbody", "x=1&y=")
    assert ask(connection, "PUT", "/c", iter([b"ab", b"cd"])).read() == b"PUT /cabcd"
    answer = ask(connection, "GET", "/stream")
    assert (answer.headers["Transfer-Encoding"], answer.read(), answer.headers["X-Host"]) == ("chunked", b"012", NAME)
    head = ask(connection, "HEAD", "/h")
    assert (head.headers["Content-Length"], head.read()) == ("7", b"")
    assert ask(connection, "POST", "/unread", b"x" * 70_000).read() == b"unread"
    assert ask(connection, "POST", "/e", b"late", Expect="100-continue").read() == b"POST /elate"
    broken = ask(connection, "GET", "/broken")
    assert (broken.status, broken.read()) == (500, b"internal error\n")
    assert connection.sock is sock
    connection.close()


def test_a_face_that_drops_cuts_the_body_short(place):
    connection = connect(place)
    with pytest.raises(http.client.IncompleteRead):
        ask(connection, "GET", "/die").read()
    connection.close()


def test_a_name_without_a_face_gets_no_certificate(place):
    with pytest.raises(ssl.SSLError):
        connect(place, "elsewhere.example")


def test_an_unnamed_client_is_told_by_its_host_header(place):
    connection = connect(place, "localhost")
    assert ask(connection, "GET", "/x", Host="two.ours.example").read() == b"GET /x"
    assert ask(connection, "GET", "/x", Host="elsewhere.example").status == 421
    connection.close()


def test_a_client_may_take_the_listener_for_its_proxy(place):
    context = ssl.create_default_context(cadata=place["ca_pem"])
    connection = http.client.HTTPSConnection("127.0.0.1", place["tls_port"], context=context, timeout=10)
    connection.set_tunnel(NAME, 443)
    assert ask(connection, "GET", "/proxied").read() == b"GET /proxied"
    connection.close()


def test_what_is_not_tls_is_refused(place):
    with socket.create_connection(("127.0.0.1", place["tls_port"]), 10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert plain.recv(100).startswith(b"HTTP/1.1 400")


def test_clients_that_break_off_leave_the_listener_serving(place, capfd):
    for sent in (b"", b"\x16\x03\x01\x00", b"CONNECT x"):
        with socket.create_connection(("127.0.0.1", place["tls_port"]), 10) as plain:
            plain.sendall(sent)
    connection = connect(place)
    connection.putrequest("PUT", "/x")
    connection.putheader("Content-Length", "100")
    connection.endheaders(b"half")
    connection.close()
    again = connect(place)
    assert ask(again, "GET", "/y").read() == b"GET /y"
    again.close()
    assert "Traceback" not in capfd.readouterr().err


def test_a_server_of_its_own_keeps_keys_in_its_folder_and_takes_them_along(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    rehearsal = up()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", rehearsal.port, timeout=10)
        begun = time.monotonic()
        connection.request("GET", "/rehearsal/faces")
        answer = connection.getresponse()
        assert answer.status == 200
        assert b"BEGIN CERTIFICATE" in answer.read()
        assert time.monotonic() - begun < 5
        connection.close()
        kept = list(tmp_path.rglob("*.pem"))
        assert kept
        assert {oct(file.stat().st_mode & 0o777) for file in kept} == {"0o600"}
    finally:
        down(rehearsal.port)
    assert not list(tmp_path.rglob("*.pem"))


def test_cryptography_is_loaded_when_a_face_is_first_asked_for():
    code = "import sys, airgap.rehearsal.faces; assert 'cryptography' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
