"""Two real registries, and between them the product's mirror, skopeo and Helm: the same bytes, or a refusal."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airgap import params
from airgap.errors import BrokenContent, Unsigned
from airgap.kube.charts import helm
from airgap.lab import images
from airgap.lab.registries import ToolFailed, tool
from airgap.model.mirror import Entry, Lock, registry
from airgap.oci.archive import Archive
from airgap.oci.mirror import raised
from airgap.oci.reference import Reference
from airgap.oci.registry import Repository
from airgap.rehearsal.registry import samples
from airgap.run import supply as supplies
from airgap.run.supply import Supply

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
IMAGE = "ghcr.io/airgap-rehearsal/application:1.0.0"
COPY = ("copy", "--all", "--preserve-digests")
REQUESTS = ("GetBlob", "SendBlob")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supply]:
    """Both registries, with the application and its signature, SBOM and attestation upstream."""
    with supplies.supply(params.load("demo"), tmp_path_factory.mktemp("registries"), print) as one:
        found = Reference.parse(IMAGE)
        one.push(images.application(found.name, found.tag, "/healthz"), found.name)
        yield one


def locked(site: Supply, *references: str) -> Lock:
    return site.mirror().resolve(dict.fromkeys(references, "tests"))


def mirrored(site: Supply, lock: Lock, prefix: str, **options: Any) -> Repository:
    """Mirror a lock of one entry under a prefix, and return where it is."""
    mirror = site.mirror(lambda entry: f"{prefix}/{Reference.parse(entry.source).repository}", **options)
    raised(mirror.copy(lock))
    return mirror.target(lock.entries[0])


def upstream(site: Supply, entry: Entry) -> Repository:
    return site.mirror().source(Reference.parse(entry.reference))


def content(where: Repository, digest: str) -> dict[str, bytes]:
    """Every manifest and blob below a digest, by digest."""
    manifest = where.manifest(digest)
    assert manifest is not None, f"{where} lacks {digest}"
    found = {digest: manifest.body}
    for child in manifest.children():
        found |= content(where, child.digest)
    return found | {one.digest: b"".join(where.read(one.digest)) for one in manifest.blobs()}


def whole(where: Repository, entry: Entry) -> dict[str, bytes]:
    """Every manifest and blob of an entry and of what refers to it."""
    found = content(where, entry.digest)
    for one in entry.signatures:
        found |= content(where, one.rpartition("@")[2])
    return found


def skopeo(site: Supply, *words: str) -> str:
    return tool(["skopeo", *words], site.tools(site.outside))


def large(site: Supply, name: str, megabytes: int = 6, seed: int = 1) -> str:
    """Publish an image with one layer of random bytes, and return its reference."""
    layer = samples.tar_of({"data": random.Random(seed).randbytes(megabytes << 20)})
    made = samples.published_as(f"ghcr.io/{name}", "1.0", {
        one: samples.platform_image(one, [layer], {"User": "65532"}) for one in samples.PLATFORMS})  # fmt: skip
    site.publish("ghcr.io", name, made)
    return f"ghcr.io/{name}:1.0"


def test_the_mirror_and_skopeo_bring_the_same_bytes(site: Supply) -> None:
    lock = locked(site, IMAGE)
    entry = lock.entries[0]
    assert len(entry.platforms) == 2
    assert len(entry.signatures) == 3
    ours = mirrored(site, lock, "ours")
    source, own = f"docker://{Reference.parse(IMAGE).name}", f"docker://{registry(site.intent)}/theirs"
    skopeo(site, *COPY, f"{source}@{entry.digest}", f"{own}:{entry.tag}")
    for name, _, digest in (one.rpartition("@") for one in entry.signatures):
        to = f":{name}" if name.endswith(".sig") else f"@{digest}"
        skopeo(site, *COPY, f"{source}@{digest}", f"{own}{to}")
    theirs = Repository(ours.session, "theirs")
    published = whole(upstream(site, entry), entry)
    assert whole(ours, entry) == published
    assert whole(theirs, entry) == published
    assert len(published) == 1 + 2 + 3 + len({one.digest for one in upstream_blobs(site, entry)})
    assert ours.digest(entry.tag) == theirs.digest(entry.tag) == entry.digest


def upstream_blobs(site: Supply, entry: Entry) -> list[Any]:
    where, found = upstream(site, entry), []
    digests = [entry.digest, *(one.rpartition("@")[2] for one in entry.signatures)]
    for digest in digests:
        manifest = where.manifest(digest)
        assert manifest is not None
        for one in (manifest, *(where.manifest(child.digest) for child in manifest.children())):
            assert one is not None
            found += one.blobs()
    return found


def test_another_tool_reads_what_the_mirror_brought_and_its_digest(site: Supply) -> None:
    lock = locked(site, IMAGE)
    where = mirrored(site, lock, "ours")
    raw = skopeo(site, "inspect", "--raw", f"docker://{where}:{lock.entries[0].tag}")
    assert samples.digest_of(raw.encode()) == lock.entries[0].digest


def test_a_chart_goes_by_helm_upstream_and_comes_by_helm_from_the_mirror(site: Supply, tmp_path: Path) -> None:
    archive = params.project_root() / "params/charts/application-1.0.0.tgz"
    env = site.tools(site.outside)
    tool([helm(), "push", archive, "oci://ghcr.io/by-helm"], env)
    reference = Reference.parse("ghcr.io/by-helm/application:1.0.0")
    with pytest.raises(Unsigned, match="no signature"):
        locked(site, str(reference))
    pushed = site.mirror().source(reference).manifest(reference.tag)
    assert pushed is not None
    signed = samples.signature(reference.name, samples.Manifest(pushed.digest, pushed.media_type, pushed.body))
    site.publish("ghcr.io", reference.repository, [signed])
    lock = locked(site, str(reference))
    entry = lock.entries[0]
    assert (entry.kind, entry.archive) == ("chart", samples.digest_of(archive.read_bytes()))
    where = mirrored(site, lock, "charts")
    assert whole(where, entry) == whole(upstream(site, entry), entry)
    inside = site.tools(site.inside)
    pull = [helm(), "pull", f"oci://{where}", "--version", "1.0.0", "--destination"]
    tool([*pull, tmp_path], inside)
    assert (tmp_path / archive.name).read_bytes() == archive.read_bytes()
    with pytest.raises(ToolFailed, match="unknown authority"):
        tool([*pull, tmp_path], {**inside, "SSL_CERT_FILE": "/dev/null"})
    with pytest.raises(ToolFailed, match="Forbidden"):
        tool([helm(), "pull", "oci://ghcr.io/by-helm/application", "--version", "1.0.0"], inside)


def starts(site: Supply, call: str, name: str) -> list[int]:
    """Where each request of a call began in its blob, in order."""
    found = []
    for kind, data in site.events:
        if kind in ("read", "write") and data["call"] == f"oci:{call}" and data["params"]["repository"].endswith(name):
            found.append(int(data["params"]["start"]))
    return found


def test_a_download_that_broke_off_goes_on_where_it_stopped(site: Supply) -> None:
    lock = locked(site, large(site, "large/download"))
    site.outside.cuts["ghcr.io"] = 3 << 20
    where = mirrored(site, lock, "ours")
    assert not site.outside.cuts, "the connection was not cut"
    assert any(1 << 20 < one < 4 << 20 for one in starts(site, "GetBlob", "large/download"))
    assert whole(where, lock.entries[0]) == whole(upstream(site, lock.entries[0]), lock.entries[0])


def test_an_upload_that_broke_off_begins_again_where_the_registry_forgets_it(site: Supply) -> None:
    lock = locked(site, large(site, "large/upload", seed=2))
    site.outside.cuts[registry(site.intent)] = 3 << 20
    where = mirrored(site, lock, "ours")
    assert not site.outside.cuts, "the connection was not cut"
    assert starts(site, "SendBlob", "large/upload") == [0, 0], "docker-registry 2.8 takes no upload up that broke off"
    assert whole(where, lock.entries[0]) == whole(upstream(site, lock.entries[0]), lock.entries[0])


def test_what_a_run_has_brought_is_not_brought_again(site: Supply) -> None:
    lock = locked(site, large(site, "large/twice", megabytes=2, seed=4))
    mirrored(site, lock, "ours")
    before = len(starts(site, "GetBlob", "large/twice"))
    mirrored(site, lock, "ours")
    assert len(starts(site, "GetBlob", "large/twice")) == before


def test_a_layer_that_was_altered_is_published_by_neither(site: Supply) -> None:
    name = "tampered/image"
    lock = locked(site, large(site, name, megabytes=2, seed=3))
    entry = lock.entries[0]
    layer = max(upstream_blobs(site, entry), key=lambda one: one.size)
    file = site.upstream.blob(layer.digest)
    good = file.read_bytes()
    try:
        file.write_bytes(good[:-600] + bytes([good[-600] ^ 1]) + good[-599:])
        mirror = site.mirror(lambda one: f"altered/{Reference.parse(one.source).repository}")
        with pytest.raises(BrokenContent, match="other bytes than those of its digest"):
            raised(mirror.copy(lock))
        target = mirror.target(entry)
        assert target.tags() == []
        assert target.size(layer.digest) is None
        to = f"docker://{registry(site.intent)}/altered/by-skopeo:1.0"
        with pytest.raises(ToolFailed, match="(?i)digest did not match"):
            skopeo(site, *COPY, f"docker://ghcr.io/{name}@{entry.digest}", to)
    finally:
        file.write_bytes(good)
    assert whole(mirrored(site, lock, "altered"), entry) == whole(upstream(site, entry), entry)


def test_a_file_carries_the_lock_where_there_is_no_upstream(site: Supply, tmp_path: Path) -> None:
    lock, file = locked(site, IMAGE), tmp_path / "images.tar"
    raised(site.mirror().save(lock, file))
    assert Archive(file).lock == lock
    sealed = site.mirror(lambda entry: f"by-file/{Reference.parse(entry.source).repository}", site.inside)
    before = len(site.inside.asked)
    raised(sealed.load(file))
    assert {name for name, _ in site.inside.asked[before:]} == {registry(site.intent)}
    entry = lock.entries[0]
    assert whole(sealed.target(entry), entry) == whole(upstream(site, entry), entry)
    assert json.loads(skopeo(site, "inspect", "--raw", f"oci-archive:{file}:{IMAGE}"))["manifests"]


def test_a_file_that_was_altered_is_refused(site: Supply, tmp_path: Path) -> None:
    lock, file = locked(site, IMAGE), tmp_path / "images.tar"
    raised(site.mirror().save(lock, file))
    program = images.BUSYBOX.read_bytes()
    body = file.read_bytes()
    at = body.index(program) + len(program) // 2
    file.write_bytes(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
    mirror = site.mirror(lambda entry: "by-altered-file", site.inside)
    with pytest.raises(BrokenContent, match="other bytes than those of its digest"):
        raised(mirror.load(file))
    assert mirror.target(lock.entries[0]).tags() == []


def test_nobody_is_let_in_without_the_password_or_the_right_name(site: Supply) -> None:
    lock = locked(site, IMAGE)
    where = mirrored(site, lock, "ours")
    reference = f"docker://{where}:1.0.0"
    stranger = site.tools(site.outside, signed_in=False)
    assert skopeo(site, "inspect", "--raw", reference)
    with pytest.raises(ToolFailed, match="authentication required"):
        tool(["skopeo", "inspect", "--raw", reference], stranger)
    site.outside.ways["quay.io"] = site.private.port
    with pytest.raises(ToolFailed, match="certificate is valid for .*, not quay.io"):
        skopeo(site, "inspect", "--raw", "docker://quay.io/x/y:1")
    del site.outside.ways["quay.io"]


def test_two_labs_stand_side_by_side_on_loopback_alone(site: Supply, tmp_path: Path) -> None:
    with supplies.supply(site.intent, tmp_path, print) as other:
        lock = locked(site, IMAGE)
        assert other.mirror().source(Reference.parse(IMAGE)).manifest(lock.entries[0].digest) is None
        found = Reference.parse(IMAGE)
        other.push(images.application(found.name, found.tag, "/healthz"), found.name)
        assert locked(other, IMAGE) == lock
        ports = [port for one in (site, other) for port in (one.upstream.port, one.private.port)]
        ports += [int(one.server_address[1]) for each in (site, other) for one in (each.outside, each.inside)]
        assert len(set(ports)) == 8
        for port in ports:
            assert listening(port) == ["0100007F"]
    assert not [port for port in (other.upstream.port, other.private.port) if listening(port)]


def listening(port: int) -> list[str]:
    """The addresses of this machine on which somebody listens on a port, as the kernel writes them (proc(5))."""
    found = []
    for file in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(file).read_text().splitlines()[1:]:
            _, here, _, state = line.split()[:4]
            if state == "0A" and int(here.rpartition(":")[2], 16) == port:
                found.append(here.rpartition(":")[0])
    return found
