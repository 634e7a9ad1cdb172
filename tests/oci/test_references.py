"""References, locks, and what a client makes of headers: the small parts."""

from __future__ import annotations

import json
from email.utils import formatdate

import pytest

from airgap.errors import BrokenContent, UsageError
from airgap.model.mirror import Entry, Lock
from airgap.oci import session
from airgap.oci.content import Descriptor, Manifest, digest_of
from airgap.oci.lockfile import attached, parse, pinned, signed, text_of
from airgap.oci.reference import Reference

DIGEST = digest_of(b"x")


@pytest.mark.parametrize(
    ("text", "written", "endpoint"),
    [
        ("busybox", "docker.io/library/busybox", "registry-1.docker.io"),
        ("busybox:1.37", "docker.io/library/busybox:1.37", "registry-1.docker.io"),
        ("grafana/loki:3", "docker.io/grafana/loki:3", "registry-1.docker.io"),
        ("index.docker.io/library/busybox:1", "docker.io/library/busybox:1", "registry-1.docker.io"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10", "registry.k8s.io"),
        ("localhost:5000/a/b-c_d.e:v1", "localhost:5000/a/b-c_d.e:v1", "localhost:5000"),
        ("oci://ghcr.io/charts/small:1.2.3", "ghcr.io/charts/small:1.2.3", "ghcr.io"),
        (f"quay.io/a/b:1@{DIGEST}", f"quay.io/a/b:1@{DIGEST}", "quay.io"),
        (f"quay.io/a/b@{DIGEST}", f"quay.io/a/b@{DIGEST}", "quay.io"),
    ],
)
def test_a_reference_is_read_as_engines_read_it(text, written, endpoint):
    found = Reference.parse(text)
    assert (str(found), found.endpoint) == (written, endpoint)
    assert Reference.parse(written) == found


WRONG = [
    "",
    "UPPER/case",
    "a/b:",
    "a/b@",
    "a/b@sha256:short",
    "quay.io/a//b",
    "quay.io/a/b:-x",
    "quay.io/a b",
    "https://quay.io/a/b",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_reference_is_refused(text):
    with pytest.raises(UsageError, match="is no image reference"):
        Reference.parse(text)


def entry(**more):
    signatures = (f"{DIGEST.replace(':', '-')}.sig@{DIGEST}", f"application/spdx+json@{DIGEST}")
    fields = {"kind": "image", "source": "quay.io/a/b", "tag": "1", "digest": DIGEST, "signatures": signatures}
    return Entry(**{**fields, **more})


def test_a_lock_is_written_the_same_each_time_and_read_again():
    lock = Lock((entry(source="quay.io/z"), entry()))
    text = text_of(lock)
    assert text_of(parse(text)) == text == text_of(Lock(lock.entries[::-1]))
    first = parse(text).entries[0]
    assert (first.reference, signed(first)) == ("quay.io/a/b:1", True)
    assert [str(one) for one in attached(first)] == list(first.signatures)
    assert not signed(entry(signatures=(f"application/spdx+json@{DIGEST}",)))
    assert signed(entry(signatures=(f"application/vnd.dev.sigstore.bundle.v0.3+json@{DIGEST}",)))


def test_a_tag_made_of_the_digest_is_none_at_the_source():
    assert str(pinned(entry(tag=f"digest-{DIGEST[7:19]}"))) == f"quay.io/a/b@{DIGEST}"
    assert str(pinned(entry())) == f"quay.io/a/b:1@{DIGEST}"


def changed(**more):
    return json.dumps({"schema": "airgap/images/v1", "entries": [{**entry().as_data(), **more}]})


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"schema": "other", "entries": []}'),
        *(changed(digest="latest"), changed(source="Not Good"), changed(signatures=["x"]), changed(more=1)),
    ],
)
def test_what_is_no_lock_is_refused(text):
    with pytest.raises(UsageError):
        parse(text)


def test_a_manifest_has_its_digest_or_is_none():
    body = b'{"schemaVersion": 2}'
    assert Manifest.verified(body, "t", digest_of(body), "here").digest == digest_of(body)
    with pytest.raises(BrokenContent, match="here gave a manifest whose digest is"):
        Manifest.verified(body, "t", DIGEST, "here")
    with pytest.raises(BrokenContent, match="is not a JSON object"):
        assert Manifest.verified(b"[]", "t", "", "here").document


@pytest.mark.parametrize(
    "wrong", [{}, {"digest": DIGEST}, {"digest": DIGEST, "size": -1}, {"digest": "md5:x", "size": 1}]
)
def test_a_descriptor_has_digest_and_size(wrong):
    with pytest.raises(BrokenContent, match="there names something"):
        Descriptor.read(wrong, "there")


def test_a_platform_is_written_with_its_variant():
    platform = {"os": "linux", "architecture": "arm", "variant": "v7"}
    assert Descriptor.read({"digest": DIGEST, "size": 1, "platform": platform}, "").platform == "linux/arm/v7"


def test_a_registry_may_name_seconds_or_a_date():
    assert session._seconds("2.5", 0) == 2.5
    assert session._seconds(formatdate(1000, usegmt=True), 990) == 10
    assert session._seconds(formatdate(1000, usegmt=True), 2000) == 0
