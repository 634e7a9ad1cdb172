"""Drills: a restore and a failover were tried in the period, and how long each took (DAT-04, DAT-05).

``airgap drill`` leaves what it measured as a tag on what it tried, beside its own journal; the tag names the run.
A rehearsal keeps no data and has no zones, so a drill shows nothing there but that its calls are right.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any

from airgap.checks.backups import moment
from airgap.checks.caches import READS as CACHE_READS
from airgap.checks.caches import caches
from airgap.checks.check import NotApplicable, Population, Undecided, check
from airgap.checks.databases import READS, databases, is_copy
from airgap.checks.scope import tags
from airgap.model.data_stores import FAILOVER_TAG, RESTORE_TAG
from airgap.model.estate import Estate
from airgap.model.intent import Intent

TAGS = "elasticache:ListTagsForResource"
_SAID = re.compile(r"(?P<when>\S+) (?P<how>passed|failed) (?P<rest>.*)")


def _tried(held: Mapping[str, str], tag: str, what: str, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the last drill is too long ago or failed; without one nothing is decided."""
    text = held.get(tag)
    if text is None and intent.embedded:
        raise NotApplicable(f"no {what} was tried, and in a rehearsal one would show nothing of data or zones")
    if text is None:
        raise Undecided(f"no {what} was tried; run: airgap drill --env {intent.environment} {what}")
    match = _SAID.fullmatch(text)
    if match is None:
        raise Undecided(f"the tag {tag} does not say when and how: {text}")
    late = moment(estate.taken_at) - moment(match["when"]) > dt.timedelta(days=intent.data.drill_days)
    if match["how"] != "passed":
        yield f"the {what} of {match['when']} failed: {match['rest']}"
    if late:
        yield f"the last {what} was on {match['when'][:10]}, more than {intent.data.drill_days} days ago"
    if match["how"] == "passed" and not late and intent.embedded:
        raise NotApplicable(f"the calls of a {what} passed; a rehearsal shows nothing of data or zones by them")


@check(
    "database-restored",
    "A restore of the database was tried in the period, and passed",
    severity="medium",
    properties=("DAT-04",),
    reads=READS,
    remedy="airgap drill restore, and find out why the last one failed",
    over=lambda intent, estate: [one for one in databases(intent, estate) if not is_copy(one[1])],
)
def restored(database: Mapping[str, Any], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the last restore failed, or is too long ago."""
    yield from _tried(tags(database), RESTORE_TAG, "restore", intent, estate)


def _stores(intent: Intent, estate: Estate) -> Population:
    """The databases and caches with their tags."""
    for name, one in databases(intent, estate):
        if not is_copy(one):
            yield name, tags(one)
    for name, cache in caches(intent, estate):
        arn = cache.item.get("ARN")
        body = estate.page(TAGS, ResourceName=arn) if cache.item.get("ReplicationGroupId") else None
        yield name, tags({"Tags": (body or {}).get("TagList") or []})


@check(
    "stores-failed-over",
    "A failover was tried in the period, and passed",
    severity="medium",
    properties=("DAT-05",),
    reads=(*dict.fromkeys((*READS, *CACHE_READS)), TAGS),
    remedy="airgap drill failover, and find out why the last one failed",
    over=_stores,
)
def failed_over(held: Mapping[str, str], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the last failover failed, or is too long ago."""
    yield from _tried(held, FAILOVER_TAG, "failover", intent, estate)


CHECKS = (restored, failed_over)
