"""The survey of a plan: what is there of the kinds that it looks at, and what of that is ours.

Ids and ARNs of resources that are ours stand for references to them, so that live values and declared ones compare.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airgap.model.canonical import dig, encode, plain
from airgap.model.estate import Estate
from airgap.model.observation import NotObserved
from airgap.model.plan import REFERENCE, Desired, ref, references
from airgap.model.reading import Live, Reading, Unknown, identity, items, tags_of, value_of


@dataclass
class Survey:
    """What is there of the kinds that a plan looks at: ours by key, ours but undeclared, not readable, foreign."""

    lives: dict[str, Live] = field(default_factory=dict)
    orphans: list[Live] = field(default_factory=list)
    unreadable: dict[str, NotObserved] = field(default_factory=dict)
    foreign: dict[str, str] = field(default_factory=dict)
    logical_of: dict[str, str] = field(default_factory=dict)
    adopted: set[str] = field(default_factory=set)
    undecided: dict[str, str] = field(default_factory=dict)

    def learn(self, live: Live) -> None:
        """Remember a resource of ours, and that its ids stand for references to it."""
        self.lives[live.key] = live
        for attr, value in live.attrs.items():
            if value:
                self.logical_of.setdefault(value, ref(live.key, attr))

    def logical(self, value: Any) -> Any:
        """Return a value with ids and ARNs of our resources turned into references."""
        if isinstance(value, str):
            return self.logical_of.get(value, value)
        if isinstance(value, Mapping):
            return {key: self.logical(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.logical(item) for item in value]
        return value

    def resolve(self, value: Any) -> Any:
        """Return a declared value with the references that are known replaced by what they stand for."""
        if isinstance(value, str):
            return REFERENCE.sub(lambda match: self._known(match), value)
        if isinstance(value, Mapping):
            return {self.resolve(key): self.resolve(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.resolve(item) for item in value]
        return value

    def _known(self, match: re.Match[str]) -> str:
        live = self.lives.get(match[1])
        return live.attrs.get(match[2]) or match[0] if live else match[0]


def survey(environment: str, readings: Mapping[str, Reading], desired: Iterable[Desired], estate: Estate) -> Survey:
    """Return what is there of these kinds; parents stand before children in ``readings``, or are named by them."""
    found = Survey()
    wanted: dict[str, list[Desired]] = {}
    for one in desired:
        if one.adopted:
            found.adopted.add(one.key)
        wanted.setdefault(one.kind, []).append(one)
    for kind in _parents_first(readings, wanted):
        try:
            _survey_kind(environment, kind, readings[kind], wanted.get(kind, []), estate, found)
        except NotObserved as cause:
            found.unreadable[kind] = cause
    return found


def _parents_first(readings: Mapping[str, Reading], wanted: Mapping[str, list[Desired]]) -> list[str]:
    """Return the kinds in their order, each after the kinds by whose ids its parts are known."""
    ordered: list[str] = []

    def visit(kind: str, children: tuple[str, ...]) -> None:
        if kind in ordered or kind in children or kind not in readings:
            return
        named = {key for one in wanted.get(kind, ()) for key in _named_by(one, readings[kind])}
        for key in sorted(named):
            visit(key.split(":")[0], (*children, kind))
        ordered.append(kind)

    for kind in readings:
        visit(kind, ())
    return ordered


def _named_by(one: Desired, reading: Reading) -> set[str]:
    return references([one.fields.get(name) for name in reading.natural])


def _survey_kind(
    environment: str, kind: str, reading: Reading, wanted: list[Desired], estate: Estate, found: Survey
) -> None:
    names = {_natural(reading, found.resolve(dict(one.fields))): one for one in wanted}
    by_id = {one.adopted: one for one in wanted if one.adopted}
    declared = {one.key for one in wanted}
    # Where what a declared part is known by could not be read, nobody knows which parts are undeclared.
    for one in wanted:
        if cause := unread([found.resolve(one.fields.get(name)) for name in reading.natural], found):
            found.undecided[one.key] = cause
    undecided = any(unread([found.resolve(one.fields.get(name)) for name in reading.natural], found) for one in wanted)
    for item in items(reading, estate):
        live = _live(kind, reading, item, estate)
        # An id of several parts is written with a stroke, as people write namespace and name.
        adopter = by_id.get(live.id) or by_id.get(live.id.replace("|", "/"))
        natural = _natural(reading, live.fields)
        if adopter is not None:
            found.learn(dataclasses.replace(live, key=adopter.key))
        elif reading.owner == "tags":
            _by_tags(environment, kind, reading, item, live, estate, declared, found)
        elif natural in names and (reading.owner != "name" or _ours(environment, reading, item, estate)):
            found.learn(dataclasses.replace(live, key=names[natural].key))
        elif natural in names:
            found.foreign[names[natural].key] = live.id
        elif reading.owner == "name" and reading.tags and _surely_ours(environment, reading, item, estate):
            key = (tags_of(reading, item, estate) or {}).get("airgap:key", f"{kind}:{live.id}")
            renamed = f"{key} (as {live.id})" if key in declared else key
            found.orphans.append(dataclasses.replace(live, key=renamed))
            found.learn(found.orphans[-1])
        elif reading.owner == "parent" and not undecided and _parent_is_ours(reading, found, live):
            found.orphans.append(dataclasses.replace(live, key=f"{kind}:undeclared {live.id}"))


def _by_tags(
    environment: str,
    kind: str,
    reading: Reading,
    item: Mapping[str, Any],
    live: Live,
    estate: Estate,
    declared: set[str],
    found: Survey,
) -> None:
    tags = tags_of(reading, item, estate) or {}
    key = tags.get("airgap:key", "")
    if tags.get("airgap:environment") != environment or not key.startswith(kind + ":"):
        return
    named = dataclasses.replace(live, key=key)
    if key in found.lives:
        found.orphans.append(dataclasses.replace(named, key=f"{key} (duplicate {live.id})"))
        return
    found.learn(named)
    if key not in declared:
        found.orphans.append(named)


def _ours(environment: str, reading: Reading, item: Mapping[str, Any], estate: Estate) -> bool:
    tags = tags_of(reading, item, estate)
    return tags is None or tags.get("airgap:environment") == environment


def _surely_ours(environment: str, reading: Reading, item: Mapping[str, Any], estate: Estate) -> bool:
    """What nobody declared and whose tags cannot be read, as another team's locked bucket, is not ours to remove."""
    try:
        return _ours(environment, reading, item, estate)
    except NotObserved:
        return False


