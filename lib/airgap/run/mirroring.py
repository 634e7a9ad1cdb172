"""The mirror of an environment, as the steps of a run and the commands use it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airgap import params
from airgap.cloud.binding import bind, check_world
from airgap.cloud.recorder import Recorder
from airgap.cloud.session import Clock, Cloud
from airgap.errors import AirgapError, UsageError
from airgap.evidence.journal import JournalFile
from airgap.evidence.pages import PageFolder
from airgap.model.intent import Intent
from airgap.model.mirror import Entry, Lock, registry, repository
from airgap.model.redaction import Redactor
from airgap.oci import session
from airgap.oci.archive import Archive
from airgap.oci.lockfile import signed
from airgap.oci.mirror import Mirror, Outcome, raised
from airgap.oci.planning import COPY
from airgap.oci.records import Records
from airgap.oci.ways import network
from airgap.run import locking, pinned
from airgap.run.context import SECRET_VARIABLES, reports_root, stamp

Progress = Callable[[str, str], None]
PLATFORMS = {"AL2023_x86_64_STANDARD": "linux/amd64", "AL2023_ARM_64_STANDARD": "linux/arm64"}
"""What an image must be made for, by the machine image of the nodes that run it."""


def mirror_of(cloud: Cloud, intent: Intent) -> Mirror:
    """Return the mirror of an environment, which asks as the cloud's caller and records where the cloud records."""
    recorder, clock = cloud.recorder, cloud.clock
    place = cloud.world, cloud.account, cloud.region
    return Mirror(
        registry(intent),
        cloud.registry_token,
        lambda entry: repository(intent, entry),
        network(cloud.world, registry(intent)),
        Records(recorder.journal.append, recorder.pages.keep, *place, recorder.now, recorder.hidden),
        session.Clock(clock.now, clock.sleep),
        cloud.stop,
        platforms(intent),
        admitted=admitted(intent, stamp(clock)[:10]),
        signers=intent.images.signers,
    )


def admitted(intent: Intent, today: str) -> frozenset[str]:
    """Return the images that an exception in force lets hold what looks like a secret."""
    held = (one for one in intent.exceptions if one.property == "KEY-02" and one.created <= today <= one.expires)
    return frozenset(one.resource for one in held)


def platforms(intent: Intent) -> tuple[str, ...]:
    """Return the platforms that every image must have: those of the node groups."""
    return tuple(sorted({PLATFORMS[group.ami_type] for group in intent.cluster.node_groups}))


def copy(mirror: Mirror, entries: Iterable[Entry]) -> None:
    """Copy what the mirror lacks of some entries; raises what went wrong."""
    raised(mirror.copy(Lock(tuple(entries))))


@dataclass(frozen=True)
class Site:
    """An environment's mirror as a command works on it; what it asks and does is journalled beside the runs."""

    root: Path
    intent: Intent
    mirror: Mirror
    progress: Progress

    @classmethod
    def open(cls, env: str, progress: Progress, *, inside: bool) -> Site:
        """Return the mirror of an environment; ``inside`` proves account and caller first, which a lock needs not."""
        root = params.project_root()
        intent = params.load(env, root)
        check_world(intent.world)
        clock, folder = Clock(), reports_root(root) / intent.environment / "mirror"
        journal = JournalFile(folder / "journal.ndjson", lambda: stamp(clock))
        pages = PageFolder(folder / "observations")
        redactor = Redactor([os.environ[name] for name in SECRET_VARIABLES if os.environ.get(name)])
        recorder = Recorder(journal, pages, lambda: stamp(clock), redactor)
        cloud = Cloud(intent.account, intent.region, intent.world, recorder, clock)
        caller = bind(intent, cloud, pages.load).as_data() if inside else {}
        journal.append("open", {"mirror": intent.environment, "caller": caller})
        mirror = mirror_of(cloud, intent)
        mirror.told = lambda entry, text: progress(entry.reference, text)
        return cls(root, intent, mirror, progress)

    @property
    def locked(self) -> Lock:
        """The lock as it is reviewed in git."""
        return Lock.from_data(pinned.read_lock(self.root, self.intent))

    def lock(self) -> dict[str, Any]:
        """Lock anew, and return what differs from the lock before."""
        file = pinned.lock_file(self.root, self.intent.environment)
        before = {one.reference: one.digest for one in self.locked.entries} if file.exists() else {}
        entries = locking.lock(self.root, self.intent, self.mirror, self.progress).entries
        after = {one.reference: one.digest for one in entries}
        changes = [
            {"image": name, "before": before.get(name, ""), "after": after.get(name, "")}
            for name in sorted({*before, *after})
            if before.get(name) != after.get(name)
        ]
        return {"env": self.intent.environment, "file": f"params/{file.name}", "images": len(after), "changes": changes}

    def plan(self) -> dict[str, Any]:
        """Return what a copy would do and why, a row for each entry."""
        lock = self.locked
        rows = [
            {
                "image": entry.reference, "action": row.action, "why": row.why, "for": entry.component,
                "to": row.target, "digest": row.digest, "size": entry.size, "platforms": list(entry.platforms),
                "attached": list(entry.signatures), "signed": signed(entry), "signed_by": row.signer,
            }
            for entry, row in zip(lock.entries, self.mirror.plan(lock), strict=True)
        ]  # fmt: skip
        size = sum(int(str(row["size"])) for row in rows if row["action"] == COPY)
        return {"env": self.intent.environment, "registry": registry(self.intent), "images": rows, "size": size}

    def copy(self) -> dict[str, Any]:
        """Copy what the mirror lacks, from the sources."""
        return self._ended(self.mirror.copy(self.locked))

    def save(self, file: Path) -> dict[str, Any]:
        """Fetch the whole lock into a file, and return that with its SHA-256, to be compared where it arrives."""
        told = self._ended(self.mirror.save(self.locked, file), file.name)
        if told["exit_code"] == 0:
            with file.open("rb") as stream:
                told["sha256"] = hashlib.file_digest(stream, "sha256").hexdigest()
            told.update(file=str(file), size=file.stat().st_size)
        return told

    def load(self, file: Path) -> dict[str, Any]:
        """Copy what the mirror lacks from a saved file; what is in it and not in the lock is refused."""
        if not file.is_file():
            raise UsageError(f"{file} is no file", "anything", "name a file of 'airgap mirror save'")
        reviewed = {(one.source, one.tag, one.digest) for one in self.locked.entries}
        strange = [one for one in Archive(file).lock.entries if (one.source, one.tag, one.digest) not in reviewed]
        if strange:
            named = ", ".join(f"{one.reference}@{one.digest}" for one in strange)
            what = f"{file} holds what the lock of {self.intent.environment} does not: {named}"
            raise AirgapError(what, "the mirror", "save the file again from the lock that was reviewed")
        return self._ended(self.mirror.load(file))

    def _ended(self, outcomes: Iterable[Outcome], target: str = "") -> dict[str, Any]:
        """Say what became of each entry; the exit code is the gravest: 1 before 3."""
        rows, codes = [], {0}
        for one in outcomes:
            rows.append(
                {
                    "image": one.entry.reference,
                    "state": "failed" if one.error else "copied" if one.tally.copied or one.tally.mounted else "there",
                    "to": target or one.target,
                    "digest": one.entry.digest,
                    "blobs": one.tally.copied,
                    "bytes": one.tally.size,
                    "error": one.error.diagnostics() if one.error else "",
                }
            )
            codes |= {one.error.exit_code} if one.error else set()
        code = next((one for one in (1, 3) if one in codes), 0)
        return {"env": self.intent.environment, "images": rows, "exit_code": code}
