"""What a second scanner said of a run, kept in the run's folder as it wrote it, and the comparison beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airgap.evidence.bundle.assessed import assessed
from airgap.evidence.bundle.members import Folder
from airgap.evidence.bundle.recorded import Run
from airgap.evidence.files import write_whole
from airgap.evidence.peer.comparing import compare, verdicts
from airgap.evidence.peer.crosswalk import VERSION, crosswalk, dispositions
from airgap.evidence.peer.scanning import OUTPUT, events
from airgap.model.canonical import encode

SCHEMA = "airgap/peer/v1"


def keep(root: Path, raw: bytes, explained: Path) -> dict[str, Any]:
    """Write ``peer/`` of a run, and return the comparison as JSON data; ``explained`` is the file of dispositions."""
    found = verdicts(events(raw))
    one = assessed(Run(Folder(str(root))))
    arns: dict[str, list[str]] = {}
    for asset in one.assets:
        arns.setdefault(asset.key, []).extend([asset.arn] if asset.arn else [])
    told = compare(one.findings, arns, found, crosswalk(), dispositions(explained))
    data = {
        "schema": SCHEMA,
        "run_id": one.run["run_id"],
        "peer": {"name": "Prowler", "version": VERSION},
        "counts": told.counts(),
        "unexplained": len(told.unexplained),
        "rows": [each._asdict() for each in told.rows],
        "idle": [each._asdict() for each in told.idle],
    }
    (root / "peer").mkdir(exist_ok=True)
    write_whole(root / "peer" / OUTPUT, raw)
    write_whole(root / "peer" / "comparison.json", encode(data) + "\n")
    return data
