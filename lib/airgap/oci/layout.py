"""The mirrored set as a file: an OCI image layout in a tar, for sites without any connection.

The same lock gives the same bytes. Beside what the specification asks for, the tar has the lock file itself.
https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from airgap.errors import BrokenContent, NoSpace
from airgap.model.mirror import Entry, Lock
from airgap.oci.content import OCI_INDEX, OCI_MANIFEST, Descriptor, Manifest
from airgap.oci.copying import Tally
from airgap.oci.lockfile import attached, children, pinned, text_of
from airgap.oci.registry import PIECE
from airgap.oci.session import Session
from airgap.oci.transfer import Incoming, Source

LOCK, INDEX, LAYOUT = "images.lock.json", "index.json", "oci-layout"
_BLOBS = "blobs/sha256/"
_NAME = "org.opencontainers.image.ref.name"


def blob_path(digest: str) -> str:
    """Return where a layout has the bytes of a digest."""
    return _BLOBS + digest.removeprefix("sha256:")


def typed(body: bytes, digest: str, where: str) -> Manifest:
    """Return a manifest whose media type is what it says itself, or what its members say."""
    manifest = Manifest.verified(body, "", digest, where)
    document = manifest.document
    said = document.get("mediaType") or (OCI_INDEX if "manifests" in document else OCI_MANIFEST)
    return Manifest(digest, str(said), body)


@contextmanager
def _space(where: Path) -> Iterator[None]:
    """Turn a full disk into the error that says so."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise NoSpace(
            f"there is no space left for {where}",
            "the file was not made; what was fetched is kept beside it",
            "make space, or choose another disk, and run again: it goes on where it stopped",
        ) from error


@dataclass(frozen=True)
class Folder:
    """A layout that grows on disk, for one entry; what is not whole yet ends in ``.part``."""

    folder: Path
    entry: Entry
    session: Session

    def __str__(self) -> str:
        """Return the folder."""
        return str(self.folder)

    def _file(self, digest: str) -> Path:
        return self.folder / blob_path(digest)

    def manifest(self, reference: str) -> Manifest | None:
        """Return the manifest of a digest, None where it is not there yet."""
        file = self._file(reference)
        return typed(file.read_bytes(), reference, str(self.folder)) if file.exists() else None

    def read(self, digest: str, start: int = 0) -> Generator[bytes]:
        """Yield the bytes of a blob from ``start`` on."""
        with self._file(digest).open("rb") as stream:
            stream.seek(start)
            while piece := stream.read(PIECE):
                yield piece

    def digest(self, reference: str) -> str:
        """Return '': each run looks at every blob, since what an earlier one left may be gone."""
        return ""

    def put(self, manifest: Manifest, tag: str = "") -> None:
        """Keep a manifest; its blobs are there, as they are taken first."""
        file = self._file(manifest.digest)
        part = file.with_suffix(f".{tag or 'digest'}.part")
        with _space(self.folder):
            part.write_bytes(manifest.body)
            part.replace(file)

    def take(self, blob: Descriptor, source: Source, tally: Tally) -> None:
        """Have a blob; what an earlier run fetched of it is not fetched again."""
        file = self._file(blob.digest)
        part = file.with_suffix(".part")
        with self.session.turn(blob.digest), _space(self.folder):
            if file.exists():
                tally.count("present")
                return
            incoming = Incoming(source, blob, self.session)
            try:
                at = incoming.resume(_pieces(part)) if part.exists() else 0
                with part.open("ab") as out:
                    for piece in incoming.pieces(at):
                        out.write(piece)
            except BrokenContent:
                part.unlink(missing_ok=True)
                raise
            part.replace(file)
            tally.count("copied", blob.size)


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while piece := stream.read(PIECE):
            yield piece


def pack(folder: Path, lock: Lock, file: Path, session: Session) -> None:
    """Make the tar of a folder that has every entry of a lock; the file appears when it is whole."""
    roots: list[dict[str, Any]] = []
    digests: set[str] = set()
    for entry in lock.entries:
        here = Folder(folder, entry, session)
        for manifest in _manifests(here, entry):
            digests |= {manifest.digest, *(blob.digest for blob in manifest.blobs())}
        roots += [_root(here, entry.digest, entry.reference)]
        roots += [
            _root(here, one.digest, f"{pinned(entry).name}:{one.tag}" if one.tag else "") for one in attached(entry)
        ]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": roots}
    part = file.with_name(f".{file.name}.part")
    with _space(file):
        with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as archive:
            _add(archive, LAYOUT, b'{"imageLayoutVersion":"1.0.0"}')
            _add(archive, INDEX, json.dumps(index, sort_keys=True, separators=(",", ":")).encode())
            _add(archive, LOCK, text_of(lock).encode())
            for digest in sorted(digests):
                _add_blob(archive, folder, digest)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(file)


def _manifests(here: Folder, entry: Entry) -> Iterator[Manifest]:
    for digest in (entry.digest, *(one.digest for one in attached(entry))):
        manifest = here.manifest(digest)
        if manifest is None:
            raise BrokenContent(f"{here} lost {digest} of {entry.reference}", "the file was not made", "run again")
        yield from (manifest, *children(here, manifest))


def _root(here: Folder, digest: str, name: str) -> dict[str, Any]:
    manifest = here.manifest(digest)
    assert manifest is not None  # _manifests has just read it
    described = {"mediaType": manifest.media_type, "digest": digest, "size": len(manifest.body)}
    return {**described, "annotations": {_NAME: name}} if name else described


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def _add_blob(archive: tarfile.TarFile, folder: Path, digest: str) -> None:
    """Add a blob, hashed once more: an earlier run may have left it, and disks forget."""
    file = folder / blob_path(digest)
    entry = tarfile.TarInfo(blob_path(digest))
    entry.size = file.stat().st_size
    with file.open("rb") as stream:
        hashing = _Hashing(stream)
        archive.addfile(entry, hashing)
    if f"sha256:{hashing.seen.hexdigest()}" != digest:
        file.unlink()
        raise BrokenContent(
            f"{file} has other bytes than its digest", "the file was not made", "run again: it is fetched anew"
        )


class _Hashing:
    """A stream that hashes what is read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.seen = stream, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        piece = self._stream.read(size)
        self.seen.update(piece)
        return piece
