"""Boxes: one line that says what became of a cell, and the red box in place of a traceback."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from airgap.errors import AirgapError
from airgap.views.style import scoped


@dataclass(frozen=True)
class Box:
    """A heading and one sentence."""

    title: str
    text: str

    def _repr_html_(self) -> str:
        return scoped(f"<p><strong>{escape(self.title)}</strong> {escape(self.text)}</p>")

    def __repr__(self) -> str:
        return f"{self.title}: {self.text}"


def error_box() -> None:
    """Have IPython show an ``AirgapError`` as one red box; every other exception keeps its traceback."""
    from IPython import get_ipython

    shell: Any = get_ipython()
    if shell is not None:
        shell.set_custom_exc((AirgapError,), _show)


def _show(
    shell: Any, kind: type[AirgapError], error: AirgapError, traceback: Any, tb_offset: int | None = None
) -> list[str]:
    from IPython.display import HTML, display

    rows = [("What happened", error.what), ("Not changed", error.unchanged), ("Next", error.action)]
    body = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows if text)
    display(HTML(scoped(f'<div class="broken"><strong>{escape(kind.__name__)}</strong><dl>{body}</dl></div>')))
    lines = [f"{kind.__name__}: {error.diagnostics()}"]
    shell._showtraceback(kind, error, lines)
    return lines
