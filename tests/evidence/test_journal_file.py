"""A journal is one chain, whoever writes to it and however often it is opened."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import threading
from itertools import pairwise
from pathlib import Path

import pytest

from airgap.errors import AirgapError
from airgap.evidence import journal as module
from airgap.evidence.journal import JournalFile, read_journal
from airgap.model.journal import GENESIS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "steps" / "02_network" / "journal.ndjson"


def filled(path: Path, count: int = 3) -> JournalFile:
    journal = JournalFile(path)
    for number in range(count):
        journal.append("read", {"number": number})
    return journal


def test_a_new_journal_is_empty_and_its_folder_is_made(path: Path) -> None:
    journal = JournalFile(path)
    assert (journal.head, journal.count, read_journal(path)) == (GENESIS, 0, ([], []))


def test_each_line_follows_the_one_before(path: Path) -> None:
    journal = filled(path)
    entries, problems = read_journal(path)
    assert problems == []
    assert [one["seq"] for one in entries] == [1, 2, 3]
    assert all(later["prev"] == earlier["digest"] for earlier, later in pairwise(entries))
    assert (journal.head, journal.count) == (entries[-1]["digest"], 3)


def test_append_returns_the_digest_of_its_line(path: Path) -> None:
    digest = JournalFile(path, lambda: "2026-11-23T08:50:12Z").append("write", {"call": "ec2:CreateVpc"})
    entries, _ = read_journal(path)
    assert entries[0]["digest"] == digest
    assert entries[0]["time"] == "2026-11-23T08:50:12Z"


def test_reopening_continues_the_chain(path: Path) -> None:
    filled(path).close()
    filled(path, 2)
    entries, problems = read_journal(path)
    assert (problems, len(entries)) == ([], 5)


def test_two_open_journals_of_one_file_share_its_chain(path: Path) -> None:
    first, second = JournalFile(path), JournalFile(path)
    for number in range(4):
        (first, second)[number % 2].append("read", {"number": number})
    assert read_journal(path)[1] == []
    assert second.count == 4


def test_threads_share_one_chain(path: Path) -> None:
    journal = JournalFile(path)

    def work(thread: int) -> None:
        for number in range(50):
            journal.append("read", {"thread": thread, "number": number})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries, problems = read_journal(path)
    assert (problems, len(entries)) == ([], 400)


def append_many(path: Path, count: int) -> None:
    filled(path, count)


def test_processes_share_one_chain(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=append_many, args=(path, 40)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    entries, problems = read_journal(path)
    assert (problems, len(entries)) == ([], 120)


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_an_unfinished_last_line_is_cut_off_and_said(path: Path, cut: int) -> None:
    filled(path).close()
    path.write_bytes(path.read_bytes()[:-cut])
    entries, problems = read_journal(path)
    assert len(entries) == 2
    assert problems == ["unfinished last line after line 2, ignored"]
    filled(path, 1)
    entries, problems = read_journal(path)
    assert problems == []
    assert [one["event"] for one in entries] == ["read", "read", "error", "read"]
    assert "unfinished last line" in entries[2]["data"]["what"]


def test_what_was_cut_off_is_not_repeated(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text('{"data": {"half": "a-line')
    JournalFile(path)
    assert "a-line" not in path.read_text()


ALTERATIONS = {
    "changed value": lambda lines: [lines[0].replace(b'"number":0', b'"number":7'), *lines[1:]],
    "removed line": lambda lines: [lines[0], *lines[2:]],
    "swapped lines": lambda lines: [lines[1], lines[0], *lines[2:]],
    "removed first line": lambda lines: lines[1:],
    "added line": lambda lines: [*lines, b"{}\n"],
    "added member": lambda lines: [b'{"x":1,' + lines[0][1:], *lines[1:]],
    "not JSON": lambda lines: [b"hello\n", *lines],
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_altered_journal_is_named_and_not_continued(path: Path, name: str) -> None:
    filled(path).close()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(ALTERATIONS[name](lines)))
    before = path.read_bytes()
    assert read_journal(path)[1] != []
    with pytest.raises(AirgapError, match="was altered"):
        JournalFile(path)
    assert path.read_bytes() == before


def test_lines_that_vanish_from_under_an_open_journal_are_noticed(path: Path) -> None:
    journal = filled(path)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    with pytest.raises(AirgapError, match="shorter than it was"):
        journal.append("read", {})


def test_a_journal_that_is_removed_while_it_is_written_is_noticed(path: Path) -> None:
    journal = filled(path)
    path.unlink()
    with pytest.raises(AirgapError, match="was removed"):
        journal.append("read", {})


def test_a_chain_that_is_exchanged_under_an_open_journal_is_noticed(path: Path, tmp_path: Path) -> None:
    journal = filled(path)
    other = tmp_path / "other.ndjson"
    filled(other, 5)
    path.write_bytes(other.read_bytes())
    with pytest.raises(AirgapError, match="not the ones that were written"):
        journal.append("read", {})


def test_a_full_disk_leaves_whole_lines(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = filled(path)
    real = os.write

    def half(number: int, raw: bytes) -> int:
        return real(number, raw[: len(raw) // 2])

    monkeypatch.setattr(module.os, "write", half)
    with pytest.raises(AirgapError, match="No space left on device"):
        journal.append("write", {"call": "ec2:CreateVpc"})
    monkeypatch.undo()
    journal.append("read", {})
    entries, problems = read_journal(path)
    assert (problems, len(entries)) == ([], 4)


def test_a_flush_that_fails_is_no_record(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = filled(path)

    def broken(number: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(module.os, "fsync", broken)
    with pytest.raises(AirgapError, match="Input/output error"):
        journal.append("write", {})
    assert len(read_journal(path)[0]) == 3


@pytest.mark.parametrize(
    ("event", "flushed"),
    [("write", 1), ("approval", 1), ("verdict", 1), ("close", 1), ("read", 0), ("answer", 0), ("plan", 0)],
)
def test_acts_and_what_others_rely_on_are_flushed(
    path: Path, monkeypatch: pytest.MonkeyPatch, event: str, flushed: int
) -> None:
    journal = JournalFile(path)
    calls: list[int] = []
    monkeypatch.setattr(module.os, "fsync", calls.append)
    journal.append(event, {})
    assert len(calls) == flushed


def test_a_missing_journal_is_a_problem(path: Path) -> None:
    assert read_journal(path) == ([], ["journal.ndjson is missing"])


def test_an_unknown_event_is_refused_and_leaves_no_trace(path: Path) -> None:
    journal = JournalFile(path)
    with pytest.raises(ValueError, match="no such journal event"):
        journal.append("shrug", {})
    assert path.read_bytes() == b""


def test_lines_are_canonical_json(path: Path) -> None:
    JournalFile(path).append("read", {"b": "ü", "a": [1, None, True]})
    line = path.read_text().splitlines()[0]
    assert line == json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
