"""Readings: how a kind of resource is found in recorded pages, as plain data.

A reading is kept in the run beside the declared fields, so that anyone can derive the drift again from the pages.
Paths are those of ``canonical.dig``; ``^`` is the item that holds this one (``RouteTables[].Routes``: the table), ``?``
the parameters of the call that listed it, ``@`` the item itself where it is not a mapping. Ids and patterns may join
several paths by ``+``: ``^.RouteTableId+DestinationCidrBlock`` is ``rtb-1|10.0.0.0/16``, where AWS gives no id.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from airgap.model.canonical import dig, encode
from airgap.model.estate import Estate
from airgap.model.observation import NotObserved

IN_PLACE, REPLACE, ONCE, NEVER = "in-place", "replace", "once", "never"
FORWARD, FIXED = "forward", "fixed"


class Unknown:
    """The value of a field whose page was not read; equal to nothing, not even itself."""

    def __init__(self, cause: NotObserved) -> None:
        self.cause = cause

    def __repr__(self) -> str:
        return f"unknown ({self.cause})"


class Whole(dict):  # type: ignore[type-arg]
    """A Kubernetes object as it is served: compared by what is declared, and no part of a removal's text."""

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Whole:
        """Return a listed object with the version and kind that its list names once for all."""
        held = item.get("^") or {}
        named = {"apiVersion": held.get("apiVersion"), "kind": str(held.get("kind") or "").removesuffix("List")}
        return cls({**named, **{key: value for key, value in item.items() if key not in ("^", "?")}})


