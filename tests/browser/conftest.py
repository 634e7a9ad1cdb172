"""A browser, and one small run whose pages have everything that a page may have."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1] / name) for name in ("report", "views")]
AXE = Path(sys.prefix) / "axe"

from chromium import PROGRAM, Chromium  # noqa: E402
from pages_shown import everything  # noqa: E402


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    """A headless Chromium; Debian's package is installed where there is none."""
    if shutil.which(PROGRAM) is None:
        from airgap.lab.packages import installed

        installed(PROGRAM, tell=print)
    with Chromium() as running:
        yield running


@pytest.fixture(scope="session")
def axe() -> str:
    """The program of axe-core."""
    if not (AXE / ".ready").is_file():
        pytest.skip("no rules here: make .venv/axe/.ready installs them")
    return next(AXE.rglob("axe.min.js")).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every kind of page, by its name."""
    return everything(tmp_path_factory.mktemp("pages"))
