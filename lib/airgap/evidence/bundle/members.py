"""The members of a bundle, as a zip file or unzipped: names that can be trusted, contents read one at a time.

Everything that an archive can do to its reader is refused before a member is parsed: paths that lead elsewhere, links,
members of one name, encrypted ones, sizes that explode, and bytes outside of the archive's own structure.
Source: PKWARE APPNOTE.TXT, 4.3 (general format) and 4.4 (fields).
"""

from __future__ import annotations

import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import IO, Any, NamedTuple

INTACT, INTEGRITY, INCOMPLETE, DIFFERENT, USAGE = 0, 10, 11, 12, 64
"""Exit codes of a verification."""
LARGEST, WHOLE, MOST = 512 * 2**20, 8 * 2**30, 200_000
"""Bytes of the largest member and of all members, and the number of members, that a bundle may have."""
_NAME = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9_][A-Za-z0-9._+@ -]*(?:/[A-Za-z0-9_.][A-Za-z0-9._+@ -]*)*")
_END, _LOCATOR, _LONG = struct.Struct("<4s4H2LH"), struct.Struct("<4sLQL"), struct.Struct("<4sQ2H2L4Q")


class Fault(NamedTuple):
    """One thing that is wrong: the exit code that it stands for, where it is, and what it is."""

    code: int
    where: str
    what: str


class Broken(Exception):
    """A bundle that cannot be looked into any further."""

    def __init__(self, where: str, what: str, code: int = INTEGRITY) -> None:
        super().__init__(f"{where}: {what}")
        self.fault = Fault(code, where, what)


class Archive(Mapping[str, bytes]):
    """The members of a zip file."""

    def __init__(self, path: str) -> None:
        try:
            self._file = zipfile.ZipFile(path)
            self._held = self._file.NameToInfo
            _whole(path, self._file)
            _safe(self._file)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, struct.error, NotImplementedError) as error:
            raise Broken(os.path.basename(path), f"is no whole zip archive ({error})") from error

    def __getitem__(self, name: str) -> bytes:
        try:
            with self._file.open(self._held[name]) as member:
                raw = member.read(LARGEST + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
            raise Broken(name, f"cannot be read from the archive ({error})") from error
        if len(raw) != self._held[name].file_size:
            raise Broken(name, "is of another size than the archive says")
        return raw

    def open(self, name: str) -> IO[bytes]:
        """Return a member to be read piece by piece, once it was checked as a whole."""
        return self._file.open(self._held[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


class Folder(Mapping[str, bytes]):
    """The members of a bundle that was unzipped."""

    def __init__(self, path: str) -> None:
        self._root = path
        self._held: dict[str, str] = {}
        for where, folders, names in os.walk(path):
            for name in sorted([*names, *(one for one in folders if os.path.islink(os.path.join(where, one)))]):
                whole = os.path.join(where, name)
                inner = os.path.relpath(whole, path).replace(os.sep, "/")
                if not stat.S_ISREG(os.lstat(whole).st_mode):
                    raise Broken(inner, "is no regular file")
                self._held[inner] = whole

    def __getitem__(self, name: str) -> bytes:
        with open(self._held[name], "rb") as file:
            raw = file.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise Broken(name, f"is larger than {LARGEST} bytes")
        return raw

    def open(self, name: str) -> IO[bytes]:
        """Return a member to be read piece by piece, once it was checked as a whole."""
        return open(self._held[name], "rb")

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


def opened(path: str) -> Mapping[str, bytes]:
    """Return the members of a bundle: of a zip file, or of the folder that one was unzipped into."""
    if os.path.isdir(path):
        return Folder(path)
    if os.path.isfile(path):
        return Archive(path)
    raise Broken(path, "is neither a bundle nor a folder", USAGE)


def lines(members: Mapping[str, bytes], name: str) -> Iterator[bytes]:
    """Yield a member line by line, ends included, so that one that is large need not be held as a whole."""
    opener: Any = getattr(members, "open", None)
    if opener is None:
        *whole, rest = members[name].split(b"\n")
        yield from [*(one + b"\n" for one in whole), *([rest] if rest else [])]
        return
    try:
        with opener(name) as file:
            yield from file
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise Broken(name, f"cannot be read ({error})") from error


def _whole(path: str, archive: zipfile.ZipFile) -> None:
    """Raise where the file holds more than the archive: before its first member, behind its end, or as a comment."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        file.seek(max(0, size - _LONG.size - _LOCATOR.size - _END.size))
        tail = file.read()
    mark, _, _, own, every, length, begin, comment = _END.unpack(tail[-_END.size :])
    rest = _END.size
    if tail[-_END.size - _LOCATOR.size :].startswith(b"PK\x06\x07"):
        rest, length, begin = len(tail), *_long(tail, size, (own, every, length, begin))
    first = min((one.header_offset for one in archive.infolist()), default=0)
    if mark != b"PK\x05\x06" or comment or first or begin + length + rest != size:
        raise zipfile.BadZipFile("it holds bytes beside its members")


def _long(tail: bytes, size: int, short: tuple[int, ...]) -> tuple[int, int]:
    """Return length and begin of the directory of an archive of more than 65535 members, or 4 GiB (4.3.14, 4.3.15).

    The short record must say the same, or that it cannot, so that every reader reads the same members.
    """
    mark, record, _, _, disk, other, *wide = _LONG.unpack(tail[: _LONG.size])
    _, on, where, disks = _LOCATOR.unpack(tail[_LONG.size : _LONG.size + _LOCATOR.size])
    whole = mark == b"PK\x06\x06" and record == _LONG.size - 12 and where == size - len(tail) and disks == 1
    said = tuple(min(one, most) for one, most in zip(wide, (0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)))
    if not whole or disk or other or on or said != short:
        raise zipfile.BadZipFile("its two ends do not agree")
    return wide[2], wide[3]


def _safe(archive: zipfile.ZipFile) -> None:
    listed = archive.infolist()
    names = [one.filename for one in listed]
    if len(set(map(str.lower, names))) != len(names):
        raise zipfile.BadZipFile("two members have one name")
    if len(listed) > MOST or sum(one.file_size for one in listed) > WHOLE:
        raise zipfile.BadZipFile("it would unpack to more than any bundle holds")
    for one in listed:
        mode = one.external_attr >> 16
        if not _NAME.fullmatch(one.filename):
            raise zipfile.BadZipFile(f"member {one.filename!r} leads out of it or has no plain name")
        if mode and not stat.S_ISREG(mode):
            raise zipfile.BadZipFile(f"member {one.filename} is no regular file")
        if one.flag_bits & 1 or one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise zipfile.BadZipFile(f"member {one.filename} is encrypted, or compressed in another way")
        if one.file_size > LARGEST or one.file_size > 2000 * one.compress_size + 2**20:
            raise zipfile.BadZipFile(f"member {one.filename} would unpack to {one.file_size} bytes")
