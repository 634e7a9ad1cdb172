"""Registries, token servers and proxies that answer what the protocol does not know end in an error that says so."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping

import pytest
import urllib3
from site_of_tests import BUSYBOX, PAUSE
from urllib3.exceptions import HTTPError, ProtocolError

from airgap.errors import MirrorFailed, RegistryFailed
from airgap.oci.content import digest_of
from airgap.oci.network import Network, Route
from airgap.oci.session import Answer, Session

UPLOAD = "/v2/mirror/odd/blobs/uploads/1"
DIGEST = digest_of(b"")


def answering(monkeypatch, status: int, headers: Mapping[str, str], data: bytes = b"") -> None:
    """Let every request to a registry get one answer."""
    raw = urllib3.HTTPResponse(body=data, status=status, headers=headers, preload_content=False)
    monkeypatch.setattr(Session, "attempt", lambda *asked: Answer(status, urllib3.HTTPHeaderDict(headers), data, raw))


PAGE = b"<html>Please sign in to the proxy</html>"
HTML = {"Content-Type": "text/html"}


@pytest.mark.parametrize(
    ("call", "status", "headers", "data"),
    [
        (lambda one: one.tags(), 200, HTML, PAGE),
        (lambda one: one.tags(), 200, {}, b"[1]"),
        (lambda one: one.manifest("1.0").document, 200, HTML, PAGE),
        (lambda one: one.begin(), 202, {}, b""),
        (lambda one: one.mount(DIGEST, "other"), 202, {}, b""),
        (lambda one: one.begin(), 200, HTML, PAGE),
    ],
)
def test_what_answers_in_a_registry_s_stead_is_said(site, monkeypatch, call, status, headers, data):
    repository = site.mirror.target(site.resolve(PAUSE).entries[0])
    answering(monkeypatch, status, headers, data)
    with pytest.raises(MirrorFailed):
        call(repository)


def test_an_upload_of_which_nothing_sensible_is_told_begins_again(site, monkeypatch):
    repository = site.mirror.target(site.resolve(PAUSE).entries[0])
    answering(monkeypatch, 204, {"Location": UPLOAD, "Range": "bytes"})
    assert repository.received(UPLOAD) is None


def test_an_upload_that_cannot_be_given_up_stops_nothing(site, monkeypatch):
    lock = site.locked(site.publish(b"shared", b"a"), site.publish(b"shared", b"b"))
    attempt = Session.attempt

    def hangs_up(self, ask, *rest):
        if ask.call == "CancelUpload":
            raise ProtocolError("the connection was reset")
        return attempt(self, ask, *rest)

    monkeypatch.setattr(Session, "attempt", hangs_up)
    assert [outcome.error for outcome in site.mirror.copy(lock)] == [None, None]


class TokenServer:
    """Answers some requests for tokens as a test wants, and all else as before."""

    def __init__(self, network, *answers):
        self.network, self.answers, self.asked = network, list(answers), 0

    def __getattr__(self, name):
        return getattr(self.network, name)

    def pool(self, host):
        return self if host == "auth.docker.io" and self.answers else self.network.pool(host)

    def request(self, method, url, **how):
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        return urllib3.HTTPResponse(body=body, status=status)


def with_token_server(site, *answers) -> TokenServer:
    server = TokenServer(site.mirror.network, *answers)
    site.mirror.network = server
    return server


def test_a_token_server_that_is_busy_or_silent_is_asked_again(site):
    server = with_token_server(site, HTTPError("no answer"), (429, b""), (503, b""), (200, b"<html>"))
    assert site.mirror.resolve({BUSYBOX: ""}).entries[0].reference.endswith("busybox:1.37.0")
    assert server.asked == 4


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((429, b""), "its token server gave none: auth.docker.io answered HTTP 429"),
        ((200, PAGE), "its token server gave none"),
        ((200, json.dumps({"token": ""}).encode()), "auth.docker.io answered without a token"),
        (HTTPError("no answer"), "its token server gave none: no answer"),
    ],
)
def test_a_token_server_that_stays_so_is_named(site, answer, says):
    with_token_server(site, *[answer] * 12)
    with pytest.raises(RegistryFailed, match=says) as caught:
        site.mirror.resolve({BUSYBOX: ""})
    assert "registry-1.docker.io did not answer" in caught.value.what


def test_a_token_server_that_refuses_is_a_refusal(site):
    with_token_server(site, *[(403, b"")] * 12)
    with pytest.raises(RegistryFailed, match="HTTP 401") as caught:
        site.mirror.resolve({BUSYBOX: ""})
    assert caught.value.action == "check the credentials for the registry"


def test_small_parts_are_not_held_back_on_the_way_through_a_proxy():
    pool = Network(Route("http://127.0.0.1:9")).pool("ghcr.io").connection_from_url("https://ghcr.io")
    assert (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) in pool.conn_kw["socket_options"]
