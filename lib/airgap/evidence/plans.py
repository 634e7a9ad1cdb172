"""Kept plans: one file under its digest, for each step and for the whole run, with the approvals beside it.

A plan is what an approval rests on, so it is only believed when its contents have the digest that is its name.
Approvals are a chained journal of their own, beside the plan.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airgap.errors import NotApproved, UsageError
from airgap.evidence.files import write_whole
from airgap.evidence.journal import JournalFile, read_journal
from airgap.evidence.journal import now as utc_now
from airgap.model.canonical import is_digest, plain
from airgap.model.plan import Change, Plan, run_digest

SCHEMA = "airgap/plan/v1"
FOLDER = "plans"
STEP, RUN = "step", "run"
Now = Callable[[], str]


@dataclass(frozen=True)
class KeptPlan:
    """A plan as it was kept: its digest, its steps' plans, when it was made and by whom."""

    kind: str
    env: str
    digest: str
    steps: tuple[Plan, ...]
    created: str
    planner: Mapping[str, Any]

    @property
    def changes(self) -> list[Change]:
        """The changes of all its steps."""
        return [change for plan in self.steps for change in plan.changes]


def keep(reports_root: Path, env: str, plans: Sequence[Plan], planner: Mapping[str, Any], now: Now = utc_now) -> str:
    """Keep each step's plan and the run's, and return the run's digest.

    Equal plans are one plan: a digest that is kept already keeps its first planner. A file that no longer holds its
    plan is replaced.
    """
    created = now()
    for kind, group in [*((STEP, [plan]) for plan in plans), (RUN, list(plans))]:
        name = _digest(kind, group)
        path = _path(reports_root, env, name)
        if path.exists() and _parsed(path.read_bytes(), env, name):
            continue
        data = {"schema": SCHEMA, "kind": kind, "env": env, "digest": name, "created": created}
        steps = [plan.as_data() for plan in group]
        write_whole(path, _text({**data, "planner": plain(planner), "steps": steps}))
    return run_digest(plans)


def load(reports_root: Path, env: str, digest: str) -> KeptPlan:
    """Return the plan of a digest; raises ``NotApproved`` where none is kept or the file holds another plan.

    A text that is no digest at all raises ``UsageError``.
    """
    if not is_digest(digest):
        raise UsageError(f"{digest!r} is no digest", "anything", "give the 64 hex digits that the plan printed")
    path = _path(reports_root, env, digest)
    try:
        kept = _parsed(path.read_bytes(), env, digest)
    except FileNotFoundError as error:
        raise NotApproved(
            f"No plan {digest} is kept for {env}",
            "anything",
            f"plan again (airgap plan --env {env}), or bring its file into {path.parent} from where it was planned",
        ) from error
    if kept is None:
        raise NotApproved(
            f"{path} was altered: it does not hold the plan of {env} whose digest is its name",
            "anything",
            f"find out who altered it, then plan again (airgap plan --env {env}), which replaces it",
        )
    return kept


def approve(reports_root: Path, env: str, digest: str, approver: Mapping[str, Any], now: Now = utc_now) -> None:
    """Record beside a kept plan who approves it, and when; raises as ``load`` does."""
    load(reports_root, env, digest)
    journal = JournalFile(_approvals(reports_root, env, digest), now)
    try:
        journal.append("approval", {"digest": digest, "approver": plain(approver)})
    finally:
        journal.close()


def approvals(reports_root: Path, env: str, digest: str) -> list[dict[str, Any]]:
    """Return the approvals of a plan, first to last: ``digest``, ``approver`` and ``time`` of each.

    Raises ``NotApproved`` where their file was altered; an approval cut short by a crash is none.
    """
    path = _approvals(reports_root, env, digest)
    if not path.exists():
        return []
    entries, problems = read_journal(path)
    if any("unfinished" not in problem for problem in problems):
        raise NotApproved(
            f"{path} was altered: {'; '.join(problems[:3])}",
            "anything",
            f"find out who altered it, move it away, and approve again (airgap approve --env {env} {digest})",
        )
    given = ({**one["data"], "time": one["time"]} for one in entries if one["event"] == "approval")
    return [one for one in given if one.get("digest") == digest]


def _digest(kind: str, plans: Sequence[Plan]) -> str:
    return run_digest(plans) if kind == RUN else plans[0].digest


def _path(reports_root: Path, env: str, digest: str) -> Path:
    return reports_root / env / FOLDER / f"{digest}.json"


def _approvals(reports_root: Path, env: str, digest: str) -> Path:
    return reports_root / env / FOLDER / f"{digest}.approvals.ndjson"


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _parsed(raw: bytes, env: str, digest: str) -> KeptPlan | None:
    """Return the plan in a file, or None where the contents are not the plan of this environment and digest."""
    try:
        data = json.loads(raw)
        plans = tuple(Plan.from_data(one) for one in data["steps"])
        kept = KeptPlan(data["kind"], data["env"], data["digest"], plans, data["created"], data["planner"])
        said = [one["digest"] for one in data["steps"]]
        sound = (data["schema"], kept.env, kept.digest, said) == (SCHEMA, env, digest, [one.digest for one in plans])
        return kept if sound and _digest(kept.kind, plans) == digest else None
    except (ValueError, KeyError, TypeError, IndexError):
        return None
