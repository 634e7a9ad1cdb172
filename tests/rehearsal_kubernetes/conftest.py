"""A rehearsed cluster behind the rehearsal's own TLS listener, new for each test that asks for one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rehearsed import HOST, Rehearsed

from airgap.rehearsal import faces, settling

# What tests of the embedded AWS and of its registries have.
sys.path[:0] = [str(Path(__file__).parents[1] / name) for name in ("rehearsal", "rehearsal_registry")]


@pytest.fixture(scope="session")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    served = faces.Faces()
    ca = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.write_text(served.listener.authority.pem)
    yield served.listener.port, ca
    served.close()


@pytest.fixture
def cluster(listening: tuple[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rehearsed]:
    settling.configure(
        dict.fromkeys((name for name in settling.DEFAULT_SECONDS if name.startswith("kubernetes:")), 0.0)
    )
    found = Rehearsed(*listening, tmp_path)
    monkeypatch.setitem(faces.FACES, HOST, found.api)
    yield found
    found.close()
    settling.reset()
