"""Probes of live hosts: what may be named as one, what is kept, and how a later run reads it."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from airgap import params
from airgap.errors import MissingPredecessor, UsageError
from airgap.model.probes import ANSWERED, CALL, REFUSED, SCHEMA, probes_of
from airgap.run import probing

ROOT = Path(__file__).parents[2]
INTENT = params.load("demo")


class Cloud:
    """Records what it is told, as a session would."""

    def __init__(self) -> None:
        self.recorder = self

    def asked(self, call: str, given: dict[str, Any], scope: str, vantage: str) -> dict[str, Any]:
        return {"call": call, "params": given, "vantage": vantage, "system": "aws", "method": "EXAMINE"}

    def answered(self, asked: dict[str, Any], body: Any, *_: Any) -> dict[str, Any]:
        return {**asked, "body": body, "status": "ok"}

    def unanswered(self, call: str, given: dict[str, Any], why: str, *, vantage: str, status: str = "failed") -> Any:
        return {"call": call, "why": why, "status": status, "vantage": vantage}


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("AIRGAP_REPORTS", str(tmp_path))
    (tmp_path / "demo").mkdir()
    return tmp_path / "demo" / "probes.json"


def observed() -> dict[str, Any]:
    cloud: Any = Cloud()
    found: Any = probing.observe(cloud, ROOT, INTENT)
    return dict(found)


def test_without_a_transcript_there_is_none(reports: Path) -> None:
    assert observed()["status"] == "absent"


def test_a_transcript_is_one_observation_of_a_test(reports: Path) -> None:
    body = {"Schema": SCHEMA, "TakenAt": "2026-11-02T00:00:00Z", "Place": "lab", "Hosts": []}
    reports.write_text(json.dumps(body))
    seen = observed()
    assert (seen["call"], seen["method"], seen["system"], seen["body"]) == (CALL, "TEST", "probe", body)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"Schema": "another/v9"}'])
def test_a_transcript_that_cannot_be_read_is_no_absence(text: str, reports: Path) -> None:
    reports.write_text(text)
    assert observed()["status"] == "failed"


def test_every_refusal_has_a_control_that_must_be_answered() -> None:
    found = {one["name"]: one for one in probes_of(INTENT)}
    refused = [one for one in found.values() if one["wants"] == REFUSED]
    assert {one["kind"] for one in refused} == {"tcp", "udp", "icmp", "dns"}
    assert any(":" in str(one.get("to")) for one in refused), "none is of IPv6"
    for one in refused:
        assert found[one["control"]]["wants"] == ANSWERED
    assert sum(name.startswith("endpoint-") for name in found) > 15


@pytest.mark.parametrize("host", ["i-1", "telnet://host", "ssm://", "netns://"])
def test_what_is_no_host_is_refused(host: str, reports: Path) -> None:
    with pytest.raises(UsageError, match="is no host"):
        probing.probe("demo", [host], "2026-11-02T00:00:00Z")
    assert not reports.exists()


def test_without_a_host_the_way_to_one_is_named(reports: Path) -> None:
    with pytest.raises(MissingPredecessor) as caught:
        probing.probe("demo", [], "2026-11-02T00:00:00Z")
    assert "airgap lab up" in caught.value.action


def test_a_lab_and_an_account_are_two_places() -> None:
    assert probing.place(["netns://a", "netns://b"], INTENT) == "lab"
    assert probing.place(["ssm://i-1", "kubectl://pod"], INTENT) == INTENT.world
    with pytest.raises(UsageError, match="together"):
        probing.place(["netns://a", "ssm://i-1"], INTENT)


def test_the_harness_runs_on_this_machine(reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the local backend, with loopback alone: a closed port is a reset, which is no refusal of the network's."""
    few = [
        {"name": "control", "kind": "tcp", "wants": ANSWERED, "control": "", "to": "127.0.0.1", "port": 1},
        {"name": "out", "kind": "tcp", "wants": REFUSED, "control": "control", "to": "127.0.0.1", "port": 1},
    ]
    monkeypatch.setattr(probing, "probes_of", lambda intent: few)
    told = probing.probe("demo", ["local://"], "2026-11-02T00:00:00Z")
    assert [(one["probe"], one["status"]) for one in told["Judged"]] == [("control", "fail"), ("out", "fail")]
    kept = json.loads(reports.read_text())
    assert kept["Place"] == "rehearsal"
    assert [one["outcome"] for one in kept["Hosts"][0]["Answers"]] == ["refused", "refused"]


@pytest.fixture
def harness() -> ModuleType:
    spec = importlib.util.spec_from_file_location("harness", ROOT / "tests" / "infra" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class SessionManager:
    """Run Command, whose invocation is not there at once."""

    class exceptions:
        class InvocationDoesNotExist(Exception):
            pass

    def __init__(self) -> None:
        self.sent: dict[str, Any] = {}
        self.asked = 0

    def send_command(self, **given: Any) -> dict[str, Any]:
        self.sent = given
        return {"Command": {"CommandId": "c-1"}}

    def get_command_invocation(self, **given: Any) -> dict[str, Any]:
        self.asked += 1
        if self.asked == 1:
            raise self.exceptions.InvocationDoesNotExist
        if self.asked == 2:
            return {"Status": "InProgress"}
        return {"Status": "Failed", "ResponseCode": 3, "StandardOutputContent": "out", "StandardErrorContent": "no"}


def test_session_manager_runs_a_command_and_waits(harness: ModuleType) -> None:
    backend = harness.SessionManagerBackend("i-1")
    backend.client = SessionManager()
    done = backend.run("echo %s", "a b")
    assert (done.rc, done.stdout, done.stderr) == (3, "out", "no")
    assert backend.client.sent["InstanceIds"] == ["i-1"]
    assert backend.client.sent["Parameters"] == {"commands": ["echo 'a b'"]}


def test_a_namespace_is_entered_by_its_name(harness: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = harness.NetnsBackend("airgap.demo.eni-1")
    run: list[str] = []
    monkeypatch.setattr(backend, "run_local", run.append)
    backend.run("echo %s", "it's")
    assert run == [
        "nsenter --net=/run/netns/airgap.demo.eni-1 /bin/sh -c 'echo '\"'\"'it'\"'\"'\"'\"'\"'\"'\"'\"'s'\"'\"''"
    ]
    assert backend.get_pytest_id() == "netns://airgap.demo.eni-1"
