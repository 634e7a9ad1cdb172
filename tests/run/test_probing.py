"""Probes of live hosts: what may be named as one, what is kept, and how a later run reads it."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from airgap import params
from airgap.errors import MissingPredecessor, UsageError
from airgap.model import peer
from airgap.model.probe_list import ROLES, Endpoint, Image, Places, probes_of, role_of
from airgap.model.probes import ANSWERED, CALL, REFUSED, SCHEMA, about
from airgap.run import beside, probing

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
    found: Any = beside.observe(CALL, cloud, ROOT, INTENT)
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


PLACES = Places(Endpoint("db.test", 5432), Endpoint("cache.test", 6379), Endpoint("entry.test", 443),
                Image("app", "sha256:1"), {"i-host": "host", "i-node": "node", "eni-1": "node"})  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_every_refusal_has_a_control_that_must_be_answered(role: str) -> None:
    every = probes_of(INTENT, role, PLACES)
    found = {one["name"]: one for one in every}
    assert len(found) == len(every)
    refused = [one for one in every if one["wants"] == REFUSED]
    assert refused
    for one in refused:
        control = found[one["control"]]
        assert control["wants"] == ANSWERED
        assert control["kind"] == one["kind"] or (control["kind"], one["kind"]) in INSTRUMENTS


INSTRUMENTS = {("tcp", "metadata"), ("dns", "udp"), ("tls", "plain"), ("icmp", "tcp")}
"""A control of another kind that goes by the same way: the connection, the resolver, the port, the address family."""


def test_from_everywhere_the_world_outside_is_tried() -> None:
    found = probes_of(INTENT)
    assert {one["kind"] for one in found if one["wants"] == REFUSED} == {"tcp", "udp", "icmp", "dns"}
    assert any(":" in str(one.get("to")) for one in found if one["wants"] == REFUSED), "none is of IPv6"
    assert sum(one["name"].startswith("endpoint-") for one in found) > 15


def test_every_service_is_tried_from_a_role_that_reaches_it() -> None:
    abouts = {role: {about(one) for one in probes_of(INTENT, role, PLACES)} for role in ROLES}
    assert abouts["host"] == {"network", "metadata", "bucket", "database", "entry"}
    assert abouts["node"] == {"network", "metadata", "bucket", "database", "cache", "registry"}
    assert abouts["client"] == {"entry"}
    assert abouts["machine"] == {"network"}
    assert {about(one) for one in probes_of(INTENT, "node")} == {"network", "metadata", "bucket"}


@pytest.mark.parametrize(
    ("host", "role"),
    [("ssm://i-host", "host"), ("ssm://i-node", "node"), ("ssm://i-other", "instance"),
     ("kubectl://p?namespace=a", "pod"),
     ("netns://airgap.demo.eni-1", "node"), ("netns://airgap.demo.pod-eni-1", "pod"),
     ("netns://airgap.demo.eni-2", "machine"), ("local://client", "client"), ("local://", "machine"),
     ("ssh://root@h:22", "machine"), ("podman://c", "machine")],
)  # fmt: skip
def test_a_host_has_the_role_that_its_run_recorded(host: str, role: str) -> None:
    assert role_of(host, PLACES) == role


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
    monkeypatch.setattr(probing, "probes_of", lambda *_: few)
    told_of = probing.probe("demo", ["local://"], "2026-11-02T00:00:00Z")
    assert [(one["probe"], one["status"]) for one in told_of["Judged"]] == [("control", "fail"), ("out", "fail")]
    kept = json.loads(reports.read_text())["Hosts"][0]
    assert (kept["Host"], kept["Role"], kept["Place"], kept["TakenAt"]) == (
        "local://", "machine", "rehearsal", "2026-11-02T00:00:00Z")  # fmt: skip
    assert [one["outcome"] for one in kept["Answers"]] == ["refused", "refused"]


def test_what_components_of_the_lab_showed_is_kept_beside(reports: Path) -> None:
    def host(name: str, at: str) -> dict[str, Any]:
        return {"Host": name, "TakenAt": at, "Place": "lab", "Vpcs": [], "Answers": []}

    old = {
        "Schema": SCHEMA,
        "TakenAt": "t0",
        "Place": "lab",
        "Vpcs": ["vpc-1"],
        "Hosts": [{"Host": "netns://a", "Answers": []}],
    }
    reports.write_text(json.dumps(old))
    probing.keep(ROOT, "demo", [host("lab://data", "t1")], lambda one: one.startswith("lab://"))
    probing.keep(ROOT, "demo", [host("netns://b", "t2")], lambda one: not one.startswith("lab://"))
    kept = probing.keep(ROOT, "demo", [host("lab://data", "t3")], lambda one: one.startswith("lab://"))
    assert [(one["Host"], one["TakenAt"]) for one in kept["Hosts"]] == [("lab://data", "t3"), ("netns://b", "t2")]


@pytest.fixture
def harness() -> ModuleType:
    spec = importlib.util.spec_from_file_location("harness", ROOT / "tests" / "infra" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_namespace_is_entered_by_its_name(harness: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = harness.NetnsBackend("airgap.demo.eni-1")
    run: list[str] = []
    monkeypatch.setattr(backend, "run_local", run.append)
    backend.run("echo %s", "it's")
    assert run == [
        "nsenter --net=/run/netns/airgap.demo.eni-1 /bin/sh -c 'echo '\"'\"'it'\"'\"'\"'\"'\"'\"'\"'\"'s'\"'\"''"
    ]
    assert backend.get_pytest_id() == "netns://airgap.demo.eni-1"


def test_without_a_host_those_of_the_latest_run_are_named(reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing.params, "load", lambda env: dataclasses.replace(INTENT, world="aws"))
    monkeypatch.setattr(probing.probe_places, "places", lambda root, intent: PLACES)
    with pytest.raises(MissingPredecessor) as caught:
        probing.probe("demo", [], "2026-11-02T00:00:00Z")
    assert "--host ssm://i-host (host), --host ssm://i-node (node)" in caught.value.action


def test_any_number_of_hosts_is_probed(reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More is asked of them all than a system takes in one variable."""
    one = {"name": "p", "kind": "tcp", "wants": REFUSED, "control": "", "to": "127.0.0.1", "port": 1}
    monkeypatch.setattr(probing, "probes_of", lambda *_: [one])
    monkeypatch.setattr(probing, "role_of", lambda *_: "y" * 150_000)
    assert len(probing.probe("demo", ["local://"], "2026-11-02T00:00:00Z")["Judged"]) == 1


def test_a_second_scanners_comparison_is_read_the_same_way(reports: Path) -> None:
    cloud: Any = Cloud()

    def told() -> dict[str, Any]:
        found: Any = beside.observe(peer.CALL, cloud, ROOT, INTENT)
        return dict(found)

    assert told()["status"] == "absent"
    file = reports.with_name(peer.FILE)
    file.write_text(json.dumps({"schema": peer.SCHEMA, "rows": []}))
    assert (told()["status"], told()["vantage"], told()["method"]) == ("ok", "file", "EXAMINE")
    for wrong in ("{", json.dumps({"schema": "another"}), "[]"):
        file.write_text(wrong)
        assert (told()["status"], "cannot be read" in told()["why"]) == ("failed", True)
