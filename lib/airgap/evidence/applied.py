"""What earlier runs did, read from the runs themselves: what the last apply declared, and which writes to look for.

The one tells drift from a change of the params; the other falls to a later run, as events take time to appear.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airgap.evidence.folder import RunFolder, runs
from airgap.model.finding import NOT_APPLICABLE, PASS


def last_applied(reports_root: Path, env: str, step_folder: str) -> tuple[Mapping[str, Any], ...]:
    """Return the declarations of a step's last apply, its own resources only; empty where no run applied it."""
    for run_id in reversed(runs(reports_root, env)):
        path = RunFolder(reports_root, env, run_id).root / "steps" / step_folder / "declared.json"
        if not path.is_file():
            continue
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["mode"] == "destroy":
            return ()
        if kept["mode"] == "apply":
            return tuple(one for one in kept["declared"] if one["step"] == kept["step"])
    return ()


def unreconciled(reports_root: Path, env: str, run_id: str) -> tuple[Mapping[str, Any], ...]:
    """Return the accepted writes of other runs, each with its ``run``, that none has found in CloudTrail yet.

    One without an answer is judged by the run that made it; what it made is found by its tags.
    """
    found: list[Mapping[str, Any]] = []
    for one in reversed(runs(reports_root, env)):
        folder = RunFolder(reports_root, env, one)
        if one == run_id:
            continue
        if _reconciled(folder):
            break
        writes = folder.records().writes
        found[:0] = [{**write, "run": one} for write in writes if (write["answer"] or {}).get("status") == "ok"]
    return tuple(found)


def _reconciled(folder: RunFolder) -> bool:
    """Whether a run looked for every write before it in CloudTrail and misses none."""
    paths = [step.findings for step in folder.steps() if step.findings.is_file()]
    told = [one for path in paths for one in json.loads(path.read_text(encoding="utf-8"))["findings"]]
    statuses = {one["status"] for one in told if one["check"] == "change-in-trail"}
    return bool(statuses) and statuses <= {PASS, NOT_APPLICABLE}
