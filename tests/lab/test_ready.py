"""A machine that admits no lab says what it lacks: its tests fail there, and are not skipped."""

from __future__ import annotations

import pytest

from airgap.errors import UsageError
from airgap.lab import ready


@pytest.fixture(autouse=True)
def nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []
    monkeypatch.setattr(ready, "installed", lambda *names, tell: asked.extend(names))
    return asked


def test_each_right_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    trials = {"do this": ["sh", "-c", "echo 'Operation not permitted' >&2; exit 2"], "do that": ["true"],
              "do more": ["false"], "call it": ["no-such-program"]}  # fmt: skip
    monkeypatch.setattr(ready, "NEEDED", trials)
    found = ready.lacking()
    assert found[:2] == ["do this: Operation not permitted", "do more: exit code 1"]
    assert "no-such-program" in found[2]
    with pytest.raises(UsageError, match="do this: Operation not permitted; nor do more") as caught:
        ready.made(print)
    assert "as root" in caught.value.action


def test_a_machine_that_lacks_nothing_is_ready(
    monkeypatch: pytest.MonkeyPatch, nothing_is_installed: list[str]
) -> None:
    monkeypatch.setattr(ready, "NEEDED", {"do this": ["true"]})
    ready.made(print)
    assert {"iproute2", "nftables"} <= set(nothing_is_installed)
