"""Equal data has equal bytes."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.model.canonical import canonical_bytes, dig, digest_of, encode, is_digest, plain, utc

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=6))
def test_the_order_of_keys_does_not_matter(data: dict[str, object]) -> None:
    turned = dict(reversed(list(data.items())))
    assert canonical_bytes(data) == canonical_bytes(turned)
    assert is_digest(digest_of(data))


@given(JSON)
def test_plain_data_stays_as_it_is(data: object) -> None:
    assert plain(data) == data
    assert plain(plain(data)) == plain(data)


def test_times_are_utc_and_naive_times_are_read_as_utc() -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    assert utc(dt.datetime(2026, 11, 23, 10, 0, tzinfo=zone)) == "2026-11-23T08:00:00Z"
    assert plain({"at": dt.datetime(2026, 1, 1)}) == {"at": "2026-01-01T00:00:00Z"}


def test_sets_are_sorted_and_bytes_are_base64() -> None:
    assert plain({"a": {3, 1, 2}, "b": b"\x00"}) == {"a": [1, 2, 3], "b": "AA=="}


def test_what_is_not_data_is_refused() -> None:
    with pytest.raises(TypeError, match="not JSON data"):
        plain(object())
    with pytest.raises(ValueError):
        encode(float("nan"))


@pytest.mark.parametrize(
    ("data", "path", "found"),
    [
        ({"a": {"b": 1}}, "a.b", 1),
        ({"a": [{"b": 1}, {"b": 2}, {}]}, "a[].b", [1, 2]),
        ({"a": [{"b": [{"c": 1}, {"c": 2}]}, {"b": []}]}, "a[].b[].c", [1, 2]),
        ({"a": 1}, "a.b", None),
        ({}, "a[].b", []),
        ({"a": 1}, "", {"a": 1}),
    ],
)
def test_dig_follows_a_path(data: object, path: str, found: object) -> None:
    assert dig(data, path) == found
