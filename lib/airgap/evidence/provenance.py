"""Where a run came from: the commit of the runbook and the versions of its software."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from functools import cache
from pathlib import Path

UNKNOWN = "unknown"
DIRTY = "-dirty"
_PACKAGES = {
    "airgap": "airgap-runbook",
    **{name: name for name in ("boto3", "botocore", "papermill", "nbclient", "nbconvert", "jupyterlab", "ipykernel")},
    **{name: name for name in ("pandas", "pydantic", "kubernetes", "cryptography", "moto")},
}


@cache
def commit_of(root: Path) -> str:
    """Return the commit that ``root`` is at, with ``-dirty`` where tracked files differ; ``unknown`` outside git."""
    head = _git(root, "rev-parse", "HEAD")
    if not head:
        return UNKNOWN
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return head + (DIRTY if changed or changed is None else "")


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python, of the runbook and of what it stands on; a package not installed is left out."""
    found = {"python": platform.python_version()}
    for name, package in _PACKAGES.items():
        try:
            found[name] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _git(root: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
