"""Condition blocks of IAM policies, decided in three values: true, false, or unknown (None).

Source: IAM User Guide, "IAM JSON policy elements: Condition operators", "... with multiple context keys or values",
"... Variables and tags". What that reference does not define (an operator that it does not list, a malformed value, a
many-valued key without a set operator) is unknown here, never a guess.
"""

from __future__ import annotations

import ipaddress
import operator as compare
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Callable, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# A pattern is a tuple of tokens: a literal character is a token of length one, so no literal can be mistaken for these.
ANY = "any"
ONE = "one"

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULTED = re.compile(r"^\s*([^,\s]+)\s*,\s*'([^']*)'\s*$")
_NUMBER = re.compile(r"^[+-]?\d+(\.\d+)?$")
_EPOCH = re.compile(r"^\d{5,}$")  # shorter could be a year
_DATE = re.compile(
    r"^(\d{4})-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?)?$"
)  # https://www.w3.org/TR/NOTE-datetime, which the reference names


def every(truths: Iterable[bool | None]) -> bool | None:
    """Kleene's conjunction: false if one is false, else unknown if one is unknown, else true."""
    seen = set(truths)
    return False if False in seen else None if None in seen else True


def some(truths: Iterable[bool | None]) -> bool | None:
    """Kleene's disjunction: true if one is true, else unknown if one is unknown, else false."""
    seen = set(truths)
    return True if True in seen else None if None in seen else False


def negated(truth: bool | None) -> bool | None:
    """Kleene's negation: the negation of unknown is unknown."""
    return None if truth is None else not truth


def tokens(text: str) -> tuple[str, ...]:
    """The pattern that `text` writes: `*` is any run of characters, `?` any one of them."""
    return tuple(ANY if char == "*" else ONE if char == "?" else char for char in text)


