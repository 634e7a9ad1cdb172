"""A step opened in a notebook: each method is one cell, and shows what a person needs to see before the next.

An error that a person can act on is shown as one box and ends the cell; it is journalled before it is shown, so that
the run's verdict never rests on what the notebook says of itself.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from airgap.cloud.liveness import RUNNER_VARIABLE
from airgap.errors import AirgapError, UsageError
from airgap.model.plan import Plan
from airgap.notebook.boxes import Box, error_box
from airgap.report.step_report import render_step
from airgap.run import closing
from airgap.run.context import open_context
from airgap.run.step_run import StepRun
from airgap.steps import STEPS
from airgap.views import Facts, Shown, findings_table, plan_table

Result = TypeVar("Result")


def open_step(name: str, env: str = "demo", mode: str = "plan", approve: str = "", run_id: str = "") -> OpenStep:
    """Open one step of the runbook and bind it: prove account, Region, partition and world before anything else."""
    step = next((one for one in STEPS if one.name == name), None)
    if step is None:
        raise UsageError(f"no step {name!r}; steps: {', '.join(one.name for one in STEPS)}", "anything", "name one")
    context = open_context(step.number, step.name, env=env, mode=mode, run_id=run_id)
    jobs = int(os.environ.get("AIRGAP_STEP_JOBS", "8"))
    return OpenStep(StepRun(step, context, approve, jobs=jobs, progress=_progress))


def _progress(resource: str, state: str) -> None:
    sys.stdout.write(f"{resource}: {state}\n")
    sys.stdout.flush()


def _told(method: Callable[..., Result]) -> Callable[..., Result]:
    """Journal an error before it ends the cell, close the step as broken, and let the notebook show it as one box."""

    @functools.wraps(method)
    def call(self: OpenStep, *args: Any) -> Result:
        try:
            return method(self, *args)
        except (AirgapError, KeyboardInterrupt) as error:
            self.broken(error)
            raise

    return call


class OpenStep:
    """One step in a notebook."""

    def __init__(self, run: StepRun) -> None:
        self.run = run
        error_box()
        self._bind()

    @_told
    def _bind(self) -> None:
        self.run.open()

    def _repr_html_(self) -> str:
        return self._where()._repr_html_()

    def __repr__(self) -> str:
        return self._where().text()

    def _where(self) -> Facts:
        return Facts(f"{self.run.step.number:02d} {self.run.step.title}", list(closing.where(self.run)))

    @_told
    def look(self, name: str) -> Shown:
        """Show one view of the step's own subject."""
        return self.run.look(name)

    @_told
    def plan(self) -> ShownPlan:
        """Show what would change, as a diff with risk and reason."""
        return ShownPlan(self.run.plan())

    @_told
    def approve(self, plan: ShownPlan) -> Box:
        """Show how the plan is approved; end the notebook here where nothing covers it."""
        return Box("Approve", self.run.approve(plan.plan))

    @_told
    def apply(self, plan: ShownPlan) -> Box:
        """Carry the plan out in mode apply or destroy, one line per resource; nothing otherwise."""
        self.run.apply(plan.plan)
        acted = self.run.context.mode in ("apply", "destroy") and plan.plan.changes
        return Box("Apply", f"{len(plan.plan.resources())} resources done" if acted else "nothing to do")

    @_told
    def verify(self) -> Shown:
        """Read again and judge: every check of the step, on every resource in scope."""
        if self.run.context.mode == "plan":
            return Facts("Verify", [("mode plan", "judges nothing; run mode verify or apply")])
        return findings_table(self.run.verify())

    @_told
    def close(self) -> Facts:
        """Write the evidence report and, where no runner does, the run's first page; name both, and what is next."""
        head = self.run.close(render_step)
        self._sum_up()
        return Facts("Evidence", list(closing.evidence(self.run, head)))

    @_told
    def undo(self) -> Shown:
        """Show how to undo the step: what destroy would remove. Changes nothing."""
        return Facts("Undo", list(closing.undo(self.run)))

    def _sum_up(self) -> None:
        if not os.environ.get(RUNNER_VARIABLE):
            from airgap.run.guided import sum_up  # brings the runner's imports, which a kernel of the runner spares

            sum_up(self.run.context)

    def broken(self, error: BaseException) -> None:
        """Journal the error, close the step as broken, and sum the run up where no runner does."""
        self.run.broken(error, render_step)
        self._sum_up()


class ShownPlan:
    """A plan as a notebook shows it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def _repr_html_(self) -> str:
        return plan_table(self.plan)._repr_html_()

    def __repr__(self) -> str:
        return plan_table(self.plan).text()
