"""``make bench``: every figure beside what it is compared with, both from this run."""

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
from pathlib import Path

from airgap import rehearsal

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = """
import sys
from airgap.run.context import open_context
from airgap.run.step_run import StepRun
from airgap.steps import STEPS
mode, run_id = sys.argv[1:]
for step in STEPS:
    run = StepRun(step, open_context(step.number, step.name, env="demo", mode=mode, run_id=run_id))
    run.open()
    plan = run.plan()
    run.approve(plan)
    run.apply(plan)
    if mode != "plan":
        run.verify()
"""


def timed(action: Callable[[], object]) -> float:
    """Return the seconds that an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def python(*arguments: str, environment: dict[str, str] | None = None, accept: tuple[int, ...] = (0,)) -> None:
    """Run Python in a process of its own; anything but an accepted exit code ends the benchmark."""
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, cwd=ROOT)
    if done.returncode not in accept:
        sys.exit(f"{' '.join(arguments[:4])} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


@contextmanager
def embedded(reports: str) -> Iterator[dict[str, str]]:
    """Yield the environment of a fresh embedded AWS and an empty reports folder."""
    running = rehearsal.up()
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "AIRGAP_"))}
    try:
        yield {**inherited, **running.environment(), "AIRGAP_REPORTS": reports}
    finally:
        rehearsal.down(running.port)


def row(name: str, seconds: float, against: str = "", other: float = 0.0, aim: str = "") -> None:
    """Print one figure: seconds, what it is compared with, the ratio and the aim."""
    ratio = f"{seconds / other:6.2f} x" if other else " " * 8
    print(f"{name:<44} {seconds:7.2f} s  {ratio}  {against:<38} {aim}", flush=True)


def best(action: Callable[[], object], runs: int = 5) -> float:
    """Return the median of several timings."""
    return statistics.median(timed(action) for _ in range(runs))


def imports() -> None:
    """What a command costs before it does anything."""
    bare = best(lambda: python("-c", "pass"))
    row("airgap --help", best(lambda: python("-m", "airgap", "--help")), "python -c pass", bare, "aim 0.3 s")
    for module in ("airgap.params", "airgap.run.step_run", "airgap.notebook", "airgap.run.engine"):
        row(f"import {module}", best(lambda name=module: python("-c", f"import {name}")), "python -c pass", bare)


def runs() -> None:
    """Full headless runs against the same library calls without notebooks."""
    with tempfile.TemporaryDirectory() as folder:
        with embedded(f"{folder}/library") as environment:
            library = timed(lambda: python("-c", LIBRARY, "apply", "", environment=environment))
            quiet = timed(lambda: python("-c", LIBRARY, "apply", "", environment=environment))
        with embedded(f"{folder}/notebooks") as environment:
            command = ("-m", "airgap", "{}", "--env", "demo")
            full = timed(lambda: _airgap(command, "apply", environment))
            empty = timed(lambda: _airgap(command, "apply", environment))
            verify = timed(lambda: _airgap(command, "verify", environment))
            gone = timed(lambda: _airgap(command, "destroy", environment))
        row("airgap apply, five notebooks, reports", full, "same calls without notebooks", library, "aim 15 s")
        row("second apply (empty)", empty, "first apply", full)
        row("second apply, library alone", quiet, "first, library alone", library)
        row("airgap verify", verify, "first apply", full)
        row("airgap destroy", gone, "first apply", full)


def _airgap(command: tuple[str, ...], mode: str, environment: dict[str, str]) -> None:
    python(*(part.format(mode) for part in command), environment=environment)


if __name__ == "__main__":
    print(f"{'figure':<44} {'':>9}  {'ratio':>8}  {'compared with':<38}")
    imports()
    runs()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest process {peak:.0f} MiB")
