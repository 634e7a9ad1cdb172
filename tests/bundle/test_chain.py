"""The chain of runs: whole, with a bundle taken away, swapped, sealed late, and with runs that were never sealed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bundled import Site

from airgap.errors import UsageError
from airgap.evidence import packing
from airgap.evidence.bundle import manifest
from airgap.evidence.chaining import before, chain
from airgap.evidence.folder import RunFolder

IDS = [f"2026010{day}T000000Z-000{day}" for day in range(1, 5)]


def seal(shelf: Path, run_id: str, verdict: str = "pass") -> Path:
    """A bundle as small as one can be, after the one before it as packing finds that."""
    place = shelf / run_id
    place.mkdir(exist_ok=True)
    told = {"run_id": run_id, "started": f"{run_id[:8]}", "verdict": verdict}
    (place / "run.json").write_text(json.dumps(told))
    members = {"run.json": (place / "run.json").read_bytes()}
    previous = packing.predecessor(RunFolder(shelf.parent, shelf.name, run_id))
    head = {"run_id": run_id, "env": shelf.name, "previous": previous}
    members[manifest.MANIFEST] = manifest.text(members, head).encode()
    path = shelf / f"{run_id}.zip"
    path.write_bytes(packing.archive(members))
    return path


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Four runs, each sealed when it ended."""
    place = tmp_path / "demo"
    place.mkdir()
    for one in IDS:
        seal(place, one)
    return place


def codes(shelf: Path) -> list[int]:
    return [one.code for one in chain(shelf)]


def test_a_chain_without_a_gap(shelf: Path) -> None:
    found = chain(shelf)
    assert [one.run_id for one in found] == IDS
    assert [one.code for one in found] == [0, 0, 0, 0]
    assert found[-1].text == f"follows {IDS[2]}"
    assert before(shelf / f"{IDS[1]}.zip").holds is True
    assert before(shelf / f"{IDS[0]}.zip").holds is None


def test_a_bundle_that_was_taken_away_is_missed(shelf: Path) -> None:
    (shelf / f"{IDS[1]}.zip").unlink()
    found = chain(shelf)
    assert [one.code for one in found] == [0, 11, 11, 0]
    assert found[1].text == "was not sealed"
    assert f"follows {IDS[1]}, which is not here" in found[2].text
    assert before(shelf / f"{IDS[2]}.zip").holds is None
    (shelf / IDS[1] / "run.json").unlink()
    (shelf / IDS[1]).rmdir()
    assert codes(shelf) == [0, 11, 0]


def test_a_bundle_that_was_altered_is_not_the_one_that_was_named(shelf: Path) -> None:
    seal(shelf, IDS[1], "fail")
    found = chain(shelf)
    assert [one.code for one in found] == [0, 0, 10, 0]
    assert "altered, or sealed anew" in found[2].text
    assert before(shelf / f"{IDS[2]}.zip").holds is False


def test_a_run_that_was_sealed_late_stands_between(shelf: Path) -> None:
    for one in IDS[1:3]:
        (shelf / f"{one}.zip").unlink()
    seal(shelf, IDS[2])
    seal(shelf, IDS[1])
    assert codes(shelf) == [0, 0, 11, 10]
    (shelf / f"{IDS[0]}.zip").unlink()
    seal(shelf, IDS[1])
    seal(shelf, IDS[0])
    assert f"{IDS[0]} is here" in chain(shelf)[1].text


def test_what_is_no_bundle_is_said(shelf: Path, tmp_path: Path) -> None:
    (shelf / f"{IDS[3]}.zip").write_text("no zip")
    assert codes(shelf) == [0, 0, 0, 10]
    with pytest.raises(UsageError):
        chain(tmp_path / "nothing")


def test_the_command_line_shows_the_gaps(site: Site, shelf: Path) -> None:
    assert site("bundle", "chain", str(shelf)).returncode == 0
    (shelf / f"{IDS[1]}.zip").unlink()
    done = site("bundle", "chain", str(shelf))
    assert (done.returncode, "GAP" in done.stdout, "4 runs, 3 bundles, 2 gaps" in done.stdout) == (11, True, True)
