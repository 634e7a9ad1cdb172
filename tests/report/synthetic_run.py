"""A run folder made by hand: every status, names that attack a page, and as many findings as a test asks for."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from airgap.evidence.files import write_whole
from airgap.evidence.folder import RunFolder
from airgap.evidence.journal import JournalFile
from airgap.model import finding as findings_of
from airgap.model.canonical import digest_of, encode
from airgap.model.finding import Finding
from airgap.model.observation import Observation
from airgap.model.plan import Change, Plan

RUN_ID = "20261123T085012Z-ab12"
ATTACK = "subnet:<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
LONG = "security-group:" + "a-very-long-name-without-any-place-to-break-" * 6
CALLER = {
    "account": "123456789012",
    "arn": "arn:aws:sts::123456789012:assumed-role/platform-engineer/alice",
    "endpoint": "http://127.0.0.1:4566",
    "user_id": "AROA:alice",
}
PLACE = {"account": "123456789012", "region": "us-east-1", "partition": "aws"}


def finding(check: str, status: str, resource: str, message: str = "", **more: Any) -> Finding:
    """Return a finding of a check on a property of its own number."""
    title = f"What {check} wants is so"
    remedy = "put it right | then *verify*" if status in ("fail", "unknown") else ""
    shown = message or title
    defaults = {"remedy": remedy, "severity": "high", "properties": ("NET-03",)}
    return Finding(check=check, title=title, status=status, resource=resource, message=shown, **{**defaults, **more})


FINDINGS = (
    finding("routes-local-only", "pass", "route-table:private-a"),
    finding("routes-local-only", "fail", ATTACK, "leads <b>out</b> to igw-1 | and & more"),
    finding("routes-local-only", "unknown", LONG, "ec2:DescribeRouteTables was not observed: denied"),
    finding("dns-closed", "waived", "vpc:main", "is open", properties=("NET-10", "NET-03"), waiver="until 2027-01-01"),
    finding("probe", "not_applicable", "*", "a rehearsal has no packets", properties=("NET-13",), severity="low"),
    finding("no-property", "pass", "=cmd|' /C calc'!A0", properties=(), severity="info"),
)
PLAN = Plan(
    "network",
    (
        Change("create", ATTACK, "cidr", None, "10.0.0.0/24", "none", "holds <everything>"),
        Change("update", "vpc:main", "enableDnsSupport", False, True, "interrupts", "names must resolve"),
        Change("delete", "subnet:old", "", {"cidr": "10.0.9.0/24"}, None, "removes", "not declared"),
    ),
    (("subnet:dark", "ec2:DescribeSubnets was not observed: denied"),),
)


def clock() -> Iterator[str]:
    """Yield times a second apart, as a journal has them."""
    return (f"2026-11-23T08:{50 + n // 60:02d}:{n % 60:02d}.000000Z" for n in itertools.count())


def many(count: int) -> list[Finding]:
    """Return so many findings over twenty checks, one in fifty of them a failure."""
    return [
        finding(
            f"check-{n % 20:02d}", "fail" if n % 50 == 0 else "pass", f"endpoint:service-{n:04d}",
            observations=(page(n % 40),),
        )
        for n in range(count)
    ]  # fmt: skip


def page(number: int) -> str:
    """Return the digest of a page."""
    return digest_of({"page": number})


def make_run(
    root: Path,
    findings: Sequence[Finding] = FINDINGS,
    *,
    world: str = "rehearsal",
    mode: str = "apply",
    env: str = "demo",
    exceptions: Sequence[dict[str, str]] = (),
    reviews: Sequence[dict[str, str]] = (),
) -> Path:
    """Write a finished run of two steps, of which the second was not begun, and return its folder."""
    folder = RunFolder(root, env, RUN_ID)
    _step(folder, findings, world, mode)
    ticks = clock()
    journal = JournalFile(folder.journal, lambda: next(ticks))
    journal.append("open", {"run_id": RUN_ID, "mode": mode})
    journal.append("close", {"exit_code": 3})
    journal.close()
    document = findings_of.document(findings, run_id=RUN_ID, env=env, world=world)
    write_whole(folder.root / "findings.json", encode(document) + "\n")
    write_whole(folder.root / "intent.json", encode({"exceptions": list(exceptions), "reviews": list(reviews)}))
    folder.write_run(_run(world, mode, document["verdict"]))
    return folder.root


def _run(world: str, mode: str, verdict: str) -> dict[str, Any]:
    network = {"name": "network", "number": 2, "title": "Network: a VPC without a way out", "status": "completed"}
    later = {"name": "endpoints", "number": 3, "title": "Endpoints", "status": "not begun", "error": "network <failed>"}
    common = {"mode": mode, "verdict": "", "changes": 0, "seconds": 1.5, "head": "", "error": "", "exit_code": 0}
    return {
        **PLACE, "world": world, "mode": mode, "caller": CALLER, "commit": "c" * 40, "params_sha256": "a" * 64,
        "started": "2026-11-23T08:50:00Z", "ended": "2026-11-23T08:51:00Z", "versions": {"airgap": "0.1.0"},
        "verdict": verdict, "plan_digest": PLAN.digest, "exit_code": 1, "interrupted": False,
        "steps": [{**common, **network, "verdict": verdict, "changes": 3}, {**common, **later}],
    }  # fmt: skip


def _step(folder: RunFolder, findings: Sequence[Finding], world: str, mode: str) -> None:
    step = folder.step(2, "network")
    ticks = clock()
    journal = JournalFile(step.journal, lambda: next(ticks))
    opening = {**PLACE, "world": world, "mode": mode, "step": "network", "caller": CALLER, "commit": "c" * 40}
    journal.append("open", {**opening, "params_sha256": "a" * 64, "versions": {"airgap": "0.1.0"}})
    for number in range(40):
        journal.append("read", observation(number).as_data())
    journal.append("plan", {"digest": PLAN.digest})
    journal.append("approval", {"digest": PLAN.digest, "how": "auto <b>", "applier": CALLER})
    for status in ({"status": "ok", "request_id": "req-1"}, {"status": "denied", "code": "No<t>", "message": "&"}):
        write = journal.append("write", {"call": "ec2:CreateSubnet", "resource": ATTACK, "attempt": 1})
        journal.append("answer", {"write": write, **status})
    ordered = [one.as_data() for one in findings_of.order(findings)]
    journal.append("verdict", {"findings": digest_of(ordered)})
    journal.append("close", {"status": "completed", "title": "Network: a VPC without a way out"})
    journal.close()
    write_whole(step.plan, encode(PLAN.as_data()))
    write_whole(step.findings, encode({"findings": ordered}))
    write_whole(step.views, encode([VIEW]))
    write_whole(step.notebook, json.dumps(NOTEBOOK))


def observation(number: int) -> Observation:
    """Return a read call; every tenth was denied."""
    denied = number % 10 == 9
    more = {"code": "AccessDenied", "message": "no <entry>"} if denied else {"page": page(number), "size": 18}
    return Observation(
        "ec2:DescribeSubnets", {"Filters": [ATTACK], "Number": number}, "123456789012", "us-east-1", "rehearsal",
        "denied" if denied else "ok", "2026-11-23T08:50:01.000000Z", request_id=f"request-{number}", **more,
    )  # fmt: skip


VIEW = {
    "name": "routes",
    "title": "Routes & roads",
    "html": "<table><caption>Routes &amp; roads</caption><thead><tr><th>to</th><th>by</th></tr></thead>"
    "<tbody><tr><td>10.0.0.0/16</td><td><code>local</code><br><code>also</code></td></tr></tbody></table>",
    "text": "Routes",
}
PROSE = ["# Network\n", "<script>alert(1)</script>\n\n", "| a | b |\n|---|---|\n| 1 | 2 |"]
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": PROSE},
        {"cell_type": "code", "source": "step.plan()  # <tag>", "outputs": [
            {"output_type": "display_data", "data": {"text/html": "<p>shown</p>", "text/plain": "shown"}},
            {"output_type": "stream", "text": ["a < b\n"]},
            {"output_type": "error", "ename": "NotApproved", "evalue": "<no>"},
        ]},
    ]
}  # fmt: skip
