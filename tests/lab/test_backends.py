"""``airgap probe`` over every way to a host that it knows, each real but for the service at its far end.

sshd, a container engine, namespaces and kubectl are the real programs. Systems Manager and the Kubernetes API are
stand-ins that speak the services' own protocols and run what they are sent on this machine.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pod_api import pod_api

from airgap.lab import hosts, kernel
from airgap.model.probes import ANSWERED, REFUSED
from airgap.run import probing

# The stand-in of Systems Manager is that of Run Command's own tests.
sys.path.append(str(Path(__file__).parents[1] / "cloud"))
from session_manager import systems_manager

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
OPEN = {"name": "open", "kind": "tcp", "wants": ANSWERED, "control": "", "to": "127.0.0.1"}
CLOSED = {"name": "closed", "kind": "tcp", "wants": REFUSED, "control": "open", "to": "127.0.0.1", "port": 1}


@pytest.fixture
def port() -> Iterator[int]:
    """Somebody who listens on loopback of this machine's own network."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one.getsockname()[1]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as held:
        yield held


def probed(
    address: str, port: int, folder: Path, monkeypatch: pytest.MonkeyPatch, **env: str
) -> tuple[Mapping[str, Any], list[str]]:
    """Probe one host through the harness; return what is kept of it, and what came of the open and the closed port."""
    for name, value in {"AIRGAP_REPORTS": str(folder), **env}.items():
        monkeypatch.setenv(name, value)
    (folder / "demo").mkdir()
    monkeypatch.setattr(probing, "probes_of", lambda *_: [{**OPEN, "port": port}, CLOSED])
    probing.probe("demo", [address], "2026-11-02T00:00:00Z")
    kept = json.loads((folder / "demo" / "probes.json").read_text())["Hosts"]
    assert [one["Host"] for one in kept] == [address]
    return kept[0], [one["outcome"] for one in kept[0]["Answers"]]


def test_over_ssh(port: int, stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = stack.enter_context(hosts.secure_shell(tmp_path / "ssh", print))
    kept, outcomes = probed(address, port, tmp_path, monkeypatch)
    assert (kept["Role"], outcomes) == ("machine", ["answered", "refused"]), kept["Answers"]


def test_in_a_container(port: int, stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no network but its own loopback, on which nobody listens."""
    name = f"airgap-probed-{os.getpid()}"
    env = stack.enter_context(hosts.container(name, tmp_path / "engine", print))
    kept, outcomes = probed(f"podman://{name}", port, tmp_path, monkeypatch, **env)
    assert (kept["Role"], outcomes) == ("machine", ["refused", "refused"]), kept["Answers"]


def test_in_a_pod(port: int, stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = stack.enter_context(pod_api(tmp_path))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    kept, outcomes = probed("kubectl://prober?namespace=probing", port, tmp_path, monkeypatch, KUBECONFIG=str(config),
                            HOME=str(tmp_path), PATH=path)  # fmt: skip
    assert (kept["Role"], outcomes) == ("pod", ["answered", "refused"]), kept["Answers"]


def test_on_an_instance(port: int, stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url, known = stack.enter_context(systems_manager())
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    kept, outcomes = probed("ssm://i-1", port, tmp_path, monkeypatch, AWS_ENDPOINT_URL=url, **keys)
    assert (kept["Role"], outcomes) == ("instance", ["answered", "refused"]), kept["Answers"]
    assert "SendCommand" in known.asked


def test_on_an_instance_that_is_not_managed(
    port: int, stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was tried, and each probe says why."""
    url, _ = stack.enter_context(systems_manager())
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    kept, outcomes = probed("ssm://i-2", port, tmp_path, monkeypatch, AWS_ENDPOINT_URL=url, **keys)
    assert outcomes == ["broken", "broken"]
    assert "is not managed by it" in kept["Answers"][0]["detail"]


def test_in_a_namespace(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = f"airgap-probed-{os.getpid()}."
    kernel._ip(f"netns add {prefix}one\n")
    try:
        kept, outcomes = probed(f"netns://{prefix}one", port, tmp_path, monkeypatch)
    finally:
        kernel.remove(prefix)
    assert (kept["Place"], outcomes) == ("lab", ["unreachable", "unreachable"]), kept["Answers"]


def test_here(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert probed("local://", port, tmp_path, monkeypatch)[1] == ["answered", "refused"]


def test_an_address_that_leads_nowhere_is_said(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, outcomes = probed("ssh://root@127.0.0.1:1", port, tmp_path, monkeypatch)
    assert outcomes == ["broken", "broken"]
    assert "refused" in kept["Answers"][0]["detail"]
