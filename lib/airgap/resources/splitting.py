"""Statements distributed over as few policy documents as their sizes allow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airgap.model.canonical import encode
from airgap.resources.statements import document


def size(policy: Mapping[str, Any]) -> int:
    """Return the length of a policy in characters, without white space, as IAM counts it."""
    return len("".join(encode(policy).split()))


def split(statements: Iterable[dict[str, Any]], limit: int) -> list[list[dict[str, Any]]]:
    """Return the statements of each document, in order; one that is too long alone is divided by its actions."""
    documents: list[list[dict[str, Any]]] = [[]]
    for statement in statements:
        for part in _parts(statement, limit):
            if documents[-1] and size(document(*documents[-1], part)) > limit:
                documents.append([])
            documents[-1].append(part)
    return documents


def _parts(statement: dict[str, Any], limit: int) -> Iterator[dict[str, Any]]:
    """Yield a statement as it is, or its actions over as few statements as hold them."""
    actions, length = statement.get("Action", []), size(document(statement))
    if length <= limit:
        yield statement
        return
    rest = length - len(encode(actions))
    share = limit - rest - len("Part00") if len(actions) > 1 else 0
    if share <= 0:
        raise ValueError(f"statement {statement['Sid']} cannot be split and holds more than {limit} characters")
    parts: list[list[str]] = [[]]
    for action in actions:
        if len(encode([*parts[-1], action])) > share:
            parts.append([])
        parts[-1].append(action)
    for number, part in enumerate(parts, start=1):
        yield {**statement, "Sid": f"{statement['Sid']}Part{number}", "Action": part}
