"""What the stand-ins have: small, of our own, the same bytes each time, so that digests in a lock file stay true.

An image is an index for two platforms with what a careful publisher adds: a signature under the tag
``sha256-....sig``, and an SBOM and an attestation that refer to it. Nothing in them can run. The rehearsal's charts are
there too, signed alike, under ``ghcr.io/airgap-rehearsal/charts``.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from airgap.rehearsal.registry import charts
from airgap.rehearsal.registry.blobs import digest_of
from airgap.rehearsal.registry.protocol import INDEX, Manifest

PLATFORMS = ("linux/amd64", "linux/arm64")
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_EMPTY = b"{}"
CHARTS = "ghcr.io", "airgap-rehearsal/charts/"
"""Host and path under which the rehearsal's charts are published."""
# Not a secret: whoever has the source of a rehearsal may sign its images.
_SIGNER = hashlib.sha256(b"signer of the rehearsal's images").digest()


@dataclass(frozen=True)
class Item:
    """One manifest with the blobs that it names, and its tag where it has one."""

    manifest: Manifest
    contents: list[bytes]
    tag: str | None = None


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    text = resources.files("airgap.rehearsal.tables").joinpath("public_images.json").read_text()
    table: dict[str, dict[str, list[str]]] = json.loads(text)
    return table


def tags(host: str, repository: str) -> list[str]:
    """Return the tags that a stand-in always has of a repository; none where it has no such repository."""
    name = _chart(host, repository)
    return [str(charts.metadata(name)["version"])] if name else _table().get(host, {}).get(repository, [])


def _chart(host: str, repository: str) -> str:
    """Return the name of the chart that a repository holds, '' where it holds none."""
    name = repository.removeprefix(CHARTS[1]) if host == CHARTS[0] and repository.startswith(CHARTS[1]) else ""
    return name if name in charts.names() else ""


def published(host: str, repository: str, tag: str) -> list[Item]:
    """Return what a stand-in has under a tag, in the order of pushing."""
    name = _chart(host, repository)
    return chart(name, f"{host}/{repository}", tag) if name else image(f"{host}/{repository}", tag)


def chart(name: str, source: str, tag: str) -> list[Item]:
    """Return a chart of the rehearsal as Helm pushes it, and its signature."""
    titled = {"org.opencontainers.image.title": name, "org.opencontainers.image.version": tag}
    layers = [(charts.LAYER, charts.archive(name))]
    item = artifact("", layers, config=(charts.CONFIG, charts.config(name)), annotations=titled)
    return [replace(item, tag=tag), signature(source, item.manifest)]


def image(name: str, tag: str) -> list[Item]:
    """Return the image of a name and tag in the order of pushing: platforms, index, signature, SBOM, attestation."""
    return published_as(name, tag, {platform: _platform(name, tag, platform) for platform in PLATFORMS})


def published_as(name: str, tag: str, platforms: Mapping[str, Item], packages: Sequence[str] = ()) -> list[Item]:
    """Return images of platforms (``linux/amd64``) in the order of pushing, with index, signature, SBOM, attestation.

    ``packages`` is what the SBOM says is in them, as ``name=version``.
    """
    entries = [
        {**_descriptor(one.manifest), "platform": dict(zip(("os", "architecture"), platform.split("/"), strict=True))}
        for platform, one in platforms.items()
    ]
    whole = index(entries, tag)
    about = _about(name, tag, whole.manifest, packages)
    return [*platforms.values(), whole, signature(name, whole.manifest), *about]


def index(entries: list[dict[str, Any]], tag: str) -> Item:
    """Return an index over descriptors."""
    return Item(_manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}, INDEX), [], tag)


