"""Kernels started ahead: the next one alone, used by the notebook whose turn it is, and none left over."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from airgap.run.ahead import KernelsAhead
from airgap.run.engine import Outcome, execute

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
    """The processes whose command line names a connection file in this place."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(places).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:  # it ended while it was read
            continue
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
