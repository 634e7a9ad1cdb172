"""An embedded AWS for the whole session, empty again before each test that asks for ``aws``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from emulated import Account

from airgap.rehearsal import reset, serving


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture
def aws(server: str) -> Account:
    reset(server)
    return Account(server)
