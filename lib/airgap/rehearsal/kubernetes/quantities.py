"""Quantities: amounts of processors, memory and the like, as Kubernetes writes them."""

from __future__ import annotations

import re
from typing import Any

_QUANTITY = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?")
_FACTORS = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_FACTORS |= {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60}


def quantity(value: Any) -> float | None:
    """Return a quantity such as ``250m`` or ``1Gi`` as a number, None where it is not one."""
    text = str(value)
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    suffix = match[2] or ""
    return float(text) if suffix[:1] in ("e", "E") and len(suffix) > 1 else float(match[1]) * _FACTORS[suffix]
