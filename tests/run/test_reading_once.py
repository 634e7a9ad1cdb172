"""A plan's reading serves the verdict after it, where nothing can have been written since; else there is another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from airgap import rehearsal
from airgap.evidence.journal import read_journal
from airgap.model.canonical import encode
from airgap.run import step_run
from airgap.run.context import open_context
from airgap.run.step_run import StepRun
from airgap.steps import STEPS

IDENTITY = next(step for step in STEPS if step.name == "identity")
LISTED = "iam:GetAccountAuthorizationDetails"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    running, folder = rehearsal.up(), tmp_path_factory.mktemp("reports")
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**running.environment(), "AIRGAP_REPORTS": str(folder)}.items():
                patch.setenv(name, value)
            yield folder
    finally:
        rehearsal.down(running.port)


def opened(mode: str) -> StepRun:
    run = StepRun(IDENTITY, open_context(IDENTITY.number, IDENTITY.name, env="demo", mode=mode))
    run.open()
    return run


def reads(run: StepRun) -> Counter[str]:
    """How often each call was made; the caller's identity is asked for when binding too."""
    entries, problems = read_journal(run.context.step_folder.journal)
    assert problems == []
    made = (one["data"] for one in entries if one["event"] == "read")
    return Counter(f"{one['call']} {encode(one['params'])} {one['number']}" for one in made)


def test_1_what_is_there_after_an_apply_is_read_after_it(reports: Path) -> None:
    run = opened("apply")
    plan = run.plan()
    before = reads(run)
    run.approve(plan)
    run.apply(plan)
    assert {one.status for one in run.verify()} <= {"pass", "not_applicable", "waived"}
    after = reads(run)
    again = {call for call in before if after[call] > before[call]}
    assert any(call.startswith(LISTED) for call in again)


@pytest.mark.parametrize("mode", ["verify", "apply", "destroy"])
def test_2_nothing_is_read_twice_where_nothing_is_written(reports: Path, mode: str) -> None:
    run = opened(mode)
    run.look(next(iter(step_run.views.VIEWS[IDENTITY.name])))
    assert (run.plan().changes == ()) is (mode != "destroy")
    assert run.verify()
    once = reads(run)
    assert max(count for call, count in once.items() if not call.startswith("sts:")) == 1
    run.verify()
    assert all(count == 2 * once[call] for call, count in reads(run).items() if call.startswith(LISTED))


def test_3_a_reading_grows_old(reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = opened("verify")
    run.plan()
    monkeypatch.setattr(step_run, "FRESH", 0.0)
    once = reads(run)
    run.verify()
    assert all(count == 2 * once[call] for call, count in reads(run).items() if call.startswith(LISTED))
