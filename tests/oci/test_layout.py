"""The mirrored set as a file: the same bytes each time, read in place, and believed in nothing."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import tarfile

import pytest
from site_of_tests import BUSYBOX, PAUSE

from airgap.errors import AirgapError, BrokenContent
from airgap.oci.lockfile import text_of
from airgap.oci.mirror import raised


@pytest.fixture
def lock(site):
    return site.locked(PAUSE, BUSYBOX)


@pytest.fixture
def saved(site, lock):
    file = site.folder / "images.tar"
    raised(site.mirror.save(lock, file))
    return file


def test_the_same_lock_gives_the_same_bytes(site, lock, saved):
    other = site.folder / "again.tar"
    raised(site.another().save(lock, other))
    assert other.read_bytes() == saved.read_bytes()
    assert sorted(entry.name for entry in site.folder.iterdir()) == ["again.tar", "images.tar"]


def test_it_is_an_oci_layout(saved, lock):
    with tarfile.open(saved) as archive:
        names = archive.getnames()
        assert names[:3] == ["oci-layout", "index.json", "images.lock.json"]
        assert names[3:] == sorted(names[3:])
        for name in names[3:]:
            assert hashlib.sha256(archive.extractfile(name).read()).hexdigest() == name.removeprefix("blobs/sha256/")
        index = json.load(archive.extractfile("index.json"))
        assert archive.extractfile("images.lock.json").read().decode() == text_of(lock)
    named = {
        one["annotations"]["org.opencontainers.image.ref.name"]: one["digest"]
        for one in index["manifests"]
        if "annotations" in one
    }
    assert {entry.reference: entry.digest for entry in lock.entries}.items() <= named.items()
    assert len(index["manifests"]) == 8


def test_loading_is_the_same_as_copying(site, lock, saved):
    site.events.clear()
    raised(site.another().load(saved))
    assert {data["params"]["registry"] for _, data in site.events if "params" in data} == {site.mirror.registry}
    first = {entry.reference: site.images(entry) for entry in lock.entries}
    site.events.clear()
    outcomes = site.another().copy(lock)
    raised(outcomes)
    assert site.calls() == []
    assert {entry.reference: len(first[entry.reference]) for entry in lock.entries} == dict.fromkeys(first, 6)
    assert [outcome.tally.copied for outcome in site.another().load(saved)] == [0, 0]


def test_an_entry_that_cannot_be_had_leaves_no_file_and_another_run_goes_on(site, lock):
    file = site.folder / "images.tar"
    site.fault("oci:GetDownloadUrlForLayer", "AccessDenied", resource="registry.k8s.io/pause", times=None)
    outcomes = site.mirror.save(lock, file)
    assert [outcome.error is None for outcome in outcomes] == [True, False]
    assert not file.exists()
    site.aws.control("DELETE", "/faults")
    site.events.clear()
    outcomes = site.another().save(lock, file)
    raised(outcomes)
    assert [outcome.tally.copied for outcome in outcomes] == [0, 8]  # one blob is the same in both
    assert file.exists()


def test_what_lies_beside_is_hashed_again(site, lock):
    file = site.folder / "images.tar"
    site.fault("oci:GetDownloadUrlForLayer", "AccessDenied", resource="registry.k8s.io/pause", times=None)
    site.mirror.save(lock, file)
    site.aws.control("DELETE", "/faults")
    layer = max((site.folder / ".images.tar.blobs/blobs/sha256").iterdir(), key=lambda one: one.stat().st_size)
    layer.write_bytes(b"\0" * layer.stat().st_size)
    with pytest.raises(BrokenContent, match="other bytes than its digest"):
        site.another().save(lock, file)
    assert not file.exists()
    raised(site.another().save(lock, file))


@pytest.mark.parametrize("seed", range(25))
def test_an_altered_file_publishes_nothing_that_is_not_what_was_locked(site, lock, saved, seed):
    chance = random.Random(seed)
    data = bytearray(saved.read_bytes())
    if seed % 5 == 0:
        del data[chance.randrange(len(data) // 2) :]
    else:
        for _ in range(chance.randrange(1, 40)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    saved.write_bytes(data)
    with contextlib.suppress(AirgapError):
        site.another().load(saved)
    locked = {entry.reference: entry.digest for entry in lock.entries}
    for entry in lock.entries:
        assert site.tags(entry).get(entry.tag) in (None, locked[entry.reference])


def test_a_file_that_is_no_tar_says_so(site):
    file = site.folder / "images.tar"
    file.write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(BrokenContent, match="not a whole file"):
        site.mirror.load(file)
    with tarfile.open(file, "w") as archive:
        archive.addfile(tarfile.TarInfo("../../etc/passwd"))
    with pytest.raises(BrokenContent, match="no lock file"):
        site.mirror.load(file)
