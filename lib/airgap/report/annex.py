"""The executed notebook as HTML: the annex of a step's report, with no request to anywhere."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from html import escape
from typing import Any

from airgap.report.page import Frame, render
from airgap.report.writing import markup

LEAD = (
    "The notebook of this step as it was executed: prose, cells, and what they showed. It illustrates; what counts as "
    "evidence is the journal, and the report made from it."
)


def annex_page(notebook: str, frame: Frame) -> str:
    """Return an executed notebook, given as its JSON text, as a page in the frame of its step's report."""
    cells = json.loads(notebook)["cells"]
    body = "\n".join(part for cell in cells for part in _cell(cell))
    own = dataclasses.replace(frame, kicker=f"Annex: executed notebook, run {frame.run_id}", lead=LEAD)
    return render("notebook.html.j2", own, [], body=markup(body))


def _cell(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield _markdown(source)
        return
    if source.strip():
        yield f'<pre class="source"><code>{escape(source)}</code></pre>'
    for output in cell.get("outputs", []):
        yield _output(output)


def _output(output: dict[str, Any]) -> str:
    data = output.get("data", {})
    if "text/html" in data:
        return "".join(data["text/html"])
    if output["output_type"] == "error":
        return f'<pre class="broke">{escape(output["ename"])}: {escape(output["evalue"])}</pre>'
    text = output["text"] if output["output_type"] == "stream" else data.get("text/plain", "")
    return f"<pre>{escape(''.join(text))}</pre>"


def _markdown(source: str) -> str:
    return _NO_HEAD.sub("", str(_renderer()(source)))


_NO_HEAD = re.compile(r"<thead>\s*<tr>(?:\s*<th[^>]*></th>)+\s*</tr>\s*</thead>\s*")
"""The head of a table of facts, which Markdown cannot leave out: empty headers name nothing."""


@cache
def _renderer() -> Callable[[str], Any]:
    # The renderer that nbconvert drives; importing nbconvert itself takes a second, for exporters not used here.
    import mistune

    return mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])
