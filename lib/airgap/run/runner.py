"""The runner: executes the notebooks of a run in the order of their needs, and says how it ended.

It never believes a notebook: status and exit code of a step are its journal's last line, and a step without one is
broken. Order: steps run when what they need is done (destroy: the other way round); preflight gates an apply.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airgap import params
from airgap.cloud.binding import check_world
from airgap.errors import UsageError
from airgap.evidence import plans
from airgap.evidence.folder import RunFolder
from airgap.evidence.journal import JournalFile, read_journal
from airgap.evidence.lock import Lock, environment_lock
from airgap.model.intent import Intent
from airgap.report.paper import Press
from airgap.report.run_report import render_run
from airgap.run import summing
from airgap.run.ahead import KernelsAhead
from airgap.run.context import check_mode, reports_root
from airgap.run.outcome import Event
from airgap.steps import STEPS, Step

Progress = Callable[[str, str], None]
HEARTBEAT = 30.0
_TICK = 0.1  # seconds between two looks at which notebooks have ended or only wait
CELL_TIMEOUT = 3 * 3600.0
ACTING = ("apply", "destroy")


@dataclass
class Run:
    """One run being executed."""

    root: Path
    env: str
    intent: Intent
    mode: str
    approve: str
    folder: RunFolder
    journal: JournalFile
    progress: Progress
    jobs: int
    press: Press
    stop: threading.Event = field(default_factory=threading.Event)
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)


def chosen(only: Sequence[str], start: str) -> tuple[Step, ...]:
    """Return the steps of a run: all, those named, or all from one on; raises ``UsageError`` for an unknown name."""
    names = [step.name for step in STEPS]
    for name in [*only, *([start] if start else [])]:
        if name not in names:
            raise UsageError(f"no step {name!r}", "anything", f"steps: {', '.join(names)}")
    steps = STEPS[names.index(start) :] if start else STEPS
    return tuple(step for step in steps if not only or step.name in only)


def run(
    mode: str,
    env: str,
    *,
    only: Sequence[str] = (),
    start: str = "",
    approve: str = "",
    run_id: str = "",
    jobs: int = 2,
    progress: Progress = lambda step, text: None,
    root: Path | None = None,
    pdf: bool = True,
) -> dict[str, Any]:
    """Execute a run and return what became of it, as in run.json; ``exit_code`` is the command's."""
    check_mode(mode)
    steps = chosen(only, start)
    project = root or params.project_root()
    intent = params.load(env, project)
    check_world(intent.world)
    reports = reports_root(project)
    if approve not in ("", "auto"):
        plans.load(reports, intent.environment, approve)
    began = time.time()
    folder = RunFolder.open(reports, intent.environment, run_id, now=began)
    journal = folder.open_journal()
    press = Press(folder.root, wanted=pdf)
    given = str(Path(env).resolve()) if env != intent.environment else env  # a file of its own: kernels read that one
    one = Run(project, given, intent, mode, approve, folder, journal, progress, max(1, jobs), press)
    opened = {"run_id": folder.run_id, "mode": mode, "env": intent.environment, "steps": [step.name for step in steps]}
    journal.append("open", opened)
    progress("", f"run {folder.run_id}: {mode} {env}, {len(steps)} steps")
    with press:
        if mode in ACTING:
            with environment_lock(reports, intent.environment, {"run": folder.run_id, "mode": mode}) as lock:
                interrupted = _execute(one, steps, lock)
        else:
            interrupted = _execute(one, steps, None)
        if interrupted:
            press.give_up("There are no PDF files: the run was interrupted")
        data = summing.close(one, steps, began, interrupted)
        progress("", "writing the reports")
        render_run(folder.root, progress=progress, press=press)
    return data


def _execute(one: Run, steps: Sequence[Step], lock: Lock | None) -> bool:
    """Run the steps as their needs allow, and tell whether a person interrupted it."""
    left = {step.name: _needs(step, steps, one.mode) for step in _longest_first(steps, one.mode)}
    by_name = {step.name: step for step in steps}
    environment = {"AIRGAP_REPORTS": str(reports_root(one.root)), **(lock.environment() if lock else {})}
    running: dict[Future[None], str] = {}
    heard = time.monotonic()
    with KernelsAhead(len(steps), environment) as kernels, ThreadPoolExecutor(max_workers=len(steps)) as pool:
        try:
            while left or running:
                for name in [name for name, needs in left.items() if needs <= set(one.outcomes)]:
                    if _at_work(one, [by_name[each] for each in running.values()]) >= one.jobs:
                        break
                    if blocker := _blocker(one, name, left[name]):
                        one.outcomes[name] = summing.not_begun(by_name[name], one.mode, blocker)
                        one.progress(name, f"not begun: {blocker}")
                    else:
                        _working(one, by_name[name])
                        running[pool.submit(_step, one, by_name[name], kernels)] = name
                    del left[name]
                if not running:
                    continue
                finished, _ = wait(running, timeout=_TICK, return_when=FIRST_COMPLETED)
                heard = _heartbeat(one, [by_name[name] for name in running.values()], heard)
                for future in finished:
                    running.pop(future)
                    future.result()
        except KeyboardInterrupt:
            one.stop.set()
            one.progress("", "interrupted: letting the calls in flight finish")
            wait(running)
            for name in left:
                one.outcomes[name] = summing.not_begun(by_name[name], one.mode, "the run was interrupted", 1)
            return True
    return False


