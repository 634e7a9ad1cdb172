"""From a live host: nothing gets out, and what must answer does. Run by ``airgap probe --env NAME``."""

from __future__ import annotations

from typing import Any

import pytest

from airgap.model.probes import told


def test_what_must_be_refused_is_and_what_must_answer_does(
    address: str, probe: str, transcripts: dict[str, dict[str, dict[str, Any]]]
) -> None:
    answers = transcripts[address]
    status, said = told(answers[probe], answers)
    if status == "unknown":
        pytest.skip(f"unknown: {said}")
    assert status == "pass", said
