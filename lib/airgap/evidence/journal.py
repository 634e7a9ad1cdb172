"""Journal files: one chained line an event, appended in one write; the form of a line is ``model.journal``'s.

Every append holds a lock on the file and first catches up with what others appended, so that threads, processes and a
notebook cell that is run twice all continue one chain. What a dead writer left of a last line is cut off, and an
``error`` line says so.
"""

from __future__ import annotations

import datetime as dt
import errno
import fcntl
import functools
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airgap.errors import AirgapError
from airgap.evidence.files import flush_folder, not_written
from airgap.model import journal
from airgap.model.canonical import digest, utc

DURABLE = frozenset({"write", "approval", "verdict", "close"})
"""Events that are on the disk before ``append`` returns: acts, and what others rely on."""


def now() -> str:
    """Return the time in UTC, as journal lines have it."""
    return utc(dt.datetime.now(dt.UTC))


class JournalFile:
    """A journal on disk; the chain of an existing file is checked and continued.

    Raises ``AirgapError`` where the file was altered: a broken chain is evidence, and nothing is added to it.
    """

    def __init__(self, path: Path, now: Callable[[], str] = now) -> None:
        self.path, self.now = path, now
        self.head, self.count = journal.GENESIS, 0
        self._size = 0
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            flush_folder(path.parent)
            with self._alone():
                self._catch_up()
        except OSError as error:
            raise not_written(path, error) from error

    def append(self, event: str, data: Mapping[str, Any]) -> str:
        """Record an event and return its line's digest."""
        try:
            with self._alone():
                self._catch_up()
                return self._add(event, data)
        except OSError as error:
            raise not_written(self.path, error) from error

    def close(self) -> None:
        """Close the file; nothing can be appended afterwards."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def _catch_up(self) -> None:
        found = os.fstat(self._file)
        size = found.st_size
        if not found.st_nlink:
            raise _altered(self.path, ["it was removed while it was written"])
        if size == self._size:
            return
        if size < self._size:
            raise _altered(self.path, ["it is shorter than it was"])
        raw = os.pread(self._file, size, 0)
        whole = raw.rfind(b"\n") + 1
        entries, problems = journal.read(raw[:whole].decode("utf-8", "replace"))
        if problems or len(entries) < self.count or (self.count and entries[self.count - 1]["digest"] != self.head):
            raise _altered(self.path, problems or ["its lines are not the ones that were written"])
        self.count, self._size = len(entries), whole
        self.head = entries[-1]["digest"] if entries else journal.GENESIS
        if whole < len(raw):
            self._cut(raw[whole:])

    def _cut(self, rest: bytes) -> None:
        os.ftruncate(self._file, self._size)
        what = f"an unfinished last line of {len(rest)} bytes, left by a writer that died, was cut off"
        self._add("error", {"what": what, "sha256": digest(rest)})

    def _add(self, event: str, data: Mapping[str, Any]) -> str:
        entry = journal.line(self.count + 1, self.now(), event, data, self.head)
        raw = journal.write(entry).encode("utf-8")
        try:
            written = os.write(self._file, raw)
            if written < len(raw):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if event in DURABLE:
                os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self.head, self.count, self._size = entry["digest"], self.count + 1, self._size + len(raw)
        return self.head


def read_journal(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the lines of a journal file and what is wrong with it, in words; a missing file is a problem too.

    Equal bytes are read once a process: the lines are shared, so nobody may change one.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return [], [f"{path.name} is missing"]
    entries, problems = _read(raw)
    return list(entries), list(problems)


@functools.lru_cache(maxsize=32)
def _read(raw: bytes) -> tuple[list[dict[str, Any]], list[str]]:
    return journal.read(raw.decode("utf-8", "replace"))


def _altered(path: Path, problems: list[str]) -> AirgapError:
    return AirgapError(
        f"{path} was altered: {'; '.join(problems[:3])}",
        "anything; nothing is added to it",
        "keep the folder as it is for whoever looks into it, and start a new run (an empty run id)",
    )
