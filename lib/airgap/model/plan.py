"""Desired resources, changes and plans: the one generic diff of declared fields against the estate.

In declared fields, ``${kind:name.attr}`` stands for an attribute of another resource. The diff compares in that
logical form: ids and ARNs of resources that are ours are turned back into such references, so a plan reads and
digests the same before and after anything exists, and no id is needed to approve it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from airgap.model.canonical import dig, digest_of, encode, plain
from airgap.model.estate import Estate
from airgap.model.observation import NotObserved
from airgap.model.reading import (
    IN_PLACE,
    NEVER,
    ONCE,
    REPLACE,
    Live,
    Reading,
    Unknown,
    identity,
    items,
    shaped,
    tags_of,
    value_of,
)

CREATE, UPDATE, REPLACED, DELETE, DIFFERS = "create", "update", "replace", "delete", "differs"
REFERENCE = re.compile(r"\$\{([a-z0-9-]+:[^}]+)\.([a-z_]+)\}")


def ref(key: str, attr: str = "id") -> str:
    """Return a reference to an attribute of another resource; equal before and after it exists."""
    return "${" + key + "." + attr + "}"


def references(value: Any) -> set[str]:
    """Return the keys of all resources that a declared value refers to."""
    return {match[0] for match in REFERENCE.findall(encode(plain(value)))}


@dataclass(frozen=True)
class Desired:
    """One declared resource: its fields as plain data, with references to others.

    ``adopted`` is the id of what somebody else made; ``kept`` says why a destroy leaves this one ('': it goes).
    """

    kind: str
    name: str
    fields: Mapping[str, Any]
    step: str = ""
    needs: tuple[str, ...] = ()
    why: str = ""
    label: str = ""
    adopted: str = ""
    kept: str = ""

    @property
    def key(self) -> str:
        """The logical key, ``kind:name``."""
        return f"{self.kind}:{self.name}"

    @property
    def after(self) -> set[str]:
        """The keys of the resources that must exist before this one."""
        return references(self.fields) | set(self.needs)

    def as_data(self) -> dict[str, Any]:
        """Return the declaration as JSON data."""
        return dict(plain(dataclasses.asdict(self)))

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Desired:
        """Return the declaration that ``as_data`` gave."""
        return cls(**{**data, "needs": tuple(data.get("needs", ()))})


@dataclass(frozen=True)
class Change:
    """One field that will be set, or one resource that will go; with its risk and the reason."""

    op: str
    resource: str
    field: str = ""
    before: Any = None
    after: Any = None
    risk: str = "none"
    why: str = ""
    label: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return the change as JSON data."""
        return dict(plain(dataclasses.asdict(self)))

    @property
    def canonical(self) -> dict[str, Any]:
        """The members that a digest and an approval rest on."""
        data = self.as_data()
        return {name: data[name] for name in ("op", "resource", "field", "before", "after")}


