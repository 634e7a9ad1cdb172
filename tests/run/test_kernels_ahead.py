"""Kernels started ahead: the next one alone, used by the notebook whose turn it is, and none left over."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from airgap.run.ahead import KernelsAhead
from airgap.run.engine import Outcome, execute
from airgap.run.nursery import Forked

PRELOADED = "import sys; print('airgap.notebook' in sys.modules, __import__('os').environ['AHEAD'])"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    cells = [nbformat.v4.new_code_cell("env = ''", metadata={"tags": ["parameters"]}),
             nbformat.v4.new_code_cell(PRELOADED)]  # fmt: skip
    path = tmp_path / "source.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where kernels have their directories; its path is short, as a socket's is limited."""
    with tempfile.TemporaryDirectory(prefix="k") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def run(source: Path, kernels: KernelsAhead) -> tuple[Outcome, str]:
    """Execute on the next kernel and return the outcome and what the last cell printed."""
    target = source.with_name("target.ipynb")
    outcome = execute(source, target, {"env": "demo"}, timeout=60, kernels=kernels.take)
    outputs = nbformat.read(target, as_version=4).cells[-1].outputs
    return outcome, outputs[0].get("text", "") if outputs else ""


def pids(places: Path) -> list[int]:
    """The processes, but for this one, that hold a file in this place open, as a kernel does its log."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            held = [str(one.readlink()) for one in (entry / "fd").iterdir()]
        except OSError:  # it ended while it was read
            continue
        if any(one.startswith(str(places)) for one in held) and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found


def test_notebooks_find_kernels_that_have_imported_what_they_need_and_none_is_left(source: Path, places: Path) -> None:
    with KernelsAhead(2, {"AHEAD": "told"}) as kernels:
        printed = [run(source, kernels)[1], run(source, kernels)[1]]
        assert printed == ["True told\n"] * 2
        assert not kernels._next, "no notebook is left, so no kernel is started for one"
    assert not list(places.iterdir())
    assert not pids(places)


def test_kernel_that_no_notebook_took_ends_with_the_run(source: Path, places: Path) -> None:
    with KernelsAhead(3, {"AHEAD": "told"}) as kernels:
        run(source, kernels)
        assert kernels._next is not None
        kernels._next.result()
        assert len(pids(places)) == 1
    assert not pids(places)
    assert not list(places.iterdir())


def test_kernel_that_died_before_its_turn_completes_nothing(source: Path, places: Path) -> None:
    with KernelsAhead(1, {"AHEAD": "told"}) as kernels:
        assert kernels._next is not None
        waiting, _ = kernels._next.result()
        waiting.send(signal.SIGKILL)
        outcome, _ = run(source, kernels)
    assert outcome.status == "dead-kernel"
    assert not list(places.iterdir())


def test_kernel_is_forked_into_a_session_of_its_own(source: Path, places: Path) -> None:
    with KernelsAhead(1, {"AHEAD": "told"}) as kernels:
        assert kernels._nursery is not None
        assert kernels._next is not None
        process = kernels._next.result()[0]._process
        assert isinstance(process, Forked)
        parent, _, session = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1:4]
        assert (int(parent), int(session)) == (kernels._nursery._process.pid, process.pid)
        assert run(source, kernels)[0].status == "completed"
        assert process.wait(10) == -signal.SIGKILL, "the engine ends a kernel that is done at once"
    assert kernels._nursery._process.returncode == 0


def test_kernel_ends_with_its_nursery_and_the_next_is_started_from_nothing(source: Path, places: Path) -> None:
    with KernelsAhead(2, {"AHEAD": "told"}) as kernels:
        assert kernels._nursery is not None
        assert kernels._next is not None
        kernels._next.result()
        kernels._nursery._process.kill()
        outcome, _ = run(source, kernels)
        assert (outcome.status, "ended by SIGKILL" in outcome.evalue) == ("dead-kernel", True)
        outcome, printed = run(source, kernels)
    assert (outcome.status, printed) == ("completed", "False told\n")
    assert not pids(places)
