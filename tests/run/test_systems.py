"""The administrator's right in the cluster is given for a step's writes and taken back however they end."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airgap.errors import Interrupted
from airgap.model.intent import Intent
from airgap.params import load
from airgap.run.systems import Systems

ROOT = Path(__file__).parents[2]


class Writing:
    """A cloud that keeps what it was asked to write, and refuses once it was stopped."""

    account, region, world = "123456789012", "us-east-1", "rehearsal"

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.writes: list[str] = []

    def write(self, call: str, params: Any, **how: Any) -> dict[str, Any]:
        if self.stop.is_set():
            raise Interrupted("The run was interrupted", "nothing further", "run again")
        self.writes.append(call)
        return {}


@pytest.fixture
def intent() -> Intent:
    return load("demo", ROOT)


@pytest.fixture
def systems(intent: Intent) -> tuple[Systems, Writing]:
    cloud = Writing()
    found = Systems(cloud, intent, ROOT, lambda digest: {})  # type: ignore[arg-type]
    found._cluster = SimpleNamespace(write=lambda *asked, **how: {}, close=lambda: None)  # type: ignore[assignment]
    return found, cloud


def test_it_is_given_once_and_taken_back_once(systems: tuple[Systems, Writing]) -> None:
    found, cloud = systems
    for _ in range(3):
        found.write("kubernetes:Apply", {"manifest": {}})
    found.lower()
    found.lower()
    assert cloud.writes == ["eks:AssociateAccessPolicy", "eks:DisassociateAccessPolicy"]


def test_it_is_taken_back_after_an_interruption_and_nothing_else_is_written(systems: tuple[Systems, Writing]) -> None:
    found, cloud = systems
    found.write("kubernetes:Apply", {"manifest": {}})
    cloud.stop.set()
    found.lower()
    assert cloud.writes[-1] == "eks:DisassociateAccessPolicy"
    assert cloud.stop.is_set()
    with pytest.raises(Interrupted):
        found.write("eks:CreateAddon", {})


def test_without_a_write_in_the_cluster_nobody_is_made_administrator(systems: tuple[Systems, Writing]) -> None:
    found, cloud = systems
    found.lower()
    assert cloud.writes == []