def _at_work(one: Run, steps: Iterable[Step]) -> int:
    """Return how many of these steps take a job slot: all but those whose notebook only waits for AWS."""
    return sum(not one.folder.step(step.number, step.name).waiting.exists() for step in steps)


def _working(one: Run, step: Step) -> None:
    """Take away the mark of a step that only waits, which a killed kernel leaves behind."""
    one.folder.step(step.number, step.name).waiting.unlink(missing_ok=True)


def _longest_first(steps: Sequence[Step], mode: str) -> list[Step]:
    """Return steps in the order in which they begin where several may: in apply, the longest way to the end first."""

    def way(step: Step) -> float:
        after = max((way(other) for other in steps if step.name in other.needs), default=0.0)
        return after + max((kind.seconds for kind in step.kinds), default=0.0)

    return sorted(steps, key=way, reverse=True) if mode == "apply" else list(steps)


def _needs(step: Step, steps: Iterable[Step], mode: str) -> set[str]:
    """Return the chosen steps that must end before this one begins; none in modes that only read.

    Destroy goes the other way round, and the attestation, which judges every step, still comes last.
    """
    others = [other for other in steps if other is not step]
    if mode not in ACTING:
        return set()
    if mode == "destroy":
        return {other.name for other in others if not other.attests and (step.attests or step.name in other.needs)}
    gate = {"preflight"} if step.name != "preflight" else set()
    return (set(step.needs) | gate) & {other.name for other in others}


def _blocker(one: Run, name: str, needs: set[str]) -> str:
    """Return why a step may not begin: what it needs broke, or preflight says that it will fail."""
    if one.mode not in ACTING:
        return ""
    for needed in sorted(needs):
        outcome = one.outcomes[needed]
        if outcome["status"] != "completed":
            return f"{needed} did not complete"
        if needed == "preflight" and outcome["verdict"] == "fail":
            return "preflight found what would make it fail"
    return ""


def _heartbeat(one: Run, steps: Iterable[Step], heard: float) -> float:
    """Say every half minute that a run lives, and on what it works; return when that was last said."""
    if time.monotonic() - heard < HEARTBEAT:
        return heard
    for step in steps:
        path = one.folder.step(step.number, step.name).journal
        calls = [entry["data"] for entry in read_journal(path)[0] if "call" in entry["data"]] if path.exists() else []
        last = f"last on {calls[-1].get('resource') or calls[-1]['call']}" if calls else "before its first call"
        one.progress(step.name, f"still at work, {last}")
    return time.monotonic()


def _step(one: Run, step: Step, kernels: KernelsAhead) -> None:
    from airgap.run.engine import execute

    source = one.root / "notebooks" / f"{step.folder}.ipynb"
    target = one.folder.step(step.number, step.name).notebook
    values = {"env": one.env, "mode": one.mode, "approve": one.approve, "run_id": one.folder.run_id}
    began = time.monotonic()
    outcome = execute(
        source,
        target,
        values,
        timeout=float(os.environ.get("AIRGAP_CELL_TIMEOUT", CELL_TIMEOUT)),
        on_event=_sections(one, step),
        stop=one.stop,
        kernels=kernels.take,
    )
    _working(one, step)
    result = summing.outcome(one.folder, step, one.mode, outcome, time.monotonic() - began)
    one.outcomes[step.name] = result
    one.press.step(step.folder)
    one.progress(step.name, summing.sentence(result))


def _sections(one: Run, step: Step) -> Callable[[Event], None]:
    """Report each section once, when its first cell starts."""
    seen = {"About", "Undo"}  # the latter shows how to undo: as progress it would read as if that were done

    def report(event: Event) -> None:
        if event.kind == "started" and event.section not in seen:
            seen.add(event.section)
            one.progress(step.name, event.section)

    return report
