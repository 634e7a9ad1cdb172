"""A bundle with CloudTrail's files of its run: the auditor's own program holds the writes against them."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bundled import Site, sealed
from cloudtrail import Writer, event

from airgap.evidence.bundle.members import DIFFERENT, INTACT, INTEGRITY, Archive
from airgap.evidence.bundle.verify import verify


def events_of(run: Path, data: dict[str, Any]) -> list[dict[str, Any]]:
    """What CloudTrail would have recorded of a run's writes."""
    found = []
    for journal in sorted(run.glob("steps/*/journal.ndjson")):
        entries = [json.loads(line) for line in journal.read_text().splitlines()]
        sent = {one["digest"]: one for one in entries if one["event"] == "write"}
        for one in entries:
            if one["event"] == "answer" and one["data"].get("request_id"):
                write = sent[one["data"]["write"]]
                service, _, name = write["data"]["call"].partition(":")
                told = {"eventSource": f"{service}.amazonaws.com", "eventTime": f"{write['time'][:19]}Z"}
                found.append(event(one["data"]["request_id"], name, **told, userIdentity=data["caller"]))
    return found


@pytest.fixture(scope="module")
def recorded(bundle: Path) -> tuple[Writer, int]:
    """CloudTrail over the hours of the run, and the number of its writes."""
    run = bundle.with_suffix("")
    data = json.loads((run / "run.json").read_text())
    first = dt.datetime.fromisoformat(data["started"][:19])
    made, events = Writer(), events_of(run, data)
    assert events
    for hour in range(first.hour, first.hour + 3):
        made.hour(hour, events if hour == first.hour + 1 else [], first.date())
    return made, len(events)


def with_trail(whole: dict[str, bytes], trail: dict[str, bytes]) -> dict[str, bytes]:
    return sealed({**whole, **trail})


def row(members: dict[str, bytes]) -> Any:
    return next(one for one in verify(members).rows if one.what == "cloudtrail")


def test_an_auditor_sees_that_the_writes_are_those_that_cloudtrail_signed(
    site: Site, bundle: Path, recorded: tuple[Writer, int], tmp_path: Path
) -> None:
    copy = tmp_path / "demo" / bundle.stem
    shutil.copytree(bundle.with_suffix(""), copy)
    for name, raw in recorded[0].members().items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes(raw)
    done = site("bundle", "create", str(copy))
    assert done.returncode == 0, done.stdout + done.stderr
    (tmp_path / "verify.pyz").write_bytes(Archive(str(copy.with_suffix(".zip")))["verify.pyz"])
    command = [sys.executable, "-I", str(tmp_path / "verify.pyz"), str(copy.with_suffix(".zip"))]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert said.returncode == INTACT, said.stdout
    assert f"OK    cloudtrail   3 digests and 3 log files chained; {recorded[1]} writes in them" in said.stdout


def test_a_bundle_without_them_says_nothing_of_them(whole: dict[str, bytes]) -> None:
    assert "cloudtrail" not in {one.what for one in verify(whole).rows}


def test_a_write_that_is_in_no_journal_makes_the_bundle_different(
    whole: dict[str, bytes], bundle: Path, recorded: tuple[Writer, int]
) -> None:
    data = json.loads(whole["run.json"])
    more = event("r-secret", "CreateUser", eventTime=f"{data['started'][:19]}Z", userIdentity=data["caller"])
    first, made = dt.datetime.fromisoformat(data["started"][:19]), Writer()
    for hour in range(first.hour, first.hour + 3):
        events = [*events_of(bundle.with_suffix(""), data), more] if hour == first.hour + 1 else []
        made.hour(hour, events, first.date())
    report = verify(with_trail(whole, made.members()))
    assert report.code == DIFFERENT
    assert "ec2:CreateUser" in report.text()
    assert "by this session, in no journal" in report.text()


def test_a_flipped_byte_in_any_file_of_cloudtrail_is_found_even_under_a_manifest_of_its_own(
    whole: dict[str, bytes], recorded: tuple[Writer, int]
) -> None:
    trail = recorded[0].members()
    for name in sorted(trail):
        if name.endswith(".gz"):
            raw = bytearray(trail[name])
            raw[len(raw) // 2] ^= 1
            found = row(with_trail(whole, {**trail, name: bytes(raw)}))
            assert {one.code for one in found.faults} == {INTEGRITY}, name
