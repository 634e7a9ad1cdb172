"""``wide.py ROOT MODE STEP ...``: the calls of some notebooks on the environment ``wide``, in one process.

The last line that it prints is the CPU seconds of the calls alone, as JSON: plan, and verify or apply.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from airgap.run.context import open_context
from airgap.run.step_run import StepRun
from airgap.steps import STEPS


def main(root: str, mode: str, *names: str) -> None:
    """Plan, and apply or verify, these steps; what a verdict says is not what is measured."""
    used = {"plan": 0.0, mode: 0.0}
    for step in STEPS:
        if step.name not in names:
            continue
        run = StepRun(step, open_context(step.number, step.name, env="wide", mode=mode, root=Path(root)))
        run.open()
        began = time.process_time()
        plan = run.plan()
        planned = time.process_time()
        if mode == "apply":
            run.approve(plan)
            run.apply(plan)
        else:
            run.verify()
        used["plan"] += planned - began
        used[mode] += time.process_time() - planned
    print(json.dumps(used))


if __name__ == "__main__":
    main(*sys.argv[1:])
