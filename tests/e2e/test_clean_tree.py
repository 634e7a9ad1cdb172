"""A run, and the tests, leave the git tree as it was: whatever they write, git ignores."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from commandline import ROOT, Airgap

pytestmark = pytest.mark.e2e
# What setting up, running, testing and working in JupyterLab leave, beside the reports.
LEAVINGS = [
    ".venv/bin/python",
    ".venv/.ready",
    "lib/airgap/__pycache__/errors.cpython-311.pyc",
    "tests/e2e/__pycache__/library.cpython-311.pyc",
    ".pytest_cache/CACHEDIR.TAG",
    ".mypy_cache/3.11/cache.db",
    ".ruff_cache/CACHEDIR.TAG",
    ".hypothesis/examples/1",
    ".import_linter_cache/1",
    "notebooks/.ipynb_checkpoints/02_network-checkpoint.ipynb",
    "lib/airgap_runbook.egg-info/PKG-INFO",
    "reports/prod/latest/run.json",
    "reports/prod/20261123T085012Z-ab12.zip",
]


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", "-C", str(root), *identity, *arguments], capture_output=True, text=True).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository of its own, of the files that this one holds."""
    held = git(ROOT, "ls-files", "-z", "--cached").split("\0")[:-1]
    if not held:
        pytest.skip("this is no git repository")
    for name in (name for name in held if (ROOT / name).is_file()):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "as it is")
    return tmp_path


def test_run_leaves_the_tree_clean(airgap: Airgap, checkout: Path) -> None:
    airgap.cwd = checkout
    assert git(checkout, "status", "--porcelain") == ""
    done = airgap("apply", "--env", "demo", "--only", "preflight", AIRGAP_REPORTS="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (checkout / "reports" / "demo" / "latest" / "index.html").is_file()
    assert git(checkout, "status", "--porcelain", "--untracked-files=all") == ""
    commit = git(checkout, "rev-parse", "HEAD").strip()
    assert f'"commit": "{commit}"' in (checkout / "reports" / "demo" / "latest" / "run.json").read_text()


def test_leavings_are_ignored(checkout: Path) -> None:
    assert git(checkout, "check-ignore", *LEAVINGS).split() == LEAVINGS
    (checkout / "reports" / "strange.txt").write_text("")
    assert git(checkout, "status", "--porcelain") == "?? reports/strange.txt\n"