def matches(pattern: Sequence[str], text: str) -> bool:
    """Whether the whole text matches the pattern; time is at most the product of both lengths, whatever the pattern."""
    at, here, star, resume = 0, 0, -1, 0
    while here < len(text):
        if at < len(pattern) and pattern[at] == ANY:
            star, resume, at = at, here, at + 1
        elif at < len(pattern) and pattern[at] in (ONE, text[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            resume, at = resume + 1, star + 1
            here = resume
        else:
            return False
    return all(token == ANY for token in pattern[at:])


@dataclass(frozen=True)
class Context:
    """The request context: key -> values; no values means known to be absent.

    `complete` says that AWS sends no other key; otherwise a key that is not named here is unknown, not absent.
    """

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    complete: bool = True

    def get(self, key: str) -> tuple[str, ...] | None:
        """The key's values, empty when absent, None when unknown; key names are case-insensitive."""
        for name, values in self.values.items():
            if name.lower() == key.lower():
                return tuple(values)
        return () if self.complete else None


class Expanded(NamedTuple):
    """A policy value with its variables replaced; `resolved` is False when one is absent, None when one is unknown."""

    raw: str
    text: str
    pattern: tuple[str, ...]
    resolved: bool | None


def _variable(name: str, context: Context) -> tuple[str, bool | None]:
    defaulted = _DEFAULTED.match(name)
    key, default = (defaulted.group(1), defaulted.group(2)) if defaulted else (name, None)
    values = context.get(key)
    if values is None or len(values) > 1:
        return "", None
    if values:
        # Whether a wildcard inside a replaced value acts as one is not documented.
        return values[0], None if set(values[0]) & {"*", "?"} else True
    return (default, True) if default is not None else ("", False)


def expand(raw: str, context: Context, variables: bool = True) -> Expanded:
    """The value with `${key}` and `${key, 'default'}` replaced from the context, and `${*}`, `${?}`, `${$}` literal."""
    if not variables:
        return Expanded(raw, raw, tokens(raw), True)
    text, pattern, resolved, end = "", tokens(""), every(()), 0
    for found in _VARIABLE.finditer(raw):
        plain, name = raw[end : found.start()], found.group(1)
        value, truth = (name, True) if name in ("*", "?", "$") else _variable(name, context)
        text, pattern, end = text + plain + value, pattern + tokens(plain) + tuple(value), found.end()
        resolved = every((resolved, truth))
    return Expanded(raw, text + raw[end:], pattern + tokens(raw[end:]), resolved)


def segments(pattern: Sequence[str], count: int) -> list[tuple[str, ...]]:
    """The pattern split at its first `count - 1` colons, as an ARN is."""
    parts: list[list[str]] = [[]]
    for token in pattern:
        if token == ":" and len(parts) < count:
            parts.append([])
        else:
            parts[-1].append(token)
    return [tuple(part) for part in parts]


def _arn(value: str, wanted: Expanded) -> bool | None:
    """Each of the six colon-delimited components is checked separately (ArnEquals and ArnLike behave identically)."""
    patterns, parts = segments(wanted.pattern, 6), value.split(":", 5)
    if len(patterns) != 6:
        return None
    return len(parts) == 6 and all(matches(patterns[at], part) for at, part in enumerate(parts))


def _bool(value: str, wanted: Expanded) -> bool | None:
    pair = (value.lower(), wanted.text.lower())
    return pair[0] == pair[1] if set(pair) <= {"true", "false"} else None


def _address(value: str, wanted: Expanded) -> bool | None:
    try:
        address, network = ipaddress.ip_address(value), ipaddress.ip_network(wanted.raw, strict=False)
    except ValueError:
        return None
    return address.version == network.version and address in network


def _number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.match(text) else None


def _instant(text: str) -> Decimal | None:
    """Seconds since 1970 of a W3C date or an epoch time; None when it is neither."""
    if _EPOCH.match(text):
        return Decimal(text)
    found = _DATE.match(text)
    if not found:
        return None
    year, month, day, hour, minute, second, zone = found.groups()
    try:
        moment = datetime(int(year), int(month), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return None
    if zone and zone != "Z":
        shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
        moment = moment - shift if zone[0] == "+" else moment + shift
    return Decimal(int((moment - datetime(1970, 1, 1)).total_seconds()))


Test = Callable[[str, Expanded], "bool | None"]


def _ordered(read: Callable[[str], Decimal | None], relation: Callable[[Decimal, Decimal], bool]) -> Test:
    def test(value: str, wanted: Expanded) -> bool | None:
        left, right = read(value), read(wanted.raw)
        return None if left is None or right is None else relation(left, right)

    return test


_RELATIONS = {
    "Equals": compare.eq,
    "LessThan": compare.lt,
    "LessThanEquals": compare.le,
    "GreaterThan": compare.gt,
    "GreaterThanEquals": compare.ge,
}

# BinaryEquals is left out on purpose: no key of this product's services is binary, so it is unknown.
TESTS: Mapping[str, Test] = {
    "StringEquals": lambda value, wanted: value == wanted.text,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.text.lower(),
    "StringLike": lambda value, wanted: matches(wanted.pattern, value),
    "ArnEquals": _arn,
    "ArnLike": _arn,
    "Bool": _bool,
    "IpAddress": _address,
    **{f"Numeric{name}": _ordered(_number, relation) for name, relation in _RELATIONS.items()},
    **{f"Date{name}": _ordered(_instant, relation) for name, relation in _RELATIONS.items()},
}

NEGATIONS: Mapping[str, str] = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}


def split_operator(operator: str) -> tuple[str, str, bool]:
    """The operator's set operator (or ""), its name, and whether it ends in IfExists."""
    quantifier, colon, name = operator.rpartition(":")
    optional = name.endswith("IfExists")
    return quantifier if colon else "", name[: -len("IfExists")] if optional else name, optional


def _null(wanted: Sequence[str], present: tuple[str, ...] | None) -> bool | None:
    if present is None or not set(wanted) <= {"true", "false"}:
        return None
    return ("false" if present else "true") in wanted


def _absent(quantifier: str, inverted: bool) -> bool:
    """What an absent key decides: a set operator decides by the empty set, otherwise a negated operator holds."""
    return quantifier == "ForAllValues" or (quantifier == "" and inverted)


def _value(value: str, wanted: Sequence[Expanded], test: Test, inverted: bool) -> bool | None:
    """Whether one request value passes: it matches one wanted value, or none of them when the operator is negated."""
    absent = None if inverted else False  # a variable without a value matches nothing; its negation is not documented
    found = some(test(value, each) if each.resolved else (None if each.resolved is None else absent) for each in wanted)
    return negated(found) if inverted else found


def holds(operator: str, key: str, wanted: Sequence[str], context: Context, variables: bool = True) -> bool | None:
    """Whether `{operator: {key: wanted}}` is true in this context; None when that cannot be known."""
    quantifier, name, optional = split_operator(operator)
    present = context.get(key)
    if name == "Null":
        return None if quantifier or optional else _null(wanted, present)
    test, inverted = TESTS.get(NEGATIONS.get(name, name)), name in NEGATIONS
    if test is None or not wanted or quantifier not in ("", "ForAllValues", "ForAnyValue") or present is None:
        return None
    if not present:
        return optional or _absent(quantifier, inverted)
    expanded = [expand(each, context, variables) for each in wanted]
    truths = [_value(value, expanded, test, inverted) for value in present]
    if quantifier:
        return every(truths) if quantifier == "ForAllValues" else some(truths)
    # Without a set operator many values are undefined, unless each of them decides the same.
    return truths[0] if len(set(truths)) == 1 else None
