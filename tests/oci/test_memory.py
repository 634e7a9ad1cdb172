"""Memory stays flat: a blob many times as large costs the mirror and the registry no more of it."""

from __future__ import annotations

import os
import tracemalloc

import pytest

from airgap.oci.mirror import raised


def peak(work) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("way", "sizes"), [("copy", (5, 200)), ("save and load", (5, 50))])
def test_memory_is_flat_in_the_size_of_a_blob(site, way, sizes):
    peaks = []
    for megabytes in sizes:
        lock = site.locked(site.publish(os.urandom(1 << 20) * megabytes))
        file = site.folder / f"{megabytes}.tar"

        def work(lock=lock, file=file):
            if way == "copy":
                raised(site.mirror.copy(lock))
            else:
                raised(site.mirror.save(lock, file))
                raised(site.another().load(file))

        peaks.append(peak(work))
        assert site.tags(lock.entries[0]) == {"1.0": lock.entries[0].digest}
    assert peaks[1] < peaks[0] + (4 << 20)