def artifact(kind: str, layers: list[tuple[str, bytes]], *, config: tuple[str, bytes] = ("", b""),
             annotations: dict[str, str] | None = None, subject: Manifest | None = None) -> Item:  # fmt: skip
    """Return a manifest of an artifact type over layers of (media type, bytes)."""
    config_type, settings = config if config[0] else ("application/vnd.oci.empty.v1+json", _EMPTY)
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        **({"artifactType": kind} if kind else {}),
        "config": _blob(config_type, settings),
        "layers": [_blob(media_type, content) for media_type, content in layers],
        **({"subject": _descriptor(subject)} if subject else {}),
        **({"annotations": annotations} if annotations else {}),
    }
    return Item(_manifest(document, _MANIFEST), [settings, *(content for _, content in layers)])


def _platform(name: str, tag: str, platform: str) -> Item:
    layer = tar_of({"etc/rehearsal-image": f"{name}:{tag} {platform}\n".encode(), "etc/os-release": b"ID=rehearsal\n"})
    started = {"User": "65532", "Entrypoint": ["/" + name.rpartition("/")[2]], "Labels": {"version": tag}}
    return platform_image(platform, [layer], started)


def platform_image(platform: str, layers: Sequence[bytes], started: Mapping[str, Any]) -> Item:
    """Return the image of one platform over layers that are tars; ``started`` is its config: user, entry point."""
    system, architecture = platform.split("/")
    settings = {
        "architecture": architecture,
        "os": system,
        "created": "2026-01-01T00:00:00Z",
        "config": dict(started),
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer) for layer in layers]},
    }
    config = ("application/vnd.oci.image.config.v1+json", _json(settings))
    return artifact("", [("application/vnd.oci.image.layer.v1.tar", layer) for layer in layers], config=config)


def signature(name: str, index: Manifest) -> Item:
    """Return a signature as cosign 2 stores it: the payload as a layer, under a tag that names the signed digest."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    critical = {
        "identity": {"docker-reference": name},
        "image": {"docker-manifest-digest": index.digest},
        "type": "cosign container image signature",
    }
    payload = _json({"critical": critical, "optional": None})
    signed = base64.b64encode(Ed25519PrivateKey.from_private_bytes(_SIGNER).sign(payload)).decode()
    layer = _blob("application/vnd.dev.cosign.simplesigning.v1+json", payload)
    layer["annotations"] = {"dev.cosignproject.cosign/signature": signed}
    config = _json({"architecture": "", "os": "", "rootfs": {"type": "layers", "diff_ids": [digest_of(payload)]}})
    document = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _blob("application/vnd.oci.image.config.v1+json", config),
        "layers": [layer],
    }
    return Item(_manifest(document, _MANIFEST), [config, payload], index.digest.replace(":", "-") + ".sig")


def _about(name: str, tag: str, index: Manifest, packages: Sequence[str]) -> list[Item]:
    """An SBOM and an attestation that refer to the index."""
    held = [dict(zip(("name", "versionInfo"), one.split("=", 1), strict=True)) for one in packages]
    sbom = {"spdxVersion": "SPDX-2.3", "name": f"{name}:{tag}", "packages": held}
    subject = [{"name": name, "digest": {"sha256": index.digest.removeprefix("sha256:")}}]
    provenance = {"_type": "https://in-toto.io/Statement/v1", "subject": subject}
    kinds = {"application/spdx+json": sbom, "application/vnd.in-toto+json": provenance}
    return [artifact(kind, [(kind, _json(document))], subject=index) for kind, document in kinds.items()]


def tar_of(files: Mapping[str, bytes], programs: Mapping[str, bytes] | None = None) -> bytes:
    """Return an archive that is not compressed: what a compressor makes differs from one release to the next.

    ``programs`` are files that may be executed.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in {**files, **(programs or {})}.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o755 if path in (programs or {}) else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _json(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _blob(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _descriptor(manifest: Manifest) -> dict[str, Any]:
    return {"mediaType": manifest.media_type, "digest": manifest.digest, "size": len(manifest.body)}


def _manifest(document: dict[str, Any], media_type: str) -> Manifest:
    body = _json(document)
    return Manifest(digest_of(body), media_type, body)
