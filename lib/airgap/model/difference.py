"""The one generic diff: declared fields against what is there, as the changes of a plan; and the plan of a removal."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional

from airgap.model.canonical import encode, plain
from airgap.model.kubernetes import adopted, comparable, differences, immutable
from airgap.model.observation import NotObserved
from airgap.model.plan import (
    CREATE,
    DELETE,
    DIFFERS,
    IMPOSSIBLE,
    LOSES,
    REFERENCE,
    REPLACED,
    UPDATE,
    Change,
    Desired,
    Plan,
)
from airgap.model.reading import FIXED, FORWARD, NEVER, ONCE, REPLACE, Field, Live, Reading, Unknown, Whole, shaped
from airgap.model.survey import Survey, unread


def _is_adopted(one: Desired, reading: Reading, found: Survey) -> bool:
    """Whether a resource, or the parent that it is a part of, is somebody else's: verified, never changed."""
    parent = one.fields.get(reading.natural[0]) if reading.owner == "parent" and reading.natural else None
    match = REFERENCE.fullmatch(parent) if isinstance(parent, str) else None
    return bool(one.adopted) or (match is not None and match[1] in found.adopted)


def changes_of(one: Desired, reading: Reading, found: Survey) -> Iterator[Change | tuple[str, str]]:
    """Yield the changes that bring one resource to its declared fields, and (resource, reason) for what is unknown."""
    live = found.lives.get(one.key)
    if live is None and one.adopted:
        yield one.key, f"{one.adopted} is to be adopted and was not found"
        return
    if live is None and one.key in found.foreign:
        yield one.key, f"{found.foreign[one.key]} has its name and is not ours: adopt it, or choose another prefix"
        return
    if live is None and (cause := unread([found.resolve(one.fields.get(name)) for name in reading.natural], found)):
        yield one.key, cause
        return
    if live is None:
        for name, value in sorted(one.fields.items()) or [("", None)]:
            risk = IMPOSSIBLE if name in one.refused else "none"
            yield Change(CREATE, one.key, name, None, value, risk, one.refused.get(name, one.why), one.label)
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
        if spec.form == "object" and not unread(wanted, found):
            there, wanted = plain(before), plain(wanted)
            there, wanted = adopted(there, wanted) if one.adopted else (there, wanted)
            yield from _object_changes(one, name, spec, there, wanted, found)
        elif encode(plain(before)) != encode(plain(shaped(spec, wanted))):
            if cause := unread(wanted, found):
                yield one.key, f"field {name}: {cause}"
                continue
            op, risk, why = _effect(spec, before, wanted)
            if op == REPLACED and reading.holds:
                risk, why = LOSES, f"{why}; with the old one go {reading.holds}"
            if name in one.refused:
                risk, why = IMPOSSIBLE, one.refused[name]
            yield Change(op, one.key, name, found.logical(before), value, risk, why, one.label)


def _effect(spec: Field, before: Any, wanted: Any) -> tuple[str, str, str]:
    """Return how a field gets from one value to another: the operation, its risk, and why."""
    why = spec.why or "differs from what is declared"
    if spec.change in (REPLACE, NEVER):
        return REPLACED, "replaces" if spec.risk == "none" else spec.risk, why
    if spec.change == FIXED:
        return UPDATE, "one-way" if before in (None, "", [], {}) else IMPOSSIBLE, why
    if spec.change == FORWARD:
        ahead = _place(spec, wanted) > _place(spec, before)
        return UPDATE, (spec.risk if spec.risk != "none" else "one-way") if ahead else IMPOSSIBLE, why
    return UPDATE, spec.risk, why


def _place(spec: Field, value: Any) -> tuple[int, ...]:
    """Return where a value stands in the only order in which AWS lets the field change."""
    if spec.order:
        return (spec.order.index(value) if value in spec.order else -1,)
    return tuple(int(part) if part.isdigit() else -1 for part in str(value).split("."))


