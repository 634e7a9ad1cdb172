"""The tables of a run as one workbook (Office Open XML, ECMA-376), for those who open nothing else.

Every cell is a text or a number: a text that begins like a formula is a text. Its only time is the run's own, so the
same run gives the same bytes.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from typing import Any

from airgap.evidence.bundle.tables import Table, short

WIDEST, ROWS = 60, 200
"""Characters of the widest column, and rows that are measured for it."""
COLOURS = {"fail": "#F8D7DA", "unknown": "#FFF3CD", "waived": "#E2D9F3"}
"""Background of a status; its word stands in the cell."""


def workbook(tables: Sequence[Table], run: Mapping[str, Any]) -> bytes:
    """Return the workbook of these tables, one sheet each, with its header frozen and its columns filtered."""
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    ended = dt.datetime.fromisoformat(str(run["ended"])).replace(tzinfo=None)
    place = f"environment {run['env']}, account {run['account']}, world {run['world']}"
    book.set_properties({"title": f"Run {run['run_id']}", "subject": place, "author": "airgap", "created": ended})
    head = book.add_format({"bold": True, "bottom": 1, "bg_color": "#EEF1F5"})
    marks = {status: book.add_format({"bg_color": colour}) for status, colour in COLOURS.items()}
    for table in tables:
        _sheet(book.add_worksheet(table.name), table, head, marks)
    book.close()
    return buffer.getvalue()


def _sheet(sheet: Any, table: Table, head: Any, marks: Mapping[str, Any]) -> None:
    for column, name in enumerate(table.columns):
        sheet.write_string(0, column, name, head)
        sheet.set_column(column, column, _width(table, column))
    for number, row in enumerate(table.rows, 1):
        for column, value in enumerate(row):
            if isinstance(value, int):
                sheet.write_number(number, column, value)
            elif value != "":
                sheet.write_string(number, column, str(short(value)), marks.get(str(value)))
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(len(table.rows), 1), len(table.columns) - 1)


def _width(table: Table, column: int) -> int:
    longest = max((len(str(row[column])) for row in table.rows[:ROWS]), default=0)
    return min(WIDEST, max(longest, len(table.columns[column]) + 3) + 1)
