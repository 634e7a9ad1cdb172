"""``library.py MODE [STEP]``: the calls that the notebooks make, in one process, with no notebook and no report."""

from __future__ import annotations

import sys

from airgap.model.finding import verdict
from airgap.run.closing import EXIT
from airgap.run.context import open_context
from airgap.run.step_run import StepRun
from airgap.steps import STEPS


def main(mode: str, only: str = "") -> int:
    """Run one step or all, and return the exit code of the last one's verdict."""
    run_id, code = "", 0
    for step in STEPS:
        if only not in ("", step.name):
            continue
        context = open_context(step.number, step.name, env="demo", mode=mode, run_id=run_id)
        run_id = context.folder.run_id
        run = StepRun(step, context)
        run.open()
        if mode != "verify":
            plan = run.plan()
            run.approve(plan)
            run.apply(plan)
        code = EXIT[verdict(run.verify())]
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
