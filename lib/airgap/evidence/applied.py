"""What the last apply declared, read from the runs themselves: it tells drift from a change of the params."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airgap.evidence.folder import RunFolder, runs


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
