"""A stock registry as the mirror: what the client takes for the protocol is what others take for it too."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import time

import pytest
from site_of_tests import PAUSE

from airgap.lab.packages import installed
from airgap.oci import transfer
from airgap.oci.content import Descriptor, digest_of
from airgap.oci.mirror import Mirror, raised
from airgap.oci.network import Network, Route
from airgap.oci.registry import Repository
from airgap.oci.session import Clock
from airgap.rehearsal.authority import Authority

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        shutil.which("docker-registry") is None and os.geteuid() != 0, reason="only root installs docker-registry"
    ),
]
CONFIG = """version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: "127.0.0.1:{port}", tls: {{certificate: {pem}, key: {pem}}}}}
log: {{level: error, accesslog: {{disabled: true}}}}
"""


@pytest.fixture
def mirror(site):
    installed("docker-registry", tell=print)
    authority = Authority(site.folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = site.folder / "config.yml"
    config.write_text(CONFIG.format(folder=site.folder, port=port, pem=authority.issue(["localhost"])))
    with (site.folder / "log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log)
    network = Network(site.route, Route(ca_pem=authority.pem), lambda host: host == "localhost")
    one = Mirror(f"localhost:{port}", str, site.repository, network, clock=Clock(sleep=lambda _: None))
    try:
        _until_it_listens(port)
        yield one
    finally:
        network.close()
        process.terminate()
        process.wait()


def _until_it_listens(port):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("docker-registry does not listen")


def test_it_is_a_mirror_like_any_other(site, mirror):
    big = site.publish(random.Random(1).randbytes(5_000_000))
    lock = site.resolve(PAUSE, big)
    site.fault("oci:GetDownloadUrlForLayer", "DiesMidBlob", times=2)
    for copied in ([2, 9], [0, 0]):
        outcomes = mirror.copy(lock)
        raised(outcomes)
        assert [outcome.tally.copied for outcome in outcomes] == copied
    assert [row.action for row in mirror.plan(lock)] == ["done", "done"]
    raised(site.mirror.save(lock, site.folder / "images.tar"))
    assert [outcome.tally.copied for outcome in mirror.load(site.folder / "images.tar")] == [0, 0]


def test_an_upload_that_broke_off_begins_again_or_goes_on(site, mirror, monkeypatch):
    data = random.Random(2).randbytes(3_000_000)
    blob = Descriptor(digest_of(data), len(data), "application/octet-stream")
    target = Repository(mirror.session(mirror.registry), "mirror/broken")
    send, starts = Repository.send, []

    def broken_once(self, place, pieces, start, length):
        starts.append(start)
        return send(self, place, cut(pieces) if len(starts) == 1 else pieces, start, length)

    def cut(pieces):
        yield next(pieces)
        raise OSError("cut")

    class Held:
        def read(self, digest, start=0):
            yield data[start : start + 1_000_000]
            yield data[start + 1_000_000 :]

    monkeypatch.setattr(Repository, "send", broken_once)
    transfer.copy(Held(), target, blob)
    assert len(starts) == 2
    assert b"".join(target.read(blob.digest, 1_000)) == data[1_000:]
    assert Repository(target.session, "mirror/other").mount(blob.digest, "mirror/broken")
