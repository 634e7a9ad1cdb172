"""A fresh embedded AWS for each test."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest
from embedded import AWS, TAKEN_AT, Memory, pause

from airgap.cloud.recorder import Recorder
from airgap.cloud.session import Clock, Cloud
from airgap.model.redaction import Redactor
from airgap.rehearsal import ACCOUNT, environment, serving


@pytest.fixture(scope="session")
def _served() -> Iterator[tuple[str, Cloud, Memory]]:
    """One server, one set of clients; making clients takes longer than most tests."""
    memory = Memory()
    with serving() as url:
        recorder = Recorder(memory, memory, lambda: TAKEN_AT, Redactor())
        yield url, Cloud(ACCOUNT, "us-east-1", "rehearsal", recorder, Clock(sleep=pause)), memory


@pytest.fixture
def aws(_served: tuple[str, Cloud, Memory], monkeypatch: pytest.MonkeyPatch) -> Iterator[AWS]:
    """The embedded AWS, empty, with the demo environment's intent."""
    url, cloud, memory = _served
    for name, value in environment(url).items():
        monkeypatch.setenv(name, value)
    with urllib.request.urlopen(urllib.request.Request(f"{url}/rehearsal/reset", method="POST")):
        memory.lines.clear()
        memory.pages.clear()
    one = AWS(url, cloud, memory)
    yield one
    one.close()
