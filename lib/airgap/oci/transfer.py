"""One blob from one place to another: streamed, verified on the way, and resumed in the middle on either side."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Protocol

from airgap.errors import BrokenContent, RegistryFailed
from airgap.oci.content import Descriptor, Manifest
from airgap.oci.registry import Died, Repository
from airgap.oci.session import Session

ATTEMPTS = 6
# Up to this size a blob is held in memory, which saves a request; larger ones never are.
SMALL = 1 << 20
_PUBLISHED = "the blob was not published, nor any image that names it"


class Source(Protocol):
    """Where content comes from: a repository, or a layout in a file."""

    def manifest(self, reference: str) -> Manifest | None:
        """Return what a tag or digest names, its bytes verified; None where nothing does."""

    def digest(self, reference: str) -> str:
        """Return the digest that a tag or digest has there, '' where it has none."""

    def read(self, digest: str, start: int = 0) -> Generator[bytes]:
        """Yield the bytes of a blob from ``start`` on; Died where they end before the blob does."""


class Incoming:
    """The bytes of a blob as they come; each is hashed once, in order, however often the reading begins again."""

    def __init__(self, source: Source, blob: Descriptor, session: Session) -> None:
        self._source, self._blob, self._session = source, blob, session
        self._hash, self._hashed = hashlib.sha256(), 0

    def pieces(self, start: int = 0) -> Generator[bytes]:
        """Yield the bytes from ``start`` to the end, reading on where a connection died."""
        at, idle = start, 0
        while at < self._blob.size:
            before, why = at, "the registry sends no more of it"
            try:
                with closing(self._source.read(self._blob.digest, at)) as reading:
                    for piece in reading:
                        self._take(at, piece)
                        at += len(piece)
                        self._session.go_on()
                        yield piece
                if at == before:
                    raise self._broken(f"ends after {at} of {self._blob.size} bytes")
            except Died as error:
                why = str(error)
            idle = 0 if at > before else idle + 1
            if idle == ATTEMPTS:
                raise _gave_up(self._source, self._blob, why)
            if at < self._blob.size:
                self._session.clock.sleep(0.1 * 2**idle)
        if self._hashed == self._blob.size and f"sha256:{self._hash.hexdigest()}" != self._blob.digest:
            raise self._broken("has other bytes than those of its digest")

    def resume(self, pieces: Iterator[bytes]) -> int:
        """Take what an earlier run has already, and return how much that is."""
        for piece in pieces:
            self._take(self._hashed, piece)
        return self._hashed

    def _take(self, at: int, piece: bytes) -> None:
        if at + len(piece) > self._blob.size:
            raise self._broken(f"goes on after its {self._blob.size} bytes")
        new = piece[max(0, self._hashed - at) :]
        self._hash.update(new)
        self._hashed += len(new)

    def _broken(self, what: str) -> BrokenContent:
        message = f"{self._blob.digest} of {self._source} {what}"
        return BrokenContent(message, _PUBLISHED, "the source, or something on the way, altered it: ask the publisher")


def copy(source: Source, target: Repository, blob: Descriptor) -> None:
    """Copy a blob into a repository; nothing is published where it cannot be copied whole and unaltered."""
    incoming = Incoming(source, blob, target.session)
    if blob.size <= SMALL:
        data = b"".join(incoming.pieces())
        _finish(target, target.begin(), blob, data)
        return
    place = _stream(incoming, target, blob)
    _finish(target, place, blob)


def _stream(incoming: Incoming, target: Repository, blob: Descriptor) -> str:
    """Send a blob in as few requests as the registry's health admits; return where it is to be finished."""
    place, at, idle = target.begin(), 0, 0
    while at < blob.size:
        try:
            with closing(incoming.pieces(at)) as pieces:
                place, at = target.send(place, pieces, at, blob.size - at), blob.size
        except Died as error:
            if idle == ATTEMPTS:
                raise _gave_up(target, blob, str(error)) from error
            refusal = target.refusal() if idle == 1 else None
            if refusal is not None:
                raise refusal from error
            target.session.clock.sleep(0.1 * 2**idle)
            there = target.received(place)
            before, (place, at) = at, there or (target.begin(), 0)
            idle = 0 if at > before else idle + 1
    return place


def _finish(target: Repository, place: str, blob: Descriptor, data: bytes = b"") -> None:
    """Publish the blob; an answer that was lost is made good by looking."""
    try:
        target.finish(place, blob.digest, data)
    except RegistryFailed:
        if target.size(blob.digest) != blob.size:
            raise


def _gave_up(where: object, blob: Descriptor, why: str) -> RegistryFailed:
    what = f"{where} died {ATTEMPTS} times in {blob.digest} ({blob.size} bytes): {why}"
    return RegistryFailed(what, _PUBLISHED, "run again when the registry is well: what is whole is not copied again")
