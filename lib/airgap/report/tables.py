"""Findings and populations as CSV, for a spreadsheet; the only place that works with pandas."""

from __future__ import annotations

from typing import Any

from airgap.model.finding import STATUSES
from airgap.report.record import RunRecord

COLUMNS = (
    "check",
    "title",
    "status",
    "severity",
    "resource",
    "message",
    "remedy",
    "waiver",
    "properties",
    "observations",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""


def findings_csv(run: RunRecord) -> str:
    """Return every finding as one row; lists are joined by a space, and no cell is a formula."""
    return str(_findings(run).map(_cell).to_csv(index=False, lineterminator="\n"))


def population_csv(run: RunRecord) -> str:
    """Return a row per check: population, judged, and the count of each status."""
    import pandas as pd

    findings = _findings(run)
    counts = pd.crosstab([findings["check"], findings["title"]], findings["status"])
    counts = counts.reindex(columns=list(STATUSES), fill_value=0)
    counts.insert(0, "judged", counts["pass"] + counts["fail"] + counts["waived"])
    counts.insert(0, "population", counts["judged"] + counts["unknown"])
    return str(counts.reset_index().map(_cell).to_csv(index=False, lineterminator="\n"))


def _findings(run: RunRecord) -> Any:
    import pandas as pd

    rows = [
        {
            **one.as_data(),
            "waiver": one.waiver,
            "properties": " ".join(one.properties),
            "observations": " ".join(one.observations),
        }
        for one in run.findings
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
