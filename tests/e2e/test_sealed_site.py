"""A site without any connection: images come by file, and the runbook goes on from where it stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from commandline import Airgap
from library import Library, findings

from airgap import rehearsal
from airgap.steps import STEPS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
(IMAGES,) = [step for step in STEPS if step.name == "images"]
SOURCES = "oci:*"


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Airgap]:
    """A desk with internet and no account."""
    running = rehearsal.up()
    try:
        yield Airgap(tmp_path / "outside", running.environment())
    finally:
        rehearsal.down(running.port)


def test_images_that_no_source_gives_come_by_file_and_apply_goes_on(
    airgap: Airgap, outside: Airgap, tmp_path: Path
) -> None:
    airgap.control("POST", "/rehearsal/faults", {"operation": SOURCES, "error": "Timeout", "times": None, "seconds": 0})
    library = Library(airgap.environment, airgap.reports)
    library("apply", *IMAGES.needs, verify=False)

    # It fails clearly: what could not be reached, what was not changed, and the way that is left.
    done = airgap("apply", "--env", "demo", "--only", "images")
    assert done.returncode == 1, done.stdout + done.stderr
    assert " did not answer " in done.stdout
    assert "Not changed:" in done.stdout
    assert "airgap mirror save" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "ecr:PutImage" not in airgap.writes()

    # The file is made where there is internet, and no account is asked for anything.
    file = tmp_path / "images.tar"
    saved = outside("mirror", "save", str(file), "--env", "demo", "--json")
    assert saved.returncode == 0, saved.stderr
    assert file.stat().st_size == json.loads(saved.stdout)["size"]
    asked = {one["operation"] for one in outside.control("GET", "/rehearsal/calls")}
    assert {one for one in asked if not one.startswith("oci:")} <= {"ec2:DescribeVpcs"}, "more than to be up"

    # Inside, every byte is put from the file, and the step goes on to pass.
    loaded = airgap("mirror", "load", str(file), "--env", "demo", "--json")
    assert loaded.returncode == 0, loaded.stderr
    assert {one["state"] for one in json.loads(loaded.stdout)["images"]} == {"copied"}
    runs = library("apply", "images")
    assert findings(runs, "fail", "unknown") == []
    assert runs["images"].planned
    assert runs["images"].planned.changes == ()
