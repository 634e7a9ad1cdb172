"""What the other steps of a run have said so far, from their journals' last lines and their findings."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from airgap.evidence.folder import RunFolder
from airgap.evidence.journal import read_journal
from airgap.steps import STEPS, Step


def ended(folder: RunFolder) -> dict[Step, dict[str, Any]]:
    """Return what became of every step of a run that has ended, in their order."""
    return {step: told for step in STEPS if (told := _told(folder, step))}


def said(folder: RunFolder, asking: Step) -> dict[str, Any]:
    """Return the outcomes and the findings of the other steps that have ended, as the views of the attestation show
    them.
    """
    others = {step: told for step, told in ended(folder).items() if step is not asking}
    judging = [step for step, told in others.items() if told["mode"] != "plan"]
    findings: list[Any] = []
    for step in judging:
        path = folder.step(step.number, step.name).findings
        findings += json.loads(path.read_text(encoding="utf-8"))["findings"] if path.is_file() else []
    return {"steps": list(others.values()), "findings": findings}


def end_of(entries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return digest and time of a journal's last line, empty where it has none."""
    return {"head": entries[-1]["digest"], "ended": entries[-1]["time"]} if entries else {"head": "", "ended": ""}


def moment(time: str) -> float:
    """Return a journal's time, RFC 3339, in seconds since the epoch."""
    return dt.datetime.fromisoformat(time).timestamp()


def _told(folder: RunFolder, step: Step) -> dict[str, Any]:
    """Return a step's outcome as run.json has it; empty where the step has not ended."""
    entries, _ = read_journal(folder.step(step.number, step.name).journal)
    if not entries or entries[-1]["event"] != "close":
        return {}
    last, opened = entries[-1]["data"], [entry["time"] for entry in entries if entry["event"] == "open"]
    errors = [entry["data"]["text"] for entry in entries if entry["event"] == "error" and "text" in entry["data"]]
    end = end_of(entries)
    seconds = round(moment(end["ended"]) - moment(opened[-1]), 2) if opened else 0.0
    return {**last, **end, "seconds": seconds, "message": errors[-1] if errors and last["status"] == "failed" else ""}