def _object_changes(one: Desired, name: str, spec: Field, live: Any, wanted: Any, found: Survey) -> Iterator[Change]:
    """Yield a change for every path of a Kubernetes object in which it differs from the declared one."""
    for path, before, after in differences(comparable(live, wanted), wanted):
        op, risk = (REPLACED, "replaces") if immutable(str(wanted.get("kind")), path) else (UPDATE, spec.risk)
        why = "cannot be changed on a live object" if op == REPLACED else spec.why or "differs from what is declared"
        yield Change(op, one.key, f"{name}.{path}", found.logical(before), found.logical(after), risk, why, one.label)


def diff(
    step: str,
    desired: Sequence[Desired],
    readings: Mapping[str, Reading],
    found: Survey,
    *,
    undeclared: Iterable[Live] = (),
    answers_for: Collection[str] = (),
    unseen: bool = False,
) -> Plan:
    """Return the plan that brings the estate to the declared resources and removes what is ours but undeclared.

    ``answers_for`` are the kinds whose undeclared resources would be among ``undeclared`` if they could be read.
    ``unseen`` plans what is applied as a whole although the caller may not read it yet; a verdict never does.
    """
    changes: list[Change] = []
    unknowns: list[tuple[str, str]] = []
    differing: list[Change] = []
    for one in desired:
        if unseen and _applied_unseen(readings[one.kind], found.unreadable.get(one.kind)):
            changes += [_unseen(one, name, value) for name, value in sorted(one.fields.items())]
            continue
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
    silent -= {kind for kind in silent if unseen and _applied_unseen(readings[kind], found.unreadable[kind])}
    unknowns += [(f"{kind}:undeclared", str(found.unreadable[kind])) for kind in sorted(silent)]
    for live in undeclared:
        before = {name: found.logical(value) for name, value in _shown(live).items()}
        risk, why = _of_removal(readings.get(live.kind), "ours, and not declared")
        changes.append(Change(DELETE, live.key, "", before, None, risk, why))
    return Plan(step, tuple(changes), tuple(unknowns), tuple(differing))


def _of_removal(reading: Optional[Reading], why: str) -> tuple[str, str]:
    """Return the risk of a removal, and why it happens, with what goes for good."""
    if reading is None or not reading.holds:
        return "removes", why
    return LOSES, f"{why}; with it go {reading.holds}"


def _applied_unseen(reading: Reading, cause: Optional[NotObserved]) -> bool:
    """Tell whether resources are planned although the caller may not read them: it may as soon as they are there."""
    return cause is not None and reading.declarative and cause.reason.startswith("denied")


def _unseen(one: Desired, name: str, value: Any) -> Change:
    why = "what is there could not be read; it is applied whatever that is"
    return Change(CREATE, one.key, name, None, value, "none", why, one.label)


def removal(
    step: str,
    lives: Sequence[Live],
    found: Survey,
    protections: Optional[Mapping[str, Mapping[str, Any]]] = None,
    readings: Optional[Mapping[str, Reading]] = None,
) -> Plan:
    """Return the plan that removes these resources, first to go first; protections come off as changes of their own."""
    changes = []
    for live in lives:
        known = _shown(live)
        for name, off in (protections or {}).get(live.kind, {}).items():
            if name in known and known[name] != off:
                why = "protection comes off before the resource goes"
                changes.append(Change(UPDATE, live.key, name, known[name], off, "unprotects", why))
        before = {name: found.logical(value) for name, value in known.items()}
        risk, why = _of_removal((readings or {}).get(live.kind), "destroy")
        changes.append(Change(DELETE, live.key, "", before, None, risk, why))
    unknowns = tuple((kind, str(cause)) for kind, cause in found.unreadable.items())
    return Plan(step, tuple(changes), unknowns)


def _shown(live: Live) -> dict[str, Any]:
    return {name: value for name, value in live.fields.items() if not isinstance(value, (Unknown, Whole))}
