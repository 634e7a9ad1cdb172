"""Rules between values: each names the places that it reads, and says what is wrong at which place.

A rule runs when all that it reads has the right shape and form; so a typing error hides no other problem, and no rule
judges a value that is already refused. A new rule is one function under ``@rule`` in a module that ``judge`` imports.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from airgap.model.intent import Intent
from airgap.params.problems import Problem, Where, quoted, touches

Judge = Callable[[Intent], Iterator[Problem]]
"""What a rule does: yield the problems of an Intent."""


@dataclass(frozen=True)
class Rule:
    """A rule and the places that it reads."""

    reads: tuple[Where, ...]
    judge: Judge


RULES: list[Rule] = []
"""Every rule, in the order of the modules."""


def rule(*reads: str) -> Callable[[Judge], Judge]:
    """Enter a generator of problems as a rule that reads these dotted places."""

    def enter(judge: Judge) -> Judge:
        RULES.append(Rule(tuple(tuple(read.split(".")) for read in reads), judge))
        return judge

    return enter


def judge(intent: Intent, refused: Iterable[Where]) -> Iterator[Problem]:
    """Yield what the rules find wrong, leaving out every rule that reads a refused place."""
    from airgap.params import environment_rules, network_rules, review_rules, secret_rules  # noqa: F401  (they enter their rules)

    refused = tuple(refused)
    for entry in RULES:
        if not any(touches(read, place) for read in entry.reads for place in refused):
            yield from entry.judge(intent)


def repeated(where: Where, names: Iterable[str]) -> Iterator[Problem]:
    """Yield each name of a list that stands more than once."""
    for name, times in Counter(names).items():
        if times > 1:
            yield Problem(where, f"{quoted(name)} stands {times} times; allowed: once")
