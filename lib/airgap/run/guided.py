"""A run whose notebooks a person executes one by one: no runner sums it up, so each step that ends does.

What is written is what the runner writes, from what the journals say: run.json, the findings of every step that has
ended so far, and the first page. Only the paper is missing, which takes longer than a cell may.
"""

from __future__ import annotations

from contextlib import closing

from airgap.report.paper import Press
from airgap.report.run_report import render_run
from airgap.run import earlier, summing
from airgap.run.context import Context
from airgap.run.runner import Run

WEIGHT = ("plan", "verify", "apply", "destroy")
"""Modes by what they do; a run whose steps were in several has the weightiest."""

NO_PAPER = "There are no PDF files: these notebooks were executed one by one; the commands of airgap write them"


def sum_up(context: Context) -> None:
    """Write what a run leaves, as of the step that has just ended."""
    folder, ended = context.folder, earlier.ended(context.folder)
    mode = max((told["mode"] for told in ended.values()), key=WEIGHT.index, default=context.mode)
    with Press(folder.root) as press, closing(folder.open_journal()) as journal:
        press.give_up(NO_PAPER)
        intent = context.intent
        one = Run(context.root, intent.environment, intent, mode, "", folder, journal, _silent, 1, press)
        one.outcomes = {step.name: told for step, told in ended.items()}
        summing.close(one, tuple(ended), earlier.moment(folder.began()), interrupted=False)
        render_run(folder.root, press=press)


def _silent(step: str, text: str) -> None:
    """Report nothing: the notebook shows what it does."""
