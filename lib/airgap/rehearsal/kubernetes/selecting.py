"""Label and field selectors, in queries and in objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from airgap.rehearsal.kubernetes.refusals import bad_request

Object = dict[str, Any]
Test = Callable[[Object], bool]

_TERM = re.compile(
    r"\s*(?:(?P<not>!)\s*(?P<absent>[\w./-]+)"
    r"|(?P<key>[\w./-]+)\s*(?:(?P<op>==|=|!=)\s*(?P<value>[\w.-]*)|(?P<set>in|notin)\s*\((?P<values>[^)]*)\))?)\s*(?:,|$)"
)


def labels(text: str) -> Test:
    """Return the test of a label selector such as ``app=web,tier in (a,b),!old``; a Refusal where it is not one."""
    tests: list[Callable[[Mapping[str, str]], bool]] = []
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None:
            raise bad_request(f"unable to parse requirement: found '{text[position:]}', expected: identifier")
        tests.append(_label_test(match))
        position = match.end()
    return lambda item: all(test(item["metadata"].get("labels") or {}) for test in tests)


def _label_test(match: re.Match[str]) -> Callable[[Mapping[str, str]], bool]:
    part = match.groupdict()
    key = part["absent"] or part["key"]
    if part["absent"]:
        return lambda held: key not in held
    if part["set"]:
        values = {value.strip() for value in part["values"].split(",")}
        return (
            (lambda held: held.get(key) in values)
            if part["set"] == "in"
            else (lambda held: held.get(key) not in values)
        )
    if part["op"]:
        value = part["value"]
        return (lambda held: held.get(key) != value) if part["op"] == "!=" else (lambda held: held.get(key) == value)
    return lambda held: key in held


def fields(text: str) -> Test:
    """Return the test of a field selector such as ``metadata.name=web,status.phase!=Running``."""
    terms = [term for term in text.split(",") if term]
    tests = []
    for term in terms:
        parts = re.fullmatch(r"([^!=]+)(==|=|!=)(.*)", term)
        if parts is None:
            raise bad_request(f"invalid selector: '{term}'; can't understand '{term}'")
        tests.append((parts[1], parts[2] != "!=", parts[3]))
    return lambda item: all((_text(at(item, path)) == value) is equal for path, equal, value in tests)


def at(item: Any, path: str) -> Any:
    """Return what stands at a dotted path of an object, None where nothing does."""
    for step in path.split("."):
        item = item.get(step) if isinstance(item, dict) else None
    return item


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


_OPERATORS: dict[str, Callable[[str | None, list[str]], bool]] = {
    "In": lambda held, values: held in values,
    "NotIn": lambda held, values: held not in values,
    "Exists": lambda held, _: held is not None,
    "DoesNotExist": lambda held, _: held is None,
    "Gt": lambda held, values: held is not None and int(held) > int(values[0]),
    "Lt": lambda held, values: held is not None and int(held) < int(values[0]),
}


def selects(selector: Mapping[str, Any] | None, held: Mapping[str, str] | None) -> bool:
    """Say whether a ``LabelSelector`` object selects labels; an absent one selects nothing, an empty one everything."""
    if selector is None:
        return False
    held = held or {}
    wanted = selector.get("matchLabels") or {}
    return all(held.get(key) == value for key, value in wanted.items()) and meets(
        selector.get("matchExpressions") or [], held
    )


def meets(expressions: list[dict[str, Any]], held: Mapping[str, str]) -> bool:
    """Say whether labels meet every ``{key, operator, values}``; nothing meets an operator that does not exist."""
    return all(_meets(one, held) for one in expressions)


def _meets(one: dict[str, Any], held: Mapping[str, str]) -> bool:
    test = _OPERATORS.get(one["operator"])
    return test is not None and test(held.get(one["key"]), one.get("values") or [])
