"""Prowler run in an environment of its own: it shares no code and no library with what it is compared with."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airgap.errors import AirgapError, UsageError
from airgap.evidence.peer.crosswalk import VERSION

LIMIT = 1800.0
"""Seconds after which a scan is given up."""


def scan(prowler: Path, region: str, checks: Sequence[str], extra: Sequence[str] = (),
         environment: Mapping[str, str] | None = None) -> bytes:  # fmt: skip
    """Run checks of Prowler against the account of these credentials, and return what it wrote as OCSF.

    Raises ``UsageError`` where it is not there, ``AirgapError`` where it ended without an answer.
    """
    if not prowler.is_file():
        raise UsageError(f"{prowler} is not there", "anything", "make .venv/prowler/.ready installs it (1.4 GB)")
    with tempfile.TemporaryDirectory() as folder:
        command = [
            str(prowler), "aws", "--region", region, "--check", *checks, "--output-formats", "json-ocsf",
            "--output-directory", folder, "--output-filename", "peer", "--no-banner", "--no-color",
            "--ignore-exit-code-3", "--log-level", "ERROR", "--aws-retries-max-attempts", "1", *extra,
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, env=environment)
        except subprocess.TimeoutExpired as error:
            raise _no_answer(f"it took more than {LIMIT:.0f} s") from error
        found = Path(folder, "peer.ocsf.json")
        if done.returncode != 0 or not found.is_file():
            raise _no_answer(f"code {done.returncode}: {(done.stderr or done.stdout).strip()[-400:]}")
        return found.read_bytes()


def events(raw: bytes) -> list[dict[str, Any]]:
    """Return the events of an OCSF file; raises ``UsageError`` where it is none, or of a version not crossed with."""
    try:
        found: list[dict[str, Any]] = json.loads(raw)
        versions = {one["metadata"]["product"]["version"] for one in found}
    except (ValueError, LookupError, TypeError) as error:
        raise UsageError("That is no OCSF file of Prowler", "anything", f"Prowler {VERSION}, json-ocsf") from error
    if versions != {VERSION}:
        said = ", ".join(sorted(versions)) or "no version, as it has no row"
        raise UsageError(f"The table was read from Prowler {VERSION}, and this says {said}", "anything", "use that one")
    return found


def _no_answer(why: str) -> AirgapError:
    return AirgapError(f"Prowler gave no answer: {why}", "the run and its evidence", "run it by hand and look")
