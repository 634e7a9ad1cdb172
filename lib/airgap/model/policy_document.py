"""Policy documents: the JSON text of an IAM-style policy, its statements, and one canonical form for comparison.

Source: IAM User Guide, "IAM JSON policy element reference" and "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airgap.errors import Unreadable
from airgap.model.canonical import encode

_ELEMENTS = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
# "The account": AWS writes the id as this ARN in most documents.
ROOT = re.compile(r"^arn:[^:]+:iam::(\d{12}):root$")


class MalformedPolicy(Unreadable, ValueError):
    """The document is not a policy that AWS would accept; the message names the element."""


@dataclass(frozen=True)
class Statement:
    """One statement; each list is as written, `negated` names the Not elements, `extra` what is not understood."""

    index: int
    sid: str
    effect: str
    principals: Mapping[str, tuple[str, ...]] | None
    actions: tuple[str, ...]
    resources: tuple[str, ...] | None
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    negated: frozenset[str] = frozenset()
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The Sid, or the statement's position counted from 1."""
        return self.sid or f"statement {self.index + 1}"


@dataclass(frozen=True)
class Policy:
    """A parsed document; variables are replaced only in version 2012-10-17."""

    version: str
    statements: tuple[Statement, ...]
    id: str = ""
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def variables(self) -> bool:
        """Whether `${...}` is a variable in this version of the language."""
        return self.version == "2012-10-17"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedPolicy(f"the policy names an element twice among {sorted(found)}")
    return found


def _texts(value: Any, where: str) -> tuple[str, ...]:
    """The value as a tuple of strings; AWS writes a list of one as the value itself, numbers and booleans as text."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, (str, bool, int, float)) for each in values):
        raise MalformedPolicy(f"{where} holds something else than text: {value!r}")
    return tuple(each if isinstance(each, str) else json.dumps(each) for each in values)


def _either(raw: Mapping[str, Any], name: str) -> tuple[Any, bool]:
    """The element or its Not form, and whether it is the Not form; (None, False) when neither is there."""
    if name in raw and f"Not{name}" in raw:
        raise MalformedPolicy(f"a statement has both {name} and Not{name}")
    return raw.get(name, raw.get(f"Not{name}")), f"Not{name}" in raw


def _principals(value: Any) -> Mapping[str, tuple[str, ...]] | None:
    if value is None or value == "*":
        return None if value is None else {"*": ("*",)}
    if not isinstance(value, Mapping) or "*" in value:
        raise MalformedPolicy(f"Principal is neither * nor an object of principals: {value!r}")
    return {kind: _texts(names, f"Principal {kind}") for kind, names in value.items()}


def _conditions(value: Any) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    if not isinstance(value, Mapping) or not all(isinstance(keys, Mapping) for keys in value.values()):
        raise MalformedPolicy(f"Condition is not an object of objects: {value!r}")
    return tuple((op, key, _texts(wanted, f"{op} {key}")) for op, keys in value.items() for key, wanted in keys.items())


def _extra(raw: Mapping[str, Any], known: frozenset[str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, encode(value)) for key, value in raw.items() if key not in known))


def _statement(index: int, raw: Any) -> Statement:
    if not isinstance(raw, Mapping) or raw.get("Effect") not in ("Allow", "Deny"):
        raise MalformedPolicy(f"statement {index + 1} has no Effect of Allow or Deny")
    read = {name: _either(raw, name) for name in ("Principal", "Action", "Resource")}
    if read["Action"][0] in (None, []) or read["Resource"][0] == []:
        raise MalformedPolicy(f"statement {index + 1} lists no action or no resource")
    resource = read["Resource"][0]
    return Statement(
        index=index,
        sid=str(raw.get("Sid") or ""),
        effect=raw["Effect"],
        principals=_principals(read["Principal"][0]),
        actions=_texts(read["Action"][0], "Action"),
        resources=None if resource is None else _texts(resource, "Resource"),
        conditions=_conditions(raw.get("Condition") or {}),
        negated=frozenset(name for name, (_, inverted) in read.items() if inverted),
        extra=_extra(raw, _ELEMENTS),
    )


def parse(document: str | Mapping[str, Any]) -> Policy:
    """The policy that the JSON text or the decoded document writes; raises MalformedPolicy."""
    try:
        raw = json.loads(document, object_pairs_hook=_unique) if isinstance(document, str) else document
    except json.JSONDecodeError as error:
        raise MalformedPolicy(f"the policy is not JSON: {error}") from error
    if not isinstance(raw, Mapping) or raw.get("Statement") is None:
        raise MalformedPolicy("the policy has no Statement")
    version = raw.get("Version") or "2008-10-17"  # the reference's default
    if version not in ("2012-10-17", "2008-10-17"):
        raise MalformedPolicy(f"the policy's Version is {version!r}")
    written = raw["Statement"] if isinstance(raw["Statement"], list) else [raw["Statement"]]
    statements = tuple(_statement(index, each) for index, each in enumerate(written))
    known = frozenset({"Version", "Id", "Statement"})
    return Policy(version, statements, str(raw.get("Id") or ""), _extra(raw, known))


def _sorted(values: Sequence[str]) -> list[str]:
    return sorted(set(values))


def _canonical_conditions(statement: Statement) -> dict[str, dict[str, list[str]]]:
    """Key names in lower case, as they are case-insensitive, unless one operator spells one twice (both must hold)."""
    block: dict[str, dict[str, list[str]]] = {}
    spelled = [(operator, key.lower()) for operator, key, _ in statement.conditions]
    for operator, key, wanted in statement.conditions:
        name = key.lower() if spelled.count((operator, key.lower())) == 1 else key
        block.setdefault(operator, {})[name] = _sorted(wanted)
    return block


def _canonical_statement(statement: Statement) -> dict[str, Any]:
    form: dict[str, Any] = {"Effect": statement.effect, **{key: json.loads(text) for key, text in statement.extra}}
    if statement.sid:
        form["Sid"] = statement.sid

    def put(name: str, value: Any) -> None:
        form[f"Not{name}" if name in statement.negated else name] = value

    put("Action", _sorted([each.lower() for each in statement.actions]))
    if statement.resources is not None:
        put("Resource", _sorted(statement.resources))
    if statement.principals is not None:
        named = {kind: _sorted([ROOT.sub(r"\1", n) for n in names]) for kind, names in statement.principals.items()}
        put("Principal", "*" if "*" in named else named)
    if statement.conditions:
        form["Condition"] = _canonical_conditions(statement)
    return form


def canonical(document: str | Mapping[str, Any]) -> str:
    """Canonical JSON that is equal for documents which differ only as AWS reformats them; raises MalformedPolicy.

    A single value is a list of one, lists and statements are sorted (order never matters to the outcome), empty Sid and
    Id and a missing Version are filled in, `arn:...:iam::ACCOUNT:root` is the account id, names that are
    case-insensitive are lower case. It evaluates as the document does.
    """
    policy = parse(document)
    form: dict[str, Any] = {key: json.loads(text) for key, text in policy.extra}
    form["Version"] = policy.version
    form["Statement"] = sorted((_canonical_statement(each) for each in policy.statements), key=encode)
    if policy.id:
        form["Id"] = policy.id
    return encode(form)
