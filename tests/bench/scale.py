"""One environment that grows by its params alone: three zones, ten node groups, fifty repositories, a hundred secrets.

What is measured is the CPU time of plan and verify alone, their process's and the embedded AWS's, without the start of
a process: the least of some runs, since other work on the machine adds to CPU time and never takes from it. Growth is
told by its slope: what each further part costs in the upper half of the range against the lower half; 1 is linear.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from tests.bench.account import Embedded
from tests.bench.measure import PROGRAMS, ROOT, Cost, embedded, row

SIZES = (2, 5, 10)
"""Node groups; of repositories there are five times as many, of further secrets ten times."""
BELOW = ("identity", "network", "endpoints")
RUNS = 6
_MAKE = """
import sys, boto3
ecr, manager = boto3.client("ecr"), boto3.client("secretsmanager")
for one in sys.argv[1:]:
    kind, _, name = one.partition(":")
    if kind == "repository":
        ecr.create_repository(repositoryName=name)
    else:
        tags = {"airgap:environment": "wide", "airgap:key": f"secret:{name}"}
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        manager.create_secret(Name=name, SecretString="{}", Tags=listed)
"""


def project(folder: Path) -> Path:
    """Return a project of its own, with the charts of this one."""
    (folder / "params").mkdir()
    (folder / "pyproject.toml").touch()
    (folder / "params" / "charts").symlink_to(ROOT / "params" / "charts")
    return folder


def declare(root: Path, size: int) -> list[str]:
    """Write the params and the lock of the environment at one size; return the sources of its further images."""
    params: dict[str, Any] = yaml.safe_load((ROOT / "params" / "demo.yaml").read_text(encoding="utf-8"))
    zones = [f"{params['region']}{letter}" for letter in "abc"]
    params["environment"] = "wide"
    params["network"] |= {
        "private_subnets": [{"cidr": f"10.0.{16 * n + 32}.0/20", "zone": zone} for n, zone in enumerate(zones)],
        "public_subnets": [{"cidr": f"10.0.{n + 1}.0/24", "zone": zone} for n, zone in enumerate(zones)],
    }
    group = {"instance_types": ["m6i.large"], "min_size": 1, "max_size": 2, "desired_size": 1, "volume_gib": 20}
    params["cluster"]["node_groups"] = [{"name": f"group-{n}", **group} for n in range(size)]
    sources = [f"registry.k8s.io/wide/image-{n}" for n in range(5 * size)]
    params["images"]["extra"] = [f"{source}:1.0" for source in sources]
    params["secrets"]["further"] = [
        {"name": f"wide/prod/{n}", "external_secret": f"secret-{n}", "purpose": "one of many"} for n in range(10 * size)
    ]
    (root / "params" / "wide.yaml").write_text(json.dumps(params), encoding="utf-8")
    lock: dict[str, Any] = json.loads((ROOT / "params" / "demo.images.json").read_text(encoding="utf-8"))
    pattern = next(one for one in lock["entries"] if one["kind"] == "image")
    lock["entries"] += [{**pattern, "source": source, "tag": "1.0", "for": "params"} for source in sources]
    (root / "params" / "wide.images.json").write_text(json.dumps(lock), encoding="utf-8")
    return sources


def run(root: Path, account: Embedded, mode: str, *steps: str) -> dict[str, float]:
    """Make the calls of some notebooks; return the CPU seconds of each, and of the embedded AWS beside them."""
    before = account.cpu()
    program = [sys.executable, str(PROGRAMS / "wide.py"), str(root), mode, *steps]
    done = subprocess.run(program, env=account.environment, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        sys.exit(f"{mode} of {', '.join(steps)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    used: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {**used, "embedded AWS": account.cpu() - before}


def print_rows() -> None:
    """Print what plan and verify of cluster, images and secrets cost as the environment grows, and how that grows."""
    costs: list[dict[str, float]] = []
    with embedded() as account, tempfile.TemporaryDirectory() as folder:
        root, made = project(Path(folder)), 0
        for size in SIZES:
            sources = declare(root, size)[made:]
            run(root, account, "apply", *(BELOW if not made else ("identity",)), "cluster")
            names = [f"repository:fintech/{source.partition('/')[2]}" for source in sources]
            names += [f"secret:wide/prod/{n}" for n in range(2 * made, 10 * size)]
            subprocess.run([sys.executable, "-c", _MAKE, *names], env=account.environment, check=True)
            made = 5 * size
            every = [run(root, account, "verify", "cluster", "images", "secrets") for _ in range(RUNS)]
            costs.append({part: min(one[part] for one in every) for part in every[0]})
            for part, cost in costs[-1].items():
                title = f"{part}: {size} node groups, {made} repos, {2 * made} secrets"
                row(title, Cost(0.0, cost), f"{SIZES[0]} node groups", Cost(0.0, costs[0][part]))
    for part in costs[0]:
        lower, upper = (
            (costs[after][part] - costs[before][part]) / (SIZES[after] - SIZES[before])
            for before, after in ((0, 1), (1, 2))
        )
        row(f"{part}: each further one", Cost(0.0, upper), "upper half against lower", Cost(0.0, lower), "1.25 x")
