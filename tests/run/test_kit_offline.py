"""A kit of this checkout, installed and run in a network namespace in which there is loopback and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What a person does inside, in the order of the loader's own words.
INSIDE = """
set -eu
ip link set lo up
"{python}" -I "{kit}.load.pyz" "{kit}" --into "{into}"
cd "{into}"
! "{python}" -c 'import socket; socket.create_connection(("192.0.2.1", 443), 2)' 2> /dev/null
.venv/bin/airgap --help > help.txt
.venv/bin/airgap params check --env demo
export $(.venv/bin/airgap rehearse up | grep =)
code=0
.venv/bin/airgap plan --env demo --only identity --no-pdf --json > plan.json || code=$?
.venv/bin/airgap rehearse down
test "$code" -eq 2
"""


@pytest.mark.lab
@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare")
def test_a_kit_is_saved_here_and_installed_and_run_where_there_is_no_network(tmp_path: Path) -> None:
    kit, into = tmp_path / "kit.tar", tmp_path / "in"
    saved = subprocess.run(
        [ROOT / ".venv/bin/airgap", "kit", "save", kit, "--json"], cwd=ROOT, capture_output=True, text=True
    )
    assert saved.returncode == 0, saved.stderr
    said = json.loads(saved.stdout)
    assert {"helm", "kubectl"} <= set(said["programs"])
    assert not list(tmp_path.glob(".*")), "nothing is left beside it"
    script = INSIDE.format(python=sys.executable, kit=kit, into=into)
    kept = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    done = subprocess.run(["unshare", "-n", "bash", "-c", script], env=kept, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verified and installed" in done.stdout
    assert "demo: no problems" in done.stdout
    assert json.loads((into / "plan.json").read_text())["plan_digest"]
