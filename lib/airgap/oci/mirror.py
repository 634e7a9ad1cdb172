"""The mirror: what commands and notebooks call to lock, plan, copy, save and load images and charts."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from airgap.errors import AirgapError, BrokenContent, MirrorFailed, RegistryFailed
from airgap.model.intent import Signer
from airgap.model.mirror import Entry, Lock
from airgap.oci import copying, planning, signatures
from airgap.oci.archive import Archive, FromArchive
from airgap.oci.copying import IntoRepository, Tally, Target, Whereabouts
from airgap.oci.layout import Folder, pack
from airgap.oci.lockfile import archive_of, pinned, resolve
from airgap.oci.network import Network
from airgap.oci.planning import Row
from airgap.oci.records import Records
from airgap.oci.reference import Reference
from airgap.oci.registry import Repository
from airgap.oci.session import Clock, Session
from airgap.oci.signin import Basic, SignIn
from airgap.oci.transfer import Incoming, Source

IMAGES_AT_ONCE, BLOBS_AT_ONCE = 4, 8
# Helm reads no larger archive: helm.sh/helm/v3/pkg/chart/loader.
LARGEST_CHART = 100 << 20
_FOLDERS = "blobs/sha256"


@dataclass(frozen=True)
class Outcome:
    """What became of one entry: what was done, or the error that ended it (the others go on)."""

    entry: Entry
    target: str
    tally: Tally
    error: AirgapError | None = None


def unheard(entry: Entry, text: str) -> None:
    """Tell nobody."""


@dataclass
class Mirror:
    """A private registry as the mirror of what a lock names.

    ``admitted`` names images, as ``image:registry.k8s.io/pause``, that may hold what looks like a secret. What a key of
    ``signers`` is approved for is neither locked, planned nor copied without its signature.
    ``token`` gives ECR's authorization token (base64, as GetAuthorizationToken does) and is asked again when it has
    expired; ``repository`` names the repository of an entry; ``platforms`` must be in every image; ``told`` hears of
    each entry when it begins and what became of it.
    """

    registry: str
    token: Callable[[], str]
    repository: Callable[[Entry], str]
    network: Network = field(default_factory=Network)
    records: Records = Records()
    clock: Clock = field(default_factory=Clock)
    stop: threading.Event = field(default_factory=threading.Event)
    platforms: tuple[str, ...] = ()
    sign_ins: dict[str, SignIn] = field(default_factory=dict)
    told: Callable[[Entry, str], None] = unheard
    admitted: frozenset[str] = frozenset()
    signers: tuple[Signer, ...] = ()
    _seen: Whereabouts = field(default_factory=Whereabouts)
    _sessions: dict[str, Session] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def session(self, host: str) -> Session:
        """Return the session with a registry; sources without credentials of their own are asked as anybody."""
        with self._lock:
            if host not in self._sessions:
                sign_in = Basic(self.token) if host == self.registry else self.sign_ins.get(host)
                self._sessions[host] = Session(host, self.network, sign_in, self.records, self.clock, self.stop)
            return self._sessions[host]

    def source(self, reference: Reference) -> Repository:
        """Return the repository that a reference names, at its origin."""
        return Repository(self.session(reference.endpoint), reference.repository)

    def target(self, entry: Entry) -> Repository:
        """Return the repository of the mirror that an entry goes into."""
        return Repository(self.session(self.registry), self.repository(entry))

    def resolve(self, references: Mapping[str, str]) -> Lock:
        """Return the lock of references as their registries have them now; each maps to the component that it is for.

        The first that cannot be had is raised: half a lock would be none.
        """
        wanted = sorted((Reference.parse(text), component) for text, component in references.items())
        with ThreadPoolExecutor(IMAGES_AT_ONCE) as pool:
            found = list(pool.map(lambda one: resolve(self.source(one[0]), one[0], one[1], self.platforms), wanted))
        signatures.signers(found, self.signers)
        return Lock(tuple(sorted(found, key=lambda entry: (entry.source, entry.tag))))

    def archive(self, entry: Entry) -> bytes:
        """Return the archive of a locked chart from its source; BrokenContent where it is another one by now."""
        source = self.source(pinned(entry))
        manifest = source.manifest(entry.digest)
        if manifest is None:
            what = f"{entry.reference} is not at its source any more as {entry.digest}"
            raise RegistryFailed(what, "nothing was written", "lock it again, and review what changed")
        blob = archive_of(manifest)
        if blob.digest != entry.archive or blob.size > LARGEST_CHART:
            what = f"{entry.reference} has the archive {blob.digest} ({blob.size} bytes); the lock has {entry.archive}"
            raise BrokenContent(what, "nothing was written", "lock it again, and review what changed")
        return b"".join(Incoming(source, blob, source.session).pieces())

    def plan(self, lock: Lock) -> list[Row]:
        """Return what copying would do, a row for each entry, without writing anything; ``Unsigned`` before any row."""
        signer = signatures.signers(lock.entries, self.signers)
        with ThreadPoolExecutor(BLOBS_AT_ONCE) as pool:
            return list(pool.map(lambda one: planning.row(one, self._into(one), signer[one.reference]), lock.entries))

    def copy(self, lock: Lock) -> list[Outcome]:
        """Copy what the mirror lacks of a lock, from the sources."""
        return self._each(lock, lambda one: self.source(pinned(one)), self._into)

    def save(self, lock: Lock, file: Path) -> list[Outcome]:
        """Fetch a lock into a file; where an entry cannot be had there is no file, and another run goes on."""
        folder = file.with_name(f".{file.name}.blobs")
        (folder / _FOLDERS).mkdir(parents=True, exist_ok=True)
        session = self.session(self.registry)
        outcomes = self._each(lock, lambda one: self.source(pinned(one)), lambda one: Folder(folder, one, session))
        if not any(outcome.error for outcome in outcomes):
            pack(folder, lock, file, session)
            shutil.rmtree(folder)
        return outcomes

    def load(self, file: Path) -> list[Outcome]:
        """Copy what the mirror lacks of a saved file; the lock in the file says what that is."""
        archive = Archive(file)
        return self._each(archive.lock, lambda one: FromArchive(archive, one), self._into)

    def _into(self, entry: Entry) -> IntoRepository:
        return IntoRepository(self.target(entry), self._seen)

    def _each(self, lock: Lock, source: Callable[[Entry], Source], target: Callable[[Entry], Target]) -> list[Outcome]:
        with ThreadPoolExecutor(BLOBS_AT_ONCE) as blobs, ThreadPoolExecutor(IMAGES_AT_ONCE) as images:

            def one(entry: Entry) -> Outcome:
                where = target(entry)
                self.told(entry, "begun")
                try:
                    signatures.signers((entry,), self.signers)
                    tally = copying.copy(entry, source(entry), where, blobs, self.platforms, self.admitted)
                except AirgapError as error:
                    self.told(entry, f"failed: {error.what}")
                    return Outcome(entry, f"{where}:{entry.tag}", Tally(), error)
                self.told(entry, f"{tally.copied} blobs copied, {tally.mounted + tally.present} there")
                return Outcome(entry, f"{where}:{entry.tag}", tally)

            try:
                return list(images.map(one, lock.entries))
            except KeyboardInterrupt:
                self.stop.set()
                raise


def raised(outcomes: Iterable[Outcome]) -> None:
    """Raise the error of the outcomes that weighs most, saying how many there are; nothing where there is none."""
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if not failed:
        return
    errors = [outcome.error for outcome in failed if outcome.error is not None]
    first = min(errors, key=lambda error: error.exit_code)
    others = [f"{one.entry.reference}: {one.error.what}" for one in failed if one.error not in (None, first)]
    what = "\n".join([first.what, *others])
    raise type(first)(what, first.unchanged, first.action) if isinstance(first, MirrorFailed) else first
