"""Archives of more members than the short end of a zip file can count, and ends that do not agree (APPNOTE 4.3.14)."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from airgap.evidence import packing
from airgap.evidence.bundle import manifest
from airgap.evidence.bundle.members import Archive, Broken
from airgap.evidence.bundle.recorded import INDEX, Run

MEMBERS = {f"{number}.txt": b"x" * number for number in range(1, 9)}
SHORT, LOCATOR, LONG = 22, 20, 56


@pytest.fixture
def long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive with the long end that one of 65536 members has."""
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)
    path = tmp_path / "long.zip"
    path.write_bytes(packing.archive(MEMBERS))
    return path


def test_an_archive_of_many_members_is_read(long: Path) -> None:
    assert b"PK\x06\x06" in long.read_bytes()
    assert dict(Archive(str(long))) == MEMBERS


def test_one_of_really_many_members_is_read(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    path.write_bytes(packing.archive({str(number): b"" for number in range(65_600)}))
    assert len(Archive(str(path))) == 65_600


# What is written over, by its place from the end of the file.
ENDS = {
    "fewer members in the short end": (-SHORT + 10, struct.pack("<H", 7)),
    "another directory in the short end": (-SHORT + 16, struct.pack("<L", 0)),
    "fewer members in the long end": (-SHORT - LOCATOR - LONG + 32, struct.pack("<Q", 7)),
    "another length in the long end": (-SHORT - LOCATOR - LONG + 40, struct.pack("<Q", 7)),
    "a locator that points elsewhere": (-SHORT - LOCATOR + 8, struct.pack("<Q", 0)),
    "a second disk": (-SHORT - LOCATOR + 16, struct.pack("<L", 2)),
    "a longer record": (-SHORT - LOCATOR - LONG + 4, struct.pack("<Q", 45)),
}


@pytest.mark.parametrize("case", ENDS)
def test_ends_that_do_not_agree_are_refused(case: str, long: Path) -> None:
    place, raw = ENDS[case]
    whole = bytearray(long.read_bytes())
    assert whole[place : place + len(raw)] != raw
    whole[place : len(whole) + place + len(raw)] = raw + whole[len(whole) + place + len(raw) :]
    long.write_bytes(whole)
    with pytest.raises(Broken):
        Archive(str(long))


def test_bytes_between_directory_and_long_end_are_refused(long: Path) -> None:
    whole = long.read_bytes()
    cut = len(whole) - SHORT - LOCATOR - LONG
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, cut + 4, 1)
    long.write_bytes(whole[:cut] + b"evil" + whole[cut : cut + LONG] + locator + whole[-SHORT:])
    with pytest.raises(Broken):
        Archive(str(long))


def test_a_manifest_is_read_line_by_line_as_it_was_as_a_whole() -> None:
    members = {**MEMBERS, manifest.MANIFEST: b""}
    text = manifest.text(MEMBERS, {"run_id": "r"})
    members[manifest.MANIFEST] = text.encode()
    assert manifest.checked(members).faults == []
    for broken in ("", text[:-1], text + "\n", text.replace("1.txt", "1.TXT", 1), text[: text.index("\n") + 1]):
        members[manifest.MANIFEST] = broken.encode()
        assert manifest.checked(members).faults


@pytest.mark.parametrize(
    ("text", "rows"),
    [('[\n{"a":1},\n{"a":2}\n]\n', 2), ("[\n]\n", 0), ('[{"a": 1}]', 1), ("[]\n", 0)],
)
def test_an_index_is_read_however_it_is_laid_out(text: str, rows: int) -> None:
    assert len(list(Run({"run.json": b"{}", INDEX: text.encode()}).index())) == rows


def test_an_index_that_was_cut_is_refused() -> None:
    with pytest.raises(Broken):
        list(Run({"run.json": b"{}", INDEX: b'[\n{"a":1}'}).index())
