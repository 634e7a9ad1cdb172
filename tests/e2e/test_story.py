"""The reference environment from nothing to verified, drifted, mended and gone; one story, in order."""

from __future__ import annotations

import json
import re

import example
import pytest
from canaries import leaks, left
from commandline import Airgap
from denials import harm
from library import Library, changes, findings

from airgap.steps import STEPS as TABLE

pytestmark = pytest.mark.e2e
STEPS = tuple(step.name for step in TABLE)
MAKING = tuple(step.name for step in TABLE if step.declarations)


def sealed_table(airgap: Airgap) -> str:
    tables = airgap.boto("ec2").describe_route_tables(Filters=[{"Name": "tag:airgap:environment", "Values": ["demo"]}])
    named = {
        tag["Value"]: table for table in tables["RouteTables"] for tag in table["Tags"] if tag["Key"] == "airgap:key"
    }
    return str(next(table["RouteTableId"] for key, table in named.items() if key.startswith("route-table:private")))


TRIALS = {
    "bedrock-runtime:Converse",
    "bedrock-runtime:InvokeModel",
    "s3:PutObject",
    "s3:DeleteObject",
    "transcribe:StartTranscriptionJob",
    "transcribe:DeleteTranscriptionJob",
}
"""What the test calls of a verified apply write, and take away again."""


def test_01_a_digest_of_no_kept_plan_is_not_approved_and_nonsense_is_wrong_usage(airgap: Airgap) -> None:
    done = airgap("apply", "--env", "demo", "--approve", "f" * 64)
    assert done.returncode == 4, done.stderr
    assert "No plan" in done.stderr
    assert airgap("apply", "--env", "demo", "--approve", "auto-ish").returncode == 64
    assert airgap.writes() == []


@pytest.fixture(scope="module")
def digest(airgap: Airgap) -> str:
    """The digest of the plan that was made of the empty account."""
    code, run = airgap.json("plan", "--env", "demo")
    assert code == 2, run
    assert [step["status"] for step in run["steps"]] == ["completed"] * len(STEPS)
    return str(run["plan_digest"])


def test_02_a_plan_of_an_empty_account_has_changes_and_makes_none(airgap: Airgap, digest: str) -> None:
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert airgap.writes() == []


def test_03_the_approved_plan_is_applied_and_verified(airgap: Airgap, digest: str) -> None:
    code, run = airgap.json("apply", "--env", "demo", "--approve", digest)
    assert (code, run["verdict"]) == (0, "pass"), [step for step in run["steps"] if step["exit_code"]]
    folder = airgap.reports / "demo" / "latest"
    assert folder.resolve().name == run["run_id"]
    for step in STEPS:
        (place,) = folder.glob(f"steps/*_{step}")
        for name in ("notebook.ipynb", "report.html", "plan.json", "findings.json", "journal.ndjson"):
            assert (place / name).is_file(), f"{step}/{name}"
    for name in ("run.json", "index.html", "summary.md", "findings.json", "junit.xml", "results.sarif", "intent.json"):
        assert (folder / name).is_file(), name
    assert not list(airgap.reports.rglob("*.part"))
    assert list(example.differences(folder)) == [], "python tests/e2e/example.py makes reports/example anew"


def test_04_a_second_apply_changes_nothing_and_makes_no_write_call(airgap: Airgap) -> None:
    airgap.control("DELETE", "/rehearsal/calls")
    code, run = airgap.json("apply", "--env", "demo")
    assert (code, run["verdict"]) == (0, "pass")
    assert sum(step["changes"] for step in run["steps"]) == 0
    assert [one for one in airgap.writes() if one not in TRIALS] == []


def test_05_verify_agrees(airgap: Airgap) -> None:
    code, run = airgap.json("verify", "--env", "demo")
    assert (code, run["verdict"]) == (0, "pass")
    assert airgap("status", "--env", "demo").returncode == 0
    # Only an apply makes test calls, so a verify has nothing to say of them.
    changes = [one for one in airgap.json("diff", "--env", "demo")[1]["changes"] if "trials-" not in one["name"]]
    assert changes == [], changes[:5]