def _parent_is_ours(reading: Reading, found: Survey, live: Live) -> bool:
    parent = found.logical(live.fields.get(reading.natural[0]))
    match = REFERENCE.fullmatch(parent) if isinstance(parent, str) else None
    return bool(match) and match[1] in found.lives and match[1] not in found.adopted if match else False


def _natural(reading: Reading, fields: Mapping[str, Any]) -> str:
    """What tells items of a kind apart, as it stands in the pages: two things may have one name in different kinds.

    Raises ``NotObserved`` where that stands in a page that was not read: nobody knows then which is which.
    """
    unknown = next((fields[one] for one in reading.natural if isinstance(fields.get(one), Unknown)), None)
    if unknown is not None:
        raise unknown.cause
    return encode(plain([fields.get(name) for name in reading.natural])) if reading.natural else ""


def _live(kind: str, reading: Reading, item: Mapping[str, Any], estate: Estate) -> Live:
    text = identity(item, reading.id)
    attrs = {"id": text, **{name: str(dig(item, path) or "") for name, path in reading.attrs.items()}}
    fields = {name: value_of(spec, item, estate) for name, spec in reading.fields.items()}
    return Live(kind, text, "", attrs, fields, state=str(dig(item, reading.state) or "") if reading.state else "")


def unread(resolved: Any, found: Survey) -> str:
    """Return why a value cannot be compared: it refers to what could not be read; '' where it does not."""
    kinds = sorted({key.split(":")[0] for key in references(resolved)} & set(found.unreadable))
    if kinds:
        return str(found.unreadable[kinds[0]])
    # What cannot be told apart for want of a page cannot be referred to either.
    return next((found.undecided[key] for key in sorted(references(resolved)) if key in found.undecided), "")
