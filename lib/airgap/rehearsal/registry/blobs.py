"""Layers and other blobs on disk, by their digests, and the uploads that become one."""

from __future__ import annotations

import functools
import hashlib
import re
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from airgap.rehearsal.faces import SERVED
from airgap.rehearsal.registry.refusing import RegistryError

PIECE = 1 << 18
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def digest_of(data: bytes) -> str:
    """Return the digest of bytes as OCI writes it, such as ``sha256:0a1b...``."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass
class Upload:
    """A blob on its way: the repository that it is for, and what has come of it."""

    repository: str
    file: Path
    size: int = 0
    seen: Any = field(default_factory=hashlib.sha256)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Blobs:
    """Files by digest in a folder; a blob is whole when it is there."""

    def __init__(self, folder: Path) -> None:
        self._whole, self._coming = folder / "blobs", folder / "uploads"
        for one in (self._whole, self._coming):
            one.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._uploads: dict[str, Upload] = {}

    def file(self, digest: str) -> Path:
        """Return where a blob is kept, whether it is there or not; RegistryError for what is no digest."""
        if not DIGEST.fullmatch(digest):
            raise RegistryError(400, "DIGEST_INVALID", f"'{digest}' is not a sha256 digest")
        return self._whole / digest.removeprefix("sha256:")

    def holds(self, digest: str) -> bool:
        """Say whether a blob is there."""
        return self.file(digest).exists()

    def add(self, data: bytes) -> str:
        """Keep bytes, and return their digest."""
        digest = digest_of(data)
        if not self.holds(digest):
            part = self._coming / secrets.token_hex(16)
            part.write_bytes(data)
            part.replace(self.file(digest))
        return digest

    def read(self, digest: str, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from ``start`` up to ``end`` (exclusive)."""
        with self.file(digest).open("rb") as stream:
            stream.seek(start)
            while start < end and (piece := stream.read(min(PIECE, end - start))):
                start += len(piece)
                yield piece

    def begin(self, repository: str) -> str:
        """Begin an upload for a repository, and return its id."""
        name = secrets.token_hex(16)
        self._uploads[name] = Upload(repository, self._coming / name)
        self._uploads[name].file.touch(mode=0o600)
        return name

    def upload(self, name: str, repository: str) -> Upload:
        """Return an upload of a repository; RegistryError where there is none of that id."""
        found = self._uploads.get(name)
        if found is None or found.repository != repository:
            raise RegistryError(404, "BLOB_UPLOAD_UNKNOWN", f"The upload with id '{name}' does not exist")
        return found

    def append(self, upload: Upload, body: IO[bytes]) -> int:
        """Add what comes to an upload, and return its size; what came before a client died stays."""
        with upload.lock, upload.file.open("ab") as out:
            while piece := body.read(PIECE):
                out.write(piece)
                upload.seen.update(piece)
                upload.size += len(piece)
        return upload.size

    def forget(self, name: str, upload: Upload) -> None:
        """Take an upload away."""
        self._uploads.pop(name, None)
        upload.file.unlink(missing_ok=True)

    def finish(self, name: str, upload: Upload, digest: str) -> None:
        """Make an upload the blob of a digest; an upload of other bytes is gone, and refused."""
        actual = f"sha256:{upload.seen.hexdigest()}"
        if actual != digest:
            self.forget(name, upload)
            raise RegistryError(
                400, "DIGEST_INVALID", f"Layer digest mismatch: Specified '{digest}', Calculated '{actual}'"
            )
        del self._uploads[name]
        upload.file.replace(self.file(digest))


@functools.lru_cache(maxsize=4)
def _in(folder: Path) -> Blobs:
    return Blobs(folder)


def blobs() -> Blobs:
    """Return the blobs of this server."""
    return _in(SERVED.folder)
