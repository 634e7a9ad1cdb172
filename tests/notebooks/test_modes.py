"""Every notebook by plain papermill, and the first ones in every mode as somebody uses them in JupyterLab."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import papermill
import pytest
import yaml
from papermill.exceptions import PapermillExecutionError

from airgap import rehearsal
from airgap.errors import AccessDenied, NotApproved, UsageError
from airgap.evidence.journal import read_journal
from airgap.notebook import OpenStep, open_step
from airgap.steps import STEPS

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    # papermill's own engine: kernels on TCP, closed when they are collected.
    pytest.mark.filterwarnings("ignore"),
]
ROOT = Path(__file__).parents[2]
ORDER = [step.folder for step in STEPS]
# What somebody works through by hand here; every notebook is applied, verified and destroyed by the end-to-end story.
FEW = ORDER[:3]
# What makes nothing judges what is left, and so comes last.
BACK = [*reversed(FEW[1:]), FEW[0]]


@dataclass
class Desk:
    """One embedded AWS, one folder of reports, and the place where papermill puts notebooks."""

    url: str
    reports: Path
    out: Path

    def run(self, notebook: str, **parameters: str) -> dict[str, Any]:
        """Execute a notebook with papermill's own engine, from the folder of the notebooks, as JupyterLab does."""
        target = self.out / f"{notebook}-{parameters.get('mode', 'plan')}.ipynb"
        papermill.execute_notebook(
            ROOT / "notebooks" / f"{notebook}.ipynb", target, parameters, progress_bar=False, cwd=ROOT / "notebooks"
        )
        return dict(json.loads(target.read_text()))

    @property
    def latest(self) -> Path:
        """What the last run left."""
        return self.reports / "demo" / "latest"

    def folder(self, notebook: str) -> Path:
        """What the last run left of a step."""
        return self.latest / "steps" / notebook

    def summed(self) -> dict[str, Any]:
        """What the last run says of itself, which the last step that ended has written."""
        return dict(json.loads((self.latest / "run.json").read_text()))

    def last(self, notebook: str, event: str) -> dict[str, Any]:
        """The data of the last event of a sort in a step's journal."""
        return dict([entry for entry in self.journal(notebook) if entry["event"] == event][-1]["data"])

    def journal(self, notebook: str) -> list[dict[str, Any]]:
        """The lines of a step's journal, whose chain holds."""
        entries, problems = read_journal(self.folder(notebook) / "journal.ndjson")
        assert problems == []
        return entries

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the embedded AWS something that AWS has no call for."""
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def writes(self) -> int:
        """The write calls that the server has seen."""
        return sum(one["write"] for one in self.ask("GET", "/rehearsal/calls"))


@contextmanager
def variables(values: dict[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "AIRGAP_"))]:
            patch.delenv(name)
        for name, value in values.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    running = rehearsal.up()
    reports = tmp_path_factory.mktemp("reports")
    try:
        with variables({**running.environment(), "AIRGAP_REPORTS": str(reports)}):
            yield Desk(running.url, reports, tmp_path_factory.mktemp("out"))
    finally:
        rehearsal.down(running.port)


def texts(notebook: dict[str, Any]) -> str:
    """All that the cells of a notebook show, as text."""
    return json.dumps([cell.get("outputs", []) for cell in notebook["cells"]])


def test_plan_on_an_empty_account_fails_nowhere_and_changes_nothing(desk: Desk) -> None:
    for notebook in ORDER:
        shown = desk.run(notebook, env="demo", mode="plan", run_id="" if notebook == ORDER[0] else "latest")
        assert desk.last(notebook, "close")["status"] == "completed"
        assert (desk.folder(notebook) / "report.html").is_file()
        assert "judges nothing" in texts(shown)
    assert desk.last("02_network", "close")["changes"] > 100
    assert desk.writes() == 0
    assert "judges nothing" in (desk.latest / "index.html").read_text()
    assert (desk.summed()["mode"], desk.summed()["exit_code"]) == ("plan", 2)


def test_apply_makes_it_and_passes(desk: Desk) -> None:
    for notebook in FEW:
        desk.run(notebook, env="demo", mode="apply", run_id="" if notebook == FEW[0] else "latest")
        close = desk.last(notebook, "close")
        assert (close["status"], close["verdict"], close["exit_code"]) == ("completed", "pass", 0)
    assert {path.name for path in desk.folder("x").parent.iterdir()} == set(FEW)
    run = desk.summed()
    assert [one["name"] for one in run["steps"]] == [step.name for step in STEPS][: len(FEW)]
    assert (run["mode"], run["verdict"], run["exit_code"]) == ("apply", "pass", 0)
    assert all(f'href="steps/{name}/report.html"' in (desk.latest / "index.html").read_text() for name in FEW)


def test_reopened_step_continues_its_chain_in_the_run_that_it_joins(desk: Desk) -> None:
    writes = desk.writes()
    for notebook in FEW:
        before = desk.journal(notebook)
        desk.run(notebook, env="demo", mode="verify", run_id="latest")
        after = desk.journal(notebook)
        assert after[: len(before)] == before
        assert [entry["data"]["mode"] for entry in after if entry["event"] == "open"] == ["apply", "verify"]
        assert desk.last(notebook, "close")["verdict"] == "pass"
    assert desk.writes() == writes


def test_plan_begun_once_is_not_begun_again(desk: Desk) -> None:
    """The Apply cell run again after it broke: what was made before the fault would be made twice."""
    drifted(desk)
    step = opened("network", "apply")
    plan = step.plan()
    step.approve(plan)
    fault = {"operation": "ec2:ModifyVpcAttribute", "error": "AccessDenied", "times": 1}
    desk.ask("POST", "/rehearsal/faults", fault)
    with pytest.raises(AccessDenied, match="ec2:ModifyVpcAttribute"):
        step.apply(plan)
    step.approve(plan)
    with pytest.raises(NotApproved, match="begun before"):
        step.apply(plan)
    again = step.plan()
    step.approve(again)
    step.apply(again)
    assert step.plan().plan.changes == ()


def test_cells_run_twice_and_out_of_order(desk: Desk) -> None:
    drifted(desk)
    step = opened("network", "apply")
    plan = step.plan()
    with pytest.raises(NotApproved, match="was not approved"):
        step.apply(plan)
    assert desk.last("02_network", "close")["status"] == "failed"
    step.look("topology")
    step.look("topology")
    with pytest.raises(UsageError, match="no view"):
        step.look("nothing")
    again = step.plan()
    assert again.plan.digest == plan.plan.digest
    step.approve(again)
    step.approve(again)
    step.apply(again)
    writes = desk.writes()
    step.apply(again)
    step.approve(again)
    step.apply(again)
    assert step.plan().plan.changes == ()
    step.apply(step.plan())
    assert desk.writes() == writes
    step.verify()
    step.verify()
    step.close()
    assert desk.last("02_network", "close")["verdict"] == "pass"
    step.close()
    desk.journal("02_network")


def test_verify_sees_drift_and_the_notebook_is_completed_all_the_same(desk: Desk) -> None:
    drifted(desk)
    shown = desk.run("02_network", env="demo", mode="verify")
    close = desk.last("02_network", "close")
    assert (close["status"], close["verdict"], close["exit_code"]) == ("completed", "fail", 3)
    assert (desk.summed()["verdict"], desk.summed()["exit_code"]) == ("fail", 3)
    assert "enableDnsHostnames" in texts(shown)


def test_destroy_leaves_nothing(desk: Desk) -> None:
    for notebook in BACK:
        desk.run(notebook, env="demo", mode="destroy", run_id="" if notebook == BACK[0] else "latest")
        assert desk.last(notebook, "close")["verdict"] == "pass"


def test_failing_approval_ends_papermill_with_the_box_and_a_broken_step(desk: Desk, tmp_path: Path) -> None:
    """The command as it stands in the README, typed by somebody who has no wrapper of ours."""
    strict = (ROOT / "params" / "demo.yaml").read_text().replace("approval: auto", "approval: digest")
    project = tmp_path / "project"
    (project / "params").mkdir(parents=True)
    (project / "environment.yml").write_text("")
    (project / "params" / "strict.yaml").write_text(strict.replace("environment: demo", "environment: strict"))
    assert yaml.safe_load(strict)["approval"] == "digest"
    target, writes = tmp_path / "out.ipynb", desk.writes()
    command = [sys.executable, "-m", "papermill", str(ROOT / "notebooks" / "02_network.ipynb"), str(target)]
    command += ["-p", "env", "strict", "-p", "mode", "apply", "--no-progress-bar"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=project, timeout=120, check=False)
    assert done.returncode != 0
    assert "NotApproved" in done.stderr
    saved = json.loads(target.read_text())
    failed = [cell for cell in saved["cells"] if cell["metadata"].get("papermill", {}).get("exception")]
    assert ["step.approve(plan)" in "".join(cell["source"]) for cell in failed] == [True]
    outputs = json.dumps(failed[0]["outputs"])
    assert "What happened" in outputs
    assert "site-packages" not in outputs, "a traceback is shown beside the box"
    assert desk.writes() == writes
    (report,) = (desk.reports / "strict" / "latest").glob("steps/02_network/report.html")
    assert "not approved" in report.read_text()


def test_step_before_its_predecessor_names_the_notebook_to_run(desk: Desk) -> None:
    with pytest.raises(PapermillExecutionError, match="01_identity") as caught:
        desk.run("02_network", env="demo", mode="apply")
    assert caught.value.ename == "MissingPredecessor"


def test_nonsense_in_a_parameter_is_told_before_any_call(desk: Desk) -> None:
    calls = len(desk.ask("GET", "/rehearsal/calls"))
    for wrong in ({"env": "nowhere"}, {"env": "demo", "mode": "fly"}, {"env": "demo", "run_id": "../up"}):
        with pytest.raises(UsageError):
            open_step("network", **wrong)
    assert len(desk.ask("GET", "/rehearsal/calls")) == calls


def opened(name: str, mode: str) -> OpenStep:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT / "notebooks")
        return open_step(name, env="demo", mode=mode)


def drifted(desk: Desk) -> None:
    """Change the VPC behind the runbook's back."""
    import boto3

    ec2 = boto3.client("ec2", endpoint_url=desk.url)
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "tag:airgap:key", "Values": ["vpc:main"]}])["Vpcs"]
    ec2.modify_vpc_attribute(VpcId=vpc["VpcId"], EnableDnsHostnames={"Value": False})
