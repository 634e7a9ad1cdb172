"""``wide.py ROOT MODE STEP ...``: the calls of some notebooks on the environment ``wide``, in one process."""

from __future__ import annotations

import sys
from pathlib import Path

from airgap.run.context import open_context
from airgap.run.step_run import StepRun
from airgap.steps import STEPS


def main(root: str, mode: str, *names: str) -> None:
    """Plan, and apply or verify, these steps; what a verdict says is not what is measured."""
    for step in STEPS:
        if step.name not in names:
            continue
        run = StepRun(step, open_context(step.number, step.name, env="wide", mode=mode, root=Path(root)))
        run.open()
        plan = run.plan()
        if mode == "apply":
            run.approve(plan)
            run.apply(plan)
        else:
            run.verify()


if __name__ == "__main__":
    main(*sys.argv[1:])
