"""An embedded AWS for the whole session, empty again before each test that asks for ``aws``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from airgap.rehearsal import reset, serving

sys.path.insert(0, str(Path(__file__).parents[1] / "rehearsal"))

from emulated import Account


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture
def aws(server: str) -> Account:
    reset(server)
    return Account(server)
