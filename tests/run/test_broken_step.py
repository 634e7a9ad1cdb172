"""An apply that waited in vain is judged before its report is written, so that the report says why."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airgap.errors import AccessDenied, AirgapError, NotApproved, Unsettled
from airgap.run.step_run import StepRun


class Broken(StepRun):
    """A step run that keeps what is done when it breaks."""

    def __init__(self, mode: str, verdict: AirgapError | None = None) -> None:
        self.done: list[str] = []
        self.verdict = verdict
        journal = SimpleNamespace(append=lambda kind, data: self.done.append(f"{kind} {data['error']}"))
        self.context: Any = SimpleNamespace(mode=mode, journal=journal)

    def verify(self) -> list[Any]:
        self.done.append("verify")
        if self.verdict is not None:
            raise self.verdict
        return []

    def close(self, render: Any, error: BaseException | None = None) -> str:
        self.done.append("close")
        return ""


UNSETTLED = Unsettled("k8s-deployment:application/application is waiting", "it", "look at its pods")


@pytest.mark.parametrize(
    ("mode", "error", "done"),
    [
        ("apply", UNSETTLED, ["error Unsettled", "verify", "close"]),
        ("destroy", UNSETTLED, ["error Unsettled", "close"]),
        ("apply", NotApproved("no", "it", "approve"), ["error NotApproved", "close"]),
    ],
)
def test_only_an_apply_that_waited_in_vain_is_judged(mode: str, error: AirgapError, done: list[str]) -> None:
    run = Broken(mode)
    run.broken(error, lambda root, step: Path())
    assert run.done == done


def test_a_verdict_that_cannot_be_reached_is_journalled_and_the_step_closes_all_the_same() -> None:
    run = Broken("apply", AccessDenied("denied", "anything", "ask"))
    run.broken(UNSETTLED, lambda root, step: Path())
    assert run.done == ["error Unsettled", "verify", "error AccessDenied", "close"]
