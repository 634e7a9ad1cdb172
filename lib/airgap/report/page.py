"""Templates become pages: what stands on every page of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airgap.report import writing
from airgap.views.table import OPERATION, STATUS, Mark

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
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
    paper: bool = False

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
    style = writing.markup(STYLE)
    return page.render(frame=frame, contents=contents, style=style, statement=STATEMENT, **values) + "\n"


def fragment(template: str, **values: Any) -> str:
    """Return a part of a page that several pages share."""
    return _environment().get_template(template).render(**values)


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
    made.globals |= {"STATUS": STATUS, "OPERATION": OPERATION, "UNREAD": Mark("not read", "?", "unknown")}
    made.globals |= {"NOT_JUDGED": Mark("not judged", "–", "quiet"), "IN_PART": Mark("pass in part", "◐", "change")}
    made.filters |= writing.FILTERS
    return made
