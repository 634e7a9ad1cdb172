"""Findings, populations and inventory as CSV, for a spreadsheet; the only place that works with pandas."""

from __future__ import annotations

from airgap.evidence.bundle.tables import Table, harmless


def csv(table: Table) -> str:
    """Return a table as CSV, its columns' names first; no cell is a formula."""
    import pandas as pd

    frame = pd.DataFrame(table.rows, columns=list(table.columns))
    return str(frame.map(harmless).to_csv(index=False, lineterminator="\n"))
