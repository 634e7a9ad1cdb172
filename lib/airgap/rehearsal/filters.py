"""EC2's filters over plain records: ``[{"Name": "internet-gateway-exclusion-mode", "Values": ["allow-*"]}]``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from airgap.rehearsal.store import Record
from airgap.rehearsal.wire import Refusal


def matching(records: Iterable[Record], filters: Iterable[Mapping[str, Any]]) -> list[Record]:
    """Return the records that every filter admits; a filter that the records do not know is refused, as EC2 does."""
    chosen = list(records)
    for one in filters:
        chosen = [record for record in chosen if _admits(record, one["Name"], one.get("Values", []))]
    return chosen


def _admits(record: Record, name: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(value, pattern) for value in _values(record, name) for pattern in patterns)


def _values(record: Record, name: str) -> list[str]:
    tags = {tag["Key"]: tag["Value"] for tag in record.get("Tags", [])}
    if name == "tag-key":
        return list(tags)
    if name.startswith("tag:"):
        return [tags[name[4:]]] if name[4:] in tags else []
    member = "".join(part.capitalize() for part in name.split("-"))
    if member not in record:
        raise Refusal("InvalidParameterValue", f"The filter '{name}' is invalid")
    value = record[member]
    if isinstance(value, bool):
        return [str(value).lower()]
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
