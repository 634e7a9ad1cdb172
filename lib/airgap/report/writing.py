"""How ids, times, parameters and lists are written in a report: the filters of its templates."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airgap.model.canonical import encode, is_digest, plain
from airgap.model.finding import Finding
from airgap.model.plan import CREATE, Change
from airgap.report.catalogue import NotTested, Requirement
from airgap.report.record import Exhibit, Write
from airgap.views.table import STATUS

if TYPE_CHECKING:
    from markupsafe import Markup

SHORT = 12
"""Hex digits of a digest that a table shows; its link, its title and the run's files have all 64."""

BRIEF = 96
"""Characters of a call's parameters that a table shows; the journal has them whole."""

LINE = 36
"""Characters of a call's parameters that a line of a ledger shows on paper."""


def markup(text: str) -> Markup:
    """Return a text that is HTML already."""
    from markupsafe import Markup

    return Markup(text)


def short(digest: str) -> str:
    """Return the first digits of a digest, or a dash where there is none."""
    return str(digest)[:SHORT] or "–"


def when(time: str) -> str:
    """Return an RFC 3339 time in UTC as people read it, to the second."""
    return f"{time[:10]} {time[11:19]}" if len(time) > 18 else time


def brief(params: Any, longest: int = BRIEF) -> str:
    """Return a call's parameters in one short line."""
    if not params:
        return ""
    pairs = params.items() if isinstance(params, Mapping) else [("", params)]
    text = ", ".join(f"{name}={one if isinstance(one, str) else encode(plain(one))}" for name, one in pairs)
    return shortened(text, longest)


def shortened(text: str, longest: int) -> str:
    """Return a text of at most so many characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def css(text: str) -> Markup:
    """Return a text as a CSS string: whatever is not a plain character is escaped, so that it ends neither string nor
    style sheet (CSS Syntax 3, section 4.3.7).
    """
    escaped = re.sub(r"[^A-Za-z0-9 .,:_-]", lambda match: f"\\{ord(match[0]):06x}", text)
    return markup(f'"{escaped}"')


def cited(observations: Iterable[str], number_of: Mapping[str, int]) -> Markup:
    """Return the numbers of the exhibits that a finding rests on, each linked to its row; runs are drawn together.

    A page that the step itself did not read has no number: its digest's first digits stand for it.
    """
    every = list(observations)
    numbers = sorted({number_of[one] for one in every if one in number_of})
    links = [_span(first, last) for first, last in _runs(numbers)]
    links += [markup(short(one) if is_digest(one) else "not read") for one in every if one not in number_of]
    return markup(", ").join(links)


def _span(first: int, last: int) -> Markup:
    link = markup('<a href="#o{0}">{0}</a>')
    return link.format(first) if first == last else link.format(first) + "–" + link.format(last)


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    for _, group in itertools.groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        members = [number for _, number in group]
        yield members[0], members[-1]


@dataclass(frozen=True)
class Place:
    """An account and a Region."""

    account: str
    region: str


def places(exhibits: Iterable[Exhibit]) -> list[tuple[Place, list[Exhibit]]]:
    """Return exhibits grouped by account and Region, in their order."""
    groups: dict[Place, list[Exhibit]] = {}
    for one in exhibits:
        groups.setdefault(Place(one.observation.account, one.observation.region), []).append(one)
    return list(groups.items())


def by_reason(rows: Iterable[NotTested]) -> list[tuple[str, list[NotTested]]]:
    """Return what was not tested grouped by the reason, the one that covers most first."""
    groups: dict[str, list[NotTested]] = {}
    for row in rows:
        for reason in row.reasons:
            groups.setdefault(reason, []).append(row)
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))


def supported(requirements: Iterable[Requirement]) -> str:
    """Return requirements in one run of text, each with its properties and the signs of their verdicts."""
    return "; ".join(f"{one.id}: {', '.join(_signed(*pair) for pair in one.properties)}" for one in requirements)


def _signed(name: str, verdict: str) -> str:
    return f"{STATUS[verdict].sign}\u00a0{name}"


def observed(exhibits: Iterable[Exhibit]) -> str:
    """Return exhibits as lines in columns: number, time, call, result, request id, page, parameters or reason."""
    return "\n".join(_observed(one) for one in exhibits)


def _observed(exhibit: Exhibit) -> str:
    one = exhibit.observation
    call = one.call if one.number == 1 and one.last else f"{one.call} p{one.number}"
    rest = shortened(f"{one.code}: {one.message}", 2 * BRIEF) if one.code else brief(one.params, LINE)
    return (
        f"{exhibit.number:>4}  {when(one.time)}  {call:<46} {one.status:<11} {one.request_id or '-':<36}  "
        f"{short(one.page):<12}  {rest}"
    ).rstrip()


def written(writes: Iterable[Write]) -> str:
    """Return writes as lines in columns: time, operation, resource, answer, request id, plan, approval."""
    return "\n".join(
        f"{when(one.time)}  {one.call:<44} {one.resource:<44} {f'{one.status} {one.code}'.strip():<12} "
        f"{one.request_id or '-':<36}  {short(one.plan)}".rstrip()
        for one in writes
    )


def passed(findings: Iterable[Finding]) -> str:
    """Return the resources of findings in one run of text."""
    return ", ".join("the whole population" if one.resource == "*" else one.resource for one in findings)


def fields(changes: Sequence[Change]) -> str:
    """Return the changes of one resource in one run of text."""
    return "; ".join(_field(one) for one in changes if one.field)


def _field(one: Change) -> str:
    risk = f" (risk: {one.risk})" if one.risk != "none" else ""
    if one.op == CREATE:
        return f"{one.field}: {_value(one.after)}{risk}"
    return f"{one.field}: {_value(one.before)} → {_value(one.after)}{risk}"


def _value(value: Any) -> str:
    return shortened(value if isinstance(value, str) else encode(plain(value)), BRIEF)


FILTERS = {
    "short": short,
    "when": when,
    "brief": brief,
    "css": css,
    "cited": cited,
    "places": places,
    "by_reason": by_reason,
    "supported": supported,
    "observed": observed,
    "written": written,
    "passed": passed,
    "fields": fields,
}
