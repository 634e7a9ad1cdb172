"""What the lab installs: said before, done where absent, refused in words where it cannot be."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from airgap.errors import AirgapError, UsageError
from airgap.lab import packages

MISSING = "no-such-package-of-the-lab"


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="not a Debian")
def test_what_is_there_is_neither_said_nor_installed() -> None:
    said: list[str] = []
    packages.installed("dpkg", tell=said.append)
    assert said == []
    assert packages.absent(["dpkg", MISSING]) == [MISSING]


def test_where_there_is_no_dpkg_everything_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert packages.absent(["b", "a", "b"]) == ["a", "b"]
    with pytest.raises(UsageError, match="Debian packages a, b"):
        packages.installed("b", "a", tell=print)


def test_only_root_installs(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UsageError, match=MISSING) as caught:
        packages.installed(MISSING, tell=said.append)
    assert caught.value.action == f"as root: apt-get install {MISSING}"
    assert said == []


@pytest.fixture
def apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """An apt-get that has nothing to give, for root; returns what it was asked."""
    asked: list[list[str]] = []

    def refuses(command: list[str]) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        assert packages.POLICY.exists(), "a daemon could start"
        return subprocess.CompletedProcess(command, 100, "", "E: Unable to locate package")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(packages, "absent", sorted)
    monkeypatch.setattr(packages, "LOCK", tmp_path / "lock")
    monkeypatch.setattr(packages, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(packages, "_apt", refuses)
    return asked


def test_an_installation_is_said_before_and_a_failed_one_is_an_error(apt: list[list[str]]) -> None:
    said: list[str] = []
    with pytest.raises(AirgapError, match="Unable to locate package"):
        packages.installed(MISSING, tell=lambda text: said.append(f"{text} after {len(apt)}"))
    assert said == [f"installing with apt-get: {MISSING} after 0"]
    assert [one[1] for one in apt] == ["install", "update", "install"]
    assert not packages.POLICY.exists()


def test_a_policy_of_the_machine_is_kept(apt: list[list[str]]) -> None:
    packages.POLICY.write_text("of the machine")
    with pytest.raises(AirgapError):
        packages.installed(MISSING, tell=print)
    assert packages.POLICY.read_text() == "of the machine"
