"""Every wrong file of ``cases/`` is refused with exactly the errors that stand there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from airgap.params import check

HERE = Path(__file__).parent
BASE = (HERE / "base.yaml").read_text()
CASES = [
    pytest.param(case, id=f"{file.stem}: {case['says']}")
    for file in sorted((HERE / "cases").glob("*.yaml"))
    for case in yaml.safe_load(file.read_text())
]


def text_of(case: dict[str, Any]) -> str:
    """Return the params file of a case: its own text, or the base with its edits, each of which must fit once."""
    text = case.get("text", BASE)
    for old, new in case.get("edit", {}).items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def test_the_base_has_no_problem() -> None:
    assert check(HERE / "base.yaml") == []


@pytest.mark.parametrize("case", CASES)
def test_wrong_files_are_refused_in_full(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "base.yaml"
    path.write_text(text_of(case))
    usual = f"correct the line and run: airgap params check --env {path}"
    found = [(error.what, error.action) for error in check(path)]
    assert found == [(f"{path}:{entry['error']}", entry.get("next", usual)) for entry in case["errors"]]
