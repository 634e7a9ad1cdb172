"""``make bench``: every figure beside what it is compared with, both from this run.

Wall seconds depend on what else the machine does; CPU seconds, of all processes and of the embedded AWS, hardly do.
"""

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
from functools import partial
from pathlib import Path

from tests.bench.account import Embedded

from airgap import rehearsal

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).parent
MODULES = ("airgap.params", "airgap.run.step_run", "airgap.notebook", "airgap.run.engine")
GROUPS = (0, 500, 2000)
"""Security groups that a stranger has in our VPC: what a snapshot and its checks grow by."""


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


def airgap(mode: str, account: Embedded, *options: str) -> Cost:
    """Run one command of the command line on the demo environment."""
    return python("-m", "airgap", mode, "--env", "demo", *options, account=account)


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


def imports() -> None:
    """What a command costs before it does anything."""
    bare = median(lambda: python("-c", "pass"))
    row("python -c pass", bare)
    row("airgap --help", median(lambda: python("-m", "airgap", "--help")), "python -c pass", bare, "0.3 s")
    for module in MODULES:
        row(f"import {module}", median(partial(python, "-c", f"import {module}"), 3), "python -c pass", bare)


def runs() -> None:
    """Headless runs against the same library calls without notebooks; the parts of ``make run``; the other commands."""
    with embedded() as account:
        bare, quiet = library("apply", account), library("apply", account)
    with embedded() as account:
        full = airgap("apply", account, "--no-pdf")
        row("library calls of apply", bare)
        row("airgap apply --no-pdf", full, "library calls of apply", bare, "1.5 x, 15 s")
        row("library calls, second apply (empty)", quiet, "library calls of apply", bare)
        row("second apply (empty) --no-pdf", airgap("apply", account, "--no-pdf"), "airgap apply --no-pdf", full)
        row("airgap verify --no-pdf", airgap("verify", account, "--no-pdf"), "airgap apply --no-pdf", full)
        row("airgap destroy --no-pdf", airgap("destroy", account, "--no-pdf"), "airgap apply --no-pdf", full)
    began = time.perf_counter()
    with embedded() as account:
        up = Cost(time.perf_counter() - began, account.cpu())
        row("make run: embedded AWS up", up)
        printed = airgap("apply", account)
        row("make run: airgap apply, with PDF", printed, "airgap apply --no-pdf", full)
        row("make run", Cost(up.wall + printed.wall, up.cpu + printed.cpu), "airgap apply --no-pdf", full, "30 s")


def growth() -> None:
    """What a snapshot and its checks cost as the estate grows: four times the resources, about four times the cost."""
    with embedded() as account:
        library("apply", account)
        costs = []
        for more, fewer in zip(GROUPS, (0, *GROUPS), strict=False):
            python(str(PROGRAMS / "strangers.py"), str(fewer), str(more), account=account)
            # The strangers' groups are findings, exit code 3; what is measured is the reading and the judging.
            twice = [library("verify", account, "network", accept=(0, 3)) for _ in range(2)]
            costs.append(min(twice, key=lambda one: one.cpu))
    for number, cost in zip(GROUPS, costs, strict=True):
        row(f"verify network, {number} more groups", cost, "no more groups", costs[0])
    some, many = (Cost(one.wall - costs[0].wall, one.cpu - costs[0].cpu) for one in costs[1:])
    row(f"{GROUPS[2]} groups against {GROUPS[1]}", many, "linear is 4 x", some, "5 x")


def apart(title: str, *program: str) -> None:
    """Run a benchmark of one part in a process of its own, and print its figures as it gives them."""
    done = subprocess.run([sys.executable, *program], capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        sys.exit(f"{title} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    print(f"{title}\n{done.stdout}")


def load() -> str:
    """Return what the machine does beside the benchmark."""
    one, five, _ = os.getloadavg()
    return f"{os.cpu_count()} cores, load {one:.1f} (1 min), {five:.1f} (5 min)"


if __name__ == "__main__":
    print(f"at the start: {load()}")
    print(f"{'figure':<38} {'wall s':>8} {'CPU s':>8} {'CPU':>9}  {'compared with':<32} aim")
    imports()
    runs()
    growth()
    apart("mirror: cold, warm, and skopeo where it is installed", "tests/oci/bench_mirror.py")
    apart("zero-egress proof: clean and leaky", "tests/egress/bench_proof.py", "500", "5000")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest process {peak:.0f} MiB; at the end: {load()}")
