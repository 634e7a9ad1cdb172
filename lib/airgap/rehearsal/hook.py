"""The three hooks through which the supplement changes what moto does, each a table by (service, operation).

``answers`` replaces an operation (or supplies one that moto lacks), ``before`` judges a request and may refuse it, and
``after`` amends moto's answer. Services and operations are named as in botocore.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from enum import Enum
from typing import Any

from airgap.rehearsal.wire import Call

Key = tuple[str, str]


class PassOn(Enum):
    """What a function answers for a request that is moto's after all."""

    TO_MOTO = "to moto"


Answer = Callable[[Call], "dict[str, Any] | None | PassOn"]
Before = Callable[[Call], None]
After = Callable[[Call, dict[str, Any]], None]

ANSWERS: dict[Key, Answer] = {}
BEFORE: dict[Key, list[Before]] = defaultdict(list)
AFTER: dict[Key, list[After]] = defaultdict(list)


def answers(service: str, *operations: str) -> Callable[[Answer], Answer]:
    """Register a function that answers the operations by itself: it returns the output members, or raises Refusal."""

    def register(function: Answer) -> Answer:
        for operation in operations:
            ANSWERS[service, operation] = function
        return function

    return register


def before(service: str, *operations: str) -> Callable[[Before], Before]:
    """Register a function that sees the request before anybody answers it, and raises Refusal to refuse it.

    The operation ``*`` stands for every operation of the service.
    """

    def register(function: Before) -> Before:
        for operation in operations:
            BEFORE[service, operation].append(function)
        return function

    return register


def after(service: str, *operations: str) -> Callable[[After], After]:
    """Register a function that may change the parsed output of a successful call in place."""

    def register(function: After) -> After:
        for operation in operations:
            AFTER[service, operation].append(function)
        return function

    return register
