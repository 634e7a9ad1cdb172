"""The register of exceptions as a report shows it: each waiver as declared, and whether it was in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airgap.views.table import Mark


def register(intent: Mapping[str, Any], time: str) -> list[dict[str, Any]]:
    """Return the declared exceptions, each marked as in force, expired or not yet begun at a time (RFC 3339)."""
    return [{**one, "mark": _in_force(one, time[:10])} for one in intent.get("exceptions", ())]


def _in_force(one: Mapping[str, str], today: str) -> Mark:
    if one["expires"] < today:
        return Mark("expired", "✗", "bad")
    return Mark("in force", "!", "unknown") if one["created"] <= today else Mark("not yet begun", "–", "quiet")
