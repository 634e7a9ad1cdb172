"""A plan of what the cluster's API server would refuse ends before it is approved, and nothing is applied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airgap.errors import ParamsError
from airgap.evidence.folder import RunFolder
from airgap.rehearsal import environment, serving
from airgap.resources import platform
from airgap.run.context import open_context
from airgap.run.step_run import StepRun
from airgap.steps import STEPS

ROOT = Path(__file__).parents[2]
WRONG: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "wrong", "namespace": "application"},
    "spec": {"podSelector": {}, "policyType": ["Egress"]},
}


def test_the_plan_names_the_object_the_place_and_the_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = platform.manifests

    def with_a_wrong_one(intent: Any) -> Iterator[Any]:
        yield from declared(intent)
        yield WRONG

    monkeypatch.setattr(platform, "manifests", with_a_wrong_one)
    with serving() as url:
        for name, value in {**environment(url), "AIRGAP_REPORTS": str(tmp_path)}.items():
            monkeypatch.setenv(name, value)
        step = next(one for one in STEPS if one.name == "controllers")
        folder = RunFolder.open(tmp_path, "demo")
        run = StepRun(step, open_context(step.number, step.name, env="demo", mode="apply", root=ROOT, folder=folder))
        run.open()
        with pytest.raises(ParamsError) as caught:
            run.plan()
        assert caught.value.what.startswith("Kubernetes 1.36 would refuse: NetworkPolicy wrong: spec: Additional")
        assert "policyType" in caught.value.what
        assert run.planned is None
