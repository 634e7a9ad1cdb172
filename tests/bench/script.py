"""The same estate by a script: one process a call, one call after the other, as a file of ``aws`` commands would do it.

The writes are those that a run has journalled. What one process costs is measured on calls of ten services, by the AWS
CLI where it is installed (``AIRGAP_BENCH_AWS`` or the path), else by Python with boto3, which starts faster; the sum is
the number of writes times that. A script that only writes proves nothing; one that also looked at what a run looks at
would make its reads too, which is the row after.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from botocore import xform_name
from tests.bench.account import Embedded
from tests.bench.latencies import ENDED
from tests.bench.measure import Cost, airgap, embedded, row

from airgap.model.permissions import by_iam

SAMPLE = (
    "ec2:DescribeVpcs", "ec2:DescribeSubnets", "iam:ListRoles", "kms:ListKeys", "s3:ListBuckets",
    "logs:DescribeLogGroups",
    "eks:ListClusters", "ecr:DescribeRepositories", "route53resolver:ListFirewallRuleGroups", "sts:GetCallerIdentity",
)  # fmt: skip
_STANDIN = "import sys, boto3; getattr(boto3.client(sys.argv[1]), sys.argv[2])()"
_NAMES = {"s3": "s3api"}


def calls(account: Embedded, event: str) -> Iterator[str]:
    """Yield every call of AWS's API that the last run has journalled, ``write`` or ``read``."""
    latest = Path(account.environment["AIRGAP_REPORTS"]) / "demo" / "latest" / "steps"
    for journal in sorted(latest.glob("*/journal.ndjson")):
        for line in journal.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            if entry["event"] == event and by_iam(entry["data"]["call"]):
                yield entry["data"]["call"]


def command(call: str, cli: str) -> Sequence[str]:
    """Return the process that makes one call."""
    service, operation = call.split(":")
    if cli:
        return (cli, _NAMES.get(service, service), xform_name(operation).replace("_", "-"), "--output", "json")
    return (sys.executable, "-c", _STANDIN, service, xform_name(operation))


def once(call: str, cli: str, account: Embedded) -> Cost:
    """Make one call in a process of its own."""
    began, before = time.perf_counter(), os.times()
    subprocess.run(command(call, cli), env=account.environment, check=True, capture_output=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(time.perf_counter() - began, used)


def print_rows() -> None:
    """Print a full run, and the script that makes the same writes."""
    cli = os.environ.get("AIRGAP_BENCH_AWS") or shutil.which("aws") or ""
    with embedded() as account:
        full = airgap("apply", account, "--no-pdf", accept=ENDED)
        made, seen = (list(calls(account, event)) for event in ("write", "read"))
        costs = [once(call, cli, account) for call in SAMPLE]
    wall, cpu = statistics.median(one.wall for one in costs), statistics.median(one.cpu for one in costs)
    row("airgap apply --no-pdf, all notebooks", full)
    name = "aws" if cli else "boto3"
    script = Cost(wall * len(made), cpu * len(made))
    row(f"one {name} process a write, {len(made)} writes", script, "airgap apply --no-pdf", full, "10 x")
    everything = Cost(wall * len([*made, *seen]), cpu * len([*made, *seen]))
    row(f"and one a read, {len(seen)} reads", everything, "airgap apply --no-pdf", full)
    print(
        f"{'  one such process':<38} {wall:8.2f} {cpu:8.2f} {script.wall / full.wall:7.2f} x  in wall seconds",
        flush=True,
    )
