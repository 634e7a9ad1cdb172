"""An auditor's Python, 3.9 with nothing installed, reaches the very findings that this one does."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from recorded_estate import Recording

from airgap.checks import suite
from airgap.checks.check import judge
from airgap.model.canonical import plain
from airgap.model.finding import order
from airgap.model.intent import encode

pytestmark = pytest.mark.timeout(600)
LIBRARY = Path(__file__).parents[2] / "lib"
JUDGE = """
import json, sys
from airgap.checks import suite
from airgap.checks.check import judge
from airgap.controls import verdicts
from airgap.model.estate import Estate, Records
from airgap.model.finding import order
from airgap.model.intent import decode
from airgap.model.observation import Observation
assert sys.version_info[:2] == (3, 9), sys.version
data = json.load(open(sys.argv[1]))
intent = decode(data["intent"])
records = {name: tuple(value) if isinstance(value, list) else value for name, value in data["records"].items()}
estate = Estate(
    [Observation.from_data(one) for one in data["observations"]],
    data["pages"].__getitem__,
    account=intent.account,
    region=intent.region,
    taken_at=data["taken_at"],
    records=Records(**records),
)
findings = judge(suite.ALL, intent, estate)
assert len(verdicts(findings)) == 45
json.dump([one.as_data() for one in order(findings)], sys.stdout)
"""


def _python39() -> str | None:
    places = [shutil.which("python3.9"), *sorted(Path.home().glob(".pyenv/versions/3.9.*/bin/python3.9"))]
    for place in filter(None, places):
        if subprocess.run([place, "-c", ""], capture_output=True, check=False).returncode == 0:
            return str(place)
    return None


def test_python_3_9_without_packages_finds_the_same(recording: Recording, tmp_path: Path) -> None:
    python = _python39()
    if python is None:
        pytest.skip("no Python 3.9 is at hand")
    records = {one.name: getattr(recording.records, one.name) for one in dataclasses.fields(recording.records)}
    data = {
        "intent": encode(recording.intent),
        "observations": [one.as_data() for one in recording.observations],
        "pages": recording.pages,
        "taken_at": recording.taken_at,
        "records": records,
    }
    estate = tmp_path / "estate.json"
    estate.write_text(json.dumps(plain(data)))
    command = [python, "-I", "-c", f"import sys; sys.path.insert(0, {str(LIBRARY)!r})\n{JUDGE}", str(estate)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    here = order(judge(suite.ALL, recording.intent, recording.estate()))
    assert json.loads(done.stdout) == [one.as_data() for one in here]
