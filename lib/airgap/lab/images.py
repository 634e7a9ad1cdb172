"""The lab's own images: the application of the first deployment as a program that runs, and layouts to push them from.

The program is the static busybox of this machine. Images of other architectures hold no program, which their SBOM says:
they are there to be mirrored.
"""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from airgap.errors import AirgapError
from airgap.rehearsal.registry import samples
from airgap.rehearsal.registry.blobs import digest_of
from airgap.rehearsal.registry.samples import Item as Item

PACKAGES = ("busybox-static",)
BUSYBOX = Path("/bin/busybox")
_ARCHITECTURES = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
_START = 'test -n "$DATABASE_PASSWORD" || exit 1; exec /bin/busybox httpd -f -p "$PORT" -h /www'
"""Without the Secret that the manifests promise, it does not start."""


def application(source: str, tag: str, health_path: str) -> list[Item]:
    """Return an application under a name, in the order of pushing; it serves ``health_path`` and ``/`` on ``PORT``."""
    here = _ARCHITECTURES.get(platform.machine(), "")
    platforms = {one: _image(one, health_path, one == here) for one in samples.PLATFORMS}
    if here not in platforms:
        what = f"No image of the lab runs on {platform.machine()}"
        raise AirgapError(what, "anything", "use a machine with an x86-64 or ARM processor")
    return samples.published_as(source, tag, platforms, (f"busybox={_version()}", "application=1.0.0"))


def _image(name: str, health_path: str, runs: bool) -> Item:
    pages = {"www/index.html": b"<p>It works.</p>\n", f"www/{health_path.strip('/')}": b"ok\n"}
    program = {"bin/busybox": BUSYBOX.read_bytes()} if runs else {}
    layers = [samples.tar_of({}, program), samples.tar_of(pages)] if runs else [samples.tar_of(pages)]
    started = {"User": "65532", "Entrypoint": ["/bin/busybox", "sh", "-c", _START]}
    return samples.platform_image(name, layers, started)


def _version() -> str:
    done = subprocess.run([BUSYBOX, "--help"], capture_output=True, text=True, timeout=10, check=False)
    return done.stdout.split()[1].removeprefix("v") if done.stdout.startswith("BusyBox") else "unknown"


def layout(folder: Path, items: Iterable[Item]) -> list[str]:
    """Write items as an OCI image layout (image specification 1.1) and return the tags that can be pushed from it."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    named: dict[str, dict[str, Any]] = {}
    for one in items:
        for content in (one.manifest.body, *one.contents):
            (blobs / digest_of(content).removeprefix("sha256:")).write_bytes(content)
        if one.tag:
            about = {"org.opencontainers.image.ref.name": one.tag}
            named[one.tag] = {**described(one), "annotations": about}
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": list(named.values())}))
    return list(named)


def trial(folder: Path) -> Path:
    """Return a file system with nothing but a busybox, as a tar, by which an engine can show that it runs anything."""
    file = folder / "trial.tar"
    file.write_bytes(samples.tar_of({}, {"bin/busybox": BUSYBOX.read_bytes()}))
    return file


def described(one: Item) -> dict[str, Any]:
    """Return the descriptor of an item."""
    return {"mediaType": one.manifest.media_type, "digest": one.manifest.digest, "size": len(one.manifest.body)}


def complete(items: Iterable[Item]) -> list[Item]:
    """Return items with an index for each subject over what refers to it, under the tag that its digest makes.

    By that tag clients find an SBOM or attestation in a registry without the referrers API (distribution
    specification, "Referrers tag schema").
    """
    whole, found = list(items), dict[str, list[dict[str, Any]]]()
    for one in whole:
        document = json.loads(one.manifest.body)
        if "subject" in document:
            kind = {"artifactType": document["artifactType"]}
            found.setdefault(document["subject"]["digest"], []).append({**described(one), **kind})
    return [*whole, *(samples.index(entries, digest.replace(":", "-")) for digest, entries in found.items())]


def published(host: str, repository: str, tag: str) -> list[Item]:
    """Return what the rehearsal's stand-in of a public registry has under a tag; nothing in it runs."""
    return samples.published(host, repository, tag)
