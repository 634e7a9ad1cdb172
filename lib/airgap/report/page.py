"""Templates become pages: what stands on every page of a report, and how ids, times and values are written."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airgap.model.canonical import encode, is_digest, plain
from airgap.report.record import Exhibit
from airgap.views.table import STATUS

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
SHORT = 12
"""Hex digits of a digest that a table shows; its link, its title and the run's files have all 64."""

BRIEF = 96
"""Characters of a call's parameters that a table shows; the journal has them whole."""

STATEMENT = (
    "This evidence supports the properties and requirements named here, for the scope and the moment stated. "
    "It does not say that the institution complies with any rule: that judgement is the institution's own and its "
    "supervisor's."
)

WARNINGS = {
    "rehearsal": (
        "REHEARSAL - not production evidence",
        "Everything here was recorded against the embedded AWS on one machine; no AWS account was read or changed.",
    ),
    "lab": (
        "LAB - not production evidence",
        "Everything here was recorded against components in a laboratory; no AWS account was read or changed.",
    ),
    "aws": ("", ""),
}
UNKNOWN_WORLD = (
    "UNKNOWN WORLD - not production evidence",
    "The record does not say where this was recorded: the step ended before it was bound to an account.",
)


@dataclass(frozen=True)
class Frame:
    """What stands on every page: the place, the run, and the world with its warning."""

    kicker: str
    title: str
    lead: str
    env: str
    account: str
    region: str
    run_id: str
    world: str
    version: str
    began: str
    ended: str

    @property
    def warning(self) -> str:
        """Why this is no production evidence; empty in world aws alone."""
        return WARNINGS.get(self.world, UNKNOWN_WORLD)[0]

    @property
    def because(self) -> str:
        """What the warning rests on."""
        return WARNINGS.get(self.world, UNKNOWN_WORLD)[1]


def render(template: str, frame: Frame, contents: Sequence[tuple[str, str]], **values: Any) -> str:
    """Return a page; equal inputs give equal text."""
    from airgap.report.style import STYLE

    page = _environment().get_template(template)
    style = _markup(STYLE)
    return page.render(frame=frame, contents=contents, style=style, statement=STATEMENT, **values) + "\n"


@cache
def _environment() -> Environment:
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["STATUS"] = STATUS
    made.filters |= {
        "short": short, "when": when, "brief": brief, "css": css, "cited": cited, "places": places,
    }  # fmt: skip
    return made


def _markup(text: str) -> Markup:
    from markupsafe import Markup

    return Markup(text)


def short(digest: str) -> str:
    """Return the first digits of a digest, or a dash where there is none."""
    return str(digest)[:SHORT] or "–"


def when(time: str) -> str:
    """Return an RFC 3339 time in UTC as people read it, to the second."""
    return f"{time[:10]} {time[11:19]}" if len(time) > 18 else time


def brief(params: Any) -> str:
    """Return a call's parameters in one short line."""
    if not params:
        return ""
    pairs = params.items() if isinstance(params, Mapping) else [("", params)]
    text = ", ".join(f"{name}={one if isinstance(one, str) else encode(plain(one))}" for name, one in pairs)
    return text if len(text) <= BRIEF else text[: BRIEF - 1] + "…"


def css(text: str) -> Markup:
    """Return a text as a CSS string: whatever is not a plain character is escaped, so that it ends neither string nor
    style sheet (CSS Syntax 3, section 4.3.7).
    """
    escaped = re.sub(r"[^A-Za-z0-9 .,:_-]", lambda match: f"\\{ord(match[0]):06x}", text)
    return _markup(f'"{escaped}"')


def cited(observations: Iterable[str], number_of: Mapping[str, int]) -> Markup:
    """Return the numbers of the exhibits that a finding rests on, each linked to its row; runs are drawn together.

    A page that the step itself did not read has no number: its digest's first digits stand for it.
    """
    every = list(observations)
    numbers = sorted({number_of[one] for one in every if one in number_of})
    links = [_span(first, last) for first, last in _runs(numbers)]
    links += [short(one) if is_digest(one) else "not read" for one in every if one not in number_of]
    return _markup(", ").join(links)


def _span(first: int, last: int) -> Markup:
    link = _markup('<a href="#o{0}">{0}</a>')
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