@dataclass(frozen=True)
class Field:
    """Where one declared field stands in the pages, and what a change of it means.

    ``call``/``by`` name a follow-up page: ``by`` gives its parameters as item paths, ``=literal``, or in brackets as
    the one element of a list. ``form``: plain, set (order does not matter), domains (a set of DNS names), policy (AWS
    reformats it), pairs:KEY:VALUE (a list as a mapping), at:KEY:VALUE:NAME (the value of the one item of that name),
    on:FLAG:VALUES (the values of a list's items whose flag is true, as a set), one (the only element of a list), host
    (a URL without its scheme), json (a text, by what it means), major (a version up to its first dot, where AWS raises
    the rest),
    present (true when the member is there), object (a Kubernetes object: compared path by path, see
    ``kubernetes.comparable``). ``change``: in-place, replace, once (set at creation, then others move it), never,
    forward (to a later value only: a later one of ``order``, else a higher version) or fixed (may be set where it is
    not, and never after). ``absent`` is the value when AWS leaves the member out.
    """

    path: str = ""
    call: str = ""
    by: Mapping[str, str] = field(default_factory=dict)
    form: str = "plain"
    change: str = IN_PLACE
    risk: str = "none"
    why: str = ""
    absent: Any = None
    order: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """How one kind is found: the call, the list in its answer, the id, who owns it, and its fields.

    ``owner``: ``tags`` (ownership tags at ``tags``, a path to a Key/Value list or a mapping), ``name`` (the field
    ``name`` equals the declared one), ``parent`` (everything under a parent of ours, the first of the ``natural``
    fields, which together tell items apart), or ``account`` (one in the account and Region). Items that match any
    ``unless`` (path, pattern), or not every ``only``, are passed over. ``declarative`` kinds are applied as a whole,
    whatever is there (Kubernetes' server-side apply), so they may be planned where the caller may not look yet.
    ``holds`` says which data go for good with one that is replaced or removed.
    """

    call: str
    items: str
    id: str
    owner: str = "tags"
    tags: str = "Tags"
    natural: tuple[str, ...] = ()
    unless: tuple[tuple[str, str], ...] = ()
    only: tuple[tuple[str, str], ...] = ()
    attrs: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Field] = field(default_factory=dict)
    state: str = ""
    settled: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    declarative: bool = False
    holds: str = ""

    @property
    def reads(self) -> tuple[str, ...]:
        """The calls that this reading rests on."""
        return tuple(dict.fromkeys([*self.finding, *(one.call for one in self.fields.values() if one.call)]))

    @property
    def finding(self) -> tuple[str, ...]:
        """The calls by which its things are found and told apart, whatever else they are like."""
        named = [self.fields[name].call for name in self.natural if name in self.fields]
        tags = self.tags.split("|")[0] if ":" in self.tags else ""
        return tuple(dict.fromkeys(call for call in (self.call, *named, tags) if call))

    def as_data(self) -> dict[str, Any]:
        """Return the reading as JSON data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Reading:
        """Return the reading that ``as_data`` gave."""
        tuples = ("natural", "settled", "failed")
        pairs = ("unless", "only")
        values: dict[str, Any] = {name: tuple(value) if name in tuples else value for name, value in data.items()}
        values.update({name: tuple((one[0], one[1]) for one in data.get(name, ())) for name in pairs})
        values["fields"] = {name: Field(**one) for name, one in data["fields"].items()}
        return cls(**values)


@dataclass(frozen=True)
class Live:
    """One resource as the pages show it; ``key`` is its logical key when it is known to be ours."""

    kind: str
    id: str
    key: str
    attrs: Mapping[str, str]
    fields: Mapping[str, Any]
    state: str = ""
    parent: str = ""


def items(reading: Reading, estate: Estate) -> Iterator[dict[str, Any]]:
    """Yield the items of a kind in the pages, each with ``^``, the item that holds it.

    Raises ``NotObserved`` when the call that lists them was not answered.
    """
    for params, body in estate.pages(reading.call):
        for item in _walk({**body, "?": params}, reading.items.split(".")):
            if not any(_matches(item, path, pattern) for path, pattern in reading.unless) and all(
                _matches(item, path, pattern) for path, pattern in reading.only
            ):
                yield item


def _walk(holder: dict[str, Any], path: list[str]) -> Iterator[dict[str, Any]]:
    if not path or path == [""]:
        yield holder
        return
    found = holder.get(path[0].replace("[]", ""))
    if path[1:] and isinstance(found, str):
        # Some answers hold JSON as a text, as Lambda's policies.
        found = json.loads(found)
    found = found if isinstance(found, list) else [] if found is None else [found]
    for item in found:
        data = dict(item) if isinstance(item, Mapping) else {"@": item}
        yield from _walk({**data, "^": holder}, path[1:])


def _matches(item: Mapping[str, Any], path: str, pattern: str) -> bool:
    value = identity(item, path) if "+" in path else dig(item, path)
    values = value if isinstance(value, list) else [value]
    return any(fnmatch.fnmatchcase(_text(one), pattern) for one in values)


def identity(item: Mapping[str, Any], path: str) -> str:
    """Return what tells an item apart: the text at a path, or at several joined by ``+``, between bars."""
    return "|".join(_text(_bound(item, part)) for part in path.split("+"))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def value_of(spec: Field, item: Mapping[str, Any], estate: Estate) -> Any:
    """Return one field of an item in the form in which it is declared, or ``Unknown``."""
    if spec.form == "object":
        return Whole.of(item)
    source: Any = item
    if spec.call:
        params = {name: _bound(item, path) for name, path in spec.by.items()}
        try:
            source = estate.page(spec.call, **params) or {}
        except NotObserved as cause:
            return Unknown(cause)
    return shaped(spec, dig(source, spec.path))


def _bound(item: Mapping[str, Any], path: str) -> Any:
    if path.startswith("["):
        return [_bound(item, path[1:-1])]
    return path[1:] if path.startswith("=") else dig(item, path)


def _meaning(text: str) -> Any:
    """What a JSON text means; somebody else may have put another text there, which then stands for itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def shaped(spec: Field, value: Any) -> Any:
    """Return a value in its canonical form, so that equal configurations compare equal."""
    if spec.form == "present":
        return value not in (None, "", [], {}, False)
    if spec.form == "one" and isinstance(value, list):
        value = value[0] if len(value) == 1 else value or None
    if value is None:
        value = spec.absent
    if value is None:
        return None
    if spec.form == "set":
        return sorted((one for one in value), key=encode)
    if spec.form == "json":
        return _meaning(value) if isinstance(value, str) else value
    if spec.form == "major":
        return str(value).partition(".")[0]
    if spec.form == "host":
        return str(value).rpartition("://")[2]
    if spec.form == "domains":
        # DNS names have no case, and Resolver writes them with their last dot.
        return sorted(f"{one.rstrip('.').lower()}." for one in value)
    if spec.form.startswith("at:"):
        _, key, val, name = spec.form.split(":", 3)
        return next((one[val] for one in value if one[key] == name), None) if isinstance(value, list) else value
    if spec.form.startswith("on:"):
        _, flag, values = spec.form.split(":")
        return sorted(
            one
            for item in value
            for one in ((item[values] if item[flag] else ()) if isinstance(item, Mapping) else (item,))
        )
    if spec.form.startswith("pairs:"):
        _, key, val = spec.form.split(":")
        return {one[key]: dig(one, val) for one in value} if isinstance(value, list) else dict(value)
    if spec.form == "policy":
        from airgap.model.policy import canonical

        return canonical(value)
    if spec.form == "text":
        return _text(value)
    return value


def tags_of(reading: Reading, item: Mapping[str, Any], estate: Estate) -> Optional[Mapping[str, str]]:
    """Return the tags of an item, or None where it cannot carry any.

    A ``tags`` path of the form ``service:Call|Param=path|member`` reads them from a follow-up page.
    """
    if not reading.tags:
        return None
    value: Any
    if "|" in reading.tags:
        call, bind, member = reading.tags.split("|")
        name, _, path = bind.partition("=")
        value = dig(estate.page(call, **{name: _bound(item, path)}) or {}, member)
    else:
        value = dig(item, reading.tags)
    if isinstance(value, Mapping):
        # Kubernetes has no colon in the names of labels and annotations.
        return {str(key).replace("airgap/", "airgap:"): str(val) for key, val in value.items()}
    pairs = value or []
    return {_first(one, "Key", "TagKey", "key"): _first(one, "Value", "TagValue", "value") for one in pairs}


def _first(pair: Mapping[str, str], *names: str) -> str:
    """Return the first member that is there: each service writes tags in its own way."""
    return next((pair[name] for name in names if pair.get(name)), "")
