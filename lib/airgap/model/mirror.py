"""What is mirrored: the lock file's entries, and where each stands in the environment's own registry.

The lock file ``params/ENV.images.json`` pins every image and chart by digest, sorted by source and tag:
``{"schema": "airgap/images/v1", "entries": [{"kind", "source", "tag", "digest", "platforms", "size", "signatures",
"archive", "claims", "for"}]}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from airgap.model import names
from airgap.model.intent import Intent

SCHEMA = "airgap/images/v1"
IMAGE, CHART = "image", "chart"
# Docker Hub answers under this name and is written under others.
_DOCKER = ("docker.io", "index.docker.io", "registry-1.docker.io")


@dataclass(frozen=True)
class Claim:
    """What a signature in cosign's form signs, as text, and the signature over it, in base64."""

    payload: str
    signature: str

    def as_data(self) -> dict[str, str]:
        """Return the claim as JSON data."""
        return {"payload": self.payload, "signature": self.signature}


@dataclass(frozen=True)
class Entry:
    """One image or chart of the lock: where it comes from, its digest, and what it is for."""

    kind: str
    source: str
    tag: str
    digest: str
    platforms: tuple[str, ...] = ()
    size: int = 0
    signatures: tuple[str, ...] = ()
    component: str = ""
    archive: str = ""
    """Of a chart: the digest of its archive, which is its only layer."""
    claims: tuple[Claim, ...] = ()
    """What its signatures say, so that whoever has an approved key can judge them without the registry."""

    @property
    def reference(self) -> str:
        """The reference as manifests write it, as ``registry.k8s.io/pause:3.10``."""
        return f"{self.source}:{self.tag}"

    def as_data(self) -> dict[str, Any]:
        """Return the entry as JSON data, in the form of the lock file."""
        lists = {"platforms": list(self.platforms), "signatures": list(self.signatures)}
        named = {"kind": self.kind, "source": self.source, "tag": self.tag, "digest": self.digest}
        claims = [one.as_data() for one in self.claims]
        return {**named, **lists, "size": self.size, "archive": self.archive, "claims": claims, "for": self.component}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Entry:
        """Return the entry of a lock file, an older one without claims; missing or unknown members: ``ValueError``."""
        known = {"kind", "source", "tag", "digest", "platforms", "size", "signatures", "archive", "for"}
        if set(data) - {"claims"} != known:
            raise ValueError(f"members {sorted((set(data) - {'claims'}) ^ known)} of an entry are missing or unknown")
        plain = {name: data[name] for name in ("kind", "source", "tag", "digest", "size", "archive")}
        lists: dict[str, Any] = {name: tuple(data[name]) for name in ("platforms", "signatures")}
        claims = tuple(Claim(**one) for one in data.get("claims", ()))
        return cls(**plain, **lists, component=data["for"], claims=claims)


@dataclass(frozen=True)
class Lock:
    """The entries of a lock file."""

    entries: tuple[Entry, ...]

    def find(self, reference: str) -> Optional[Entry]:
        """Return the entry that a reference in a manifest means, by tag or by digest; None where it is not locked."""
        name, _, digest = reference.partition("@")
        place, colon, tag = name.rpartition(":")
        source, tag = (place, tag) if colon and "/" not in tag else (name, "")
        for one in self.entries:
            same = canonical_source(one.source) == canonical_source(source)
            if same and (one.digest == digest if digest else one.tag == tag):
                return one
        return None

    def chart(self, component: str) -> Optional[Entry]:
        """Return the chart of a component, None where none is locked."""
        return next((one for one in self.entries if one.kind == CHART and one.component == component), None)

    def images(self) -> tuple[Entry, ...]:
        """Return the entries that are images."""
        return tuple(one for one in self.entries if one.kind == IMAGE)

    def as_data(self) -> dict[str, Any]:
        """Return the lock as JSON data, entries in their order."""
        ordered = sorted(self.entries, key=lambda one: (one.source, one.tag))
        return {"schema": SCHEMA, "entries": [one.as_data() for one in ordered]}

    @classmethod
    def recorded(cls, page: Optional[Mapping[str, Any]]) -> Lock:
        """Return the lock of a page; where there was no lock file nothing is locked."""
        return cls(()) if page is None else cls.from_data(page)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Lock:
        """Return the lock of a file; another schema raises ``ValueError``."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"schema {data.get('schema')!r} is not {SCHEMA}")
        return cls(tuple(Entry.from_data(one) for one in data.get("entries", ())))


def wanted(intent: Intent) -> bool:
    """Tell whether the params name anything that must be mirrored."""
    return bool(intent.images.charts or intent.images.extra)


def canonical_source(source: str) -> str:
    """Return a source with Docker Hub under one name.

    >>> canonical_source("busybox")
    'docker.io/library/busybox'
    """
    host, slash, path = source.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, path = "docker.io", source
    if host in _DOCKER:
        return f"docker.io/{path if '/' in path else f'library/{path}'}"
    return f"{host}/{path}"


def registry(intent: Intent) -> str:
    """Return the host name of the environment's own registry."""
    suffix = "amazonaws.com.cn" if intent.partition == "aws-cn" else "amazonaws.com"
    return f"{intent.account}.dkr.ecr.{intent.region}.{suffix}"


def repository(intent: Intent, entry: Entry) -> str:
    """Return the name of the repository of an entry in the environment's registry: the prefix and the source's path."""
    path = canonical_source(entry.source).partition("/")[2]
    return names.repository(intent, path)


def private(intent: Intent, entry: Entry) -> str:
    """Return the reference, by digest, of an entry in the environment's own registry."""
    return f"{registry(intent)}/{repository(intent, entry)}@{entry.digest}"


def repositories(intent: Intent, entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Return the entries of every repository, by its name."""
    found: dict[str, list[Entry]] = {}
    for one in entries:
        found.setdefault(repository(intent, one), []).append(one)
    return dict(sorted(found.items()))
