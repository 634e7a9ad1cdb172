"""Recorded AWS networks with known verdicts, where they lie beside the project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3] / "shared" / "vectors"


def names() -> list[str]:
    """Return the vectors that hold an estate."""
    return sorted(one.parent.name for one in ROOT.glob("*/aws_configs")) if ROOT.exists() else []


def expectations(name: str) -> list[dict[str, Any]]:
    """Return the assertions of a vector."""
    found: list[dict[str, Any]] = json.loads((ROOT / name / "expectations.json").read_text())["assertions"]
    return found
