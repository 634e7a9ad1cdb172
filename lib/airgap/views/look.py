"""What a view looks at: the declared environment, what was read of it, and what has been said of it so far."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airgap.model.estate import Estate
from airgap.model.finding import Finding
from airgap.model.intent import Intent
from airgap.model.observation import NotObserved
from airgap.model.plan import CREATE, Desired, Plan
from airgap.views.table import Facts, Shown, not_read


@dataclass(frozen=True)
class Look:
    """One moment of one environment; ``plan``, ``findings`` and ``caller`` may not be there yet.

    ``judged`` is plain data that steps hand to the views of the attestation, as ``steps``.
    ``declared`` is what the step wants, for what does not exist yet.
    """

    intent: Intent
    estate: Estate
    plan: Plan | None = None
    findings: tuple[Finding, ...] = ()
    caller: Mapping[str, Any] = field(default_factory=dict)
    judged: Mapping[str, Any] = field(default_factory=dict)
    declared: tuple[Desired, ...] = ()

    def wanted(self, kind: str) -> list[Desired]:
        """Return the declared resources of a kind; what an unapplied plan would create where nothing else says so."""
        if self.declared:
            return [one for one in self.declared if one.kind == kind]
        grouped: dict[str, dict[str, Any]] = {}
        for change in self.plan.changes if self.plan else ():
            if change.op == CREATE and change.resource.startswith(f"{kind}:"):
                grouped.setdefault(change.resource, {})[change.field] = change.after
        return [Desired(kind, key.partition(":")[2], fields) for key, fields in grouped.items()]

    def items(self, call: str, path: str, **params: Any) -> list[dict[str, Any]]:
        """Return the list at ``path`` of the answer to these parameters; raises ``NotObserved``."""
        return self.estate.items(call, path, **params)

    def every(self, call: str, path: str) -> list[dict[str, Any]]:
        """Return the lists at ``path`` of all answers of a call, whatever was asked; raises ``NotObserved``."""
        return [one for _, body in self.estate.pages(call) for one in body.get(path) or []]


@dataclass(frozen=True)
class View:
    """One thing worth seeing of a step: its title, how it is drawn, and the calls whose pages it reads.

    Calls in ``later`` are shown where a verification has made them; no view asks for them.
    """

    title: str
    draw: Callable[[Look], Shown]
    reads: tuple[str, ...] = ()
    later: tuple[str, ...] = ()

    def __call__(self, look: Look) -> Shown:
        """Return the view; where a page that all of it rests on was not read, it says so and why."""
        narrow = dataclasses.replace(look, estate=look.estate.reading((*self.reads, *self.later)))
        try:
            return self.draw(narrow)
        except NotObserved as cause:
            return Facts(self.title, [(cause.call, not_read(cause.reason))])


def attempt(read: Callable[[], Any], otherwise: Any = None) -> tuple[Any, str]:
    """Return what ``read`` gives and no reason, or ``otherwise`` and the reason why its page was not read."""
    try:
        return read(), ""
    except NotObserved as cause:
        return otherwise, f"{cause.call}: {cause.reason}"
