"""Column widths for paper: a table of a view gets them from what its cells hold, so that none is cut or wasted.

On screen a browser does this; on paper, fixed columns also lay out several times faster than automatic ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

LONGEST_WORD, LONGEST_CELL = 26, 400
"""Characters beyond which a word or a cell makes its column no wider: it is broken over lines."""


def fitted(html: str) -> str:
    """Return a fragment whose tables state the width of each column, in per cent of the table."""
    before, *tables = html.split("<table>")
    return before + "".join(f"<table>{_fitted(table)}" for table in tables)


def _fitted(table: str) -> str:
    weights = [_weight(cells) for cells in _by_column(_Cells.of(table.partition("</table>")[0]))]
    columns = "".join(f'<col style="width:{100 * one / sum(weights):.1f}%">' for one in weights)
    caption, end, rest = table.rpartition("</caption>")
    return f"{caption}{end}<colgroup>{columns}</colgroup>{rest}"


class _Cells(HTMLParser):
    """The rows of a table, each a list of the texts of its cells; a row with a spanning cell is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = False

    @classmethod
    def of(cls, table: str) -> list[list[str]]:
        """Return the rows of a table's inside."""
        parser = cls()
        parser.feed(table)
        return parser.rows

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Begin a row or a cell."""
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.inside = "colspan" not in dict(attrs)
            if self.inside:
                self.rows[-1].append("")
        elif tag == "br" and self.inside:
            self.rows[-1][-1] += " "

    def handle_endtag(self, tag: str) -> None:
        """End a cell."""
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data: str) -> None:
        """Add text to the cell that is open."""
        if self.inside:
            self.rows[-1][-1] += data


def _by_column(rows: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    for number in range(max((len(row) for row in rows), default=0)):
        yield [row[number] for row in rows if number < len(row)]


def _weight(cells: Sequence[str]) -> float:
    word = max((len(word) for cell in cells for word in cell.split()), default=1)
    longest = max(len(cell) for cell in cells)
    return float(max(4, min(word, LONGEST_WORD), min(longest, LONGEST_CELL) ** 0.7))
