"""The executed notebook as HTML: the annex of a step's report, with no request to anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from airgap.evidence.files import write_whole

HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
    "<title>{title}</title><style>body{{font:15px/1.5 sans-serif;max-width:72em;margin:2em auto;padding:0 1em}}"
    "pre{{background:#f5f5f5;padding:.6em;overflow-x:auto;font-size:13px}}h1,h2,h3{{line-height:1.2}}</style></head><body>"
)


def annex(notebook: Path) -> Path:
    """Write ``notebook.html`` beside an executed notebook and return its path."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    title = f"Executed notebook {notebook.parent.name}"
    body = "".join(part for cell in cells for part in _cell(cell))
    target = notebook.with_suffix(".html")
    write_whole(target, HEAD.format(title=escape(title)) + body + "</body></html>\n")
    return target


def _cell(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield _markdown(source)
        return
    if source.strip():
        yield f"<pre><code>{escape(source)}</code></pre>"
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "text/html" in data:
            yield "".join(data["text/html"])
        elif "text/plain" in data:
            yield f"<pre>{escape(''.join(data['text/plain']))}</pre>"
        elif output.get("output_type") == "stream":
            yield f"<pre>{escape(''.join(output['text']))}</pre>"
        elif output.get("output_type") == "error":
            yield f"<pre>{escape(output['ename'])}: {escape(output['evalue'])}</pre>"


def _markdown(source: str) -> str:
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    return str(markdown2html_mistune(source))
