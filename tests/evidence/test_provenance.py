"""Where a run came from: commit and versions, found without importing anything heavy."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from airgap.evidence.provenance import commit_of, versions


def git(root: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-q", "--no-verify", "-m", "one")
    commit_of.cache_clear()
    return tmp_path


def test_a_clean_tree_is_its_commit(repository: Path) -> None:
    (repository / "untracked").touch()
    assert commit_of(repository) == git(repository, "rev-parse", "HEAD")


def test_a_changed_tree_says_so(repository: Path) -> None:
    (repository / "file").write_text("two")
    assert commit_of(repository) == git(repository, "rev-parse", "HEAD") + "-dirty"


def test_outside_git_the_commit_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    commit_of.cache_clear()
    assert commit_of(tmp_path) == "unknown"


def test_without_git_the_commit_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    commit_of.cache_clear()
    assert commit_of(tmp_path) == "unknown"


def test_versions_name_python_the_runbook_and_what_it_stands_on() -> None:
    found = versions()
    assert found["python"] == platform.python_version()
    assert {"airgap", "boto3", "botocore", "papermill"} <= set(found)


def test_versions_import_nothing_heavy() -> None:
    program = (
        "import sys; from airgap.evidence.provenance import versions; versions();"
        "print(*[name for name in ('boto3', 'botocore', 'papermill', 'pandas', 'kubernetes') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
