"""``make bench``: every figure beside what it is compared with, both from this run.

Wall seconds depend on what else the machine does; CPU seconds, of all processes and of the embedded AWS, hardly do.
``python -m tests.bench ROW ...`` prints some of the rows alone: imports, runs, cluster, growth, latencies, script,
scale, bundles, mirror, proof.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

from tests.bench import bundles, latencies, scale, script
from tests.bench.measure import PROGRAMS, ROOT, Cost, airgap, embedded, library, median, python, row

MODULES = ("airgap.params", "airgap.run.step_run", "airgap.notebook", "airgap.run.engine")
GROUPS = (0, 500, 2000)
"""Security groups that a stranger has in our VPC: what a snapshot and its checks grow by."""


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


RENDER = """
from airgap import params
from airgap.kube.schemas import refusals
from airgap.model.manifests import mistakes
from airgap.resources import releases
from airgap.run import pinned
root = params.project_root()
intent = params.load("demo", root)
for one in (*releases.RELEASES, releases.APPLICATION):
    objects = pinned.render(root, intent, one.name)["objects"]
    definitions = [each for each in objects if each["kind"] == "CustomResourceDefinition"]
    assert not list(refusals(objects, intent.cluster.version, definitions))
    assert not [found for each in objects for found in mistakes(each)]
"""


def cluster() -> None:
    """Charts rendered and held to the rules of the API server, and the notebooks that bring a cluster to life."""
    bare = python("-c", "import airgap.run.pinned")
    row("render and validate every chart", python("-c", RENDER), "import of what renders", bare)
    with embedded() as account:
        before = [f"--only={name}" for name in ("preflight", "identity", "network", "endpoints")]
        ground = airgap("apply", account, "--no-pdf", *before)
        three = [f"--only={name}" for name in ("cluster", "images", "controllers")]
        made = airgap("apply", account, "--no-pdf", *three)
        row("cluster, images, controllers --no-pdf", made, "preflight to endpoints --no-pdf", ground)


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


ROWS: dict[str, Callable[[], None]] = {
    "imports": imports,
    "runs": runs,
    "cluster": cluster,
    "growth": growth,
    "latencies": latencies.print_rows,
    "script": script.print_rows,
    "scale": scale.print_rows,
    "bundles": bundles.print_rows,
    "mirror": partial(apart, "mirror: cold, warm, and skopeo where it is installed", "tests/oci/bench_mirror.py"),
    "proof": partial(
        apart, "zero-egress proof: clean and leaky", "tests/egress/bench_proof.py", "500", "5000", "50000"
    ),
}


def main(*names: str) -> None:
    """Print these rows, or all."""
    unknown = sorted(set(names) - set(ROWS))
    if unknown:
        sys.exit(f"no row is called {', '.join(unknown)}; there are {', '.join(ROWS)}")
    print(f"at the start: {load()}")
    print(f"{'figure':<38} {'wall s':>8} {'CPU s':>8} {'CPU':>9}  {'compared with':<32} aim")
    for name in names or ROWS:
        ROWS[name]()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest process {peak:.0f} MiB; at the end: {load()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
