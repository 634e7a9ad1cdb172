"""The few strokes that the drawings are made of; all values are escaped here, all style is in presentation attributes.

A drawing must look the same in a notebook, in a report and on paper, so it leans on no style sheet and no font of its
own. Lengths are in user units, about a screen pixel each.
"""

from __future__ import annotations

from html import escape

from airgap.views.style import GROUND, INK, QUIET, RULE, TONES

FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"
RED, AMBER, GREEN, BLUE = (TONES[name][0] for name in ("bad", "unknown", "good", "change"))
WIDE = 0.62
"""Width of a character in ems, generous, so that nothing is drawn over its neighbour."""


def clipped(text: str, width: float, size: float) -> str:
    """Return the text cut to a width, with an ellipsis where something is missing."""
    most = int(width / (size * WIDE))
    return text if len(text) <= most else f"{text[: max(0, most - 1)]}…"


def length(text: str, size: float) -> float:
    """Return the width that a text may take."""
    return len(text) * size * WIDE


class Canvas:
    """A drawing in the making."""

    def __init__(self) -> None:
        self.strokes: list[str] = []

    def rect(self, x: float, y: float, w: float, h: float, *, fill: str = GROUND, stroke: str = RULE, width: float = 1,
             radius: float = 6, dashed: bool = False) -> None:  # fmt: skip
        """Draw a rectangle with round corners."""
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.strokes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="{radius:g}" fill="{fill}" stroke="{stroke}" '
            f'stroke-width="{width:g}"{dash}/>'
        )

    def line(self, x: float, y: float, x2: float, y2: float, *, stroke: str = RULE, width: float = 1) -> None:
        """Draw a straight line."""
        self.strokes.append(
            f'<line x1="{x:g}" y1="{y:g}" x2="{x2:g}" y2="{y2:g}" stroke="{stroke}" stroke-width="{width:g}"/>'
        )

    def text(self, x: float, y: float, text: str, *, size: float = 12, fill: str = INK, bold: bool = False,
             anchor: str = "start", width: float = 0) -> None:  # fmt: skip
        """Write a line of text, cut to ``width`` where one is given."""
        shown = clipped(text, width, size) if width else text
        weight = ' font-weight="600"' if bold else ""
        self.strokes.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{fill}" text-anchor="{anchor}"{weight}>'
            f"{escape(shown)}</text>"
        )

    def dot(self, x: float, y: float, *, radius: float = 4.5, fill: str = GREEN, stroke: str = "none") -> None:
        """Draw a filled or hollow dot."""
        self.strokes.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{fill}" stroke="{stroke}" stroke-width="1.4"/>'
        )

    def cross(self, x: float, y: float, *, stroke: str = RED) -> None:
        """Draw a small cross: something that should be there is not."""
        self.strokes.append(
            f'<path d="M{x - 4:g} {y - 4:g}l8 8m0 -8l-8 8" stroke="{stroke}" stroke-width="2" fill="none"/>'
        )

    def lock(self, x: float, y: float, *, stroke: str = INK, closed: bool = True) -> None:
        """Draw a lock, twelve wide, closed or open."""
        bow = "v2.5" if closed else "v-1"
        self.strokes.append(
            f'<path d="M{x + 2.5:g} {y + 6:g}v-2.5a3.5 3.5 0 0 1 7 0{bow}" fill="none" stroke="{stroke}" '
            f'stroke-width="1.6"/><rect x="{x:g}" y="{y + 6:g}" width="12" height="8.5" rx="1.5" fill="{stroke}"/>'
        )

    def badge(self, x: float, y: float, sign: str, colour: str) -> None:
        """Draw a round badge with a sign."""
        self.strokes.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="8.5" fill="{colour}" stroke="{GROUND}" stroke-width="1.5"/>'
        )
        self.text(x, y + 4, sign, size=11, fill=GROUND, bold=True, anchor="middle")

    def chip(self, x: float, y: float, label: str, value: str, colour: str) -> float:
        """Draw a label with its value in a frame and return its width."""
        wide = length(label, 11) + length(value, 11) + 26
        self.rect(x, y, wide, 24, stroke=colour, radius=12, width=1.3)
        self.text(x + 11, y + 16, label, size=11, fill=QUIET)
        self.text(x + wide - 11, y + 16, value, size=11, fill=colour, bold=True, anchor="end")
        return wide

    def svg(self, width: float, height: float, title: str, description: str) -> str:
        """Return the drawing as one SVG element with a title and a description for screen readers."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
            f'height="{height:g}" role="img" font-family="{FONT}" style="max-width:100%;height:auto">'
            f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
            f'<rect width="{width:g}" height="{height:g}" fill="{GROUND}"/>{"".join(self.strokes)}</svg>'
        )