@dataclass(frozen=True)
class Plan:
    """The changes of one step, what could not be read, and where adopted resources differ."""

    step: str
    changes: tuple[Change, ...] = ()
    unknowns: tuple[tuple[str, str], ...] = ()
    differing: tuple[Change, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical form of the step's changes, in their order of resources and fields."""
        ordered = sorted((one.canonical for one in self.changes), key=encode)
        return digest_of({"step": self.step, "changes": ordered})

    def resources(self) -> dict[str, list[Change]]:
        """Return the changes grouped by resource, in plan order."""
        grouped: dict[str, list[Change]] = {}
        for change in self.changes:
            grouped.setdefault(change.resource, []).append(change)
        return grouped

    def as_data(self) -> dict[str, Any]:
        """Return the plan as JSON data, digest included."""
        return {
            "step": self.step,
            "digest": self.digest,
            "changes": [one.as_data() for one in self.changes],
            "unknowns": [list(one) for one in self.unknowns],
            "differing": [one.as_data() for one in self.differing],
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Plan:
        """Return the plan that ``as_data`` gave."""
        return cls(
            step=data["step"],
            changes=tuple(Change(**one) for one in data["changes"]),
            unknowns=tuple((one[0], one[1]) for one in data.get("unknowns", ())),
            differing=tuple(Change(**one) for one in data.get("differing", ())),
        )


def run_digest(plans: Sequence[Plan]) -> str:
    """Return the digest of a run's plan: over the step digests, in their order."""
    return digest_of([[plan.step, plan.digest] for plan in plans])


def uncovered(changes: Iterable[Change], approved: Iterable[Change]) -> list[Change]:
    """Return the changes that an approved plan does not cover.

    An approved create covers setting any of its (resource, field, after), whether by creating or by updating;
    updates match on before and after too; deletes and replacements only themselves.
    """
    exact = {encode(one.canonical) for one in approved}
    created = {(one.resource, one.field, encode(plain(one.after))) for one in approved if one.op == CREATE}
    return [
        one
        for one in changes
        if encode(one.canonical) not in exact
        and not (one.op in (CREATE, UPDATE) and (one.resource, one.field, encode(plain(one.after))) in created)
    ]


@dataclass
class Survey:
    """What is there of the kinds that a plan looks at: ours by key, ours but undeclared, not readable, foreign."""

    lives: dict[str, Live] = field(default_factory=dict)
    orphans: list[Live] = field(default_factory=list)
    unreadable: dict[str, NotObserved] = field(default_factory=dict)
    foreign: dict[str, str] = field(default_factory=dict)
    logical_of: dict[str, str] = field(default_factory=dict)
    adopted: set[str] = field(default_factory=set)

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
            return {key: self.resolve(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.resolve(item) for item in value]
        return value

    def _known(self, match: re.Match[str]) -> str:
        live = self.lives.get(match[1])
        return live.attrs.get(match[2]) or match[0] if live else match[0]


def survey(environment: str, readings: Mapping[str, Reading], desired: Iterable[Desired], estate: Estate) -> Survey:
    """Return what is there of these kinds; parents must stand before children in ``readings``."""
    found = Survey()
    wanted: dict[str, list[Desired]] = {}
    for one in desired:
        if one.adopted:
            found.adopted.add(one.key)
        wanted.setdefault(one.kind, []).append(one)
    for kind, reading in readings.items():
        try:
            _survey_kind(environment, kind, reading, wanted.get(kind, []), estate, found)
        except NotObserved as cause:
            found.unreadable[kind] = cause
    return found


def _survey_kind(
    environment: str, kind: str, reading: Reading, wanted: list[Desired], estate: Estate, found: Survey
) -> None:
    names = {_natural(reading, found.resolve(dict(one.fields))): one for one in wanted}
    by_id = {one.adopted: one for one in wanted if one.adopted}
    declared = {one.key for one in wanted}
    # Where what a declared part is known by could not be read, nobody knows which parts are undeclared.
    undecided = any(_unread([found.resolve(one.fields.get(name)) for name in reading.natural], found) for one in wanted)
    for item in items(reading, estate):
        live = _live(kind, reading, item, estate)
        adopter = by_id.get(live.id)
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
    """What tells items of a kind apart, as it stands in the pages: two things may have one name in different kinds."""
    return encode(plain([fields.get(name) for name in reading.natural])) if reading.natural else ""


def _is_adopted(one: Desired, reading: Reading, found: Survey) -> bool:
    """Whether a resource, or the parent that it is a part of, is somebody else's: verified, never changed."""
    parent = one.fields.get(reading.natural[0]) if reading.owner == "parent" and reading.natural else None
    match = REFERENCE.fullmatch(parent) if isinstance(parent, str) else None
    return bool(one.adopted) or (match is not None and match[1] in found.adopted)


def _live(kind: str, reading: Reading, item: Mapping[str, Any], estate: Estate) -> Live:
    text = identity(item, reading.id)
    attrs = {"id": text, **{name: str(dig(item, path) or "") for name, path in reading.attrs.items()}}
    fields = {name: value_of(spec, item, estate) for name, spec in reading.fields.items()}
    return Live(kind, text, "", attrs, fields, state=str(dig(item, reading.state) or "") if reading.state else "")


def _unread(resolved: Any, found: Survey) -> str:
    """Return why a value cannot be compared: it refers to what could not be read; '' where it does not."""
    kinds = sorted({key.split(":")[0] for key in references(resolved)} & set(found.unreadable))
    return str(found.unreadable[kinds[0]]) if kinds else ""


def changes_of(one: Desired, reading: Reading, found: Survey) -> Iterator[Change | tuple[str, str]]:
    """Yield the changes that bring one resource to its declared fields, and (resource, reason) for what is unknown."""
    live = found.lives.get(one.key)
    if live is None and one.adopted:
        yield one.key, f"{one.adopted} is to be adopted and was not found"
        return
    if live is None and one.key in found.foreign:
        yield one.key, f"{found.foreign[one.key]} has its name and is not ours: adopt it, or choose another prefix"
        return
    if live is None and (cause := _unread([found.resolve(one.fields.get(name)) for name in reading.natural], found)):
        yield one.key, cause
        return
    if live is None:
        for name, value in sorted(one.fields.items()) or [("", None)]:
            yield Change(CREATE, one.key, name, None, value, "none", one.why, one.label)
        return
    for name, value in sorted(one.fields.items()):
        spec = reading.fields.get(name)
        if spec is None or spec.change == ONCE:
            continue
        before = live.fields.get(name)
        if isinstance(before, Unknown):
            yield one.key, f"field {name}: {before.cause}"
            continue
        # Compared as they stand in the pages: references are inside texts too, and ids sort unlike references.
        wanted = found.resolve(value)
        if encode(plain(before)) != encode(plain(shaped(spec, wanted))):
            if cause := _unread(wanted, found):
                yield one.key, f"field {name}: {cause}"
                continue
            logical = found.logical(before)
            op = {IN_PLACE: UPDATE, REPLACE: REPLACED, NEVER: REPLACED}[spec.change]
            why = spec.why or "differs from what is declared"
            yield Change(op, one.key, name, logical, value, spec.risk, why, one.label)


def diff(
    step: str,
    desired: Sequence[Desired],
    readings: Mapping[str, Reading],
    found: Survey,
    *,
    undeclared: Iterable[Live] = (),
    answers_for: Collection[str] = (),
) -> Plan:
    """Return the plan that brings the estate to the declared resources and removes what is ours but undeclared.

    ``answers_for`` are the kinds whose undeclared resources would be among ``undeclared`` if they could be read.
    """
    changes: list[Change] = []
    unknowns: list[tuple[str, str]] = []
    differing: list[Change] = []
    for one in desired:
        if one.kind in found.unreadable:
            unknowns.append((one.key, str(found.unreadable[one.kind])))
            continue
        for change in changes_of(one, readings[one.kind], found):
            if isinstance(change, tuple):
                unknowns.append(change)
            elif _is_adopted(one, readings[one.kind], found):
                differing.append(dataclasses.replace(change, op=DIFFERS))
            else:
                changes.append(change)
    silent = set(found.unreadable) & set(answers_for) - {one.kind for one in desired}
    unknowns += [(f"{kind}:undeclared", str(found.unreadable[kind])) for kind in sorted(silent)]
    for live in undeclared:
        before = {name: found.logical(value) for name, value in live.fields.items() if not isinstance(value, Unknown)}
        changes.append(Change(DELETE, live.key, "", before, None, "removes", "ours, and not declared"))
    return Plan(step, tuple(changes), tuple(unknowns), tuple(differing))


def removal(
    step: str, lives: Sequence[Live], found: Survey, protections: Optional[Mapping[str, Mapping[str, Any]]] = None
) -> Plan:
    """Return the plan that removes these resources, first to go first; protections come off as changes of their own."""
    changes = []
    for live in lives:
        known = {name: value for name, value in live.fields.items() if not isinstance(value, Unknown)}
        for name, off in (protections or {}).get(live.kind, {}).items():
            if name in known and known[name] != off:
                why = "protection comes off before the resource goes"
                changes.append(Change(UPDATE, live.key, name, known[name], off, "unprotects", why))
        before = {name: found.logical(value) for name, value in known.items()}
        changes.append(Change(DELETE, live.key, "", before, None, "removes", "destroy"))
    unknowns = tuple((kind, str(cause)) for kind, cause in found.unreadable.items())
    return Plan(step, tuple(changes), unknowns)
