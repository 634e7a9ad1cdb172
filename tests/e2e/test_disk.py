"""A full disk and a folder that cannot be written: an error in words, no write without its record, and it resumes."""

from __future__ import annotations

import ctypes
import json
import shutil
import subprocess
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path

import pytest
from commandline import Airgap
from leavings import broken_files
from library import Library, changes

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
MAKING = ("identity", "network")
ONLY = ("--only", "identity", "--only", "network")
ROOM = "64m"
_DROP_FROM_BOUNDING_SET, _DAC_OVERRIDE = 24, 1  # prctl(2), capabilities(7)


@pytest.fixture
def small(airgap: Airgap, tmp_path: Path) -> Iterator[Airgap]:
    """An empty account, and reports on a file system of its own that a test can fill."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(tmp_path)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here: that takes root")
    airgap.control("POST", "/rehearsal/reset")
    try:
        (tmp_path / "reports").mkdir()
        yield Airgap(tmp_path / "reports", airgap.environment)
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def ballast(airgap: Airgap) -> Path:
    """Fill what is left of the disk, to the last byte, and return the file that does."""
    path = airgap.reports.parent / "ballast"
    with path.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1 << 8, 1):
            with pytest.raises(OSError, match="No space left"):
                _fill(file, size)
    return path


def _fill(file: RawIOBase, size: int) -> None:
    while True:
        file.write(bytes(size))


def recorded(reports: Path) -> int:
    """The write calls that the journals hold."""
    lines = [line for path in reports.rglob("journal.ndjson") for line in path.read_text().splitlines()]
    return sum(json.loads(line)["event"] == "write" for line in lines)


def test_full_from_the_start_nothing_is_written_to_aws(small: Airgap) -> None:
    full = ballast(small)
    done = small("apply", "--env", "demo", *ONLY)
    assert done.returncode == 1
    assert "was not written: No space left on device" in done.stderr
    assert "Not changed: " in done.stderr
    assert "make room" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert small.writes() == []
    full.unlink()
    assert small("plan", "--env", "demo", "--only", "identity").returncode == 2


def test_full_in_the_middle_no_write_is_without_its_record_and_it_resumes(small: Airgap) -> None:
    with small.start("apply", "--env", "demo", "--no-pdf", *ONLY) as run:
        small.await_writes(90)  # of some 190
        full = ballast(small)
        said, _ = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "No space left on device" in said
    assert "Not changed: " in said
    assert "Traceback" not in said
    seen = len(small.writes())
    assert seen <= recorded(small.reports)
    assert broken_files(small.reports) == []
    full.unlink()
    library = Library(small.environment, small.reports)
    assert changes(library("apply", *MAKING, verify=False))
    assert changes(library("plan", *MAKING)) == []
    assert broken_files(small.reports) == []


def without_override() -> None:
    """Let the permissions of files bind root as they bind everybody."""
    ctypes.CDLL(None).prctl(_DROP_FROM_BOUNDING_SET, _DAC_OVERRIDE)


def test_folder_that_may_not_be_written(airgap: Airgap, tmp_path: Path) -> None:
    airgap.control("POST", "/rehearsal/reset")
    tmp_path.chmod(0o500)
    closed = Airgap(tmp_path / "reports", airgap.environment, prepare=without_override)
    done = closed("apply", "--env", "demo", "--only", "identity")
    assert done.returncode == 1
    assert "was not written: Permission denied" in done.stderr
    assert f"the right to write in {tmp_path}" in done.stderr
    assert "Traceback" not in done.stderr
    assert airgap.control("GET", "/rehearsal/calls") == []
    assert list(tmp_path.iterdir()) == []
    tmp_path.chmod(0o700)
    assert closed("plan", "--env", "demo", "--only", "identity").returncode == 2
