"""What faults make of a manifest: it names something else, lacks a platform, or is not what its digest says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from airgap.rehearsal.registry.blobs import digest_of
from airgap.rehearsal.registry.routing import Manifest


def _again(document: dict[str, Any], media_type: str) -> Manifest:
    body = json.dumps(document).encode()
    return Manifest(digest_of(body), media_type, body)


def _moved(manifest: Manifest) -> Manifest:
    """The tag names something else now."""
    document = json.loads(manifest.body)
    return _again({**document, "annotations": {"org.opencontainers.image.revision": "moved"}}, manifest.media_type)


def _without_platform(manifest: Manifest) -> Manifest:
    """The index has lost its last platform."""
    document = json.loads(manifest.body)
    if "manifests" not in document:
        return manifest
    return _again({**document, "manifests": document["manifests"][:-1]}, manifest.media_type)


def _mislabelled(manifest: Manifest) -> Manifest:
    """Bytes that are not those of the digest in the header."""
    return Manifest(manifest.digest, manifest.media_type, manifest.body + b"\n")


TWISTED: dict[str, Callable[[Manifest], Manifest]] = {
    "MovedTag": _moved,
    "MissingPlatform": _without_platform,
    "WrongDigest": _mislabelled,
}
