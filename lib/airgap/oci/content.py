"""Manifests, indexes and descriptors of the OCI image specification, and Docker's older forms of the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from airgap.errors import BrokenContent
from airgap.oci.reference import DIGEST

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEXES = (OCI_INDEX, "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = (OCI_MANIFEST, "application/vnd.docker.distribution.manifest.v2+json")
ACCEPT = ", ".join((*INDEXES, *MANIFESTS))
# Registries keep manifests up to 4 MiB (distribution specification, "Pushing Manifests").
MANIFEST_LIMIT = 4 << 20


def digest_of(data: bytes) -> str:
    """Return the digest of bytes, such as ``sha256:0a1b...``."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass(frozen=True)
class Descriptor:
    """What a manifest says of something that it names: digest, size in bytes, media type, platform (linux/arm64)."""

    digest: str
    size: int
    media_type: str
    platform: str = ""
    artifact_type: str = ""

    @classmethod
    def read(cls, data: Mapping[str, Any], where: str) -> Descriptor:
        """Return the descriptor in a document; BrokenContent, naming ``where``, for one without digest or size."""
        platform = data.get("platform") or {}
        parts = [str(platform[part]) for part in ("os", "architecture", "variant") if platform.get(part)]
        digest, size = data.get("digest"), data.get("size")
        if not isinstance(digest, str) or not DIGEST.fullmatch(digest) or not isinstance(size, int) or size < 0:
            raise BrokenContent(
                f"{where} names something without a sha256 digest and a size: {json.dumps(data)[:200]}",
                "nothing of it was published",
                "ask the publisher for a correct manifest",
            )
        return cls(digest, size, str(data.get("mediaType", "")), "/".join(parts), str(data.get("artifactType", "")))


@dataclass(frozen=True)
class Manifest:
    """A manifest or index: the bytes as they are in the registry, and the digest that these bytes have."""

    digest: str
    media_type: str
    body: bytes

    @classmethod
    def verified(cls, body: bytes, media_type: str, digest: str, where: str) -> Manifest:
        """Return the manifest if its bytes have the digest; BrokenContent otherwise. No digest: whatever they have."""
        actual = digest_of(body)
        if digest and actual != digest:
            raise BrokenContent(
                f"{where} gave a manifest whose digest is {actual}, not {digest}",
                "nothing of it was published",
                "the registry, or something on the way, altered it: do not use it; ask the publisher",
            )
        return cls(actual, media_type, body)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The parsed bytes; BrokenContent where they are not a JSON object."""
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise BrokenContent(f"the manifest {self.digest} is not a JSON object", "nothing of it was published")
        return found

    @property
    def is_index(self) -> bool:
        """Whether it names manifests of platforms rather than layers."""
        return self.media_type in INDEXES

    @property
    def kind(self) -> str:
        """What it is, where it is an artifact and no image: its artifact type, or the media type of its config."""
        return str(self.document.get("artifactType") or self.document.get("config", {}).get("mediaType", ""))

    @property
    def descriptor(self) -> Descriptor:
        """What a manifest that names this one says of it."""
        return Descriptor(self.digest, len(self.body), self.media_type, artifact_type=self.kind)

    def children(self) -> list[Descriptor]:
        """Return the manifests that an index names."""
        return (
            [Descriptor.read(one, self.digest) for one in self.document.get("manifests", [])] if self.is_index else []
        )

    def blobs(self) -> list[Descriptor]:
        """Return the config and layers that a manifest names, each once; an index names none."""
        if self.is_index:
            return []
        named = [self.document.get("config", {}), *self.document.get("layers", [])]
        return list({one.digest: one for one in (Descriptor.read(entry, self.digest) for entry in named)}.values())
