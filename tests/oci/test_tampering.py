"""Bad input and bad luck: each ends in the error that says what it is, and nothing is half-published."""

from __future__ import annotations

import errno
import random
import secrets
import threading

import pytest
from site_of_tests import PAUSE, PLATFORMS

from airgap.errors import (
    BrokenContent,
    Interrupted,
    MissingPlatform,
    MovedTag,
    NoSpace,
    RegistryFailed,
)
from airgap.oci import disclosed, transfer
from airgap.oci.content import OCI_MANIFEST, digest_of
from airgap.rehearsal.registry import layers

BIG = 3 * transfer.SMALL


def big(seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(BIG + 12345)


@pytest.fixture
def lock(site):
    return site.locked(site.publish(big(), b"small", name="test/bad"), PAUSE)


CASES = {
    "altered layer": (
        "oci:GetDownloadUrlForLayer",
        "AlteredBlob",
        BrokenContent,
        "other bytes than those of its digest",
    ),
    "truncated layer": ("oci:GetDownloadUrlForLayer", "TruncatedBlob", BrokenContent, "ends after"),
    "dying layer": ("oci:GetDownloadUrlForLayer", "DiesMidBlob", RegistryFailed, "died 6 times in sha256:"),
    "wrong manifest": ("oci:BatchGetImage", "WrongDigest", BrokenContent, "gave a manifest whose digest is"),
    "moved tag": ("oci:BatchGetImage", "MovedTag", MovedTag, "was locked as sha256:"),
    "dead source": ("oci:*", "InternalError", RegistryFailed, "HTTP 503"),
    "dropping source": ("oci:*", "DropResponse", RegistryFailed, "did not answer HeadManifest"),
    "denied source": ("oci:*", "AccessDenied", RegistryFailed, "HTTP 403"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_source_that_lies_or_dies(site, lock, case):
    operation, fault, error, text = CASES[case]
    site.fault(operation, fault, resource="quay.io/test/bad", times=None)
    bad, good = sorted(site.mirror.copy(lock), key=lambda one: "pause" in one.entry.reference)
    assert type(bad.error) is error, bad.error
    assert text in bad.error.what
    assert bad.error.unchanged
    assert bad.error.action
    assert site.images(bad.entry) == []
    assert good.error is None
    assert site.tags(good.entry)["3.10"] == good.entry.digest


TARGET = {
    "dying uploads": ("ecr:UploadLayerPart", "DropResponse", RegistryFailed),
    "no uploads": ("ecr:InitiateLayerUpload", "AccessDenied", RegistryFailed),
    "no manifests": ("ecr:PutImage", "InternalError", RegistryFailed),
    "no looking": ("ecr:BatchGetImage", "AccessDenied", RegistryFailed),
}


@pytest.mark.parametrize("case", TARGET)
def test_a_mirror_that_refuses_or_dies(site, lock, case):
    operation, fault, error = TARGET[case]
    site.fault(operation, fault, resource="*/test/bad", times=None)
    bad, _ = sorted(site.mirror.copy(lock), key=lambda one: "pause" in one.entry.reference)
    assert type(bad.error) is error
    assert site.tags(bad.entry) == {}
    site.aws.control("DELETE", "/faults")
    assert [outcome.error for outcome in site.another().copy(lock)] == [None, None]
    assert site.tags(bad.entry) == {"1.0": bad.entry.digest}


def test_an_index_that_names_what_is_not_there_lacks_a_platform(site):
    child = {"mediaType": OCI_MANIFEST, "digest": digest_of(b"nowhere"), "size": 7}
    platform = {"os": "linux", "architecture": "arm64"}
    reference = site.publish_index([{**child, "platform": platform}], f"test/{secrets.token_hex(8)}")
    with pytest.raises(MissingPlatform, match=r"\(linux/arm64\)"):
        site.resolve(reference)


def test_an_index_that_loses_a_platform_after_locking_is_another_image(site, lock):
    locked = site.locked("ghcr.io/external-secrets/external-secrets:v2.0.0")
    site.fault("oci:BatchGetImage", "MissingPlatform", resource="ghcr.io/*", times=None)
    [outcome] = site.another(platforms=PLATFORMS).copy(locked)
    assert isinstance(outcome.error, MovedTag)
    with pytest.raises(MissingPlatform):
        site.resolve(locked.entries[0].reference, platforms=PLATFORMS)


def test_a_descriptor_that_makes_no_sense_is_no_image(site):
    reference = site.publish_index([{"digest": "sha256:short", "size": 1}], f"test/{secrets.token_hex(8)}")
    with pytest.raises(BrokenContent, match="without a sha256 digest"):
        site.resolve(reference)


@pytest.mark.parametrize(("fault", "times"), [("DiesMidBlob", 3), ("AlteredBlob", None)])
def test_the_config_that_says_the_platform_is_read_whole_and_verified(site, fault, times):
    reference = site.publish(b"layer")
    site.fault("oci:GetDownloadUrlForLayer", fault, times=times)
    if fault == "AlteredBlob":
        with pytest.raises(BrokenContent, match="other bytes than those of its digest"):
            site.resolve(reference)
    else:
        assert site.resolve(reference).entries[0].platforms == ("linux/amd64",)


def test_what_is_not_there_cannot_be_locked(site):
    with pytest.raises(RegistryFailed, match="is not there"):
        site.resolve("registry.k8s.io/none:1")


def sent(site):
    asked = [data["params"] for event, data in site.events if data.get("call") == "oci:SendBlob"]
    return [(int(one["start"]), int(one["length"])) for one in asked]


def read(site):
    asked = [data["params"] for event, data in site.events if data.get("call") == "oci:GetBlob"]
    return [int(one["start"]) for one in asked if int(one["start"])]


def test_a_source_that_dies_in_the_middle_is_read_on(site):
    lock = site.locked(site.publish(big(), name="test/dying"))
    size = len(big())
    site.fault("oci:GetDownloadUrlForLayer", "DiesMidBlob", times=3)
    # Its configuration, which is read before all else, would take these faults.
    [outcome] = site.another(admitted=frozenset({"image:quay.io/test/dying"})).copy(lock)
    assert outcome.error is None
    assert size // 2 in read(site)
    assert sent(site) == [(0, size)]  # the mirror noticed nothing


def test_only_the_rest_is_asked_for(site, monkeypatch):
    lock = site.locked(site.publish(big()))
    size, handed = len(big()), []
    hand_out = layers._bytes
    monkeypatch.setattr(layers, "_bytes", lambda *what: handed.append(what[1:]) or hand_out(*what))
    site.fault("oci:GetDownloadUrlForLayer", "DiesMidBlob")
    assert site.mirror.copy(lock)[0].error is None
    assert (0, size) in handed
    # Whichever of layer and config is asked for first died; of it the second half alone is asked for again.
    assert [one for one in handed if one[0]] in ([(size // 2, size)], [(18, 37)])


def test_a_mirror_that_dies_in_the_middle_is_sent_the_rest(site):
    lock = site.locked(site.publish(big()))
    size = len(big())
    site.fault("ecr:UploadLayerPart", "DiesMidBlob")
    [outcome] = site.mirror.copy(lock)
    assert outcome.error is None
    assert sent(site) == [(0, size), (size // 2, size - size // 2)]
    assert read(site) == [size // 2]


def test_a_mirror_that_may_not_be_sent_a_blob_says_so_at_once(site):
    lock = site.locked(site.publish(big()))
    site.fault("ecr:UploadLayerPart", "AccessDenied", times=None)
    [outcome] = site.mirror.copy(lock)
    assert isinstance(outcome.error, RegistryFailed)
    assert "refused SendBlob of mirror/" in outcome.error.what
    assert "HTTP 403" in outcome.error.what
    assert outcome.error.action.startswith("check the caller's permissions")
    # It hangs up while it is sent the blob; one byte alone gets its answer, and nothing is tried after that.
    size = len(big())
    assert sent(site) in ([(0, size)], [(0, size), (0, size), (0, 1)])
    assert site.images(lock.entries[0]) == []


def test_a_token_that_expires_in_the_middle_of_a_blob_is_renewed_and_the_blob_goes_on(site):
    lock = site.locked(site.publish(big()))
    size = len(big())
    site.fault("ecr:UploadLayerPart", "DiesMidBlob")  # half of it is there
    site.fault("ecr:UploadLayerPart", "ExpiredToken")
    [outcome] = site.mirror.copy(lock)
    assert outcome.error is None
    assert sent(site)[-1] == (size // 2, size - size // 2), "only the rest is sent again"
    assert site.tokens == 2
    assert site.tags(lock.entries[0]) == {"1.0": lock.entries[0].digest}


def test_a_mirror_that_limits_the_rate_of_a_blob_is_given_the_time_that_it_asks_for(site):
    lock = site.locked(site.publish(big()))
    site.fault("ecr:UploadLayerPart", "Throttling", times=3)
    [outcome] = site.mirror.copy(lock)
    assert outcome.error is None
    assert site.slept.count(1.0) >= 1  # the Retry-After of the registry
    assert site.tags(lock.entries[0]) == {"1.0": lock.entries[0].digest}


def test_a_lost_answer_costs_a_look(site):
    lock = site.locked(PAUSE)
    for operation in ("PutImage", "CompleteLayerUpload", "InitiateLayerUpload", "BatchGetImage"):
        site.fault(f"ecr:{operation}", "DropResponse", times=2)
    [outcome] = site.mirror.copy(lock)
    assert outcome.error is None
    assert site.tags(lock.entries[0])["3.10"] == lock.entries[0].digest


def test_an_interrupted_copy_goes_on_where_it_stopped(site, lock):
    stop = threading.Event()
    mirror = site.another(stop=stop)
    mirror.clock.sleep = lambda _: None
    append = site._append

    def until_the_third_blob(event, data):
        if data.get("call") == "oci:PutBlob" and site.calls().count("oci:PutBlob") == 2:
            stop.set()
        return append(event, data)

    object.__setattr__(mirror.records, "append", until_the_third_blob)
    errors = [outcome.error for outcome in mirror.copy(lock)]
    assert any(isinstance(error, Interrupted) for error in errors)
    assert any(not site.tags(entry) for entry in lock.entries)
    outcomes = site.another().copy(lock)
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert sum(outcome.tally.present for outcome in outcomes) >= 2
    for entry in lock.entries:
        assert site.tags(entry)[entry.tag] == entry.digest


FAULTS = (
    ("oci:GetDownloadUrlForLayer", ("DiesMidBlob", "DropResponse", "Throttling", "InternalError", "AlteredBlob")),
    ("oci:BatchGetImage", ("DropResponse", "InternalError", "WrongDigest")),
    ("ecr:UploadLayerPart", ("DiesMidBlob", "DropResponse", "InternalError", "ExpiredToken")),
    ("ecr:InitiateLayerUpload", ("DropResponse", "Throttling", "ExpiredToken")),
    ("ecr:CompleteLayerUpload", ("DropResponse", "InternalError", "ExpiredToken")),
    ("ecr:PutImage", ("DropResponse", "InternalError", "ExpiredToken")),
)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_goes_wrong_what_is_published_is_whole(site, seed):
    chance = random.Random(seed)
    lock = site.locked(PAUSE, site.publish(big(seed), chance.randbytes(2000)))
    for _ in range(chance.randrange(3, 12)):
        operation, errors = chance.choice(FAULTS)
        site.fault(operation, chance.choice(errors), times=chance.randrange(1, 4))
    for _ in range(12):
        outcomes = site.another().copy(lock)
        for outcome in outcomes:
            tagged = site.tags(outcome.entry).get(outcome.entry.tag)
            assert tagged == (None if outcome.error else outcome.entry.digest)
        if not any(outcome.error for outcome in outcomes):
            break
    assert [outcome.error for outcome in outcomes] == [None, None]
    again = site.another().copy(lock)
    assert [outcome.tally.copied for outcome in again] == [0, 0]


def test_a_full_disk_leaves_what_was_fetched(site, lock, monkeypatch):
    file = site.folder / "images.tar"
    pieces = transfer.Incoming.pieces

    def full(self, start=0):
        yield from pieces(self, start)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(transfer.Incoming, "pieces", full)
        # A configuration is judged in memory, which no disk holds.
        patched.setattr(disclosed, "refuse", lambda *_: None)
        outcomes = site.mirror.save(lock, file)
    assert {type(outcome.error) for outcome in outcomes} == {NoSpace}
    assert "there is no space left" in outcomes[0].error.what
    assert not file.exists()
    site.events.clear()
    assert [outcome.error for outcome in site.another().save(lock, file)] == [None, None]
    starts = read(site)
    assert BIG + 12345 not in starts
    assert file.exists()
