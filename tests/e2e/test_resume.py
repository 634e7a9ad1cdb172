"""Runs killed at any moment: running again completes them, with no duplicate, no orphan and no broken file."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from account import inventory
from commandline import Airgap
from leavings import broken_files
from library import Library, changes, findings

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
MAKING = ("identity", "network")
ONLY = ("--only", "identity", "--only", "network", "--no-pdf")
LINES = 60  # of the some 210 that an undisturbed apply says


@pytest.fixture(scope="module")
def undisturbed(airgap: Airgap, tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """What is in the account after an apply that nobody disturbed."""
    Library(airgap.environment, tmp_path_factory.mktemp("undisturbed"))("apply", *MAKING, verify=False)
    return inventory(airgap.boto)


def killed_child(airgap: Airgap, reports: Path, chance: random.Random) -> None:
    """Kill an apply after some number of things it said, and a moment more."""
    program = [sys.executable, str(Path(__file__).with_name("library.py")), str(reports), *MAKING]
    with subprocess.Popen(program, env=airgap.env(), cwd=airgap.cwd, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(chance.randint(1, LINES)):
            if "all finished" in child.stdout.readline():
                break
        time.sleep(chance.uniform(0, 0.05))
        child.kill()


@pytest.mark.parametrize("seed", range(2))
def test_library_killed_four_times_is_completed_by_the_next_run(
    airgap: Airgap, undisturbed: Counter[str], tmp_path: Path, seed: int
) -> None:
    airgap.control("POST", "/rehearsal/reset")
    chance = random.Random(seed)
    for _ in range(4):
        killed_child(airgap, tmp_path, chance)
    assert broken_files(tmp_path) == []
    library = Library(airgap.environment, tmp_path)
    library("apply", *MAKING, verify=False)
    assert inventory(airgap.boto) == undisturbed
    assert changes(library("plan", *MAKING)) == []
    assert broken_files(tmp_path) == []


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = [child for child, parent in parents.items() if parent == pid]
    return [*found, *(each for child in found for each in descendants(child))]


def slow_gateways(airgap: Airgap) -> None:
    airgap.control("POST", "/rehearsal/reset")
    airgap.control("POST", "/rehearsal/latency", {"ec2:CreateNatGateway": 6})


@pytest.mark.parametrize("writes", [60, 160])
def test_orphaned_kernel_writes_nothing_more_and_the_next_run_completes(
    airgap: Airgap, undisturbed: Counter[str], writes: int
) -> None:
    slow_gateways(airgap)
    with airgap.start("apply", "--env", "demo", *ONLY) as runner:
        airgap.await_writes(writes)
        kernels = descendants(runner.pid)
        runner.kill()
    assert kernels
    time.sleep(0.3)  # calls in flight
    seen = len(airgap.writes())
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in kernels):
        assert time.monotonic() < deadline, "a kernel outlives its runner"
        time.sleep(0.1)
    assert len(airgap.writes()) == seen
    assert broken_files(airgap.reports) == []
    completes(airgap, undisturbed)


def test_killed_kernel_is_a_broken_step_and_the_next_run_completes(airgap: Airgap, undisturbed: Counter[str]) -> None:
    slow_gateways(airgap)
    with airgap.start("apply", "--env", "demo", *ONLY, "--only", "endpoints") as runner:
        airgap.await_writes(120)
        for pid in descendants(runner.pid):
            # One that was started ahead may be gone by now.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        said, _ = runner.communicate(timeout=60)
    assert runner.returncode == 1
    assert "dead-kernel" in said
    assert "ended by SIGKILL" in said
    run = airgap.last_run()
    broken = [step["name"] for step in run["steps"] if step["status"] == "dead-kernel"]
    assert len(broken) == 1
    assert run["steps"][-1]["status"] == "not begun"
    assert broken_files(airgap.reports) == []
    completes(airgap, undisturbed)


def completes(airgap: Airgap, undisturbed: Counter[str]) -> None:
    """Running the steps again leaves exactly what an undisturbed apply does, with nothing to find in it."""
    runs = Library(airgap.environment, airgap.reports)("apply", *MAKING)
    assert inventory(airgap.boto) == undisturbed
    assert findings(runs, "fail", "unknown") == []
    assert broken_files(airgap.reports) == []
