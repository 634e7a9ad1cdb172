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
from typing import NamedTuple

INTACT, INTEGRITY, INCOMPLETE, DIFFERENT, USAGE = 0, 10, 11, 12, 64
"""Exit codes of a verification."""
LARGEST, WHOLE, MOST = 512 * 2**20, 8 * 2**30, 200_000
"""Bytes of the largest member and of all members, and the number of members, that a bundle may have."""
_NAME = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9_][A-Za-z0-9._+@ -]*(?:/[A-Za-z0-9_.][A-Za-z0-9._+@ -]*)*")
_END = struct.Struct("<4s4H2LH")


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
            self._held = {one.filename: one for one in self._file.infolist()}
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


def _whole(path: str, archive: zipfile.ZipFile) -> None:
    """Raise where the file holds more than the archive: before its first member, behind its end, or as a comment."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        file.seek(max(0, size - _END.size))
        mark, _, _, _, _, length, begin, comment = _END.unpack(file.read())
    first = min((one.header_offset for one in archive.infolist()), default=0)
    if mark != b"PK\x05\x06" or comment or first or begin + length + _END.size != size:
        raise zipfile.BadZipFile("it holds bytes beside its members")


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
