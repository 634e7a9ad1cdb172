"""Writers killed at random moments: what they leave is whole, and whoever comes after goes on."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from airgap.evidence import plans
from airgap.evidence.folder import RunFolder
from airgap.evidence.journal import JournalFile, read_journal
from airgap.model.canonical import digest
from airgap.model.plan import Plan

KILLS = 12

FILES = """
import sys, pathlib
from airgap.evidence.files import write_whole
for number in range(10**9):
    write_whole(pathlib.Path(sys.argv[1]) / "file", f"{number:020d}" * 20_000)
"""
RUN = """
import sys, pathlib
from airgap.evidence.folder import RunFolder
from airgap.model.observation import Observation
run = RunFolder.open(pathlib.Path(sys.argv[1]), "demo", "r")
journal = run.step(2, "network").open_journal()
for number in range(10**9):
    page = run.pages.keep(b'{"Number":%d,"Rest":"%s"}' % (number, b"x" * 5_000))
    seen = Observation("a:B", {"n": number}, "1", "us-east-1", "rehearsal", "ok", "2026-11-23T08:50:12Z", page=page)
    journal.append("read", seen.as_data())
    journal.append("write", {"call": "a:C", "number": number, "padding": "y" * 3_000})
    run.write_run({"world": "rehearsal", "number": number})
"""
PLANS = """
import sys, pathlib
from airgap.evidence import plans
from airgap.model.plan import Plan, Change
root = pathlib.Path(sys.argv[1])
for number in range(10**9):
    steps = [Plan("network", (Change("create", "vpc:main", "n", None, number),))]
    digest = plans.keep(root, "demo", steps, {"arn": "a" * 5_000})
    plans.approve(root, "demo", digest, {"arn": "b" * 5_000})
    plans.approve(root, "demo", plans.keep(root, "demo", [Plan("same")], {}), {"arn": "c" * 5_000})
"""


def kill_at_random(program: str, folder: Path, written: Callable[[], int], seed: int) -> None:
    """Run a program until it has written more than was there, and some milliseconds on, then kill it."""
    before = written()
    process = subprocess.Popen([sys.executable, "-c", program, str(folder)])
    try:
        deadline = time.monotonic() + 60
        while written() <= before and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(random.Random(seed).uniform(0, 0.06))
    finally:
        process.kill()
        process.wait(30)
    assert process.returncode == -9, "the program ended by itself"


def test_a_killed_writer_leaves_whole_files(tmp_path: Path) -> None:
    for seed in range(KILLS):
        path = tmp_path / str(seed) / "file"
        kill_at_random(FILES, path.parent, path.exists, seed)
        text = path.read_text()
        assert text == text[:20] * 20_000


def test_a_killed_run_can_be_read_and_continued(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, "demo", "r")
    journal = run.step(2, "network").journal
    for seed in range(KILLS):
        kill_at_random(RUN, tmp_path, lambda: journal.stat().st_size if journal.exists() else 0, seed)
        entries, problems = read_journal(journal)
        assert all("unfinished last line" in one for one in problems)
        assert len(problems) <= 1
        for path in run.observations_folder.glob("*.json"):
            assert digest(path.read_bytes()) == path.stem
        if (run.root / "run.json").exists():
            assert json.loads((run.root / "run.json").read_text())["run_id"] == "r"
        pages = {entry["data"]["page"] for entry in entries if entry["event"] == "read"}
        assert all(run.pages.load(page) for page in pages)
    JournalFile(journal).append("close", {})
    entries, problems = read_journal(journal)
    assert problems == []
    assert entries[-1]["event"] == "close"
    assert len(run.observations()) == sum(entry["event"] == "read" for entry in entries)


def test_a_killed_planner_leaves_plans_that_are_believed(tmp_path: Path) -> None:
    folder = tmp_path / "demo" / "plans"
    for seed in range(KILLS // 2):
        kill_at_random(PLANS, tmp_path, lambda: len(list(folder.glob("*"))), seed)
        for path in folder.glob("*.json"):
            plans.load(tmp_path, "demo", path.stem)
            plans.approvals(tmp_path, "demo", path.stem)
    same = Plan("same").digest
    plans.keep(tmp_path, "demo", [Plan("same")], {})
    plans.approve(tmp_path, "demo", same, {"arn": "last"})
    assert plans.approvals(tmp_path, "demo", same)[-1]["approver"] == {"arn": "last"}
