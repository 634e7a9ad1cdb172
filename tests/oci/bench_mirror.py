"""What mirroring costs: cold, warm, and the same by skopeo where it is installed; ``python tests/oci/bench_mirror.py``.

The registries are an embedded AWS in a process of its own, so that CPU seconds are the client's alone.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), *(str(Path(__file__).parents[1] / x) for x in ("rehearsal",))]

from emulated import Account  # noqa: E402 - found in the folders above
from site_of_tests import HOST, Site  # noqa: E402

from airgap.oci import transfer  # noqa: E402
from airgap.oci.content import OCI_MANIFEST, Descriptor, Manifest, digest_of  # noqa: E402
from airgap.oci.lockfile import Lock  # noqa: E402
from airgap.oci.mirror import raised  # noqa: E402
from airgap.oci.registry import Repository  # noqa: E402
from airgap.rehearsal import down, up  # noqa: E402

LAYERS = (8, 128)
"""Sizes of one layer, in MiB, by which memory is compared."""


class Bytes:
    """A source that holds blobs in memory."""

    def __init__(self, *blobs: bytes) -> None:
        self.blobs = {digest_of(blob): blob for blob in blobs}

    def read(self, digest: str, start: int = 0) -> Any:
        yield self.blobs[digest][start:]


def publish(site: Site, name: str, layers: int, mebibytes: int) -> str:
    """Push an image of random layers to a stand-in over the wire, and return its reference."""
    target = Repository(site.mirror.session("quay.io"), name)
    config = b'{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}'
    blobs = [config, *(gzip.compress(os.urandom(mebibytes << 20), 0) for _ in range(layers))]
    kinds = ["application/vnd.oci.image.config.v1+json", *["application/vnd.oci.image.layer.v1.tar+gzip"] * layers]
    held = Bytes(*blobs)
    named = [Descriptor(digest_of(blob), len(blob), kind) for blob, kind in zip(blobs, kinds, strict=True)]
    for one in named:
        transfer.copy(held, target, one)
    written = [{"mediaType": one.media_type, "digest": one.digest, "size": one.size} for one in named]
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": written[0], "layers": written[1:]}
    body = json.dumps(document).encode()
    target.put(Manifest(digest_of(body), OCI_MANIFEST, body), "1.0")
    return f"quay.io/{name}:1.0"


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Return the seconds of a piece of work: wall, and CPU of this process and its children."""
    wall, before = time.perf_counter(), _cpu()
    work()
    return {"wall": round(time.perf_counter() - wall, 3), "cpu": round(_cpu() - before, 3)}


def memory(site: Site, mebibytes: int) -> float:
    """Return the most memory in MiB that Python holds while it copies an image of one layer of this size."""
    lock = site.locked(publish(site, f"bench/layer-of-{mebibytes}", 1, mebibytes))
    tracemalloc.start()
    try:
        raised(site.another().copy(lock))
        return round(tracemalloc.get_traced_memory()[1] / 2**20, 1)
    finally:
        tracemalloc.stop()


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def skopeo(site: Site, lock: Lock, folder: Path) -> None:
    """Copy a lock by skopeo, one command for each image, into repositories of its own."""
    (folder / "ca.pem").write_text(site.route.ca_pem)
    (folder / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    environment = {
        **os.environ,
        "HTTPS_PROXY": site.route.proxy,
        "SSL_CERT_FILE": str(folder / "ca.pem"),
        "NO_PROXY": "",
    }
    words = ["skopeo", "--policy", str(folder / "policy.json"), "copy", "--all", "--preserve-digests"]
    words += ["--dest-creds", base64.b64decode(site.token()).decode()]
    for entry in lock.entries:
        path = entry.reference.partition("/")[2]
        source, target = f"docker://{entry.reference}", f"docker://{HOST}/skopeo/{path}"
        done = subprocess.run([*words, source, target], env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)


def measure(images: int = 6, layers: int = 4, mebibytes: int = 4) -> dict[str, Any]:
    """Return seconds by what was done: ours cold, warm, saved and loaded; skopeo's cold and warm where it is there."""
    server = up()
    folder = Path(tempfile.mkdtemp(prefix="airgap-bench-"))
    site = Site(Account(server.url), folder)
    try:
        names = [f"bench/image-{number}" for number in range(images)]
        lock = site.locked(*(publish(site, name, layers, mebibytes) for name in names))
        figures: dict[str, Any] = {"mebibytes": round(sum(entry.size for entry in lock.entries) / 2**20)}
        figures["cold"] = timed(lambda: raised(site.another().copy(lock)))
        figures["warm"] = timed(lambda: raised(site.another().copy(lock)))
        figures["save"] = timed(lambda: raised(site.another().save(lock, folder / "images.tar")))
        figures["load, nothing to do"] = timed(lambda: raised(site.another().load(folder / "images.tar")))
        # Flat: a layer sixteen times as large costs no more of it.
        figures["memory, MiB, by MiB of a layer"] = {size: memory(site, size) for size in LAYERS}
        if shutil.which("skopeo"):
            for name in names:
                site.ecr.create_repository(repositoryName=f"skopeo/{name}")
            figures["skopeo cold"] = timed(lambda: skopeo(site, lock, folder))
            figures["skopeo warm"] = timed(lambda: skopeo(site, lock, folder))
        return figures
    finally:
        site.close()
        down(server.port)
        shutil.rmtree(folder)


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
