"""What the engine records, in the notebook and in the outcome, when a notebook ends well and when it does not."""

import contextlib
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import v4

from airgap.run import engine, kernel
from airgap.run.engine import Event, Outcome, execute

PARAMETERS = 'env: str = "demo"  # environment\nmode: str = "plan"  # plan or apply'
Run = Callable[..., tuple[Outcome, dict[str, Any]]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Execute a notebook of these cells, a section each, and return the outcome with the notebook on disk."""

    def execute_cells(*cells: str, parameters: dict[str, str] | None = None, **options: Any) -> tuple[Outcome, Any]:
        source, target = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
        write(source, *cells)
        outcome = execute(source, target, parameters or {"mode": "apply"}, **{"timeout": 30, **options})
        assert not list(tmp_path.glob(".*.part"))
        return outcome, json.loads(target.read_text())

    return execute_cells


def write(source: Path, *cells: str) -> None:
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = v4.new_notebook(metadata={"kernelspec": spec, "language_info": {"name": "python"}})
    notebook.cells = [v4.new_markdown_cell("# Title"), v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})]
    for number, code in enumerate(cells, 1):
        notebook.cells += [v4.new_markdown_cell(f"## Section {number}\nWhat it shows."), v4.new_code_cell(code)]
    nbformat.write(notebook, source)


def statuses(notebook: dict[str, Any]) -> list[str]:
    """The status of each cell of the test's own; the first two code cells are the parameters."""
    codes = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [cell["metadata"]["papermill"]["status"] for cell in codes[2:]]


def errors(notebook: dict[str, Any]) -> list[tuple[str, str]]:
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    return [(output["ename"], output["evalue"]) for output in outputs if output["output_type"] == "error"]


def text(notebook: dict[str, Any]) -> str:
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    return "".join("".join(output["text"]) for output in outputs if output["output_type"] == "stream")


def test_completed_notebook_with_events_in_the_callers_thread(run: Run) -> None:
    seen: list[tuple[Event, threading.Thread]] = []
    outcome, notebook = run("1", "2", on_event=lambda event: seen.append((event, threading.current_thread())))
    assert outcome.status == "completed"
    assert statuses(notebook) == ["completed", "completed"]
    assert notebook["metadata"]["papermill"]["exception"] is None
    assert {thread for _, thread in seen} == {threading.current_thread()}
    assert [(event.kind, event.section) for event, _ in seen][-4:] == [
        ("started", "Section 1"),
        ("finished", "Section 1"),
        ("started", "Section 2"),
        ("finished", "Section 2"),
    ]


def test_parameters_arrive_as_the_strings_that_they_are(run: Run) -> None:
    values = {"env": "012345670123", "mode": "yes", "quote": "a'b\"c\\d\ne{x}", "none": "nan", "empty": ""}
    _, notebook = run("print([env, mode, quote, none, empty])", parameters=values)
    assert text(notebook).strip() == str(list(values.values()))
    assert notebook["metadata"]["papermill"]["parameters"] == values


def test_parameter_that_is_no_string_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="env"):
        execute(tmp_path / "in.ipynb", tmp_path / "out.ipynb", {"env": 1}, timeout=1)  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("broken", "status", "ename", "evalue"),
    [
        ("raise ValueError('no such zone')", "failed", "ValueError", "no such zone"),
        ("raise SystemExit(0)", "failed", "SystemExit", "0"),
        ("import os\nos.kill(os.getpid(), 9)", "dead-kernel", "DeadKernelError", "SIGKILL"),
        ("import time\ntime.sleep(60)", "timed-out", "CellTimeoutError", "within 1 s"),
    ],
    ids=["exception", "exit", "dead kernel", "time-out"],
)
def test_cell_that_does_not_complete_is_failed_and_later_ones_stay_pending(
    run: Run, broken: str, status: str, ename: str, evalue: str
) -> None:
    outcome, notebook = run("1", broken, "3", "4", timeout=1 if status == "timed-out" else 30)
    assert (outcome.status, outcome.section, outcome.ename) == (status, "Section 2", ename)
    assert evalue in outcome.evalue
    assert statuses(notebook) == ["completed", "failed", "pending", "pending"]
    assert notebook["metadata"]["papermill"]["exception"] is True
    assert errors(notebook) == [(outcome.ename, outcome.evalue)]


def test_kernel_that_cannot_start_completes_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = kernel.KernelSpec(argv=[sys.executable, "-c", "raise OSError('no room')"], metadata=kernel._SPEC.metadata)
    monkeypatch.setattr(kernel, "_SPEC", broken)
    outcome, notebook = run("1")
    assert outcome.status == "dead-kernel"
    assert "no room" in outcome.evalue
    assert statuses(notebook) == ["pending"]


def test_request_to_stop_interrupts_the_running_cell(run: Run) -> None:
    stop = threading.Event()

    def ask(event: Event) -> None:
        if event.section == "Section 1":
            stop.set()

    outcome, notebook = run("import time\ntime.sleep(60)", "2", stop=stop, on_event=ask)
    assert (outcome.status, outcome.section) == ("interrupted", "Section 1")
    assert outcome.seconds < engine.GRACE
    assert statuses(notebook) == ["failed", "pending"]


def test_request_to_stop_before_the_start_executes_nothing(run: Run) -> None:
    stop = threading.Event()
    stop.set()
    outcome, notebook = run("print('ran')", stop=stop)
    assert outcome.status == "interrupted"
    assert statuses(notebook) == ["pending"]
    assert text(notebook) == ""