def test_05_the_passwords_that_were_made_are_in_no_file(airgap: Airgap) -> None:
    manager = airgap.boto("secretsmanager")
    made = {}
    for one in manager.list_secrets()["SecretList"]:
        value = json.loads(manager.get_secret_value(SecretId=one["ARN"])["SecretString"])
        made[one["Name"]] = value["password"]
    assert "fintech/prod/db" in made
    assert min(map(len, made.values())) >= 6
    files = [(name, text) for name, text in left(airgap.reports) if not name.endswith(".pdf")]
    assert leaks(iter(files), made) == []


@pytest.mark.parametrize("step", MAKING)
def test_05_any_denied_read_makes_a_plan_unknown_and_never_a_change(airgap: Airgap, step: str) -> None:
    assert harm(Library(airgap.environment, airgap.reports)("plan", step)[step]) == {}


def test_06_a_change_behind_the_back_is_drift_field_by_field(airgap: Airgap) -> None:
    ec2 = airgap.boto("ec2")
    gateway = ec2.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
    ec2.create_route(RouteTableId=sealed_table(airgap), DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "tag:airgap:key", "Values": ["vpc:main"]}])["Vpcs"]
    ec2.modify_vpc_attribute(VpcId=vpc["VpcId"], EnableDnsHostnames={"Value": False})
    code, run = airgap.json("plan", "--env", "demo", "--only", "network")
    assert code == 2
    plan = json.loads(next((airgap.reports / "demo" / "latest").glob("steps/*_network/plan.json")).read_text())
    drift = {(one["op"], one["resource"].split(":")[0], one["field"]) for one in plan["changes"]}
    assert drift == {("delete", "route", ""), ("update", "vpc", "enableDnsHostnames")}
    code, run = airgap.json("verify", "--env", "demo", "--only", "network")
    assert (code, run["verdict"]) == (3, "fail")
    failed = {prop for one in airgap.findings() if one["status"] == "fail" for prop in one["properties"]}
    assert {"CHG-01", "NET-03"} <= failed


def test_07_an_old_approval_does_not_cover_the_repair_and_a_new_one_does(airgap: Airgap) -> None:
    code, run = airgap.json("plan", "--env", "demo", "--only", "identity")
    assert code == 0
    done = airgap("apply", "--env", "demo", "--only", "network", "--approve", run["plan_digest"])
    assert done.returncode == 4
    assert "does not cover" in done.stdout
    digest = airgap.json("plan", "--env", "demo", "--only", "network")[1]["plan_digest"]
    code, run = airgap.json("apply", "--env", "demo", "--only", "network", "--approve", digest, "--pdf")
    assert (code, run["verdict"]) == (0, "pass")
    assert list((airgap.reports / "demo" / "latest").glob("steps/*_network/report.pdf"))


def test_08_a_denied_call_makes_it_unknown_and_never_green(airgap: Airgap) -> None:
    airgap.control(
        "POST",
        "/rehearsal/faults",
        {"operation": "ec2:DescribeInternetGateways", "error": "AccessDenied", "times": None},
    )
    try:
        code, run = airgap.json("verify", "--env", "demo", "--only", "network")
    finally:
        airgap.control("DELETE", "/rehearsal/faults")
    assert (code, run["verdict"]) == (4, "unknown")
    told = [one for one in airgap.findings() if one["status"] == "unknown"]
    assert any("ec2:DescribeInternetGateways" in one["message"] for one in told)


def test_09_destroy_leaves_nothing_of_ours_and_does_not_touch_what_is_not(airgap: Airgap) -> None:
    ec2 = airgap.boto("ec2")
    foreign = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    code, run = airgap.json("destroy", "--env", "demo")
    assert code == 0, [step for step in run["steps"] if step["exit_code"]]
    assert [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]] == [foreign]
    assert [b["Name"] for b in airgap.boto("s3").list_buckets()["Buckets"]] == []
    roles = [role["RoleName"] for role in airgap.boto("iam").list_roles()["Roles"] if role["Path"] == "/"]
    assert [name for name in roles if name.startswith("fintech") or name == "cicd-deploy-role"] == []
    ec2.delete_vpc(VpcId=foreign)


def test_10_apply_after_destroy_works(airgap: Airgap) -> None:
    library = Library(airgap.environment, airgap.reports)
    library("apply", *MAKING, verify=False)
    assert changes(library("plan", *MAKING)) == []
    assert findings(library("verify", "attest"), "fail", "unknown") == []
