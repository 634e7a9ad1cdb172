"""A workbook read back as text, to hold its cells against the tables: Office Open XML (ECMA-376 part 1, 18.2 to 18.4).

Only what the runbook's own workbooks have is read. Anything else in one is no workbook of a run: a formula, a macro, a
part of another name, a document type.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import Optional
from xml.etree import ElementTree

from airgap.evidence.bundle.members import LARGEST

PARTS = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|docProps/(?:app|core)\.xml"
    r"|xl/(?:workbook|sharedStrings|styles|theme/theme1|worksheets/sheet\d+|_rels/workbook\.xml)\.(?:xml|rels)"
)
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LETTERS = re.compile(r"([A-Z]+)(\d+)")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def sheets(raw: bytes) -> dict[str, list[list[str]]]:
    """Return the rows of each sheet by name; raises ``ValueError`` where it is no workbook of a run."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as file:
            strange = [one.filename for one in file.infolist() if not PARTS.fullmatch(one.filename)]
            if strange:
                raise ValueError(f"a workbook of a run has no part {strange[0]}")
            texts = [_text(one) for one in _tree(file, "xl/sharedStrings.xml")]
            names = [str(one.get("name")) for one in _tree(file, "xl/workbook.xml").iter(f"{_MAIN}sheet")]
            return {
                name: _rows(_tree(file, f"xl/worksheets/sheet{number}.xml"), texts)
                for number, name in enumerate(names, 1)
            }
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, KeyError, ElementTree.ParseError) as error:
        raise ValueError(f"it is no workbook ({error})") from error


def _tree(file: zipfile.ZipFile, name: str) -> ElementTree.Element:
    with file.open(name) as part:
        raw = part.read(LARGEST + 1)
    if len(raw) > LARGEST or b"<!" in raw or b"\0" in raw:
        raise ValueError(f"{name} is too large, or declares a document type")
    return ElementTree.fromstring(raw)


def _rows(tree: ElementTree.Element, texts: list[str]) -> list[list[str]]:
    if next(tree.iter(f"{_MAIN}f"), None) is not None:
        raise ValueError("a workbook of a run has no formula")
    cells: dict[tuple[int, int], str] = {}
    for one in tree.iter(f"{_MAIN}c"):
        place, value = _LETTERS.fullmatch(str(one.get("r"))), one.find(f"{_MAIN}v")
        if place is None or one.get("t", "n") not in ("s", "n"):
            raise ValueError("a workbook of a run has texts and numbers only")
        held = value.text if value is not None else None
        cells[int(place[2]) - 1, _column(place[1])] = _value(held, one.get("t", "n"), texts)
    height = max((row for row, _ in cells), default=-1) + 1
    width = max((column for _, column in cells), default=-1) + 1
    return [[cells.get((row, column), "") for column in range(width)] for row in range(height)]


def _value(held: Optional[str], kind: str, texts: list[str]) -> str:
    if held is None:
        return ""
    return texts[int(held)] if kind == "s" else held


def _column(letters: str) -> int:
    number = 0
    for one in letters:
        number = number * 26 + ord(one) - 64
    return number - 1


def _text(one: ElementTree.Element) -> str:
    """Return a shared string; what XML has no way to write is escaped as _x0007_ (22.9.2.19)."""
    whole = "".join(each.text or "" for each in one.iter(f"{_MAIN}t"))
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), whole)
