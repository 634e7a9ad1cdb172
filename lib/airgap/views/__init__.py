"""Views: what is worth seeing of a step, as plain data and SVG; notebook and report render the same.

``VIEWS[step][name]`` is a ``View``: called with a ``Look`` it gives a ``Table``, ``Facts`` or a ``Picture``; ``reads``
names the calls whose pages it needs.
"""

from __future__ import annotations

from airgap.views.changes import plan_table
from airgap.views.look import Look, View
from airgap.views.table import Facts, Picture, Shown, Table
from airgap.views.verdicts import findings_table, verdict_line

__all__ = [
    "VIEWS",
    "Facts",
    "Look",
    "Picture",
    "Shown",
    "Table",
    "View",
    "findings_table",
    "plan_table",
    "verdict_line",
]

VIEWS: dict[str, dict[str, View]] = {
    "preflight": {},
    "identity": {},
    "network": {},
    "endpoints": {},
    "attest": {},
}


def reads(step: str) -> tuple[str, ...]:
    """Return the calls that the views of a step read, each once."""
    return tuple(dict.fromkeys(call for view in VIEWS.get(step, {}).values() for call in view.reads))
