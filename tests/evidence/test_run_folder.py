"""A run on disk: its id, its place, what its journals say together."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from airgap.errors import AirgapError, UsageError
from airgap.evidence import folder as module
from airgap.evidence.folder import RunFolder, latest, new_run_id, runs
from airgap.evidence.journal import JournalFile
from airgap.model.canonical import digest_of
from airgap.model.estate import Estate
from airgap.model.observation import Observation

NOON = 1_795_600_000.0


def read(call: str, time: str, number: int = 1, **more: object) -> dict[str, object]:
    return Observation(call=call, params={}, account="012345678901", region="us-east-1", place="rehearsal", status="ok",
                       time=time, number=number, **more).as_data()  # type: ignore[arg-type]  # fmt: skip


def test_run_ids_sort_by_time_and_differ() -> None:
    ids = [new_run_id(NOON + second) for second in (0, 1, 60, 3600, 86400 * 400)]
    assert ids == sorted(ids)
    assert ids[0].startswith("20261125T")
    assert len({new_run_id(NOON) for _ in range(50)}) > 40


def test_an_empty_id_starts_a_run_that_is_latest(tmp_path: Path) -> None:
    first = RunFolder.open(tmp_path, "demo", "", now=NOON)
    second = RunFolder.open(tmp_path, "demo", "", now=NOON + 1)
    assert first.root.is_dir()
    assert os.readlink(tmp_path / "demo" / "latest") == second.run_id
    assert runs(tmp_path, "demo") == [first.run_id, second.run_id]


def test_ids_that_collide_become_two_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = iter(["aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr(module.secrets, "token_hex", lambda size: next(words))
    names = {RunFolder.open(tmp_path, "demo", now=NOON).run_id for _ in range(2)}
    assert len(names) == 2


def test_latest_joins_the_last_run(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path, "demo", "")
    assert RunFolder.open(tmp_path, "demo", "latest").run_id == run.run_id


def test_latest_without_any_run_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(AirgapError, match="no run yet") as caught:
        RunFolder.open(tmp_path, "demo", "latest")
    assert "airgap plan --env demo" in caught.value.action
    assert latest(tmp_path, "demo") is None


def test_latest_without_its_link_is_the_newest(tmp_path: Path) -> None:
    RunFolder.open(tmp_path, "demo", now=NOON)
    newest = RunFolder.open(tmp_path, "demo", now=NOON + 5)
    (tmp_path / "demo" / "latest").unlink()
    assert latest(tmp_path, "demo") == newest.run_id


def test_a_given_id_is_joined_or_made(tmp_path: Path) -> None:
    made = RunFolder.open(tmp_path, "demo", "release-42")
    assert latest(tmp_path, "demo") == "release-42"
    assert RunFolder.open(tmp_path, "demo", "release-42").root == made.root


def test_joining_an_old_run_does_not_make_it_latest_again(tmp_path: Path) -> None:
    old = RunFolder.open(tmp_path, "demo", now=NOON)
    new = RunFolder.open(tmp_path, "demo", now=NOON + 1)
    RunFolder.open(tmp_path, "demo", old.run_id)
    assert latest(tmp_path, "demo") == new.run_id


@pytest.mark.parametrize("run_id", ["../x", "a/b", ".hidden", "plans", "-x", "a" * 65, "a b"])
def test_an_id_that_cannot_name_a_folder_is_refused(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(UsageError, match="cannot name a folder"):
        RunFolder.open(tmp_path, "demo", run_id)
    assert list(tmp_path.iterdir()) == []


def test_plans_links_and_files_are_no_runs(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path, "demo")
    (tmp_path / "demo" / "plans").mkdir()
    (tmp_path / "demo" / ".lock").touch()
    (tmp_path / "demo" / f"{run.run_id}.zip").touch()
    assert runs(tmp_path, "demo") == [run.run_id]
    assert runs(tmp_path, "other") == []


def test_step_folders_have_numbered_names(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path, "demo")
    step = run.step(2, "network")
    assert step.root == run.root / "steps" / "02_network"
    assert step.name == "02_network"
    files = [step.notebook, step.report, step.pdf, step.plan, step.findings, step.journal]
    assert [path.name for path in files] == [
        "notebook.ipynb", "report.html", "report.pdf", "plan.json", "findings.json", "journal.ndjson",
    ]  # fmt: skip
    assert run.steps() == []
    for number, name in ((13, "attest"), (0, "preflight"), (2, "network")):
        run.step(number, name).open_journal()
    assert [one.name for one in run.steps()] == ["00_preflight", "02_network", "13_attest"]


def test_run_json_carries_its_own_place_and_head(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path, "demo")
    run.open_journal().append("open", {})
    run.write_run({"world": "rehearsal", "exit_code": 0, "run_id": "somebody else's"})
    data = run.read_run()
    assert data["schema"] == "airgap/run/v1"
    assert (data["run_id"], data["env"], data["world"], data["exit_code"]) == (run.run_id, "demo", "rehearsal", 0)
    assert data["head"] == run.head()


def test_a_run_that_died_has_no_run_json_and_says_so(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path, "demo")
    with pytest.raises(AirgapError, match="ended before it could say how"):
        run.read_run()


def test_the_head_chains_the_runners_journal_and_the_steps(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path, "demo")
    own, network, attest = run.open_journal(), run.step(2, "network").open_journal(), run.step(13, "attest")
    heads = [["", own.append("open", {})], ["02_network", network.append("open", {})]]
    assert run.head() == digest_of(heads)
    heads.append(["13_attest", attest.open_journal().append("open", {})])
    assert run.head() == digest_of(heads)
    before = run.head()
    network.append("close", {})
    assert run.head() != before


def test_observations_come_from_all_journals_in_the_order_of_reading(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path, "demo")
    run.step(2, "network").open_journal().append("read", read("a:B", "2026-11-23T08:00:02Z"))
    run.open_journal().append("read", read("a:B", "2026-11-23T08:00:02.500000Z"))
    run.step(1, "identity").open_journal().append("read", read("a:B", "2026-11-23T08:00:01.999000Z"))
    assert [one.time[17:] for one in run.observations()] == ["01.999000Z", "02Z", "02.500000Z"]


def test_pages_of_one_answer_stay_together_where_two_steps_read_the_same(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path, "demo")
    first, second = run.step(1, "identity").open_journal(), run.step(2, "network").open_journal()

    def page(journal: JournalFile, time: str, number: int, last: bool, name: str) -> None:
        kept = run.pages.keep(json.dumps({"Items": [f"{name}{number}"]}).encode())
        journal.append("read", read("a:B", f"2026-11-23T08:00:{time}Z", number, last=last, page=kept))

    page(first, "01", 1, False, "old")
    page(second, "02", 1, False, "new")
    page(first, "03", 2, True, "old")
    page(second, "04", 2, True, "new")
    estate = Estate(run.observations(), run.pages.load, account="012345678901", region="us-east-1", taken_at="")
    assert estate.page("a:B") == {"Items": ["new1", "new2"]}


def test_records_join_writes_with_their_answers_and_name_the_caller(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path, "demo")
    run.open_journal().append("open", {"caller": {"arn": "arn:aws:iam::012345678901:user/ann"}})
    journal = run.step(2, "network").open_journal()
    done = journal.append("write", {"call": "ec2:CreateVpc", "resource": "vpc:main"})
    journal.append("approval", {"digest": "d", "how": "plan"})
    lost = journal.append("write", {"call": "ec2:CreateSubnet", "resource": "subnet:a"})
    journal.append("answer", {"write": done, "status": "ok", "request_id": "r-1"})
    records = run.records()
    assert records.caller == {"arn": "arn:aws:iam::012345678901:user/ann"}
    assert [(one["call"], one["step"], one["digest"]) for one in records.writes] == [
        ("ec2:CreateVpc", "02_network", done),
        ("ec2:CreateSubnet", "02_network", lost),
    ]
    assert records.writes[0]["answer"]["request_id"] == "r-1"
    assert records.writes[1]["answer"] is None
    assert [one["digest"] for one in records.approvals] == ["d"]


def test_a_run_without_journals_has_no_observations_and_no_records(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path, "demo")
    assert run.observations() == []
    assert (run.records().caller, run.records().writes) == ({}, ())
