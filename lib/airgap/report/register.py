"""The registers of the params as a report shows them: exceptions with the facts, and reviews of mappings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airgap.model.finding import FAIL, WAIVED, Finding
from airgap.model.intent import MappingReview
from airgap.views.table import Mark


def register(intent: Mapping[str, Any], time: str, findings: Iterable[Finding] = ()) -> list[dict[str, Any]]:
    """Return the declared exceptions, each marked as in force, expired or not yet begun at a time (RFC 3339), with the
    failures that it speaks of: a waiver never hides the fact, and an expired one waives none.
    """
    facts = [one for one in findings if one.status in (FAIL, WAIVED)]
    return [
        {**one, "mark": _in_force(one, time[:10]), "facts": [fact for fact in facts if _speaks(one, fact)]}
        for one in intent.get("exceptions", ())
    ]


def reviews(intent: Mapping[str, Any]) -> tuple[MappingReview, ...]:
    """Return what reviewers of the institution said of the mappings to requirements, as declared."""
    return tuple(MappingReview(**one) for one in intent.get("reviews", ()))


def standing(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the sentence that names the exceptions on a first page, each with its end; none declared says so."""
    told = [
        f"{one['property']} on {_of(one)} until {one['expires']} ({one['ticket']}, {one['mark'].word})" for one in rows
    ]
    return f"Exceptions declared: {'; '.join(told)}." if told else "No exception is declared: no failure is waived."


def _of(one: Mapping[str, str]) -> str:
    return "everything" if one["resource"] == "*" else one["resource"]


def _speaks(one: Mapping[str, str], fact: Finding) -> bool:
    return one["property"] in fact.properties and one["resource"] in ("*", fact.resource)


def _in_force(one: Mapping[str, str], today: str) -> Mark:
    if one["expires"] < today:
        return Mark("expired", "✗", "bad")
    return Mark("in force", "!", "unknown") if one["created"] <= today else Mark("not yet begun", "–", "quiet")
