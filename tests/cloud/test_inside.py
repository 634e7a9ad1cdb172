"""Calls made inside the VPC: by another connection, under the true TLS name, signed and parsed as any other."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from airgap.cloud.inside import Inward, go
from airgap.errors import Unreachable
from airgap.rehearsal.authority import Authority

HOST = "bedrock-runtime.us-east-1.amazonaws.com"
ASKED: list[tuple[str, str, bool]] = []


class Answering(BaseHTTPRequestHandler):
    """Answers every call as Converse does."""

    def do_POST(self) -> None:
        """Note host, path and whether it is signed, and answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        ASKED.append((self.headers["Host"], self.path, "Signature=" in self.headers["Authorization"]))
        body = json.dumps({"stopReason": "end_turn", "usage": {"inputTokens": 1, "outputTokens": 1}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


class Tunnel:
    """A way to one port of this machine; it notes what it was opened for."""

    def __init__(self, port: int) -> None:
        self.port, self.opened, self.closed = port, [], False  # type: ignore[var-annotated]

    def open(self, host: str, port: int) -> tuple[str, int]:
        """Return the local end."""
        self.opened.append((host, port))
        return "127.0.0.1", self.port

    def close(self) -> None:
        """End it."""
        self.closed = True


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Authority, Any]]:
    """An authority that clients trust, and what serves under a name that it has certified."""
    authority, servers = Authority(tmp_path), []
    (tmp_path / "ca.pem").write_text(authority.pem)
    for name, value in {
        "AWS_CA_BUNDLE": tmp_path / "ca.pem",
        "AWS_ACCESS_KEY_ID": "A",
        "AWS_SECRET_ACCESS_KEY": "b",
    }.items():
        monkeypatch.setenv(name, str(value))

    def serve(name: str) -> int:
        server = HTTPServer(("127.0.0.1", 0), Answering)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.issue([name]))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return int(server.server_port)

    ASKED.clear()
    yield authority, serve
    for server in servers:
        server.shutdown()
        server.server_close()


def client(way: Inward) -> Any:
    """A client whose requests go by a way."""
    config = Config(retries={"total_max_attempts": 1})
    made = boto3.session.Session(region_name="us-east-1").client("bedrock-runtime", config=config)
    go(made, way)
    return made


def converse(one: Any) -> dict[str, Any]:
    """Make a call."""
    found: dict[str, Any] = one.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "?"}]}])
    return found


def test_a_call_goes_through_the_tunnel_under_its_true_name(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tunnel = Tunnel(site[1](HOST))
    way = Inward("10.0.0.0/16", tunnel)
    monkeypatch.setattr(socket, "getaddrinfo", resolving("52.94.0.22"))
    assert converse(client(way))["stopReason"] == "end_turn"
    assert ASKED == [(HOST, "/model/m/converse", True)]
    assert (tunnel.opened, way.by) == ([(HOST, 443)], "operations host")
    way.close()
    assert tunnel.closed


def test_who_answers_under_another_name_is_not_spoken_to(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tunnel = Tunnel(site[1]("bedrock-runtime.eu-west-1.amazonaws.com"))
    monkeypatch.setattr(socket, "getaddrinfo", resolving("52.94.0.22"))
    with pytest.raises(EndpointConnectionError, match="bedrock-runtime"):
        converse(client(Inward("10.0.0.0/16", tunnel)))
    assert ASKED == []


_resolve = socket.getaddrinfo


def resolving(address: str) -> Any:
    """A resolver that knows AWS's names by one address, and others as ever."""

    def resolve(host: str, *more: Any, **how: Any) -> Any:
        return _resolve(address if host.endswith(".amazonaws.com") else host, *more, **how)

    return resolve


def test_a_private_address_of_the_vpc_is_inside_and_decides_for_every_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving("10.0.10.7"))
    way = Inward("10.0.0.0/16", Tunnel(1))
    assert way.open(HOST, 443) == (HOST, 443)
    assert way.by == "10.0.10.7"
    monkeypatch.setattr(socket, "getaddrinfo", resolving("52.216.0.1"))
    assert way.open("bucket.s3.us-east-1.amazonaws.com", 443) == ("bucket.s3.us-east-1.amazonaws.com", 443)


def test_a_way_that_cannot_be_opened_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    class Shut(Tunnel):
        def open(self, host: str, port: int) -> tuple[str, int]:
            raise Unreachable("no host", "anything", "make one")

    monkeypatch.setattr(socket, "getaddrinfo", resolving("52.94.0.22"))
    with pytest.raises(Unreachable, match="no host"):
        Inward("10.0.0.0/16", Shut(1)).open(HOST, 443)
