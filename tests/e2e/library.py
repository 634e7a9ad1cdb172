"""The same steps without notebooks: in this process, or in a child that can be killed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from airgap.errors import AirgapError
from airgap.report.step_report import render_step
from airgap.run.context import open_context
from airgap.run.step_run import StepRun, silent
from airgap.steps import STEPS

ROOT = Path(__file__).resolve().parents[2]
Progress = Callable[[str, str], None]


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """The process's environment with other AWS and AIRGAP variables, while the block lasts."""
    before = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "AIRGAP_"))}
    for name in before:
        del os.environ[name]
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            del os.environ[name]
        os.environ.update(before)


def project(root: Path) -> Path:
    """A project of its own, so that its params can be written."""
    root.mkdir(parents=True, exist_ok=True)
    for name in ("pyproject.toml", "environment.yml"):
        shutil.copy(ROOT / name, root)
    for name in ("params", "notebooks"):
        shutil.copytree(ROOT / name, root / name)
    return root


def variant(root: Path, name: str, changes: Mapping[str, Any]) -> str:
    """Write the params of an environment that is demo but for ``changes``, and return its name."""
    data = yaml.safe_load((root / "params" / "demo.yaml").read_text())
    data["environment"] = name
    for key, value in changes.items():
        data[key] = {**data[key], **value} if isinstance(value, dict) and key in data else value
    (root / "params" / f"{name}.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    shutil.copy(root / "params" / "demo.images.json", root / "params" / f"{name}.images.json")
    return name


@dataclass
class Library:
    """An environment worked on by the library calls that the notebooks make."""

    environment: Mapping[str, str]
    reports: Path
    root: Path = ROOT
    env: str = "demo"
    run_id: str = ""
    progress: Progress = silent
    runs: dict[str, StepRun] = field(default_factory=dict)

    def __call__(self, mode: str, *names: str, approve: str = "", verify: bool = True) -> dict[str, StepRun]:
        """Take steps (all where none is named) through a mode, last first when destroying; raises what a cell would."""
        order = STEPS[::-1] if mode == "destroy" else STEPS
        steps = [step.name for step in order if not names or step.name in names]
        # The attestation judges what is left, so it comes last in every mode.
        steps.sort(key=lambda name: name == "attest")
        values = {**self.environment, "AIRGAP_REPORTS": str(self.reports)}
        with environment(values):
            self.runs = {name: self._step(mode, name, approve, verify) for name in steps}
        return self.runs

    def _step(self, mode: str, name: str, approve: str, verify: bool) -> StepRun:
        step = next(one for one in STEPS if one.name == name)
        context = open_context(step.number, name, env=self.env, mode=mode, run_id=self.run_id, root=self.root)
        run = StepRun(step, context, approve, progress=self.progress)
        try:
            run.open()
            plan = run.plan()
            run.approve(plan)
            run.apply(plan)
            if verify and mode != "plan":
                run.verify()
        except AirgapError as error:
            run.broken(error, render_step)
            raise
        run.close(render_step)
        return run


def changes(runs: Mapping[str, StepRun]) -> list[str]:
    """The changes that these steps planned, as ``op resource field``."""
    plans = [run.planned for run in runs.values() if run.planned]
    return [f"{one.op} {one.resource} {one.field}".strip() for plan in plans for one in plan.changes]


def findings(runs: Mapping[str, StepRun], *statuses: str) -> list[str]:
    """The findings of some statuses, as ``status check resource: message``."""
    every = [one for run in runs.values() for one in run.findings]
    return [f"{one.status} {one.check} {one.resource}: {one.message}" for one in every if one.status in statuses]


def main(arguments: Sequence[str]) -> None:
    """Apply steps without judging, and say what happens line by line: ``library.py REPORTS STEP...``."""
    reports, *names = arguments
    ours = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}

    def say(resource: str, state: str) -> None:
        sys.stdout.write(f"{resource} {state}\n")
        sys.stdout.flush()

    Library(ours, Path(reports), progress=say)("apply", *names, verify=False)
    say("all", "finished")


if __name__ == "__main__":
    main(sys.argv[1:])
