"""What a step keeps of its verdict, so that anyone derives it again: what was declared, and what was looked at.

Observations are named by the digest of what the journal says of them, writes by the digest of their journal line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airgap.evidence.bundle.replay import DECLARED, JUDGED
from airgap.model.canonical import digest_of, plain
from airgap.model.estate import Records
from airgap.run.surveying import KINDS, Surveyed, may_go


def declared(step: str, mode: str, records: Records) -> dict[str, Any]:
    """Return what was declared and how it is read, with the writes of earlier runs that were still to be found."""
    data = {
        "schema": DECLARED,
        "step": step,
        "mode": mode,
        "declared": list(records.declared),
        "readings": dict(records.readings),
        "homes": dict(records.homes),
        "earlier": list(records.earlier),
    }
    return dict(plain(data))


def judged(step: str, mode: str, seen: Surveyed, records: Records, checks: Sequence[str]) -> dict[str, Any]:
    """Return what a verdict rests on: when, which checks, which observations, and the run's own records."""
    same = list(records.applied) == list(records.declared)
    data: dict[str, Any] = {
        "schema": JUDGED,
        "step": step,
        "mode": mode,
        "taken_at": seen.estate.taken_at,
        "checks": sorted(checks),
        "observations": [digest_of(one.as_data()) for one in seen.estate.observations],
        "caller": dict(records.caller),
        "writes": [one["digest"] for one in records.writes],
        "unanswered": [one["digest"] for one in records.writes if one["answer"] is None],
        "approvals": list(records.approvals),
        "steps": list(records.steps),
        "applied": "as declared" if same else list(records.applied),
    }
    if mode == "destroy":
        data["removable"] = sorted(one.key for one in seen.mine if may_go(one))
        data["deletable"] = sorted(name for name, kind in KINDS.items() if kind.delete)
        data["kinds"] = list(seen.kinds)
    return dict(plain(data))
