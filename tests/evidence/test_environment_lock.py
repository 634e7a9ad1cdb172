"""One writer per environment, among real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from airgap.errors import EnvironmentLocked, Interrupted
from airgap.evidence.lock import TOKEN_VARIABLE, environment_lock

HOLD = """
import sys, pathlib
from airgap.evidence.lock import environment_lock
with environment_lock(pathlib.Path(sys.argv[1]), "demo", {"mode": "apply", "run": "r-1"}) as lock:
    print(lock.token, flush=True)
    sys.stdin.read()
"""
TRY = """
import sys, pathlib
from airgap.errors import AirgapError
from airgap.evidence.lock import environment_lock
try:
    with environment_lock(pathlib.Path(sys.argv[1]), "demo", {"mode": "apply"}) as lock:
        print("joined" if lock.joined else "taken")
except AirgapError as error:
    print(type(error).__name__)
"""


class Holder:
    """Another process that holds the lock until it is told to end."""

    def __init__(self, root: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.token = self.process.stdout.readline().strip()

    def end(self, number: signal.Signals | None = None) -> None:
        if number is not None:
            self.process.send_signal(number)
        self.process.communicate(timeout=30)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Holder]:
    held = Holder(tmp_path)
    yield held
    if held.process.poll() is None:
        held.end()


def attempt(root: Path, token: str = "") -> str:
    environment = {**os.environ, TOKEN_VARIABLE: token}
    done = subprocess.run([sys.executable, "-c", TRY, str(root)], env=environment, capture_output=True, text=True,
                          check=True, timeout=60)  # fmt: skip
    return done.stdout.strip()


def test_a_second_writer_is_told_who_holds_it(tmp_path: Path, holder: Holder) -> None:
    with pytest.raises(EnvironmentLocked) as caught, environment_lock(tmp_path, "demo", {"mode": "apply"}):
        pytest.fail("two writers")
    text = caught.value.diagnostics()
    assert f"process {holder.process.pid}" in text
    assert "mode apply, run r-1" in text
    assert "no file has to be removed" in text
    assert attempt(tmp_path) == "EnvironmentLocked"


def test_a_kernel_with_the_runners_token_joins(tmp_path: Path, holder: Holder) -> None:
    assert attempt(tmp_path, holder.token) == "joined"
    assert attempt(tmp_path, holder.token) == "joined"
    assert attempt(tmp_path, "0" * 32) == "EnvironmentLocked"


def test_joining_and_leaving_does_not_free_the_lock(tmp_path: Path, holder: Holder) -> None:
    assert attempt(tmp_path, holder.token) == "joined"
    assert attempt(tmp_path) == "EnvironmentLocked"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, None])
def test_the_lock_ends_with_its_process(tmp_path: Path, holder: Holder, number: signal.Signals | None) -> None:
    holder.end(number)
    assert attempt(tmp_path) == "taken"


def test_a_kernel_whose_runner_is_gone_does_not_write(tmp_path: Path, holder: Holder) -> None:
    holder.end(signal.SIGKILL)
    assert attempt(tmp_path, holder.token) == "Interrupted"


def test_a_kernel_of_a_dead_runner_does_not_join_the_next_one(tmp_path: Path, holder: Holder) -> None:
    holder.end(signal.SIGKILL)
    with environment_lock(tmp_path, "demo", {}):
        assert attempt(tmp_path, holder.token) == "EnvironmentLocked"


def test_two_environments_are_written_side_by_side(tmp_path: Path, holder: Holder) -> None:
    with environment_lock(tmp_path, "other", {}) as lock:
        assert not lock.joined


def test_a_lock_is_free_again_after_an_error_in_its_block(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), environment_lock(tmp_path, "demo", {}):
        raise ZeroDivisionError
    with environment_lock(tmp_path, "demo", {}) as lock:
        assert not lock.joined


def test_the_file_names_the_holder_but_not_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    with environment_lock(tmp_path, "demo", {"mode": "destroy"}, lambda: "2026-11-23T08:50:12Z") as lock:
        text = (tmp_path / "demo" / ".lock").read_text()
        named = json.loads(text)
        assert lock.token not in text
        assert lock.environment() == {"AIRGAP_LOCK": lock.token}
    assert (named["pid"], named["mode"], named["since"]) == (os.getpid(), "destroy", "2026-11-23T08:50:12Z")
    assert (tmp_path / "demo" / ".lock").read_text() == ""


@pytest.mark.parametrize("text", ["", "{", "[1]", "null"])
def test_a_holder_that_is_not_named_is_still_a_holder(tmp_path: Path, holder: Holder, text: str) -> None:
    (tmp_path / "demo" / ".lock").write_text(text)
    with pytest.raises(EnvironmentLocked, match="has not named itself"), environment_lock(tmp_path, "demo", {}):
        pytest.fail("two writers")


def test_a_stale_token_without_a_holder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "0" * 32)
    with pytest.raises(Interrupted, match="no longer holds demo"), environment_lock(tmp_path, "demo", {}):
        pytest.fail("an orphan wrote")
