"""A plan made by one job and carried out by another: other checkout, other reports, files copied between."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from commandline import Airgap
from library import project, variant

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
APPLY = ("apply", "--env", "pipeline", "--only", "identity")


@pytest.fixture(scope="module")
def jobs(airgap: Airgap, tmp_path_factory: pytest.TempPathFactory) -> tuple[Airgap, Airgap]:
    """Two jobs of a pipeline on one account: each with a checkout and a folder of reports of its own."""
    made = []
    for name in ("planning", "applying"):
        place = tmp_path_factory.mktemp(name)
        root = project(place / "checkout")
        variant(root, "pipeline", {"approval": "digest"})
        made.append(Airgap(place / "reports", airgap.environment, cwd=root))
    return made[0], made[1]


@pytest.fixture(scope="module")
def digest(jobs: tuple[Airgap, Airgap]) -> str:
    """The digest of a plan of the planning job, whose files were copied to the applying one."""
    planning, applying = jobs
    code, run = planning.json("plan", "--env", "pipeline", "--only", "identity")
    assert code == 2
    shutil.copytree(planning.reports / "pipeline" / "plans", applying.reports / "pipeline" / "plans")
    return str(run["plan_digest"])


def kept(job: Airgap, digest: str) -> Path:
    return job.reports / "pipeline" / "plans" / f"{digest}.json"


def test_1_digest_alone_is_not_the_plan(jobs: tuple[Airgap, Airgap], digest: str) -> None:
    kept(jobs[1], digest).rename(jobs[1].cwd / "aside.json")
    done = jobs[1](*APPLY, "--approve", digest)
    (jobs[1].cwd / "aside.json").rename(kept(jobs[1], digest))
    assert done.returncode == 4
    assert "bring its file into" in done.stderr
    assert jobs[1].writes() == []


def test_2_plan_altered_on_its_way_is_refused(jobs: tuple[Airgap, Airgap], digest: str) -> None:
    text = kept(jobs[1], digest).read_text()
    data = json.loads(text)
    data["steps"][0]["changes"][0]["after"] = "another"
    kept(jobs[1], digest).write_text(json.dumps(data))
    done = jobs[1](*APPLY, "--approve", digest)
    kept(jobs[1], digest).write_text(text)
    assert done.returncode == 4
    assert "was altered" in done.stderr
    assert jobs[1].writes() == []


def test_3_account_that_moved_on_is_refused_with_the_difference(jobs: tuple[Airgap, Airgap], digest: str) -> None:
    """Somebody makes a role that the plan would make, which is covered, and gives it more rights, which is not."""
    _, applying = jobs
    role = {"Version": "2012-10-17", "Statement": []}
    more = {**role, "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    tags = [{"Key": "airgap:environment", "Value": "pipeline"}, {"Key": "airgap:key", "Value": "role:node"}]
    iam = applying.boto("iam")
    iam.create_role(RoleName="fintech-node", AssumeRolePolicyDocument=json.dumps(role), Tags=tags)
    iam.put_role_policy(RoleName="fintech-node", PolicyName="more", PolicyDocument=json.dumps(more))
    before = applying.writes()
    done = applying(*APPLY, "--approve", digest)
    assert done.returncode == 4
    assert "does not cover: delete role-policy:undeclared fintech-node|more" in done.stdout
    assert "Not changed: anything of step identity" in done.stdout
    assert "--approve" in done.stdout
    assert applying.writes() == before
    iam.delete_role_policy(RoleName="fintech-node", PolicyName="more")
    iam.delete_role(RoleName="fintech-node")


def test_4_approved_plan_is_carried_out_and_the_record_names_both_jobs(
    jobs: tuple[Airgap, Airgap], digest: str
) -> None:
    _, applying = jobs
    code, run = applying.json(*APPLY, "--approve", digest)
    assert (code, run["verdict"]) == (0, "pass")
    (journal,) = (applying.reports / "pipeline" / "latest").glob("steps/*_identity/journal.ndjson")
    (approval,) = [
        one["data"] for one in map(json.loads, journal.read_text().splitlines()) if one["event"] == "approval"
    ]
    assert approval["how"] == f"plan {digest}"
    assert approval["planner"]["arn"] == approval["applier"]["arn"] == run["caller"]["arn"]


def test_5_what_is_done_needs_no_approval_again(jobs: tuple[Airgap, Airgap], digest: str) -> None:
    _, applying = jobs
    before = applying.writes()
    assert applying(*APPLY).returncode == 0
    assert applying.writes() == before
