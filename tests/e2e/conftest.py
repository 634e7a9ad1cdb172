"""Whole runs through the command line, against an embedded AWS of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from commandline import Airgap

from airgap import rehearsal


@pytest.fixture(scope="module")
def airgap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airgap]:
    """A fresh embedded AWS and an empty reports folder, for one module's story."""
    running = rehearsal.up()
    try:
        yield Airgap(tmp_path_factory.mktemp("reports"), running.environment())
    finally:
        rehearsal.down(running.port)
