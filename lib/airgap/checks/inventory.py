"""Inventory: the tagging API, an independent count, against what is declared and stands (INV-01).

It goes on showing what was deleted, shows what is new a little late, and shows some kinds never. So what it shows is
held against the list of the service itself: what that list has no more is gone, whatever its tags say.
AWS: Resource Groups Tagging API Reference, "GetResources".
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from airgap.checks.check import NotApplicable, Population, Undecided, check
from airgap.checks.scope import Item, every, tags
from airgap.model.canonical import dig
from airgap.model.estate import ANY, Estate
from airgap.model.intent import Intent
from airgap.model.reading import Reading, identity, items, tags_of, value_of

TAGGED = "resourcegroupstaggingapi:GetResources"
LAG = dt.timedelta(minutes=15)
"""How long after a write a resource may still be missing from the tagging API of a real account."""


class Shown(NamedTuple):
    """What the tagging API shows: the ARN, the logical key, and all tags."""

    arn: str
    key: str
    tags: dict[str, str]


def _shown(intent: Intent, estate: Estate) -> list[Shown]:
    """What the tagging API shows of the environment, made of its rows once for all kinds."""
    rows = every(estate, TAGGED, "ResourceTagMappingList")

    def make() -> list[Shown]:
        held = ((str(one["ResourceARN"]), tags(one)) for one in rows)
        return [Shown(arn, one.get("airgap:key", ""), one) for arn, one in held if _is_ours(one, intent)]

    found: list[Shown] = estate.derive("shown by the tagging API", intent, make)
    return found


def _is_ours(held: Mapping[str, str], intent: Intent) -> bool:
    return held.get("airgap:environment") == intent.environment


def _parts(name: str) -> set[str]:
    return {one for one in re.split(r"[:/|]", name) if one}


class Listed(NamedTuple):
    """What the service itself lists of a kind: the parts of each name, and the logical key where it is ours."""

    names: list[set[str]]
    key: str


def _listed(kind: str, intent: Intent, estate: Estate) -> list[Listed]:
    """What the service lists of a kind; what is being deleted is passed over."""
    reading = Reading.from_data(estate.records.readings[kind])
    return [_one(reading, item, intent, estate) for item in items(reading, estate)]


def _one(reading: Reading, item: Item, intent: Intent, estate: Estate) -> Listed:
    arn = dig(item, reading.attrs["arn"]) if "arn" in reading.attrs else None
    named = [value_of(reading.fields[one], item, estate) for one in reading.natural if reading.owner == "name"]
    texts = [one for one in (arn, *named) if isinstance(one, str) and one]
    held = tags_of(reading, item, estate) or {}
    key = held.get("airgap:key", "") if _is_ours(held, intent) else ""
    return Listed([_parts(identity(item, reading.id)), *(_parts(one) for one in texts)], key)


def _stands(one: Shown, listed: list[Listed]) -> bool:
    parts = _parts(one.arn)
    return any(name and name <= parts for each in listed for name in each.names)


def assets(estate: Estate, adopted: bool = False) -> dict[str, set[str]]:
    """Return the logical keys of each declared kind that AWS tags, with what is ``adopted`` or without.

    Parts of these, and objects in a cluster, go with what they are in; what is adopted has the tags of its owner.
    """
    keys: dict[str, set[str]] = {}
    for one in estate.records.declared:
        reading = Reading.from_data(estate.records.readings[one["kind"]])
        tagged = reading.owner == "tags" or (reading.owner == "name" and reading.tags)
        if tagged and (adopted or not one.get("adopted")) and not reading.call.startswith("kubernetes:"):
            keys.setdefault(one["kind"], set()).add(f"{one['kind']}:{one['name']}")
    return keys


def _kinds(intent: Intent, estate: Estate) -> Population:
    return [(kind, (kind, found)) for kind, found in sorted(assets(estate).items())]


@check(
    "inventory-reconciles",
    "The tagging API shows each resource of this kind that stands, each once, and none that is not declared",
    severity="medium",
    properties=("INV-01",),
    reads=(ANY, TAGGED),
    remedy="find the resource that one of the two does not know; the drift check names what is missing or undeclared",
    over=_kinds,
)
def inventory(item: tuple[str, set[str]], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each resource that two independent counts do not agree on."""
    kind, declared = item
    shown = [one for one in _shown(intent, estate) if one.key.startswith(f"{kind}:")]
    if not shown:
        raise NotApplicable(f"the tagging API shows no {kind} at all; the drift check alone counts them")
    listed = _listed(kind, intent, estate)
    standing = [one for one in shown if _stands(one, listed)]
    if not standing and not any(one.key for one in listed):
        raise NotApplicable(f"no {kind} of the environment stands: what the tagging API shows is gone")
    if not standing:
        raise Undecided(f"of {len(shown)} {kind} that the tagging API shows the service lists none; verify again")
    counted = Counter(one.key for one in standing)
    missing = {one.key for one in listed if one.key.startswith(f"{kind}:")} - set(counted)
    late = sorted(missing & _just_written(intent, estate))
    for key in sorted(missing - set(late)):
        yield f"{key} stands, and the tagging API does not show it"
    for one in standing:
        if one.key not in declared:
            yield f"{one.arn} stands as {one.key}, which is not declared"
    yield from (f"{key} stands {count} times" for key, count in sorted(counted.items()) if count > 1)
    if late:
        raise Undecided(f"just written, and not shown by the tagging API yet: {', '.join(late)}; verify again")


def _just_written(intent: Intent, estate: Estate) -> set[str]:
    """The logical keys written a moment ago; the embedded AWS shows at once what was made."""
    if intent.embedded:
        return set()
    since = dt.datetime.fromisoformat(estate.taken_at.replace("Z", "+00:00")) - LAG
    writes = (*estate.records.earlier, *estate.records.writes)
    return {
        str(one.get("resource"))
        for one in writes
        if dt.datetime.fromisoformat(str(one["time"]).replace("Z", "+00:00")) > since
    }


@check(
    "inventory-attributes",
    "Every resource that the tagging API shows names its owner, its classification and its logical key",
    severity="low",
    properties=("INV-01",),
    reads=(ANY, TAGGED),
    remedy="apply the step again: it tags what it makes",
    over=lambda intent, estate: [("tagged resources", _shown(intent, estate))],
)
def attributes(shown: list[Shown], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each resource that stands and whose tags leave one of them out, or name another owner or classification."""
    if not shown:
        raise Undecided("the tagging API shows nothing of the environment")
    estate.cite(TAGGED)
    wanted = {"airgap:owner": intent.owner, "airgap:classification": intent.classification}
    for one in shown:
        wrong = [name for name, value in wanted.items() if one.tags.get(name) != value]
        wrong += [] if one.key else ["airgap:key"]
        kind = one.key.partition(":")[0]
        if wrong and not (kind in estate.records.readings and not _stands(one, _listed(kind, intent, estate))):
            yield f"{one.arn} is not tagged as declared: {', '.join(wrong)}"


CHECKS = (inventory, attributes)
