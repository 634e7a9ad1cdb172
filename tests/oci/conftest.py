"""A mirror in an embedded AWS, with its public stand-ins; empty again before each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from airgap.rehearsal import reset, serving

for folder in ("rehearsal", "rehearsal_registry"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))

from emulated import Account  # noqa: E402 - found in the folders above
from site_of_tests import Site  # noqa: E402


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture
def site(server: str, tmp_path: Path) -> Iterator[Site]:
    reset(server)
    one = Site(Account(server), tmp_path)
    yield one
    one.close()
