"""One image or chart with all that belongs to it, into a repository or a layout: blobs first, its tag last.

Until its tag is there nobody can take half an image for a whole one; once it is there everything is.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Protocol

from airgap.errors import RegistryFailed, TagTaken
from airgap.model.mirror import Entry
from airgap.oci import disclosed, transfer
from airgap.oci.content import Descriptor, Manifest
from airgap.oci.lockfile import attached, check_platforms, children, pinned, still_named
from airgap.oci.registry import Repository
from airgap.oci.session import Session
from airgap.oci.transfer import Source


@dataclass
class Tally:
    """What was done for one entry: blobs and bytes copied, blobs mounted, blobs that were there already."""

    copied: int = 0
    size: int = 0
    mounted: int = 0
    present: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def count(self, how: str, size: int = 0) -> None:
        """Count one blob as copied, mounted or present."""
        with self._lock:
            setattr(self, how, getattr(self, how) + 1)
            self.size += size


class Target(Protocol):
    """Where content goes."""

    @property
    def session(self) -> Session:
        """The session by which it is reached, whose end ends the copying."""

    def digest(self, reference: str) -> str:
        """Return the digest that a tag or digest has there, '' where it has none."""

    def put(self, manifest: Manifest, tag: str = "") -> None:
        """Publish a manifest under its digest, or under a tag."""

    def take(self, blob: Descriptor, source: Source, tally: Tally) -> None:
        """Have a blob, by copying it where it is not there yet."""


class Whereabouts:
    """Which repositories of a registry have which blob, as far as this process has seen."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        # Whether the registry mounts blobs: ECR does so only where the account's settings say so.
        self.mounting = True

    def seen(self, digest: str, repository: str) -> None:
        """Note that a repository has a blob."""
        self._known.setdefault(digest, repository)

    def where(self, digest: str) -> str:
        """Return a repository that has a blob, '' where none is known."""
        return self._known.get(digest, "")


@dataclass(frozen=True)
class IntoRepository:
    """A repository as a target: blobs that another repository of the registry has are mounted from there."""

    repository: Repository
    whereabouts: Whereabouts

    def __str__(self) -> str:
        """Return registry and repository."""
        return str(self.repository)

    @property
    def session(self) -> Session:
        """The session with the registry."""
        return self.repository.session

    def digest(self, reference: str) -> str:
        """Return the digest that a tag or digest has there, '' where it has none."""
        return self.repository.digest(reference)

    def put(self, manifest: Manifest, tag: str = "") -> None:
        """Publish a manifest; an answer that was lost is made good by looking."""
        try:
            self.repository.put(manifest, tag)
        except RegistryFailed:
            if self.repository.digest(tag or manifest.digest) != manifest.digest:
                raise

    def take(self, blob: Descriptor, source: Source, tally: Tally) -> None:
        """Have a blob: it is there, or in another repository, or copied."""
        with self.repository.session.turn(blob.digest):
            if self.repository.size(blob.digest) is not None:
                tally.count("present")
            elif self._mounted(blob.digest):
                tally.count("mounted")
            else:
                transfer.copy(source, self.repository, blob)
                tally.count("copied", blob.size)
            self.whereabouts.seen(blob.digest, self.repository.name)

    def _mounted(self, digest: str) -> bool:
        elsewhere = self.whereabouts.where(digest)
        if not elsewhere or not self.whereabouts.mounting:
            return False
        self.whereabouts.mounting = self.repository.mount(digest, elsewhere)
        return self.whereabouts.mounting


def state(entry: Entry, target: Target) -> dict[str, str]:
    """Return what a target has of an entry: a digest, '' for none, by each tag and by each referrer without one.

    TagTaken where a tag of the entry names something else there.
    """
    found = {name: target.digest(name) for name in wanted(entry)}
    for name, digest in wanted(entry).items():
        if found[name] and found[name] != digest:
            raise TagTaken(
                f"{target}:{name} names {found[name]} in the mirror, and {entry.reference} is {digest}",
                "the mirror was not changed",
                "find out who pushed the other image; a mirror's tags never move, so lock another version",
            )
    return found


def wanted(entry: Entry) -> dict[str, str]:
    """Return what a target has that has an entry whole: digests by tag, and referrers without a tag by themselves."""
    return {entry.tag: entry.digest, **{one.tag or one.digest: one.digest for one in attached(entry)}}


def copy(
    entry: Entry,
    source: Source,
    target: Target,
    pool: Executor,
    platforms: Iterable[str] = (),
    admitted: Collection[str] = (),
) -> Tally:
    """Copy an entry, and return what was done; a target that has it whole costs a look at its tags.

    Raises one of MirrorFailed; the tag of the entry is published only after everything else. Images that are
    ``admitted`` may hold what looks like a secret.
    """
    tally = Tally()
    found = state(entry, target)
    if found == wanted(entry):
        return tally
    check_platforms(entry.reference, entry.platforms, tuple(platforms))
    if pinned(entry).tag:
        still_named(source, pinned(entry))
    root = _manifest(source, entry.digest)
    below = children(source, root)
    if disclosed.name(entry) not in admitted:
        disclosed.refuse(entry, source, (root, *below), target.session)
    referring = [(one, _manifest(source, one.digest)) for one in attached(entry)]
    blobs = {blob.digest: blob for one in (root, *below, *(x for _, x in referring)) for blob in one.blobs()}
    _all(pool, target, source, blobs.values(), tally)
    for manifest in (*reversed(below), root):
        target.put(manifest)
    for one, manifest in referring:
        if not found[one.tag or one.digest]:
            target.put(manifest, one.tag)
    if not found[entry.tag]:
        target.put(root, entry.tag)
    return tally


def _manifest(source: Source, digest: str) -> Manifest:
    found = source.manifest(digest)
    if found is None:
        what = f"{source} does not have {digest}, which the lock names"
        raise RegistryFailed(what, "nothing of it was copied", "it was withdrawn: ask the publisher, or lock again")
    return found


def _all(pool: Executor, target: Target, source: Source, blobs: Iterable[Descriptor], tally: Tally) -> None:
    """Have all blobs, the largest first; the first failure is raised when the others have ended."""
    largest = sorted(blobs, key=lambda one: (-one.size, one.digest))
    waiting = [pool.submit(target.take, blob, source, tally) for blob in largest]
    failed = [error for error in (one.exception() for one in waiting) if error is not None]
    if failed:
        raise failed[0]
