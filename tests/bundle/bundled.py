"""The command line over one run, and bundles as a forger would make them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from airgap.evidence.bundle import manifest

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Site:
    """The command line over one folder of reports."""

    reports: Path
    environment: dict[str, str]

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``airgap`` and return what it printed and its exit code."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "AIRGAP_"))}
        environment = {**inherited, **self.environment, "AIRGAP_REPORTS": str(self.reports)}
        command = [sys.executable, "-m", "airgap", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=280)

    @property
    def latest(self) -> Path:
        """The folder of the last run."""
        return (self.reports / "demo" / "latest").resolve()


def sealed(members: dict[str, bytes]) -> dict[str, bytes]:
    """Members under a manifest of their own, as a forger would make it."""
    bare = {name: raw for name, raw in members.items() if name != manifest.MANIFEST}
    head = {"run_id": "forged", "env": "demo", "previous": None}
    return {**bare, manifest.MANIFEST: manifest.text(bare, head).encode()}
