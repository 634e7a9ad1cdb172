"""Recorded calls as documents: of each call the last whole asking, or the reason why it gave no whole answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Callable, Optional

from airgap.egress.facts import Document
from airgap.model.observation import ABSENT, OK, UNSUPPORTED

Row = Mapping[str, Any]
"""An observation as an index has it: account, region, call, params, number, status, time and page."""
_MORE = ("NextToken", "nextToken", "NextMarker")


def documents(rows: Iterable[Row], load: Callable[[str], Optional[Mapping[str, Any]]]) -> Iterator[Document]:
    """Yield the last answer of each call, denied and missing ones with the reason.

    ``load`` returns the page of a digest, None where it is missing.
    """
    groups: dict[tuple[str, str, str, str], list[Row]] = {}
    for row in rows:
        subject = row["account"], row["region"], row["call"], json.dumps(row["params"], sort_keys=True, default=str)
        groups.setdefault(subject, []).append(row)
    # Of two answers that show one thing the later one stands, so it comes last.
    for asked in sorted(groups.values(), key=_began):
        began = _began(asked)
        pages = sorted((row for row in asked if row["time"] >= began), key=lambda row: int(row["number"]))
        for position, row in enumerate(pages):
            yield _answer(row, load, position + 1, len(pages))


def _began(rows: list[Row]) -> str:
    """Return when the last asking of a call began: the time of its newest first page."""
    return max((str(row["time"]) for row in rows if row["number"] == 1), default="")


def _answer(row: Row, load: Callable[[str], Optional[Mapping[str, Any]]], position: int, total: int) -> Document:
    head = row["account"], row["region"], row["params"]
    if row["status"] == ABSENT:
        return Document(*head, {}, row["call"])
    if row["status"] != OK:
        code = f" ({row['code']})" if row.get("code") else ""
        said = "not supported where it was asked" if row["status"] == UNSUPPORTED else str(row["status"])
        return Document(*head, {}, row["call"], said + code)
    body = load(row["page"])
    if body is None:
        return Document(*head, {}, row["call"], "its page is missing")
    if row["number"] != position or (position == total and (truncated(body) or not row.get("last", True))):
        return Document(*head, body, row["call"], "not all of its pages were read")
    return Document(*head, body, row["call"])


def truncated(body: Mapping[str, Any]) -> bool:
    """Tell whether an answer says that there is more of it."""
    return bool(body.get("IsTruncated")) or any(body.get(one) for one in _MORE)
