"""Ctrl-C and SIGTERM in the middle of a run: it ends soon, says what was not changed, and the next run completes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from commandline import Airgap
from leavings import broken_files
from library import Library, findings

from airgap.evidence.journal import read_journal

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
STEPS = ("identity", "network", "endpoints")  # done, broken off, not begun
SOON = 30.0  # seconds, of the 120 that the call in flight would take; a busy machine takes some of them


@pytest.fixture
def slow(airgap: Airgap) -> Iterator[Airgap]:
    """An empty account in which NAT gateways are created for minutes."""
    airgap.control("POST", "/rehearsal/reset")
    airgap.control("POST", "/rehearsal/latency", {"ec2:CreateNatGateway": 120})
    yield airgap
    airgap.control("DELETE", "/rehearsal/latency")


def interrupted(airgap: Airgap, number: signal.Signals, *more: str) -> subprocess.CompletedProcess[str]:
    """Apply, send the signal while a NAT gateway is being created, and return what the command then said."""
    chosen = [word for step in STEPS for word in ("--only", step)]
    command = [sys.executable, "-m", "airgap", "apply", "--env", "demo", "--no-pdf", *chosen, *more]
    with subprocess.Popen(
        command, env=airgap.env(), cwd=airgap.cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        airgap.await_write("ec2:CreateNatGateway")
        time.sleep(0.5)
        began = time.monotonic()
        child.send_signal(number)
        said, logged = child.communicate(timeout=60)
        assert time.monotonic() - began < SOON
    return subprocess.CompletedProcess(command, child.returncode, said, logged)


def journalled(airgap: Airgap, step: str) -> list[dict[str, object]]:
    (path,) = (airgap.reports / "demo" / "latest").glob(f"steps/*_{step}/journal.ndjson")
    entries, problems = read_journal(path)
    assert problems == []
    return entries


def said(done: subprocess.CompletedProcess[str]) -> None:
    """It is said to people."""
    assert "calls in flight were finished" in done.stdout
    assert "Not changed:" in done.stdout
    assert "nat-gateway:" in done.stdout
    assert "the run was interrupted" in done.stdout


def one_document(done: subprocess.CompletedProcess[str]) -> None:
    """It is said to programs."""
    assert json.loads(done.stdout)["interrupted"] is True


@pytest.mark.parametrize(
    ("number", "more", "told"), [(signal.SIGINT, (), said), (signal.SIGTERM, ("--json",), one_document)]
)
def test_it_ends_soon_and_says_what_was_and_was_not_changed(
    slow: Airgap,
    number: signal.Signals,
    more: tuple[str, ...],
    told: Callable[[subprocess.CompletedProcess[str]], None],
) -> None:
    done = interrupted(slow, number, *more)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    told(done)

    run = slow.last_run()
    assert run["interrupted"] is True
    assert run["exit_code"] == 1
    outcomes = {step["name"]: (step["status"], step["exit_code"]) for step in run["steps"]}
    assert outcomes == {"identity": ("completed", 0), "network": ("failed", 1), "endpoints": ("not begun", 1)}
    events = journalled(slow, "network")
    assert events[-1]["event"] == "close"
    errors = [entry["data"] for entry in events if entry["event"] == "error"]
    assert [error["error"] for error in errors if isinstance(error, dict)] == ["Interrupted"]
    writes = [entry["digest"] for entry in events if entry["event"] == "write"]
    answered = [entry["data"]["write"] for entry in events if entry["event"] == "answer"]  # type: ignore[index]
    assert sorted(writes) == sorted(answered)
    assert broken_files(slow.reports) == []

    # The lock is free, nothing is made twice, and the account comes to what is declared.
    slow.control("POST", "/rehearsal/latency", {"ec2:CreateNatGateway": 0.1})
    library = Library(slow.environment, slow.reports)
    slow.control("DELETE", "/rehearsal/calls")
    runs = library("apply", *STEPS[:2])
    assert findings(runs, "fail", "unknown") == []
    assert slow.writes().count("ec2:CreateVpc") == 0
    assert len(slow.boto("ec2").describe_nat_gateways()["NatGateways"]) == 2


def test_second_writer_is_refused_by_name_and_a_dead_run_is_taken_up_by_its_id(slow: Airgap) -> None:
    chosen = ("--env", "demo", "--only", "identity", "--only", "network", "--no-pdf")
    with slow.start("apply", *chosen, "--run-id", "first") as runner:
        slow.await_write("ec2:CreateNatGateway")
        second = slow("apply", *chosen)
        runner.kill()
    assert second.returncode == 1
    assert f"process {runner.pid}" in second.stderr
    assert "(mode apply, run first)" in second.stderr
    assert "Not changed: anything" in second.stderr
    assert broken_files(slow.reports) == []

    told = slow("status", "--env", "demo")
    assert told.returncode == 1
    assert "the run ended before it could say how" in told.stderr
    slow.control("POST", "/rehearsal/latency", {"ec2:CreateNatGateway": 0.1})
    code, run = slow.json("apply", *chosen, "--run-id", "first")
    assert (code, run["run_id"]) == (0, "first")
    assert [entry["data"]["mode"] for entry in journalled(slow, "network") if entry["event"] == "open"] == ["apply"] * 2  # type: ignore[index]
    assert len(slow.boto("ec2").describe_nat_gateways()["NatGateways"]) == 2
