"""Looking at runs: how the last one ended, what changed between two, and who approves a plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airgap import params
from airgap.cloud.binding import bind
from airgap.cloud.recorder import Recorder
from airgap.cloud.session import Clock, Cloud
from airgap.errors import UsageError
from airgap.evidence import plans
from airgap.evidence.folder import RunFolder, runs
from airgap.evidence.pages import PageFolder
from airgap.model.canonical import encode
from airgap.model.intent import Intent
from airgap.model.redaction import Redactor
from airgap.run.context import reports_root, stamp


class _Unrecorded:
    """A journal and page store in memory, for calls that belong to no run."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, Mapping[str, Any]]] = []

    def append(self, event: str, data: Mapping[str, Any]) -> str:
        """Keep an event."""
        self.lines.append((event, data))
        return str(len(self.lines))


def record_approval(env: str, digest: str) -> dict[str, Any]:
    """Record that the caller approves a kept plan, and return the approval with the number of changes."""
    root = params.project_root()
    intent = params.load(env, root)
    kept = plans.load(reports_root(root), intent.environment, digest)
    approver = caller(intent, reports_root(root))
    plans.approve(reports_root(root), intent.environment, digest, approver)
    return {"digest": digest, "approver": approver, "changes": len(kept.changes)}


def caller(intent: Intent, reports: Path) -> dict[str, str]:
    """Return who calls, proven to be in the declared account and partition."""
    pages = PageFolder(reports / intent.environment / "plans" / "observations")
    clock = Clock()
    recorder = Recorder(_Unrecorded(), pages, lambda: stamp(clock), Redactor())
    cloud = Cloud(intent.account, intent.region, intent.world, recorder, clock)
    return bind(intent, cloud, pages.load).as_data()


def _folder(env: str, run_id: str) -> RunFolder:
    reports = reports_root(params.project_root())
    known = runs(reports, env)
    if run_id not in known and run_id != "latest":
        raise UsageError(f"{env} has no run {run_id!r}", "anything", f"runs: {', '.join(known[-5:]) or 'none yet'}")
    return RunFolder.open(reports, env, run_id)


def last_run(env: str) -> dict[str, Any]:
    """Return run.json of the last run."""
    return _folder(env, "latest").read_run()


def difference(env: str, before: str, after: str) -> dict[str, Any]:
    """Return what differs between two runs, the last two where none are named."""
    known = runs(reports_root(params.project_root()), env)
    if not (before and after) and len(known) < 2:
        raise UsageError(f"{env} has {len(known)} runs; a difference needs two", "anything", "run again, or name two")
    first, second = _folder(env, before or known[-2]), _folder(env, after or known[-1])
    old, new = _state(first), _state(second)
    changes = [
        {"what": what, "name": name, "before": old.get((what, name), ""), "after": new.get((what, name), "")}
        for what, name in sorted(set(old) | set(new))
        if old.get((what, name)) != new.get((what, name))
    ]
    return {"before": first.run_id, "after": second.run_id, "changes": changes}


def _state(folder: RunFolder) -> dict[tuple[str, str], str]:
    """What a run says, by name: each finding's status, each declared field, the params and the code."""
    run = folder.read_run()
    state = {("run", name): str(run[name]) for name in ("verdict", "params_sha256", "commit", "account", "region")}
    for step in folder.steps():
        if step.findings.is_file() and run["mode"] != "plan":
            for one in json.loads(step.findings.read_text(encoding="utf-8"))["findings"]:
                state["finding", f"{one['check']} {one['resource']}"] = one["status"]
        if step.declared.is_file():
            for one in json.loads(step.declared.read_text(encoding="utf-8"))["declared"]:
                for field, value in one["fields"].items():
                    state["declared", f"{one['kind']}:{one['name']} {field}"] = encode(value)
    return state
