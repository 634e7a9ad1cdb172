"""What a second scanner said of a run, kept in the run's folder as it wrote it, and the comparison beside it.

The last comparison of an environment stands beside its runs too: the next attestation reads and judges it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airgap.evidence.bundle import peer
from airgap.evidence.bundle.assessed import assessed
from airgap.evidence.bundle.members import Folder
from airgap.evidence.bundle.recorded import Run
from airgap.evidence.files import write_whole
from airgap.evidence.peer.crosswalk import dispositions, explained, table
from airgap.evidence.peer.scanning import events
from airgap.model.peer import FILE


def keep(root: Path, raw: bytes, file: Path) -> dict[str, Any]:
    """Write ``peer/`` of a run, and return the comparison as JSON data; ``file`` has the dispositions."""
    events(raw)
    dispositions(file)
    data = peer.comparison(assessed(Run(Folder(str(root)))), raw, table(), explained(file))
    (root / peer.FOLDER).mkdir(exist_ok=True)
    write_whole(root / peer.OUTPUT, raw)
    write_whole(root / peer.TABLE, table())
    write_whole(root / peer.EXPLAINED_BY, explained(file))
    write_whole(root / peer.COMPARISON, peer.text(data))
    write_whole(root.parent / FILE, peer.text(data))
    return data
