"""From a live host: nothing gets out, and every endpoint answers. Run by ``airgap probe --env NAME``."""

from __future__ import annotations

from typing import Any

import pytest

from airgap.model.probes import told


def test_what_must_be_refused_is_and_what_must_answer_does(probe: str, answers: dict[str, dict[str, Any]]) -> None:
    status, said = told(answers[probe], answers)
    if status == "unknown":
        pytest.skip(f"unknown: {said}")
    assert status == "pass", said
