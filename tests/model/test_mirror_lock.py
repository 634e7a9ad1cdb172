"""The lock of images: references find their entry however they are written; an entry has one place with us."""

from __future__ import annotations

import pytest

from airgap.model.mirror import Entry, Lock, canonical_source, repositories

DIGEST = "sha256:" + "a" * 64
LOCK = Lock(
    (
        Entry("image", "registry-1.docker.io/library/busybox", "1.37.0", DIGEST),
        Entry("image", "registry.k8s.io/pause", "3.10", "sha256:" + "b" * 64, ("linux/amd64",), 7, ("cosign",)),
        Entry("chart", "ghcr.io/acme/charts/web", "1.0.0", "sha256:" + "c" * 64, component="web", archive=DIGEST),
    )
)


@pytest.mark.parametrize(
    "reference",
    ["busybox:1.37.0", "docker.io/library/busybox:1.37.0", "library/busybox:1.37.0", f"busybox@{DIGEST}",
     f"index.docker.io/library/busybox:1.37.0@{DIGEST}"],
)  # fmt: skip
def test_docker_hub_has_many_names(reference: str) -> None:
    assert LOCK.find(reference) is LOCK.entries[0]


@pytest.mark.parametrize(
    "reference", ["busybox:1.36", "registry.k8s.io/pause", f"registry.k8s.io/pause@{DIGEST}", "x:1"]
)
def test_what_is_not_locked_is_not_found(reference: str) -> None:
    assert LOCK.find(reference) is None


def test_a_lock_is_read_as_it_was_written() -> None:
    assert Lock.from_data(LOCK.as_data()).as_data() == LOCK.as_data()
    assert [one["source"] for one in LOCK.as_data()["entries"]] == sorted(one.source for one in LOCK.entries)


@pytest.mark.parametrize("spoil", [{"schema": "other"}, {"entries": [{"kind": "image"}]}])
def test_another_form_is_refused(spoil: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="schema|members"):
        Lock.from_data({**LOCK.as_data(), **spoil})


def test_the_chart_of_a_component_is_found() -> None:
    assert LOCK.chart("web") is LOCK.entries[2]
    assert LOCK.chart("other") is None


def test_sources_are_canonical() -> None:
    assert canonical_source("registry.k8s.io/pause") == "registry.k8s.io/pause"
    assert canonical_source("localhost:5000/x") == "localhost:5000/x"


def test_two_sources_of_one_path_share_a_repository() -> None:
    from types import SimpleNamespace

    found = repositories(SimpleNamespace(prefix="fintech"), LOCK.entries)  # type: ignore[arg-type]
    assert list(found) == ["fintech/acme/charts/web", "fintech/library/busybox", "fintech/pause"]
