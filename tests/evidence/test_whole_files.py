"""Files are whole or absent, and what cannot be written is said in words."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from airgap.errors import AirgapError
from airgap.evidence import files
from airgap.evidence.files import link_latest, write_whole


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(".part"))


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize(("data", "raw"), [("ünïcode\n", "ünïcode\n".encode()), (b"\x00\xff", b"\x00\xff"), ("", b"")])
def test_text_and_bytes_are_written_as_they_are(tmp_path: Path, data: str | bytes, raw: bytes, durable: bool) -> None:
    path = tmp_path / "a" / "b" / "file.json"
    write_whole(path, data, durable=durable)
    assert path.read_bytes() == raw
    assert leftovers(path.parent) == []


def test_a_file_is_replaced_by_another_one_so_that_an_open_reader_keeps_the_old(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, "old")
    with path.open() as reader:
        write_whole(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"


def test_a_full_disk_leaves_the_old_file_and_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    write_whole(path, "old")

    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(AirgapError, match=r"report\.html was not written: No space left on device") as caught:
        write_whole(path, "new")
    assert "make room" in caught.value.diagnostics()
    assert path.read_text() == "old"
    assert leftovers(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AirgapError, match=r"below was not written: File exists \(.*file\)"):
        write_whole(tmp_path / "file" / "below", "x")


def test_an_interrupted_write_leaves_nothing_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(number: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "file", "x")
    assert list(tmp_path.iterdir()) == []


def test_concurrent_writers_of_one_file_leave_one_of_their_texts(tmp_path: Path) -> None:
    path = tmp_path / "file"
    texts = [str(number) * 100_000 for number in range(8)]
    threads = [threading.Thread(target=write_whole, args=(path, text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in texts
    assert leftovers(tmp_path) == []


def test_latest_is_a_relative_link_that_moves(tmp_path: Path) -> None:
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
        link_latest(tmp_path, run)
        assert os.readlink(tmp_path / "latest") == run
    assert leftovers(tmp_path) == []


def test_latest_does_not_replace_a_folder_that_somebody_made(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    with pytest.raises(AirgapError, match="latest was not written"):
        link_latest(tmp_path, "one")
    assert leftovers(tmp_path) == []
