"""A lab of a user who is not root: it stands in namespaces of the user's own, is probed, and leaves nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from small_networks import NETWORKS

from airgap.lab import kernel, rootless

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else"),
]
ROOT = Path(__file__).parents[2]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
PATHS = os.pathsep.join([str(ROOT / "lib"), *(one for one in sys.path if one.endswith("site-packages"))])


def interpreter() -> str:
    """A Python that nobody's user may run inside a user namespace; the tests' own may stand in root's home."""
    trial = ["unshare", "--user", "--map-root-user", "--net", "--mount"]
    for one in (sys.executable, "/usr/bin/python3"):
        command = [*NOBODY, *trial, one, "-c", "import airgap.cli.labs"]
        done = subprocess.run(command, env={"PYTHONPATH": PATHS, "PATH": os.environ["PATH"]}, capture_output=True)
        if done.returncode == 0:
            return one
    pytest.skip("no Python that can run the tests' packages is readable by everybody")


def ended(pid: int) -> bool:
    """Whether a process runs no more; whoever inherited it may not have heard of its end yet."""
    for _ in range(100):
        with suppress(FileNotFoundError):
            if Path(f"/proc/{pid}/cmdline").read_bytes():
                time.sleep(0.05)
                continue
        return True
    return False


@pytest.fixture
def home() -> Iterator[Path]:
    """A home of nobody's; pytest closes the folders of its own to everybody else."""
    with TemporaryDirectory(prefix="airgap-home-") as folder:
        os.chown(folder, 65534, 65534)
        yield Path(folder)


def test_a_user_has_a_lab(home: Path) -> None:
    python, estate = interpreter(), home / "estate"
    estate.mkdir()
    for name, items in NETWORKS["sealed"]().items():
        (estate / f"{name}.json").write_text(json.dumps({name: items}))
    env = {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "PYTHONPATH": PATHS, "PATH": os.environ["PATH"],
           "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip

    def airgap(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*NOBODY, python, "-m", "airgap", "lab", *words], env=env, cwd=ROOT, capture_output=True,
                              text=True, timeout=60)  # fmt: skip

    up = airgap("up", "--name", "mine", "--estate", str(estate), "--json")
    try:
        assert up.returncode == 0, up.stderr
        lab = json.loads(up.stdout)
        assert kernel.spaces("airgap.mine.") == [], "it stands in the machine's own names"
        assert airgap("status").returncode == 0
        keeper = int((home / "state" / "airgap" / "lab-keeper").read_text())
        assert rootless.KEEPER.encode() in Path(f"/proc/{keeper}/cmdline").read_bytes()
        assert Path(f"/proc/{keeper}/status").read_text().split("\nUid:\t")[1].split()[0] == "65534"
        agreed = json.loads(airgap("agree", "--estate", str(estate), "--packets", "100", "--json").stdout)
        assert (agreed["differing"], agreed["agreed"] > 50) == ([], True)
    finally:
        down = airgap("down", "--name", "mine")
    assert down.returncode == 0
    assert airgap("status").returncode == 1
    assert ended(lab["pid"])
    assert ended(keeper)
    assert not (home / "state" / "airgap" / "lab-keeper").exists()
    assert list((home / "state" / "airgap" / "lab").iterdir()) == []
