"""The last look for secrets: every member of a bundle, in each form in which a reader could see it.

A notebook is looked at cell by cell, as its text is cut and escaped in the file; a page, and an output that is one, as
a browser would show it; a spreadsheet part by part. A PDF is set from a page that is looked at: its own text is drawn
as glyphs, in which nothing could be found.
"""

from __future__ import annotations

import gzip
import html
import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from airgap.model.redaction import Redactor, scan

_TAG = re.compile(r"<[^>]{0,4096}>")
_GZIP = b"\x1f\x8b"
_ARCHIVE = b"PK\x03\x04"


def hits(name: str, raw: bytes, exact: Redactor | None = None) -> list[str]:
    """Return the kinds of secrets that stand in a member, each once; ``exact`` knows values that are looked for too."""
    if raw.startswith(_GZIP):
        # CloudTrail's files are kept byte for byte, as its chain is over them; they name access keys by their ids.
        known = {"access-key-id"} if name.startswith("cloudtrail/") else set()
        return sorted({*hits(name.removesuffix(".gz"), gzip.decompress(raw), exact)} - known)
    if raw.startswith(_ARCHIVE):
        return sorted({kind for inner, part in _parts(raw) for kind in hits(inner, part, exact)})
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return []
    look = exact.scan if exact else scan
    return sorted({hit.kind for one in _faces(name, text) for hit in look(one)})


def _parts(raw: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def _faces(name: str, text: str) -> Iterator[str]:
    yield text
    if name.endswith(".ipynb"):
        for one in _texts(json.loads(text)):
            yield one
            if "<" in one:
                yield _shown(one)
    elif name.endswith((".html", ".xml")):
        yield _shown(text)


def _shown(text: str) -> str:
    """Return what a browser shows of a text with tags."""
    return html.unescape(_TAG.sub("", text))


def _texts(value: Any) -> Iterator[str]:
    """Yield every text of a notebook; a list of texts is one text in lines, as nbformat cuts them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        if value and all(isinstance(one, str) for one in value):
            yield "".join(value)
        else:
            for one in value:
                yield from _texts(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
