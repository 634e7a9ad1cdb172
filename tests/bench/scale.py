"""One environment that grows by its params alone: three zones, up to ten node groups and fifty repositories."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from tests.bench.account import Embedded
from tests.bench.measure import PROGRAMS, ROOT, Cost, embedded, python, row

SIZES = (2, 5, 10)
"""Node groups; of repositories there are five times as many."""
BELOW = ("identity", "network", "endpoints")
_REPOSITORIES = (
    "import sys, boto3; ecr = boto3.client('ecr'); [ecr.create_repository(repositoryName=one) for one in sys.argv[1:]]"
)


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
    (root / "params" / "wide.yaml").write_text(json.dumps(params), encoding="utf-8")
    lock: dict[str, Any] = json.loads((ROOT / "params" / "demo.images.json").read_text(encoding="utf-8"))
    pattern = next(one for one in lock["entries"] if one["kind"] == "image")
    lock["entries"] += [{**pattern, "source": source, "tag": "1.0", "for": "params"} for source in sources]
    (root / "params" / "wide.images.json").write_text(json.dumps(lock), encoding="utf-8")
    return sources


def run(root: Path, account: Embedded, mode: str, *steps: str) -> Cost:
    """Make the calls of some notebooks."""
    return python(str(PROGRAMS / "wide.py"), str(root), mode, *steps, account=account)


def print_rows() -> None:
    """Print what plan and verify of cluster and images cost as the environment grows, and how that grows."""
    costs: list[Cost] = []
    with embedded() as account, tempfile.TemporaryDirectory() as folder:
        root, made = project(Path(folder)), 0
        for size in SIZES:
            names = [source.partition("/")[2] for source in declare(root, size)][made:]
            run(root, account, "apply", *(() if made else BELOW), "cluster")
            program = [sys.executable, "-c", _REPOSITORIES, *(f"fintech/{name}" for name in names)]
            subprocess.run(program, env=account.environment, check=True)
            made = 5 * size
            twice = [run(root, account, "verify", "cluster", "images") for _ in range(2)]
            costs.append(min(twice, key=lambda one: one.cpu))
            row(f"plan, verify: {size} node groups, {made} repos", costs[-1], f"{SIZES[0]} node groups", costs[0])
    some, many = (Cost(one.wall - costs[0].wall, one.cpu - costs[0].cpu) for one in costs[1:])
    ideal = (SIZES[2] - SIZES[0]) / (SIZES[1] - SIZES[0])
    row("growth, 10 against 5", many, f"linear is {ideal:.2f} x", some, "3.5 x")
