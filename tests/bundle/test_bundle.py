"""A bundle is the same bytes for the same run, and verifies on a machine with nothing but Python."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from bundled import ROOT, Site

from airgap.checks import suite
from airgap.evidence.bundle.manifest import MANIFEST
from airgap.evidence.bundle.members import Archive
from airgap.steps import STEPS


def auditors_python() -> str:
    """The oldest Python of this machine that a bundle promises to run on."""
    known = sorted(Path.home().glob(".pyenv/versions/3.9.*/bin/python3.9"))
    return str(known[-1]) if known else shutil.which("python3.9") or sys.executable


def test_the_same_run_gives_the_same_bytes(site: Site, bundle: Path) -> None:
    before = bundle.read_bytes()
    assert site("bundle", "create", str(bundle.with_suffix(""))).returncode == 0
    assert bundle.read_bytes() == before


def test_an_auditor_unzips_it_and_runs_one_file(bundle: Path, tmp_path: Path) -> None:
    place = tmp_path / "unzipped"
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(place)
    assert {"verify.pyz", "findings.json", "README.txt", MANIFEST} <= {path.name for path in place.iterdir()}
    for arguments in ((), (str(place),), (str(bundle),)):
        command = [auditors_python(), "-I", str(place / "verify.pyz"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        assert "Its verdict: pass" in done.stdout
    (place / "observations" / "note.txt").write_text("mine")
    done = subprocess.run([auditors_python(), "-I", str(place / "verify.pyz")], capture_output=True, text=True)
    assert done.returncode == 10
    assert "observations/note.txt: is in no line of the manifest" in done.stdout


def test_every_command_says_what_it_found(site: Site, bundle: Path) -> None:
    for command in ("verify", "replay"):
        done = site("bundle", command, str(bundle), "--json")
        data = json.loads(done.stdout)
        assert (done.returncode, data["exit_code"], data["verdict"]) == (0, 0, "pass")
    shown = json.loads(site("bundle", "show", str(bundle), "--json").stdout)
    assert (shown["env"], shown["world"], shown["previous"]) == ("demo", "rehearsal", None)
    assert "01_identity" in site("bundle", "replay", str(bundle)).stdout


def test_what_is_no_bundle_is_said(site: Site, tmp_path: Path) -> None:
    text = tmp_path / "a.zip"
    text.write_text("no zip")
    cases = {("verify", str(tmp_path / "none.zip")): 64, ("verify", str(text)): 10, ("show", str(text)): 10,
             ("create", "demo/none"): 64, ("replay", str(text)): 10}  # fmt: skip
    for arguments, code in cases.items():
        done = site("bundle", *arguments)
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        assert "Traceback" not in done.stdout + done.stderr


def test_a_later_bundle_names_the_one_before(site: Site, bundle: Path) -> None:
    assert site("plan", "--env", "demo", "--only", "preflight", "--no-pdf").returncode in (0, 2)
    done = site("bundle", "create", "demo/latest", "--json")
    assert done.returncode == 0, done.stdout
    later = json.loads(site("bundle", "show", json.loads(done.stdout)["bundle"], "--json").stdout)
    assert later["previous"]["run_id"] == bundle.stem


def test_params_given_by_their_path_are_those_that_the_steps_run_under(site: Site, tmp_path: Path) -> None:
    for name in ("demo.yaml", "demo.images.json"):
        shutil.copy(ROOT / "params" / name, tmp_path / name)
    own = tmp_path / "demo.yaml"
    own.write_text(own.read_text().replace("owner: platform\n    approver", "owner: somebody else\n    approver"))
    done = site("plan", "--env", str(own), "--only", "preflight", "--no-pdf", "--json")
    assert done.returncode in (0, 2), done.stderr
    run = site.reports / "demo" / json.loads(done.stdout)["run_id"]
    assert json.loads((run / "intent.json").read_text())["exceptions"][0]["owner"] == "somebody else"
    lines = [json.loads(line) for line in (run / "steps" / "00_preflight" / "journal.ndjson").read_text().splitlines()]
    (opened,) = {one["data"]["params_sha256"] for one in lines if one["event"] == "open"}
    assert opened == json.loads((run / "run.json").read_text())["params_sha256"]
    assert site("bundle", "create", str(run)).returncode == 0


def test_a_bundle_with_a_secret_is_refused(site: Site, bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "demo" / bundle.stem
    shutil.copytree(bundle.with_suffix(""), copy)
    notebook = copy / "steps" / "01_identity" / "notebook.ipynb"
    data = json.loads(notebook.read_text())
    data["cells"].append({"cell_type": "markdown", "metadata": {}, "source": ["AKIA", "QWERTZUIOPASDFGH"]})
    notebook.write_text(json.dumps(data))
    done = site("bundle", "create", str(copy))
    assert done.returncode == 1
    assert "01_identity/notebook.ipynb" in done.stderr
    assert not copy.with_suffix(".zip").exists()


def test_members_have_one_date_and_mode(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        seen = {(one.date_time, one.external_attr >> 16, one.create_system) for one in archive.infolist()}
        names = archive.namelist()
    assert seen == {((1980, 1, 1, 0, 0, 0), 0o100644, 3)}
    assert names == sorted(names)
    assert set(Archive(str(bundle))) == set(names)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_the_auditors_table_of_checks_is_that_of_the_steps(step: object) -> None:
    assert suite.of_step(step.name) == (suite.ALL if step.attests else step.checks)  # type: ignore[attr-defined]
