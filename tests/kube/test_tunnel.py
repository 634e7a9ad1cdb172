"""A tunnel through the operations host: what the plug-in is given, how it ends, and what is said when it cannot be."""

from __future__ import annotations

import base64
import json
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from clusters import NAME, Site
from emulated import Account
from test_cluster_client import ADMIN, POLICY, Recorded, signer

from airgap.errors import AccessDenied, Unreachable
from airgap.kube.cluster import Cluster, Endpoint
from airgap.kube.reach import Inside, embedded_listener
from airgap.kube.tunnel import PLUGIN, SESSION_VARIABLE, SessionManager
from airgap.rehearsal import reset, serving

SESSION = {"SessionId": "s-1", "StreamUrl": "wss://ssmmessages.example", "TokenValue": "the-token"}
Settings = Callable[..., Path]


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Puts the stand-in on the search path, with settings: ``version``, ``far`` (port), ``refused`` (its words)."""

    def installed(**settings: Any) -> Path:
        program = tmp_path / PLUGIN
        program.write_text(f"#!{sys.executable}\n" + (Path(__file__).parent / "plug_in.py").read_text())
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        told = {"version": "1.2.707.0", "far": 0, "refused": "", **settings}
        (tmp_path / "settings.json").write_text(json.dumps(told))
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return tmp_path

    return installed


@pytest.fixture
def opened() -> Iterator[Callable[..., SessionManager]]:
    """Makes ways that are ended with the test."""
    made: list[SessionManager] = []

    def make(target: str = "i-1", start: Callable[[Mapping[str, Any]], Any] = lambda asked: SESSION) -> SessionManager:
        made.append(SessionManager(target, "eu-central-1", start, "https://ssm.eu-central-1.amazonaws.com"))
        return made[-1]

    yield make
    for one in made:
        one.close()


Ways = Callable[..., SessionManager]


def test_the_plug_in_gets_what_the_aws_cli_gives_it_and_no_token_as_an_argument(
    plug_in: Settings, opened: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/etc/own.pem")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "kept-here")
    folder, way = plug_in(), opened()
    address, port = way.open("api.example", 443)
    asked = json.loads((folder / "asked.json").read_text())
    response, region, operation, profile, parameters, endpoint = asked["arguments"]
    assert (response, region, operation, profile) == (SESSION_VARIABLE, "eu-central-1", "StartSession", "")
    assert endpoint == "https://ssm.eu-central-1.amazonaws.com"
    assert json.loads(parameters) == {
        "Target": "i-1",
        "DocumentName": "AWS-StartPortForwardingSessionToRemoteHost",
        "Parameters": {"host": ["api.example"], "portNumber": ["443"], "localPortNumber": [str(port)]},
    }
    environment = asked["environment"]
    assert json.loads(environment[SESSION_VARIABLE]) == SESSION
    assert "the-token" not in json.dumps(asked["arguments"])
    assert (environment["HTTPS_PROXY"], environment["SSL_CERT_FILE"]) == ("http://proxy.example:3128", "/etc/own.pem")
    assert "AWS_SECRET_ACCESS_KEY" not in environment
    assert address == "127.0.0.1"


def test_a_tunnel_is_kept_while_it_lives_and_opened_anew_when_its_session_ended(
    plug_in: Settings, opened: Ways
) -> None:
    plug_in()
    started: list[Any] = []
    way = opened(start=lambda asked: started.append(asked) or SESSION)
    first = way.open("api.example", 443)
    assert way.open("api.example", 443) == first
    assert len(started) == 1
    tunnel = way._tunnels["api.example", 443]
    tunnel.process.kill()  # as an idle session ends
    tunnel.process.wait()
    assert way.open("api.example", 443) != first
    assert len(started) == 2


def test_a_session_is_ended_in_order_and_not_left_to_idle(plug_in: Settings, opened: Ways) -> None:
    folder, way = plug_in(), opened()
    way.open("api.example", 443)
    way.close()
    assert (folder / "terminated").exists()


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("1.2.497.0", "is 1.2.497.0; it must be newer than 1.2.497.0"),
        ("1.1.61.0", "is 1.1.61.0; it must be newer"),
        ("1.2.30", "is 1.2.30; it must be newer"),
        ("The plug-in was installed successfully.", "does not tell its version but 'The plug-in was"),
    ],
)
def test_an_old_plug_in_is_named_before_any_session_is_started(
    plug_in: Settings, opened: Ways, version: str, says: str
) -> None:
    plug_in(version=version)
    started: list[Any] = []
    with pytest.raises(Unreachable, match=says) as caught:
        opened(start=lambda asked: started.append(asked) or SESSION).open("api.example", 443)
    assert "install a current" in caught.value.action
    assert started == []


@pytest.mark.parametrize("version", ["1.2.536.0", "1.2.498", "2.0.0.0"])
def test_a_newer_plug_in_will_do(plug_in: Settings, opened: Ways, version: str) -> None:
    plug_in(version=version)
    assert opened().open("api.example", 443)[0] == "127.0.0.1"


def test_a_plug_in_that_does_not_run_is_named(tmp_path: Path, opened: Ways, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / PLUGIN
    program.write_bytes(b"\x7fELF of another machine")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreachable, match="does not run"):
        opened().open("api.example", 443)


def test_without_the_plug_in_the_way_is_named(monkeypatch: pytest.MonkeyPatch, opened: Ways) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Unreachable, match="session-manager-plugin is not installed") as caught:
        opened().open("api.example", 443)
    assert "airgap kit" in caught.value.action


def test_without_a_host_the_notebook_is_named(plug_in: Settings, opened: Ways) -> None:
    plug_in()
    with pytest.raises(Unreachable, match="no operations host") as caught:
        opened(target="").open("api.example", 443)
    assert "04_cluster" in caught.value.action


def test_a_tunnel_that_ends_at_once_tells_why_although_its_status_is_0(plug_in: Settings, opened: Ways) -> None:
    plug_in(refused="websocket: bad handshake")
    with pytest.raises(Unreachable, match="ended at once: .*Cannot perform start session: websocket: bad handshake"):
        opened().open("api.example", 443)


def test_a_session_that_is_refused_is_no_broken_step_but_an_unreachable_host(plug_in: Settings, opened: Ways) -> None:
    plug_in()

    def refused(asked: Mapping[str, Any]) -> Any:
        raise AccessDenied("fintech-verifier may not call ssm:StartSession", "the host", "allow ssm:StartSession")

    with pytest.raises(Unreachable, match=r"No session to api.example:443 .* may not call ssm:StartSession") as caught:
        opened(start=refused).open("api.example", 443)
    assert caught.value.action == "allow ssm:StartSession"


def test_what_is_inside_is_tried_once_and_what_is_outside_stays_with_its_tunnel(
    plug_in: Settings, opened: Ways
) -> None:
    plug_in()
    way = Inside(opened())
    assert way.open("nowhere.invalid", 443) == way.open("nowhere.invalid", 443)
    with socket.create_server(("127.0.0.1", 0)) as here:
        port = here.getsockname()[1]
        direct = Inside()
        assert direct.open("127.0.0.1", port) == ("127.0.0.1", port)
    assert direct.open("127.0.0.1", port) == ("127.0.0.1", port)  # it is not tried again for each call


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving() as url:
        reset(url)
        found = Site(Account(url))
        found.cluster()
        eks, scope = found.client("eks"), {"type": "cluster"}
        eks.create_access_entry(clusterName=NAME, principalArn=ADMIN)
        eks.associate_access_policy(clusterName=NAME, principalArn=ADMIN, policyArn=POLICY, accessScope=scope)
        yield found


def cluster_through(site: Site, way: SessionManager) -> tuple[Cluster, Recorded]:
    described, recorded = site.described(), Recorded()
    authority = base64.b64decode(described["certificateAuthority"]["data"]).decode()
    endpoint = Endpoint(described["endpoint"].removeprefix("https://"), authority)
    place = ("123456789012", "us-east-1", "aws")
    return Cluster(NAME, *place, endpoint, way, signer("alice"), recorded, sleep=lambda _: None), recorded


def test_the_cluster_is_read_through_a_tunnel_under_its_true_name_also_after_the_tunnel_died(
    site: Site, plug_in: Settings, opened: Ways
) -> None:
    plug_in(far=embedded_listener(site.account.url))
    way = opened()
    cluster, recorded = cluster_through(site, way)
    cluster.read("kubernetes:ListNamespaces", {"cluster": NAME})
    (tunnel,) = way._tunnels.values()
    tunnel.process.kill()
    tunnel.process.wait()
    cluster.read("kubernetes:ListNamespaces", {"cluster": NAME})
    assert recorded.failures == []
    assert [len(one["items"]) > 3 for one in recorded.bodies] == [True, True]


def test_a_host_that_does_not_reach_the_api_is_not_taken_for_a_wrong_certificate(
    site: Site, plug_in: Settings, opened: Ways
) -> None:
    plug_in(far=0)
    way = opened()
    cluster, recorded = cluster_through(site, way)
    cluster.read("kubernetes:ListNamespaces", {"cluster": NAME})
    assert [(one.status, one.code) for one in recorded.failures] == [("failed", "Unreachable")]
    assert "does not reach the API server" in recorded.failures[0].message
    end = time.monotonic() + 2
    while "Connection to destination port failed" not in way._tunnels[cluster.endpoint.host, 443].said():
        assert time.monotonic() < end