def test_cell_that_ignores_the_interrupt_is_killed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "GRACE", 1.0)
    stop = threading.Event()
    cell = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(60)"
    begun = threading.Timer(1.5, stop.set)
    outcome, notebook = run(cell, "2", stop=stop, on_event=lambda event: begun.ident or begun.start())
    assert (outcome.status, outcome.evalue.endswith("went on for 1 s and was killed.")) == ("interrupted", True)
    assert statuses(notebook) == ["failed", "pending"]


def test_error_of_the_watcher_ends_the_kernel_and_is_raised(run: Run, tmp_path: Path) -> None:
    def refuse(event: Event) -> None:
        if event.section == "Section 1":
            raise LookupError(event.section)

    with pytest.raises(LookupError):
        run("import time\ntime.sleep(60)", "2", on_event=refuse)
    assert statuses(json.loads((tmp_path / "out.ipynb").read_text())) == ["failed", "pending"]


def test_no_path_of_this_machine_is_kept(tmp_path: Path) -> None:
    (tmp_path / "environment.yml").touch()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "reports{1}").mkdir()
    source, target = tmp_path / "notebooks/02_network.ipynb", tmp_path / "reports{1}/notebook.ipynb"
    write(source, "1")
    assert execute(source, target, {"mode": "plan"}, timeout=30).status == "completed"
    papermill = json.loads(target.read_text())["metadata"]["papermill"]
    assert papermill["input_path"] == "notebooks/02_network.ipynb"
    assert papermill["output_path"] == "reports{1}/notebook.ipynb"
    assert str(tmp_path) not in target.read_text()


def test_sockets_are_private_and_removed(run: Run) -> None:
    cell = (
        "import os, pathlib, stat, sys\n"
        "from ipykernel import get_connection_file\n"
        "folder = pathlib.Path(get_connection_file()).parent\n"
        "print(folder, oct(folder.stat().st_mode & 0o777), *sorted(p.name for p in folder.glob('s-*')))"
    )
    _, notebook = run(cell)
    folder, mode, *sockets = text(notebook).split()
    assert mode == "0o700"
    assert len(sockets) == 5
    assert not Path(folder).exists()


def test_directory_of_a_killed_runner_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(kernel, "_SETTLED", -1.0)
    monkeypatch.setattr(kernel, "_LONGEST_PARENT", 1000)
    left = tmp_path / "airgap-kernel-left"
    left.mkdir()
    (left / "kernel.log").touch()
    with kernel.private_kernel() as first, kernel.private_kernel() as second:
        assert not left.exists()
        assert first.folder.is_dir()
        assert second.folder.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_nothing_in_home_redirects_the_kernel(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = tmp_path / "home/.local/share/jupyter/kernels/python3/kernel.json"
    startup = tmp_path / "home/.ipython/profile_default/startup/00.py"
    for path, content in [(spec, '{"argv": ["false"], "display_name": "x"}'), (startup, "planted = True")]:
        path.parent.mkdir(parents=True)
        path.write_text(content)
    for name in ("HOME", "PYTHONSTARTUP", "JUPYTER_PATH"):
        value = {"HOME": tmp_path / "home", "PYTHONSTARTUP": startup, "JUPYTER_PATH": spec.parents[2]}[name]
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", "elsewhere")
    outcome, notebook = run("import sys\nprint(sys.executable, 'planted' in globals())")
    assert outcome.status == "completed"
    assert text(notebook).strip() == f"{sys.executable} False"


def test_kernel_has_the_callers_environment_and_its_own(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRGAP_TEST_CALLER", "1")
    cell = "import os\nprint(os.environ['AIRGAP_TEST_CALLER'], os.environ['AIRGAP_TEST_OWN'])"
    live = "from airgap.cloud.liveness import RUNNER_VARIABLE, runner_is_gone\nprint(RUNNER_VARIABLE in os.environ)"
    _, notebook = run(cell, f"{live}\nprint(runner_is_gone())", environment={"AIRGAP_TEST_OWN": "2"})
    assert text(notebook).split() == ["1", "2", "True", "False"]


def test_two_at_once_from_two_threads(tmp_path: Path) -> None:
    meet = "import pathlib, time\npathlib.Path(mine).touch()\nwhile not pathlib.Path(other).exists(): time.sleep(0.01)"
    names = ["one", "two"]
    outcomes: dict[str, Outcome] = {}

    def start(mine: str, other: str) -> None:
        source = tmp_path / f"{mine}.ipynb"
        write(source, meet)
        parameters = {"mine": str(tmp_path / mine), "other": str(tmp_path / other)}
        outcomes[mine] = execute(source, tmp_path / f"{mine}.out.ipynb", parameters, timeout=30)

    threads = [threading.Thread(target=start, args=pair) for pair in (names, names[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcomes[name].status for name in names] == ["completed", "completed"]


def test_notebook_is_saved_in_the_middle_of_its_run(tmp_path: Path) -> None:
    source, target = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    write(source, "import time\ntime.sleep(0.3)")
    states: list[str] = []

    def look(event: Event) -> None:
        if event.section == "Section 1" and event.kind == "started":
            states.extend(statuses(json.loads(target.read_text())))

    execute(source, target, {"mode": "plan"}, timeout=30, on_event=look)
    assert states == ["running"]


def test_absent_package_comes_back() -> None:
    from airgap.kube.absent import absent

    sys.modules.pop("this", None)
    with absent("this"), contextlib.suppress(ImportError):
        import this  # noqa: F401

        pytest.fail("the package was found")
    assert "this" not in sys.modules
