"""Starting, finding and ending the server process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from airgap import rehearsal
from airgap.errors import AirgapError
from airgap.rehearsal import process

ASK = (
    "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'], boto3.client('ec2').describe_vpcs()['Vpcs'])"
)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, rehearsal.Rehearsal, rehearsal.Rehearsal]]:
    home = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor() as threads:
        patch.setenv("XDG_STATE_HOME", str(home))
        first, second = threads.map(lambda _: rehearsal.up(), range(2))
        yield home, first, second
        rehearsal.down(first.port)
        rehearsal.down(second.port)


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_the_environment_is_all_that_a_client_needs(two):
    names = two[1].environment()
    assert [name for name in names if "ENDPOINT" in name] == ["AWS_ENDPOINT_URL"]
    assert not names["AWS_ACCESS_KEY_ID"].startswith(("AKIA", "ASIA"))
    bare = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **names}
    done = subprocess.run([sys.executable, "-c", ASK], env=bare, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["arn:aws:sts::123456789012:assumed-role/platform-engineer/alice", "[]"]


def test_two_run_side_by_side_and_end_one_by_one(two):
    home, first, second = two
    assert rehearsal.running() == sorted((first, second), key=lambda one: one.port)
    assert os.getsid(first.pid) == first.pid  # detached: no signal of the caller's terminal reaches it
    place = home / "airgap" / "rehearsal" / str(first.port)
    assert place.stat().st_mode & 0o777 == 0o700
    assert rehearsal.down(first.url)
    assert not alive(first.pid)
    assert alive(second.pid)
    assert not rehearsal.down(first.url)
    assert rehearsal.status(first.port) is None
    assert rehearsal.status(second.url) == second


def test_one_that_is_interrupted_while_it_starts_leaves_nothing(state, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    before = set(process._children)
    monkeypatch.setattr(process, "_await_answer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rehearsal.up()
    (pid,) = set(process._children) - before
    assert process._children[pid].poll() is not None
    assert list((state / "airgap" / "rehearsal").iterdir()) == []


def test_a_port_in_use_is_refused_at_once(state):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AirgapError, match=f"port {port}"):
            rehearsal.up(port)
        assert not rehearsal.down(port)


def test_a_server_that_fails_to_start_says_why_and_leaves_nothing(state, monkeypatch):
    monkeypatch.setattr(process, "_ME", "airgap.rehearsal.no_such_module")
    with pytest.raises(AirgapError, match="no_such_module"):
        rehearsal.up()
    assert rehearsal.running() == []
    assert list((state / "airgap" / "rehearsal").iterdir()) == []


def test_a_stale_record_never_ends_a_foreign_process(state):
    place = state / "airgap" / "rehearsal" / "1"
    place.mkdir(parents=True)
    (place / "server.json").write_text(f'{{"port": 1, "pid": {os.getpid()}}}')
    assert not rehearsal.down(1)
    assert not place.exists()
