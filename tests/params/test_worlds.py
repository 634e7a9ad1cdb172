"""What depends on the world: which API is the embedded one, and what may be applied without approval."""

from __future__ import annotations

from pathlib import Path

import pytest

from airgap import params
from airgap.errors import ParamsError
from airgap.oci import ways

DEMO = Path(__file__).parents[2] / "params" / "demo.yaml"


def meant(tmp_path: Path, world: str) -> Path:
    path = tmp_path / "demo.yaml"
    path.write_text(DEMO.read_text().replace("world: rehearsal", f"world: {world}"))
    return path


@pytest.mark.parametrize("world", ["rehearsal", "lab"])
def test_a_lab_is_made_on_the_embedded_api_as_a_rehearsal_is(tmp_path: Path, world: str) -> None:
    intent = params.load(str(meant(tmp_path, world)))
    assert (intent.world, intent.embedded, intent.approval) == (world, True, "auto")


def test_an_account_takes_no_approval_for_granted(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="rehearsal and lab only"):
        params.load(str(meant(tmp_path, "aws")))


@pytest.mark.parametrize(("world", "embedded"), [("rehearsal", True), ("lab", True), ("aws", False)])
def test_registries_of_a_lab_stand_behind_the_embedded_listener(
    world: str, embedded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(ways, "embedded", asked.append)
    ways.network(world, "r.test", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    assert bool(asked) is embedded
