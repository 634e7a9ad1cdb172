"""A saved file as a source: the layout in a tar, read in place and believed in nothing."""

from __future__ import annotations

import tarfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from airgap.errors import BrokenContent
from airgap.model.mirror import Entry
from airgap.oci.content import Manifest
from airgap.oci.layout import LOCK, blob_path, typed
from airgap.oci.lockfile import parse
from airgap.oci.registry import PIECE, Died


class Archive:
    """A layout in a tar, read in place: nothing is unpacked, and only names of the layout are looked at."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._where: dict[str, tuple[int, int]] = {}
        try:
            with tarfile.open(file, "r:") as archive:
                for member in archive:
                    if member.isreg() and member.name not in self._where:
                        self._where[member.name] = (member.offset_data, member.size)
        except (tarfile.TarError, EOFError) as error:
            raise self._broken(str(error)) from error
        longest = max((start + size for start, size in self._where.values()), default=0)
        if longest > file.stat().st_size or LOCK not in self._where:
            raise self._broken("it ends too early" if LOCK in self._where else "it has no lock file")
        self.lock = parse(self._bytes(LOCK).decode(errors="replace"))

    def _broken(self, why: str) -> BrokenContent:
        what = f"{self.file} is not a whole file of `airgap mirror save`: {why}"
        return BrokenContent(
            what, "nothing was published", "compare its SHA-256 with the one at its origin, and copy it again"
        )

    def _bytes(self, name: str) -> bytes:
        return b"".join(self._read(name, 0))

    def _read(self, name: str, skipped: int) -> Iterator[bytes]:
        start, size = self._where[name]
        with self.file.open("rb") as stream:
            stream.seek(start + skipped)
            left = size - skipped
            while left > 0 and (piece := stream.read(min(PIECE, left))):
                left -= len(piece)
                yield piece

    def manifest(self, digest: str) -> Manifest | None:
        """Return the manifest of a digest, None where the tar does not have it."""
        name = blob_path(digest)
        return typed(self._bytes(name), digest, str(self.file)) if name in self._where else None

    def read(self, digest: str, start: int = 0) -> Generator[bytes]:
        """Yield the bytes of a blob from ``start`` on; BrokenContent where the tar does not have it."""
        if blob_path(digest) not in self._where:
            raise self._broken(f"it lacks {digest}")
        try:
            yield from self._read(blob_path(digest), start)
        except OSError as error:
            raise Died(str(error)) from error


@dataclass(frozen=True)
class FromArchive:
    """One entry of a tar as a source; its tag is what it was when it was saved."""

    archive: Archive
    entry: Entry

    def __str__(self) -> str:
        """Return the file."""
        return str(self.archive.file)

    def manifest(self, reference: str) -> Manifest | None:
        """Return the manifest of a digest, None where the tar does not have it."""
        return self.archive.manifest(reference)

    def digest(self, reference: str) -> str:
        """Return the digest that the entry had under its tag."""
        return self.entry.digest if reference == self.entry.tag else ""

    def read(self, digest: str, start: int = 0) -> Generator[bytes]:
        """Yield the bytes of a blob from ``start`` on."""
        return self.archive.read(digest, start)
