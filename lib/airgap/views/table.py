"""What a view gives: a table, a list of facts, or a picture; each with HTML and a plain-text twin that says the same.

Cells are strings, numbers, ``Mark`` (a status, by sign and word as well as colour), ``Code`` (an id or a document, in
monospace) or tuples of these, one a line. Everything is escaped here and nowhere else.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from airgap.views.style import scoped

WIDEST = 56
"""The width to which the plain twin wraps a column, in characters."""


@dataclass(frozen=True)
class Mark:
    """A status: its word, a sign that stands beside it, and the tone of its colour."""

    word: str
    sign: str
    tone: str

    def __str__(self) -> str:
        return f"{self.sign} {self.word}"


@dataclass(frozen=True)
class Code:
    """An id, an ARN, or a value as AWS gives it."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Group:
    """A row that heads the rows after it."""

    title: Any


STATUS = {
    "pass": Mark("pass", "✓", "good"),
    "fail": Mark("fail", "✗", "bad"),
    "unknown": Mark("unknown", "?", "unknown"),
    "waived": Mark("waived", "!", "unknown"),
    "not_applicable": Mark("not applicable", "–", "quiet"),
}
OPERATION = {
    "create": Mark("create", "+", "good"),
    "update": Mark("update", "~", "change"),
    "replace": Mark("replace", "±", "bad"),
    "delete": Mark("delete", "−", "bad"),
    "differs": Mark("differs", "≠", "unknown"),
}
LATER = Mark("known after apply", "…", "quiet")


def not_read(reason: str) -> Mark:
    """Return the mark of something whose page was not read; it is never shown as empty."""
    return Mark(f"not read: {reason}", "?", "unknown")


class Shown:
    """Something worth seeing, with HTML and plain text."""

    def html(self) -> str:
        """Return it as an HTML fragment, without the style sheet."""
        raise NotImplementedError

    def text(self) -> str:
        """Return it as plain text."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return scoped(self.html())

    def __repr__(self) -> str:
        return self.text()

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True, repr=False)
class Table(Shown):
    """A titled table; the first cell of a row is its header, a ``Group`` among the rows heads those after it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any] | Group]
    note: str = ""

    def html(self) -> str:
        """Return it as a table with caption and scoped headers."""
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.columns)
        body = "".join(self._row(row) for row in self.rows)
        note = f'<p class="note">{escape(self.note)}</p>' if self.note else ""
        return (
            f"<table><caption>{escape(self.title)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>{note}"
        )

    def _row(self, row: Sequence[Any] | Group) -> str:
        if isinstance(row, Group):
            span = len(self.columns)
            return f'<tr class="group"><th colspan="{span}" scope="rowgroup">{_cell(row.title)}</th></tr>'
        first = "<td></td>" if row[0] == "" else f'<th scope="row">{_cell(row[0])}</th>'
        return f"<tr>{first}{''.join(f'<td>{_cell(one)}</td>' for one in row[1:])}</tr>"

    def text(self) -> str:
        """Return it in aligned columns, wide ones wrapped."""
        cells = [[_lines(one) for one in row] for row in self.rows if not isinstance(row, Group)]
        wide = [
            max([len(name), *(len(line) for row in cells for line in row[n])]) for n, name in enumerate(self.columns)
        ]
        out = [self.title, _joined(self.columns, wide), _joined(["-" * one for one in wide], wide)]
        rows = iter(cells)
        for row in self.rows:
            if isinstance(row, Group):
                out.append(f"[{row.title}]")
                continue
            lines = next(rows)
            height = max(len(one) for one in lines)
            out += [_joined([one[n] if n < len(one) else "" for one in lines], wide) for n in range(height)]
        return "\n".join([*out, *([self.note] if self.note else [])])


@dataclass(frozen=True, repr=False)
class Facts(Shown):
    """A titled list of named facts."""

    title: str
    facts: Sequence[tuple[str, Any]]
    note: str = ""

    def html(self) -> str:
        """Return it as a definition list."""
        inside = "".join(f"<dt>{escape(name)}</dt><dd>{_cell(value)}</dd>" for name, value in self.facts)
        note = f'<p class="note">{escape(self.note)}</p>' if self.note else ""
        return f'<div class="title">{escape(self.title)}</div><dl>{inside}</dl>{note}'

    def text(self) -> str:
        """Return it as one fact a line."""
        wide = max([len(name) for name, _ in self.facts], default=0)
        lines = [f"{name.ljust(wide)}  {_flat(value)}" for name, value in self.facts]
        return "\n".join([self.title, *lines, *([self.note] if self.note else [])])


@dataclass(frozen=True, repr=False)
class Picture(Shown):
    """An inline SVG, which carries its own title and description, and the words that say the same."""

    svg: str
    words: str
    tables: Sequence[Table] = field(default=())

    def html(self) -> str:
        """Return the drawing as a figure."""
        return f"<figure>{self.svg}</figure>" + "".join(table.html() for table in self.tables)

    def text(self) -> str:
        """Return what the drawing shows, in words."""
        return "\n\n".join([self.words, *(table.text() for table in self.tables)])


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return "<br>".join(_cell(one) for one in value)
    if isinstance(value, Mark):
        return (
            f'<span class="mark {value.tone}"><span aria-hidden="true">{value.sign}</span> {escape(value.word)}</span>'
        )
    if isinstance(value, Code):
        return f"<code>{escape(value.text)}</code>"
    return escape(str(value))


def _flat(value: Any) -> str:
    return ", ".join(_flat(one) for one in value) if isinstance(value, tuple) else str(value)


def _lines(value: Any) -> list[str]:
    parts: Iterable[Any] = value if isinstance(value, tuple) else (value,)
    return [line for one in parts for line in textwrap.wrap(str(one), WIDEST, break_on_hyphens=False) or [""]] or [""]


def _joined(cells: Iterable[str], wide: Sequence[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(cells, wide, strict=True)).rstrip()
