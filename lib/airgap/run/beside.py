"""What was found out beside the runs and is kept for the next verdict: live probes, a second scanner's comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from airgap.model import observation as obs
from airgap.model import peer, probes
from airgap.model.intent import Intent
from airgap.model.observation import Observation

if TYPE_CHECKING:
    from airgap.cloud.session import Cloud


class Kept(NamedTuple):
    """A file beside an environment's runs: its name, where it says its schema, and how its record is marked."""

    file: str
    member: str
    schema: str
    none: str
    vantage: str
    system: str
    method: str


KEPT = {
    probes.CALL: Kept("probes.json", "Schema", probes.SCHEMA, "no live probe was made", "vpc", "probe", "TEST"),
    peer.CALL: Kept(peer.FILE, "schema", peer.SCHEMA, "no second scanner was asked", "file", "file", "EXAMINE"),
}


def file_of(call: str, root: Path, environment: str) -> Path:
    """Return where the last one of an environment is kept."""
    from airgap.run.context import reports_root

    return reports_root(root) / environment / KEPT[call].file


def observe(call: str, cloud: Cloud, root: Path, intent: Intent) -> Observation:
    """Record the last one, or that there is none; one that cannot be read is a failure to look."""
    kept, path = KEPT[call], file_of(call, root, intent.environment)
    if not path.exists():
        return cloud.unanswered(call, {}, kept.none, vantage=kept.vantage, status=obs.ABSENT)
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if body[kept.member] != kept.schema:
            raise ValueError(f"its schema is {body[kept.member]!r}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return cloud.unanswered(call, {}, f"{path.name} cannot be read: {error}", vantage=kept.vantage)
    asked = cloud.asked(call, {}, "regional", kept.vantage) | {"system": kept.system, "method": kept.method}
    return cloud.recorder.answered(asked, body, (), {}, "")
