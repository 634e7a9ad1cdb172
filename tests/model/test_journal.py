"""A journal is a chain: whatever is altered, dropped or swapped is named."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.model import journal


def chain(count: int) -> list[dict[str, object]]:
    lines: list[dict[str, object]] = []
    prev = journal.GENESIS
    for number in range(1, count + 1):
        entry = journal.line(number, "2026-11-23T00:00:00Z", "read", {"n": number}, prev)
        prev = str(entry["digest"])
        lines.append(entry)
    return lines


def text(lines: list[dict[str, object]]) -> str:
    return "".join(journal.write(line) for line in lines)


def test_an_intact_journal_has_no_problem() -> None:
    entries, problems = journal.read(text(chain(5)))
    assert [entry["seq"] for entry in entries] == [1, 2, 3, 4, 5]
    assert problems == []


@given(st.integers(2, 6), st.data())
def test_dropping_swapping_or_editing_a_line_is_found(count: int, data: st.DataObject) -> None:
    lines = chain(count)
    at = data.draw(st.integers(0, count - 2))
    what = data.draw(st.sampled_from(["drop", "swap", "edit", "forge"]))
    if what == "drop":
        del lines[at]
    elif what == "swap":
        lines[at], lines[at + 1] = lines[at + 1], lines[at]
    elif what == "edit":
        lines[at]["data"] = {"n": "other"}
    else:
        lines[at] = journal.line(at + 1, "2026-11-23T00:00:00Z", "write", {}, str(lines[at]["prev"]))
    assert journal.read(text(lines))[1]


@given(st.integers(1, 40))
def test_an_unfinished_last_line_is_named_and_ignored(cut: int) -> None:
    whole = text(chain(3))
    last = whole.rstrip("\n").rpartition("\n")[0] + "\n"
    entries, problems = journal.read(last + whole[len(last) : len(last) + cut])
    assert len(entries) == 2
    assert problems == ["unfinished last line after line 2, ignored"]


def test_an_unknown_event_is_refused() -> None:
    with pytest.raises(ValueError, match="no such journal event"):
        journal.line(1, "", "guess", {}, journal.GENESIS)


def test_lines_are_canonical_json() -> None:
    line = journal.write(chain(1)[0])
    assert line == json.dumps(json.loads(line), sort_keys=True, separators=(",", ":")) + "\n"
