"""Kept plans are believed by their digest, and approvals stand beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airgap.errors import NotApproved, UsageError
from airgap.evidence import plans
from airgap.model.plan import CREATE, Change, Plan, run_digest

NETWORK = Plan(
    "network",
    (
        Change(CREATE, "vpc:main", "cidr", None, "10.0.0.0/16", why="declared"),
        Change(CREATE, "vpc:main", "dns", None, True),
    ),
    unknowns=(("eip:a", "denied"),),
)
IDENTITY = Plan("identity", (Change(CREATE, "role:developer", "name", None, "fintech-developer"),))
PLANNER = {"arn": "arn:aws:iam::012345678901:user/ann"}
NOW = "2026-11-23T08:50:12Z"


def keep(root: Path, steps: tuple[Plan, ...] = (IDENTITY, NETWORK)) -> str:
    return plans.keep(root, "demo", steps, PLANNER, lambda: NOW)


def path_of(root: Path, digest: str) -> Path:
    return root / "demo" / "plans" / f"{digest}.json"


def test_the_run_and_each_of_its_steps_are_kept(tmp_path: Path) -> None:
    digest = keep(tmp_path)
    assert digest == run_digest([IDENTITY, NETWORK])
    run = plans.load(tmp_path, "demo", digest)
    assert (run.kind, run.steps, run.planner, run.created) == ("run", (IDENTITY, NETWORK), PLANNER, NOW)
    assert run.changes == [*IDENTITY.changes, *NETWORK.changes]
    for plan in (IDENTITY, NETWORK):
        kept = plans.load(tmp_path, "demo", plan.digest)
        assert (kept.kind, kept.steps) == ("step", (plan,))


def test_an_equal_plan_keeps_its_first_planner(tmp_path: Path) -> None:
    digest = keep(tmp_path)
    assert plans.keep(tmp_path, "demo", [IDENTITY, NETWORK], {"arn": "other"}) == digest
    assert plans.load(tmp_path, "demo", digest).planner == PLANNER


def test_a_digest_of_no_kept_plan_is_not_approved(tmp_path: Path) -> None:
    with pytest.raises(NotApproved, match="No plan 0000") as caught:
        plans.load(tmp_path, "demo", "0" * 64)
    assert "airgap plan --env demo" in caught.value.action


@pytest.mark.parametrize("text", ["", "auto", "0" * 63, "G" * 64, "../run"])
def test_a_text_that_is_no_digest_is_wrong_usage(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="is no digest"):
        plans.load(tmp_path, "demo", text)


ALTERED = {
    "changed value": lambda data: data["steps"][1]["changes"][0].update(after="0.0.0.0/0"),
    "added change": lambda data: data["steps"][0]["changes"].append(data["steps"][1]["changes"][0]),
    "removed change": lambda data: data["steps"][1]["changes"].pop(),
    "removed step": lambda data: data["steps"].pop(),
    "swapped steps": lambda data: data["steps"].reverse(),
    "other schema": lambda data: data.update(schema="airgap/plan/v0"),
    "other environment": lambda data: data.update(env="prod"),
    "other kind": lambda data: data.update(kind="step"),
    "other digest": lambda data: data.update(digest="1" * 64),
    "missing planner": lambda data: data.pop("planner"),
    "unknown member": lambda data: data["steps"][0]["changes"][0].update(extra=1),
}


@pytest.mark.parametrize("name", ALTERED)
def test_an_altered_plan_is_not_approved_and_says_so(tmp_path: Path, name: str) -> None:
    digest = keep(tmp_path)
    data = json.loads(path_of(tmp_path, digest).read_text())
    ALTERED[name](data)
    path_of(tmp_path, digest).write_text(json.dumps(data))
    with pytest.raises(NotApproved, match="was altered"):
        plans.load(tmp_path, "demo", digest)
    with pytest.raises(NotApproved, match="was altered"):
        plans.approve(tmp_path, "demo", digest, PLANNER)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"steps": 1}'])
def test_a_file_that_is_no_plan_is_not_approved(tmp_path: Path, raw: bytes) -> None:
    digest = keep(tmp_path)
    path_of(tmp_path, digest).write_bytes(raw)
    with pytest.raises(NotApproved, match="was altered"):
        plans.load(tmp_path, "demo", digest)


def test_planning_again_replaces_an_altered_plan(tmp_path: Path) -> None:
    digest = keep(tmp_path)
    path_of(tmp_path, digest).write_text("{}")
    keep(tmp_path)
    assert plans.load(tmp_path, "demo", digest).steps == (IDENTITY, NETWORK)


def test_another_plans_file_under_a_digest_is_not_believed(tmp_path: Path) -> None:
    digest = keep(tmp_path)
    path_of(tmp_path, digest).write_bytes(path_of(tmp_path, IDENTITY.digest).read_bytes())
    with pytest.raises(NotApproved, match="was altered"):
        plans.load(tmp_path, "demo", digest)


def test_a_plan_carried_to_another_checkout_is_the_same_plan(tmp_path: Path) -> None:
    digest = keep(tmp_path / "planning")
    target = path_of(tmp_path / "applying", digest)
    target.parent.mkdir(parents=True)
    target.write_bytes(path_of(tmp_path / "planning", digest).read_bytes())
    assert plans.load(tmp_path / "applying", "demo", digest).planner == PLANNER


def test_approvals_are_recorded_in_order_with_their_time(tmp_path: Path) -> None:
    digest = keep(tmp_path)
    assert plans.approvals(tmp_path, "demo", digest) == []
    for name in ("bob", "carol"):
        plans.approve(tmp_path, "demo", digest, {"arn": name}, lambda: NOW)
    assert plans.approvals(tmp_path, "demo", digest) == [
        {"digest": digest, "approver": {"arn": name}, "time": NOW} for name in ("bob", "carol")
    ]
    assert plans.approvals(tmp_path, "demo", IDENTITY.digest) == []


def test_what_is_not_kept_cannot_be_approved(tmp_path: Path) -> None:
    with pytest.raises(NotApproved, match="No plan"):
        plans.approve(tmp_path, "demo", "0" * 64, PLANNER)


def approvals_path(root: Path, digest: str) -> Path:
    return root / "demo" / "plans" / f"{digest}.approvals.ndjson"


def test_an_altered_approval_is_not_believed(tmp_path: Path) -> None:
    digest = keep(tmp_path)
    plans.approve(tmp_path, "demo", digest, {"arn": "ann"})
    path = approvals_path(tmp_path, digest)
    path.write_text(path.read_text().replace("ann", "bob"))
    with pytest.raises(NotApproved, match="was altered"):
        plans.approvals(tmp_path, "demo", digest)


def test_another_plans_approvals_do_not_count(tmp_path: Path) -> None:
    digest = keep(tmp_path)
    plans.approve(tmp_path, "demo", IDENTITY.digest, {"arn": "bob"})
    approvals_path(tmp_path, digest).write_bytes(approvals_path(tmp_path, IDENTITY.digest).read_bytes())
    assert plans.approvals(tmp_path, "demo", digest) == []


def test_an_approval_cut_short_by_a_crash_is_none(tmp_path: Path) -> None:
    digest = keep(tmp_path)
    for name in ("bob", "carol"):
        plans.approve(tmp_path, "demo", digest, {"arn": name})
    path = approvals_path(tmp_path, digest)
    path.write_bytes(path.read_bytes()[:-9])
    assert [one["approver"]["arn"] for one in plans.approvals(tmp_path, "demo", digest)] == ["bob"]
    plans.approve(tmp_path, "demo", digest, {"arn": "dave"})
    assert [one["approver"]["arn"] for one in plans.approvals(tmp_path, "demo", digest)] == ["bob", "dave"]
