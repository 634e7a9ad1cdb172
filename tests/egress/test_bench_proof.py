"""The benchmark measures what it says: verdicts and witnesses are those of the estates that it makes."""

from __future__ import annotations

import bench_proof


def test_small_estates() -> None:
    clean, leaky = (bench_proof.measure(40, one) for one in (False, True))
    assert (clean["verdict"], clean["witnesses"], clean["holds"]) == ("proven", 0, True)
    assert (leaky["verdict"], leaky["witnesses"], leaky["holds"]) == ("refuted", bench_proof.SUBNETS // 2, True)
    assert clean["smt_agrees"]
    assert leaky["smt_agrees"]


def test_checking_is_no_slower_than_proving() -> None:
    rows = [bench_proof.measure(500, False) for _ in range(3)]
    assert min(one["check_s"] for one in rows) <= min(one["prove_s"] for one in rows)
