"""Whether a params file has the shape of the Intent: known keys, required keys, right types.

pydantic decides, on strict JSON; this module says it in the words of the file. ``draft`` gives the rest of the checks
an Intent to read even when some values are missing or wrong, so that one run reports everything.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from airgap.model.intent import Intent, Section
from airgap.params.forms import FORMS
from airgap.params.problems import Problem, Where, nearest, quoted
from airgap.params.source import Place, Source

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping of keys to values",
    "dataclass_type": "a mapping of keys to values",
}


def validate(source: Source) -> tuple[Intent | None, list[Problem]]:
    """Return the Intent that the file declares, or None and what is wrong with its shape.

    A section whose every key has a default may stand empty, as it does when all its lines are comments.
    """
    from pydantic import ValidationError

    data = source.data or {}
    empty: dict[str, Any] = {name: {} for name in optional_sections() if data.get(name, ()) is None}
    text = json.dumps({**data, **empty}, ensure_ascii=False)
    try:
        return adapter().validate_json(text.encode("utf-8", "replace")), []
    except ValidationError as error:
        return None, [_problem(source, entry) for entry in error.errors(include_url=False)]


@cache
def adapter() -> Any:
    """Return pydantic's validator of an Intent; making it costs more than its use."""
    from pydantic import TypeAdapter

    return TypeAdapter(Intent)


def draft(data: Any, kind: Any = Intent) -> Any:
    """Return as much of a section as the data give; what is missing or of the wrong type is None or as it stands."""
    if get_origin(kind) is tuple:
        return tuple(draft(item, get_args(kind)[0]) for item in data) if isinstance(data, list) else ()
    if not is_section(kind):
        return data
    types = hints(kind)
    given = data if isinstance(data, dict) else {}
    values = {name: draft(value, types[name]) for name, value in given.items() if name in types}
    for item in dataclasses.fields(kind):
        if item.name not in values and required(item):
            values[item.name] = draft(None, types[item.name])
    return kind(**values)


def leaves(value: Any, where: Where = (), name: str = "") -> Iterator[tuple[Where, str, Any]]:
    """Yield every text and number of an Intent with its place and the name of its field, as ``Network.vpc_cidr``."""
    if dataclasses.is_dataclass(value):
        for item in dataclasses.fields(value):
            field_name = f"{type(value).__name__}.{item.name}"
            yield from leaves(getattr(value, item.name), (*where, item.name), field_name)
    elif isinstance(value, (tuple, list)):
        for index, one in enumerate(value):
            yield from leaves(one, (*where, index), name)
    elif value is not None:
        yield where, name, value


def is_section(kind: Any) -> bool:
    """Tell whether a type is a section, and not a list of them or a single value."""
    return isinstance(kind, type) and issubclass(kind, Section)


@cache
def optional_sections() -> frozenset[str]:
    """Return the keys of the sections whose every key has a default."""
    return frozenset(
        item.name for item in dataclasses.fields(Intent) if is_section(hints(Intent)[item.name]) and not required(item)
    )


def required(item: dataclasses.Field[Any]) -> bool:
    """Tell whether a field has no default."""
    return item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING


@cache
def hints(kind: Any) -> dict[str, Any]:
    """Return the types of a section's fields; an optional field's is the type that it has when given."""
    return {name: _given(hint) for name, hint in get_type_hints(kind).items()}


def _given(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Union else hint


def section(where: Where) -> Any:
    """Return the type of what stands at a known place."""
    kind: Any = Intent
    for part in where:
        kind = hints(kind)[str(part)] if is_section(kind) else _item(kind)
    return kind


def _item(kind: Any) -> Any:
    return get_args(kind)[0 if get_origin(kind) is tuple else 1]


def _problem(source: Source, entry: Any) -> Problem:
    where: Where = tuple(entry["loc"])
    if entry["type"] == "unexpected_keyword_argument":
        return _unknown(where)
    if entry["type"] == "missing":
        line = source.place(where[:-1]).line
        return Problem(where, f"the key is missing: {_help(where)}", "add the key", line, absent=True)
    if entry["type"] == "literal_error" and isinstance(entry["input"], str):
        return _not_chosen(where, entry["input"])
    return _wrong_type(source.place(where), where, entry)


def _unknown(where: Where) -> Problem:
    """Return what is said of an unknown key: the nearest known one, or the section that it belongs to."""
    name, known = str(where[-1]), hints(section(where[:-1]))
    near = nearest(name, known)
    if near:
        meant = (*where[:-1], near)
        return Problem(where, f"unknown key; did you mean {near}?", f"rename it to {near}", meant=meant)
    homes = _homes(name)
    if homes:
        return Problem(where, f"unknown key here; it belongs at {homes[0]}", f"move it to {homes[0]}")
    return Problem(where, f"unknown key; allowed: {', '.join(known)}", "remove it")


def _homes(name: str) -> list[str]:
    places = {"": hints(Intent)}
    places |= {f"{key}.": hints(kind) for key, kind in hints(Intent).items() if is_section(kind)}
    return [f"{prefix}{name}" for prefix, known in places.items() if name in known]


def _help(where: Where) -> str:
    by_name = {item.name: item for item in dataclasses.fields(section(where[:-1]))}
    return str(by_name[str(where[-1])].metadata["help"])


def _not_chosen(where: Where, value: str) -> Problem:
    choices = [str(choice) for choice in get_args(section(where))]
    near = nearest(value, choices)
    what = f"{quoted(value)} is not one of the choices; allowed: {', '.join(choices)}"
    return Problem(where, what, f"write {near}" if near else "")


def _wrong_type(place: Place, where: Where, entry: Any) -> Problem:
    value, wanted = entry["input"], _TYPES.get(entry["type"], "text")
    if value is None:
        return Problem(where, f"the value is empty; allowed: {wanted}", "give the value, or remove the line")
    if wanted == "text" and isinstance(value, (bool, int, float)):
        return _unquoted(place, where, value)
    return Problem(where, f"{_shown(value)} is not {wanted}", _unquote(wanted, value))


def _unquote(wanted: str, value: Any) -> str:
    plain = isinstance(value, str) and (value.isdigit() if wanted == "a whole number" else value in ("true", "false"))
    if plain and wanted in ("a whole number", "true or false"):
        return f"write it without quotes: {value}"
    return "write it as a list: [...]" if wanted == "a list" and not isinstance(value, dict) else ""


def _unquoted(place: Place, where: Where, value: Any) -> Problem:
    """Return the problem of text that YAML reads as something else, with the exact mend."""
    noun = {bool: "a boolean", int: "a number", float: "a number"}[type(value)]
    what = f"{place.text} without quotes is {noun}, not text"
    if isinstance(value, float):
        what += " (1.30 would be read as 1.3)"
    form = FORMS.get(_field(where))
    meant = form.mend(place.text) if form and form.mend and not form.accepts(place.text) else ""
    lost = f" (leading zeros lost? {len(place.text)} of 12 digits)" if meant and meant != place.text else ""
    return Problem(where, what + lost, f"quote it: '{meant or place.text}'")


def _field(where: Where) -> str:
    names = [index for index, part in enumerate(where) if isinstance(part, str)]
    last = names[-1]
    kind = section(where[:last])
    return f"{kind.__name__}.{where[last]}" if is_section(kind) else ""


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return str(value).lower() if isinstance(value, bool) else quoted(value)
