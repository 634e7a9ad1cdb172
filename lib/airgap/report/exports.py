"""A run in other people's forms: OSCAL, CSV and a workbook, derived from its members as their verifier derives them."""

from __future__ import annotations

from pathlib import Path

from airgap.evidence.bundle.assessed import assessed
from airgap.evidence.bundle.derived import WORKBOOK, texts
from airgap.evidence.bundle.members import Folder
from airgap.evidence.bundle.recorded import Run
from airgap.evidence.bundle.tables import tables
from airgap.report.tables import csv
from airgap.report.workbook import workbook


def exports(run_root: Path) -> dict[str, bytes]:
    """Return, by file, what a run that has ended hands over as OSCAL, CSV and workbook."""
    run = Run(Folder(str(run_root)))
    one = assessed(run)
    held = tables(one)
    return {
        **texts(one, run),
        **{f"{each.name}.csv": csv(each).encode("utf-8") for each in held},
        WORKBOOK: workbook(held, one.run),
    }
