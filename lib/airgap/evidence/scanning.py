"""The last look for secrets: every member of a bundle, in each form in which a reader could see it.

A notebook is looked at cell by cell, as its text is cut and escaped in the file; a page as a browser would show it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

from airgap.model.redaction import scan

_TAG = re.compile(r"<[^>]{0,4096}>")


def hits(name: str, raw: bytes) -> list[str]:
    """Return the kinds of secrets that stand in a member, each once; binary members have no text to look at."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return []
    return sorted({hit.kind for one in _faces(name, text) for hit in scan(one)})


def _faces(name: str, text: str) -> Iterator[str]:
    yield text
    if name.endswith(".ipynb"):
        yield from _texts(json.loads(text))
    elif name.endswith(".html"):
        yield html.unescape(_TAG.sub("", text))


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
