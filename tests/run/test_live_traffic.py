"""Live traffic is asked for under the true server name, from where it can be asked, and the evidence says which."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from airgap.errors import Unreachable
from airgap.rehearsal.authority import Authority
from airgap.run.live_traffic import Entrance, request

DOMAIN, ENTRANCE = "fintech.example.com", Entrance("app.elb.example", ("10.0.1.10",))


class Healthy(http.server.BaseHTTPRequestHandler):
    """An application that is well on one path."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Way:
    """A way that leads to a port of this machine, or nowhere."""

    port: int = 0
    opened: list[str] = field(default_factory=list)

    def open(self, host: str, port: int) -> tuple[str, int]:
        self.opened.append(f"{host}:{port}")
        if not self.port:
            raise Unreachable(f"{host} does not answer here", "it", "go inside")
        return "127.0.0.1", self.port

    def close(self) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A TLS server with a certificate of the application's name, whose authority is trusted here."""
    authority = Authority(tmp_path)
    trusted = tmp_path / "authority.pem"
    trusted.write_text(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue([DOMAIN]))
    with http.server.HTTPServer(("127.0.0.1", 0), Healthy) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_from_here_where_the_name_leads_to_an_address_that_answers(served: int) -> None:
    inside = Way(served)
    told = request(DOMAIN, "/healthz", ENTRANCE, Way(served), inside)
    assert (told["place"], told["address"], told["server_name"]) == ("here", ENTRANCE.name, DOMAIN)
    assert (told["protocol"], told["status"]) == ("TLSv1.3", 200)
    assert inside.opened == []


def test_else_from_the_operations_host_at_a_private_address_under_the_same_name(served: int) -> None:
    inside = Way(served)
    told = request(DOMAIN, "/elsewhere", ENTRANCE, Way(), inside)
    assert (told["place"], told["address"], told["status"]) == ("the operations host", "10.0.1.10", 404)
    assert told["server_name"] == DOMAIN
    assert inside.opened == ["10.0.1.10:443"]


def test_a_certificate_of_another_name_is_a_fact_and_no_answer(served: int) -> None:
    told = request("another.example.com", "/healthz", ENTRANCE, Way(served), Way())
    assert told["server_name"] == ""
    assert "another.example.com" in told["refused"]
    assert "status" not in told


def test_where_it_can_be_asked_from_nowhere_both_reasons_are_told() -> None:
    with pytest.raises(Unreachable) as nowhere:
        request(DOMAIN, "/healthz", ENTRANCE, Way(), Way())
    assert "app.elb.example does not answer here; 10.0.1.10 does not answer here" in nowhere.value.what
