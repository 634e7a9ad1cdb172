"""One run of two steps on an embedded AWS, and its bundle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bundled import Site

from airgap import rehearsal
from airgap.evidence.bundle.members import Archive


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two applied steps."""
    running = rehearsal.up()
    try:
        made = Site(tmp_path_factory.mktemp("reports"), running.environment())
        done = made("apply", "--env", "demo", "--only", "preflight", "--only", "identity", "--no-pdf")
        assert done.returncode == 0, done.stderr
        yield made
    finally:
        rehearsal.down(running.port)


@pytest.fixture(scope="session")
def bundle(site: Site) -> Path:
    """The bundle of that run."""
    done = site("bundle", "create", "demo/latest")
    assert done.returncode == 0, done.stdout + done.stderr
    return site.latest.with_suffix(".zip")


@pytest.fixture(scope="session")
def whole(bundle: Path) -> dict[str, bytes]:
    """The bundle's members."""
    return dict(Archive(str(bundle)))
