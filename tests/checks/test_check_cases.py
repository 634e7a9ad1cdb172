"""Checks over small estates written by hand: what the demonstration environment does not show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_estates import meant, recorded

from airgap.checks import suite

CHECKS = {one.id: one for one in suite.ALL}


def _cases() -> Iterator[Any]:
    for path in sorted((Path(__file__).parent / "cases").glob("*.json")):
        for case in json.loads(path.read_text()):
            yield pytest.param(case, id=f"{path.stem}: {case['title']}")


@pytest.mark.parametrize("case", list(_cases()))
def test_a_check_says_of_each_resource_what_its_case_says(case: dict[str, Any]) -> None:
    intent = meant(case.get("intent", {}))
    findings = CHECKS[case["check"]].findings(intent, recorded(case, intent))
    said = {one.resource: one for one in findings}
    assert {name: one.status for name, one in said.items()} == {
        name: status for name, (status, *_) in case["expect"].items()
    }, [one.message for one in findings]
    for name, (_, *texts) in case["expect"].items():
        for text in texts:
            assert text in said[name].message
