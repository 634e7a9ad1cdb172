"""Programs of the lab come up in time or say why not, keep what they said, and are ended however their caller ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from airgap.lab.cache_folder import once
from airgap.lab.component import ComponentFailed, free_port, listens, started

LISTENER = """
import socket, subprocess, sys
one = socket.create_server(("127.0.0.1", int(sys.argv[1])))
child = subprocess.Popen(["sleep", "60"])
print("child", child.pid, flush=True)
one.accept()
child.wait()
"""
CALLER = """
import sys, time
from pathlib import Path
from airgap.lab.component import listens, started
port = int(sys.argv[1])
with started("orphan", [sys.executable, "-c", sys.argv[3], str(port)], folder=Path(sys.argv[2]),
             ready=lambda: listens(port)) as one:
    print(one.pid, flush=True)
    time.sleep(60)
"""


def gone(pid: int) -> bool:
    """Whether a process is gone or waits for nobody but its parent, within two seconds."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_it_answers_and_ends_with_all_that_it_started(tmp_path: Path) -> None:
    port = free_port()
    with started("listener", [sys.executable, "-c", LISTENER, str(port)], folder=tmp_path,
                 ready=lambda: "child" in (tmp_path / "listener.log").read_text() and port) as one:  # fmt: skip
        assert one.said().startswith("child ")
        child = int(one.said().split()[1])
        assert Path(f"/proc/{one.pid}").exists()
    assert gone(one.pid)
    assert gone(child)
    assert one.log.read_text().startswith("child ")


def test_one_that_ends_by_itself_says_why(tmp_path: Path) -> None:
    broken = [sys.executable, "-c", "print('no such setting'); raise SystemExit(3)"]
    with (pytest.raises(ComponentFailed, match="broken ended with 3: no such setting"),
          started("broken", broken, folder=tmp_path, ready=lambda: False)):  # fmt: skip
        raise AssertionError("it never answered")


def test_one_that_never_answers_is_given_up_and_ended(tmp_path: Path) -> None:
    begun = time.monotonic()
    mute = ["sh", "-c", "echo $$; exec sleep 60"]
    with (pytest.raises(ComponentFailed, match=r"mute did not answer in 0.3 s \(nobody there\)"),
          started("mute", mute, folder=tmp_path, ready=unanswered, limit=0.3)):  # fmt: skip
        raise AssertionError("it never answered")
    assert time.monotonic() - begun < 5
    assert gone(int((tmp_path / "mute.log").read_text()))


def unanswered() -> bool:
    raise OSError("nobody there")


def test_one_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airgap.lab.component.GRACE", 0.2)
    log = tmp_path / "deaf.log"
    with started("deaf", ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done"], folder=tmp_path,
                 ready=lambda: "up" in log.read_text()) as one:  # fmt: skip
        pass
    assert gone(one.pid)


def test_it_ends_where_its_caller_is_killed(tmp_path: Path) -> None:
    """Nobody is there any more to end it: the kernel does."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", CALLER, str(port), str(tmp_path), LISTENER], text=True,
                          stdout=subprocess.PIPE) as caller:  # fmt: skip
        assert caller.stdout is not None
        pid = int(caller.stdout.readline())
        assert listens(port)
        os.kill(caller.pid, signal.SIGKILL)
    assert gone(pid)


def test_a_port_that_somebody_has_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert listens(port)
        other = free_port()
        monkeypatch.setattr("airgap.lab.component.PORTS", [port, other])
        assert {free_port() for _ in range(20)} == {other}
    assert not listens(port)


def test_a_folder_of_the_cache_is_made_once_and_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airgap.lab.cache_folder.home", lambda: tmp_path / "cache")
    made = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "half").touch()
        if len(made) == 1:
            raise OSError("the network is gone")

    with pytest.raises(OSError, match="network"):
        once("thing", "1", make)
    assert [one.name for one in (tmp_path / "cache").iterdir()] == ["thing.lock"]
    assert once("thing", "1", make) == once("thing", "1", make)
    assert len(made) == 2
    assert once("thing", "2", make) != once("thing", "1", make)
