"""A full run under AWS's latencies, scaled down, against the longest chain of its notebooks."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.bench.account import Embedded
from tests.bench.measure import Cost, airgap, embedded, row

from airgap.model.plan import Desired
from airgap.run.earlier import moment
from airgap.run.surveying import ALL_KINDS
from airgap.steps import STEPS

SCALE = 20.0
"""A minute of AWS is three seconds here."""
LEAST = 20.0
"""Seconds on AWS below which a wait is left as the rehearsal has it."""
ENDED = (0, 2, 3, 4)


def table() -> dict[str, float]:
    """Return how long what each kind's creation starts takes, by its operation: the kind's own seconds, scaled."""
    return {
        kind.create[0].operation: kind.seconds / SCALE
        for kind in ALL_KINDS
        if kind.create and kind.poll and kind.seconds >= LEAST
    }


def slow(account: Embedded, seconds: Mapping[str, float]) -> None:
    """Let the embedded AWS take its time."""
    address = f"{account.environment['AWS_ENDPOINT_URL']}/rehearsal/latency"
    with urllib.request.urlopen(urllib.request.Request(address, json.dumps(seconds).encode(), method="POST")):
        pass


def told(account: Embedded) -> dict[str, Any]:
    """Return run.json of the last run."""
    latest = Path(account.environment["AIRGAP_REPORTS"]) / "demo" / "latest" / "run.json"
    data: dict[str, Any] = json.loads(latest.read_text(encoding="utf-8"))
    return data


def longest(seconds: Mapping[str, float]) -> float:
    """Return the longest chain of steps by what each needs; preflight goes before all."""
    ends: dict[str, float] = {}
    for step in STEPS:
        needs = {"preflight", *step.needs} - {step.name}
        ends[step.name] = seconds.get(step.name, 0.0) + max((ends.get(one, 0.0) for one in needs), default=0.0)
    return max(ends.values())


def awaited(account: Embedded) -> tuple[float, float]:
    """Return the longest chain of waits for AWS, by what resources refer to, and the sum of all waits.

    Whichever step declares them; a script that waits for each thing that it has made waits for the sum.
    """
    latest = Path(account.environment["AIRGAP_REPORTS"]) / "demo" / "latest" / "steps"
    told = [json.loads(path.read_text(encoding="utf-8"))["declared"] for path in latest.glob("*/declared.json")]
    declared = {one.key: one for many in told for one in map(Desired.from_data, many)}
    each = {kind.name: table().get(kind.create[0].operation, 0.0) for kind in ALL_KINDS if kind.create}

    @cache
    def end(key: str) -> float:
        before = (end(one) for one in declared[key].after & set(declared))
        return each.get(declared[key].kind, 0.0) + max(before, default=0.0)

    return max(map(end, declared)), sum(each.get(one.kind, 0.0) for one in declared.values())


def print_rows() -> None:
    """Print the makespan of all notebooks against their longest chain, by one job slot and by two."""
    for jobs in (2, 1):
        with embedded() as account:
            slow(account, table())
            cost = airgap("apply", account, "--no-pdf", "--jobs", str(jobs), accept=ENDED)
            steps = [one for one in told(account)["steps"] if one["ended"]]
            began = min(moment(one["ended"]) - one["seconds"] for one in steps)
            makespan = Cost(max(moment(one["ended"]) for one in steps) - began, cost.cpu)
            chain = longest({one["name"]: one["seconds"] for one in steps})
            waits, every = awaited(account)
            one_by_one = sum(one["seconds"] for one in steps)
        row(f"apply under latencies /{SCALE:.0f}, --jobs {jobs}", cost)
        print(f"{'  its notebooks, first to last':<38} {makespan.wall:8.2f} {'':8} {makespan.wall / chain:7.2f} x"
              f"  {'their longest chain':<32} 1.05 x", flush=True)  # fmt: skip
        print(f"{'  one after the other':<38} {one_by_one:8.2f} {'':8} {one_by_one / makespan.wall:7.2f} x"
              f"  {'first to last':<32}", flush=True)  # fmt: skip
        own = makespan.wall - waits
        print(f"{'  the longest chain of waits for AWS':<38} {waits:8.2f} {'':8} {makespan.wall / waits:7.2f} x"
              "  first to last", flush=True)  # fmt: skip
        # What the run itself takes does not grow with AWS's latencies, which were divided.
        real = waits * SCALE
        print(f"{'  at latencies undivided, computed':<38} {real + own:8.2f} {'':8} {(real + own) / real:7.2f} x"
              f"  {'that chain, undivided':<32} 1.05 x", flush=True)  # fmt: skip
        print(f"{'  every wait after the other, undivided':<38} {every * SCALE:8.2f} {'':8} "
              f"{every * SCALE / (real + own):7.2f} x  at latencies undivided", flush=True)  # fmt: skip
