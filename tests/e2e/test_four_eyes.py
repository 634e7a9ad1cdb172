"""Who plans, who approves and who applies: four eyes, other accounts, other worlds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from commandline import ROOT, Airgap

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, airgap: Airgap) -> Path:
    """A project of its own, so that its params can be written."""
    root = tmp_path_factory.mktemp("project")
    for name in ("pyproject.toml", "environment.yml"):
        shutil.copy(ROOT / name, root)
    for name in ("params", "notebooks"):
        shutil.copytree(ROOT / name, root / name)
    airgap.cwd = root
    return root


def variant(project: Path, name: str, **replaced: str) -> None:
    text = (project / "params" / "demo.yaml").read_text().replace("environment: demo", f"environment: {name}")
    for before, after in replaced.items():
        key = before.replace("_", " ").split()[0]
        line = next(line for line in text.splitlines() if line.startswith(f"{key}:"))
        text = text.replace(line, f"{key}: {after}")
    (project / "params" / f"{name}.yaml").write_text(text)


def test_a_plan_needs_approval_where_params_say_so(airgap: Airgap, project: Path) -> None:
    variant(project, "strict", approval="digest")
    done = airgap("apply", "--env", "strict", "--only", "identity")
    assert done.returncode == 4, done.stderr
    assert "are not approved" in done.stdout
    assert airgap("apply", "--env", "strict", "--only", "identity", "--approve", "auto").returncode == 4
    assert airgap.writes() == []


def test_four_eyes_are_two_people(airgap: Airgap, project: Path) -> None:
    variant(project, "pair", approval="four-eyes")
    digest = airgap.json("plan", "--env", "pair", "--only", "identity")[1]["plan_digest"]
    apply = ("apply", "--env", "pair", "--only", "identity", "--approve", digest)
    alone = airgap(*apply)
    assert alone.returncode == 4
    assert "second person" in alone.stdout
    assert airgap("approve", "--env", "pair", digest).returncode == 0
    same = airgap(*apply)
    assert same.returncode == 4, same.stdout
    assert airgap("approve", "--env", "pair", digest, person="bob").returncode == 0
    assert airgap.writes() == []
    done = airgap(*apply, person="carol")
    assert done.returncode == 0, done.stdout + done.stderr
    assert airgap.writes() != []


def test_another_account_is_refused_before_anything_else(airgap: Airgap, project: Path) -> None:
    before = len(airgap.control("GET", "/rehearsal/calls"))
    done = airgap("plan", "--env", "demo", "--only", "network", AWS_ACCESS_KEY_ID="AIRGAPREHEARSALOTHER")
    assert done.returncode == 1
    assert "demo is account 123456789012" in done.stdout
    later = airgap.control("GET", "/rehearsal/calls")[before:]
    assert {one["operation"] for one in later} == {"sts:GetCallerIdentity"}


def test_an_endpoint_override_outside_a_rehearsal_is_refused(airgap: Airgap, project: Path) -> None:
    variant(project, "real", world="aws", approval="digest")
    done = airgap("plan", "--env", "real")
    assert done.returncode == 1
    assert "no call was made" in done.stderr


def test_a_rehearsal_without_an_endpoint_never_reaches_a_real_account(airgap: Airgap, project: Path) -> None:
    done = airgap("plan", "--env", "demo", AWS_ENDPOINT_URL="")
    assert done.returncode == 1
    assert "rehearse up" in done.stderr
