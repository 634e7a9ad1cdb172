"""Imports as if an optional package were not installed, where its import costs more than all that it is for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def absent(package: str) -> Iterator[None]:
    """Let ``import package`` fail with ImportError inside the block; a package imported before stays as it is."""
    modules: dict[str, Any] = sys.modules
    if package in modules:
        yield
        return
    modules[package] = None  # Python's own sign for a module that is not to be found
    try:
        yield
    finally:
        del modules[package]
