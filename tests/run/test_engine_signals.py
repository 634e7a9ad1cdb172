"""Runs that are interrupted, terminated or killed from outside, and kernels that outlive their runner."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from nbformat import v4, write

RUN = """
import sys
from pathlib import Path
from airgap.run.engine import execute
print("ready", flush=True)
try:
    print(execute(Path(sys.argv[1]), Path(sys.argv[2]), {"mode": "plan"}, timeout=60).status, flush=True)
except KeyboardInterrupt:
    print("KeyboardInterrupt", flush=True)
"""
SAVE = """
import itertools, sys
from airgap.run.saving import SCHEME, WholeFiles
print("ready", flush=True)
for turn in itertools.count():
    WholeFiles().write(str(turn % 10) * 500_000 + "end", SCHEME + sys.argv[1])
"""


def notebook(path: Path, *cells: str) -> Path:
    tags = {"tags": ["parameters"]}
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    codes = [v4.new_code_cell('mode: str = "plan"  # mode\nenv: str = "demo"  # env', metadata=tags)]
    write(v4.new_notebook(metadata=spec, cells=codes + [v4.new_code_cell(cell) for cell in cells]), path)
    return path


def start(program: str, *arguments: Path) -> subprocess.Popen[str]:
    """Start a program that has said that it is ready."""
    child = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def await_file(path: Path) -> str:
    deadline = time.monotonic() + 30
    while not path.exists() or not path.read_text():
        assert time.monotonic() < deadline, f"{path.name} did not appear"
        time.sleep(0.01)
    return path.read_text()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_saves_the_notebook_and_says_so(tmp_path: Path, number: signal.Signals) -> None:
    mark, target = tmp_path / "mark", tmp_path / "out.ipynb"
    cell = f"import time\nopen({str(mark)!r}, 'w').write('1')\ntry:\n    time.sleep(60)\nfinally:\n    print('tidied')"
    child = start(RUN, notebook(tmp_path / "in.ipynb", cell, "2"), target)
    await_file(mark)
    child.send_signal(number)
    said, _ = child.communicate(timeout=30)
    assert said.strip() == "KeyboardInterrupt"
    saved = json.loads(target.read_text())
    codes = [cell for cell in saved["cells"] if cell["cell_type"] == "code"]
    assert [cell["metadata"]["papermill"]["status"] for cell in codes[2:]] == ["failed", "pending"]
    assert "tidied" in str(codes[2]["outputs"])


def test_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    place, chance = tmp_path / "file.txt", random.Random(1)
    for _ in range(20):
        child = start(SAVE, place)
        time.sleep(chance.uniform(0, 0.05))
        child.kill()
        child.communicate()
        content = place.read_text() if place.exists() else "end"
        assert content.endswith("end")
        assert len(set(content[:-3])) <= 1


def test_killed_run_leaves_a_whole_notebook_with_nothing_completed_that_was_not(tmp_path: Path) -> None:
    source, target = notebook(tmp_path / "in.ipynb", *["print('x' * 2_000_000)"] * 20), tmp_path / "out.ipynb"
    chance = random.Random(2)
    for _ in range(5):
        child = start(RUN, source, target)
        time.sleep(chance.uniform(0, 2.0))
        child.kill()
        child.communicate()
        if not target.exists():
            continue
        codes = json.loads(target.read_text())["cells"]
        done = [cell["metadata"]["papermill"]["status"] == "completed" for cell in codes]
        assert done == sorted(done, reverse=True)
        assert all(cell["outputs"] for cell, ended in zip(codes[2:], done[2:], strict=True) if ended)


def test_kernel_of_a_killed_run_ends_by_itself(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    cell = f"import os, time\nopen({str(mark)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)"
    child = start(RUN, notebook(tmp_path / "in.ipynb", cell), tmp_path / "out.ipynb")
    pid = int(await_file(mark))
    child.kill()
    child.communicate(timeout=30)
    deadline = time.monotonic() + 20
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_orphan_knows_that_its_runner_is_gone(tmp_path: Path) -> None:
    says = tmp_path / "says"
    orphan = (
        "import pathlib, sys, time\nfrom airgap.cloud.liveness import runner_is_gone\n"
        "print('ready' if not runner_is_gone() else 'wrong', flush=True)\n"
        "while not runner_is_gone(): time.sleep(0.01)\n"
        "pathlib.Path(sys.argv[1]).write_text('gone')"
    )
    runner = (
        "import os, subprocess, sys, time\nfrom airgap.cloud.liveness import RUNNER_VARIABLE, runner_mark\n"
        "subprocess.Popen([sys.executable, '-c', sys.argv[1], sys.argv[2]],"
        " env={**os.environ, RUNNER_VARIABLE: runner_mark()})\ntime.sleep(60)"
    )
    command = [sys.executable, "-c", runner, orphan, str(says)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.kill()
        # Not waited for yet: a zombie is gone too.
        assert await_file(says) == "gone"


@pytest.mark.parametrize(
    ("mark", "gone"), [("", False), ("0:0", True), ("nonsense", True), pytest.param(f"{os.getpid()}:1", True, id="own")]
)
def test_mark_of_no_living_process_is_gone(monkeypatch: pytest.MonkeyPatch, mark: str, gone: bool) -> None:
    from airgap.cloud.liveness import RUNNER_VARIABLE, runner_is_gone

    monkeypatch.setenv(RUNNER_VARIABLE, mark)
    assert runner_is_gone() is gone


def test_own_mark_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    from airgap.cloud.liveness import RUNNER_VARIABLE, runner_is_gone, runner_mark

    monkeypatch.setenv(RUNNER_VARIABLE, runner_mark())
    assert not runner_is_gone()


def test_plain_papermill_needs_nothing_of_ours(tmp_path: Path) -> None:
    source, target = notebook(tmp_path / "in.ipynb", "print(mode)"), tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "papermill", str(source), str(target), "-r", "mode", "0123", "--no-progress-bar"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert "0123" in str(json.loads(target.read_text())["cells"][-1]["outputs"])
