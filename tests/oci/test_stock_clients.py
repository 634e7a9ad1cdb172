"""A stock client takes the embedded registries for real ones, and the saved file for an OCI archive."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
from site_of_tests import HOST, PAUSE

from airgap.lab.packages import installed
from airgap.oci.mirror import raised

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(shutil.which("skopeo") is None and os.geteuid() != 0, reason="only root installs skopeo"),
]


@pytest.fixture
def skopeo(site):
    installed("skopeo", tell=print)
    certificates, policy = site.folder / "ca.pem", site.folder / "policy.json"
    certificates.write_text(site.route.ca_pem)
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    environment = {**os.environ, "HTTPS_PROXY": site.route.proxy, "SSL_CERT_FILE": str(certificates), "NO_PROXY": ""}

    def run(*words: str) -> str:
        command = ["skopeo", "--policy", str(policy), *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def credentials(site):
    import base64

    return base64.b64decode(site.token()).decode()


def test_skopeo_copies_from_a_stand_in_into_the_registry(site, skopeo):
    site.ecr.create_repository(repositoryName="stock/busybox")
    digest = site.resolve("busybox:1.37.0").entries[0].digest
    words = ("copy", "--all", "--preserve-digests", "--dest-creds", credentials(site))
    skopeo(*words, f"docker://docker.io/library/busybox@{digest}", f"docker://{HOST}/stock/busybox:1.37.0")
    details = site.ecr.describe_images(repositoryName="stock/busybox")["imageDetails"]
    assert {tag: one["imageDigest"] for one in details for tag in one.get("imageTags", [])} == {"1.37.0": digest}
    assert len(details) == 3


def test_skopeo_reads_what_the_mirror_copied(site, skopeo):
    lock = site.locked(PAUSE)
    raised(site.mirror.copy(lock))
    name = f"docker://{HOST}/{site.repository(lock.entries[0])}:3.10"
    shown = json.loads(skopeo("inspect", "--creds", credentials(site), "--raw", name))
    assert {one["platform"]["architecture"] for one in shown["manifests"]} == {"amd64", "arm64"}
    skopeo("copy", "--all", "--src-creds", credentials(site), name, f"dir:{site.folder}/out")
    assert len(list((site.folder / "out").iterdir())) == 8  # an index, a version, two manifests, two configs and layers


def test_skopeo_reads_the_saved_file(site, skopeo):
    lock, file = site.locked(PAUSE), site.folder / "images.tar"
    raised(site.mirror.save(lock, file))
    shown = json.loads(skopeo("inspect", "--raw", f"oci-archive:{file}:{PAUSE}"))
    assert len(shown["manifests"]) == 2
    skopeo("copy", "--all", f"oci-archive:{file}:{PAUSE}", f"dir:{site.folder}/out")


def test_the_benchmark_compares_like_with_like():
    import bench_mirror

    figures = bench_mirror.measure(images=1, layers=2, mebibytes=1)
    assert set(figures) >= {"cold", "warm", "save", "skopeo cold", "skopeo warm"}
