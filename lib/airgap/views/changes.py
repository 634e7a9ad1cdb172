"""A plan as a table: what would change, from what to what, at which risk and why."""

from __future__ import annotations

from typing import Any

from airgap.model.canonical import encode, plain
from airgap.model.plan import REFERENCE, Change, Plan
from airgap.views.table import LATER, OPERATION, Code, Group, Table, not_read

COLUMNS = ("change", "resource", "field", "before", "after", "risk", "why")
LONGEST = 90
"""The length to which a value is shortened, in characters; the plan's file holds it whole."""


def plan_table(plan: Plan) -> Table:
    """Return the changes of a plan grouped by resource, what could not be read, and the digest to approve."""
    rows: list[Any] = []
    for changes in plan.resources().values():
        rows += _resource(changes)
    rows += [(not_read(reason), Code(key), "", "", "", "", "") for key, reason in plan.unknowns]
    if plan.differing:
        rows.append(Group("adopted: verified, never changed"))
        rows += [row for change in plan.differing for row in _resource([change])]
    return Table(
        f"Plan of {plan.step}: {summary(plan)}", COLUMNS, rows, note=f"Digest of this step's plan: {plan.digest}"
    )


def summary(plan: Plan) -> str:
    """Return the number of resources by operation, in words; an empty plan says that nothing is to be changed."""
    first = {key: changes[0].op for key, changes in plan.resources().items()}
    tally = [(op, sum(1 for one in first.values() if one == op)) for op in OPERATION]
    words = [f"{count} to {op}" for op, count in tally if count and op != "differs"]
    words += [f"{len(plan.unknowns)} not read"] if plan.unknowns else []
    words += [f"{len(plan.differing)} adopted fields differ"] if plan.differing else []
    return ", ".join(words) or "nothing to change, what is there is what is declared"


def _resource(changes: list[Change]) -> list[tuple[Any, ...]]:
    rows = []
    for number, one in enumerate(changes):
        head: tuple[Any, ...] = ("", "")
        if number == 0:
            label = (f"({one.label})",) if one.label else ()
            head = (OPERATION[one.op], (Code(one.resource), *label))
        before, after = shortened(one.before), shortened(one.after)
        rows.append(
            (
                *head,
                one.field,
                before,
                after,
                "" if one.risk == "none" else one.risk,
                one.why if number == 0 or one.why != changes[0].why else "",
            )
        )
    return rows


def shortened(value: Any) -> Any:
    """Return a value for a cell: short, in canonical JSON where it is not text, references as what they stand for."""
    if value is None:
        return ""
    if isinstance(value, str) and (match := REFERENCE.fullmatch(value)):
        return (LATER, Code(f"{match[2]} of {match[1]}"))
    text = spelt(value if isinstance(value, str) else encode(plain(value)))
    return Code(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")


def spelt(text: str) -> str:
    """Return a text with its references to other resources spelt out."""
    return REFERENCE.sub(lambda match: f"<{match[2]} of {match[1]}>", text)
