"""CloudTrail's files beside a run: fetched once, kept in its folder, sealed with the rest of it."""

from __future__ import annotations

from airgap import params
from airgap.cloud.binding import check_world
from airgap.cloud.trail_files import Client, Window, aws_clients, trail_files
from airgap.evidence.bundle import trail_writes
from airgap.evidence.bundle.members import Fault, Folder
from airgap.evidence.bundle.recorded import Run
from airgap.evidence.bundle.trail import FOLDER
from airgap.evidence.files import write_whole
from airgap.evidence.folder import RunFolder
from airgap.model.intent import Intent
from airgap.model.observation import home
from airgap.resources import trail


def fetch(folder: RunFolder, client: Client = aws_clients) -> tuple[str, list[Fault]]:
    """Put CloudTrail's digest and log files of a run's time into its folder, and return what they come to.

    Raises ``AirgapError`` where there is no such trail, or CloudTrail has not written them yet.
    """
    run = folder.read_run()
    intent = params.load(run["env"], params.project_root())
    check_world(intent.world)
    regions = tuple(dict.fromkeys((run["region"], home(run["region"]))))
    window = Window(run["started"], trail_writes.delivered(run["ended"]), regions)
    for name, raw in trail_files(_trail(intent), run["account"], window, client).items():
        write_whole(folder.root / FOLDER / name, raw)
    return trail_writes.reconciled(Run(Folder(str(folder.root))))


def _trail(intent: Intent) -> str:
    """The ARN of the environment's trail, its own or the adopted one."""
    return trail.arn(intent) if intent.logs.trail == "own" else intent.adopt["trail:main"]
