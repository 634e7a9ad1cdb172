"""What the benchmark's rows are made with: processes and their cost, an embedded AWS of one's own, a printed row."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.account import Embedded

from airgap import rehearsal

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).parent


@dataclass(frozen=True)
class Cost:
    """What something took: wall seconds, and CPU seconds of all its processes and of the embedded AWS."""

    wall: float
    cpu: float


def python(*arguments: str, account: Embedded | None = None, accept: tuple[int, ...] = (0,)) -> Cost:
    """Run Python in a process of its own and return its cost; a code that is not accepted ends the benchmark."""
    began, before = time.perf_counter(), _cpu(account)
    environment = account.environment if account else None
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, cwd=ROOT)
    cost = Cost(time.perf_counter() - began, _cpu(account) - before)
    if done.returncode not in accept:
        sys.exit(f"{' '.join(arguments[:4])} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return cost


def _cpu(account: Embedded | None) -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime + (account.cpu() if account else 0.0)


def airgap(mode: str, account: Embedded, *options: str, accept: tuple[int, ...] = (0,)) -> Cost:
    """Run one command of the command line on the demo environment."""
    return python("-m", "airgap", mode, "--env", "demo", *options, account=account, accept=accept)


def library(mode: str, account: Embedded, only: str = "", accept: tuple[int, ...] = (0,)) -> Cost:
    """Make the calls of a run's notebooks without the notebooks, kernels and pages of a run."""
    return python(str(PROGRAMS / "library.py"), mode, only, account=account, accept=accept)


@contextmanager
def embedded() -> Iterator[Embedded]:
    """An embedded AWS of its own, with an empty account and an empty reports folder."""
    with tempfile.TemporaryDirectory() as folder:
        running = rehearsal.up()
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "AIRGAP_"))}
        try:
            yield Embedded({**inherited, **running.environment(), "AIRGAP_REPORTS": folder}, running.pid)
        finally:
            rehearsal.down(running.port)


def row(name: str, cost: Cost, against: str = "", other: Cost | None = None, aim: str = "") -> None:
    """Print one figure: wall and CPU seconds, the ratio of the CPU seconds to another's, and the aim."""
    ratio = f"{cost.cpu / other.cpu:7.2f} x" if other else " " * 9
    print(f"{name:<38} {cost.wall:8.2f} {cost.cpu:8.2f} {ratio}  {against:<32} {aim}".rstrip(), flush=True)


def median(action: Callable[[], Cost], runs: int = 5) -> Cost:
    """Return the medians of several runs."""
    costs = [action() for _ in range(runs)]
    return Cost(statistics.median(one.wall for one in costs), statistics.median(one.cpu for one in costs))
