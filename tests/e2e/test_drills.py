"""Drills: a restore and a failover that are approved, made, judged and told; a broken one leaves no copy behind."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from commandline import Airgap
from library import Library, changes, environment, findings, project
from rights import allowed

from airgap import params
from airgap.errors import AccessDenied, AirgapError, NotApproved, Refused, Unsettled, UsageError
from airgap.evidence.journal import read_journal
from airgap.model.data_stores import FAILOVER_TAG, RESTORE_TAG, drill_copy
from airgap.model.intent import Intent
from airgap.model.policy import ALLOW, Request, evaluate
from airgap.run import drills
from airgap.run.systems import Systems

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
STANDS = ("identity", "network", "endpoints", "data")
JUDGED = {"restore": "database-restored", "failover": "stores-failed-over"}


@dataclass
class Drilled:
    """Drills in this process, as the command makes them."""

    airgap: Airgap
    library: Library

    def __call__(self, what: str, approve: str = "", cwd: Path | None = None) -> dict[str, Any]:
        """The result of a drill; raises what the command would say."""
        values = {**self.airgap.environment, "AIRGAP_REPORTS": str(self.airgap.reports)}
        with environment(values), pytest.MonkeyPatch.context() as patch:
            patch.chdir(cwd or self.airgap.cwd)
            return drills.drill(what, "demo", approve)

    def databases(self) -> dict[str, dict[str, Any]]:
        """All databases of the account."""
        listed = self.airgap.boto("rds").describe_db_instances()["DBInstances"]
        return {one["DBInstanceIdentifier"]: one for one in listed}

    def group(self) -> dict[str, Any]:
        """The cache."""
        (one,) = self.airgap.boto("elasticache").describe_replication_groups()["ReplicationGroups"]
        return dict(one)

    def told(self) -> dict[str, str]:
        """The tags that drills have left on both stores."""
        caches = self.airgap.boto("elasticache")
        lists = {
            "database": self.databases()["fintech-postgres"]["TagList"],
            "cache": caches.list_tags_for_resource(ResourceName=self.group()["ARN"])["TagList"],
        }
        return {
            f"{where} {one['Key']}": one["Value"]
            for where, held in lists.items()
            for one in held
            if one["Key"] in (RESTORE_TAG, FAILOVER_TAG)
        }

    def written(self) -> list[str]:
        """The calls that the last run's journal says were made."""
        (path,) = (self.airgap.reports / "demo" / "latest").glob("steps/*_data/journal.ndjson")
        entries, problems = read_journal(path)
        assert problems == []
        return [one["data"]["call"] for one in entries if one["event"] == "write"]

    def judged(self, check: str) -> dict[str, str]:
        """What the last run says by a check, by resource."""
        return {one["resource"]: one["status"] for one in self.airgap.findings() if one["check"] == check}


@pytest.fixture(scope="module")
def deployed(airgap: Airgap) -> Library:
    """The reference environment's stores, and what they stand on."""
    library = Library(airgap.environment, airgap.reports)
    library("apply", *STANDS, verify=False)
    return library


@pytest.fixture
def drilled(airgap: Airgap, deployed: Library) -> Iterator[Drilled]:
    """Drills over stores as they were declared."""
    yield Drilled(airgap, deployed)
    airgap.control("DELETE", "/rehearsal/faults")
    airgap.control("DELETE", "/rehearsal/latency")


@pytest.fixture(scope="module")
def intent() -> Intent:
    return params.load("demo")


def test_a_restore_is_made_read_removed_and_told_and_may_be_repeated(drilled: Drilled) -> None:
    before = set(drilled.databases())
    for _ in range(2):
        told = drilled("restore")
        assert (told["exit_code"], told["status"], told["changes"]) == (0, "completed", 3)
        assert set(drilled.databases()) == before
        assert drilled.written() == [
            "rds:RestoreDBInstanceToPointInTime", "lambda:Invoke", "rds:DeleteDBInstance", "rds:AddTagsToResource"
        ]  # fmt: skip
        value = drilled.told()[f"database {RESTORE_TAG}"]
        assert " passed in " in value
        assert value.endswith(f" s in run {drilled.airgap.last_run()['run_id']}")
        assert drilled.judged("database-restored") == {"db-instance:postgres": "not_applicable"}
    report = (drilled.airgap.reports / "demo" / "latest" / "steps" / "07_data" / "report.html").read_text()
    assert "restored-copy:postgres" in report
    assert "their digests differ" not in report


def test_the_evidence_of_a_drill_is_sealed_and_derived_again(drilled: Drilled, tmp_path: Path) -> None:
    drilled("restore")
    run = drilled.airgap.last_run()["run_id"]
    assert drilled.airgap("bundle", "create", f"demo/{run}").returncode == 0
    done = drilled.airgap("bundle", "verify", str(drilled.airgap.reports / "demo" / f"{run}.zip"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_failover_moves_both_stores_and_leaves_nothing_to_plan(drilled: Drilled) -> None:
    def places() -> tuple[str, str]:
        members = drilled.group()["NodeGroups"][0]["NodeGroupMembers"]
        primary = next(one["CacheClusterId"] for one in members if one["CurrentRole"] == "primary")
        return drilled.databases()["fintech-postgres"]["AvailabilityZone"], primary

    before = places()
    assert drilled("failover")["exit_code"] == 0
    assert all(was != now for was, now in zip(before, places(), strict=True))
    left = {key: value.split()[1] for key, value in drilled.told().items() if FAILOVER_TAG in key}
    assert left == {f"database {FAILOVER_TAG}": "passed", f"cache {FAILOVER_TAG}": "passed"}
    assert set(drilled.judged("stores-failed-over")) == {"db-instance:postgres", "replication-group:cache"}
    assert changes(drilled.library("plan", "data")) == []


def test_the_index_of_vectors_is_asked_for_again_by_statements_that_may_be_repeated(drilled: Drilled) -> None:
    for _ in range(2):
        assert drilled("index")["exit_code"] == 0
        assert drilled.written() == ["lambda:Invoke"]
        assert drilled.judged("database-prepared") == {"db-instance:postgres": "not_applicable"}


def test_an_index_that_the_server_is_building_is_asked_for_until_it_stands(
    drilled: Drilled, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter(["initializing", "building index: loading tuples, 1 of 2 rows", ""])
    write = Systems.write

    def slowly(self: Systems, call: str, params: Any, **more: Any) -> dict[str, Any]:
        answer = write(self, call, params, **more)
        return {**answer, "Payload": io.BytesIO(json.dumps({"building": next(said)}).encode())}

    monkeypatch.setattr(Systems, "write", slowly)
    assert drilled("index")["exit_code"] == 0
    assert drilled.written() == ["lambda:Invoke"] * 3
    said = iter(["initializing"] * 99)
    monkeypatch.setattr(drills, "LIMIT", 0.1)
    with pytest.raises(Unsettled, match="the server goes on: initializing") as error:
        drilled("index")
    assert "again" in error.value.action


@pytest.mark.parametrize(
    ("operation", "what"), [("lambda:Invoke", "restore"), ("elasticache:TestFailover", "failover")]
)
def test_a_drill_that_fails_is_an_exit_code_and_a_finding(drilled: Drilled, operation: str, what: str) -> None:
    drilled.airgap.control(
        "POST", "/rehearsal/faults", {"operation": operation, "error": "AccessDenied", "times": None}
    )
    with pytest.raises(AccessDenied, match=operation.split(":")[1]) as caught:
        drilled(what)
    drilled.airgap.control("DELETE", "/rehearsal/faults")
    assert caught.value.exit_code == 1
    assert set(drilled.databases()) == {"fintech-postgres"}
    # It is a finding of this very run, and of every verification until one passes.
    assert "fail" in drilled.judged(JUDGED[what]).values()
    assert drilled.airgap.last_run()["exit_code"] == 1
    (failed,) = findings(drilled.library("verify", "data"), "fail")
    assert failed.startswith(f"fail {JUDGED[what]} ")
    assert "failed: in run" in failed
    assert drilled(what)["exit_code"] == 0
    assert findings(drilled.library("verify", "data"), "fail", "unknown") == []


def test_a_copy_that_is_not_what_its_source_is_fails_the_drill(
    drilled: Drilled, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = drills.Drill._wanted
    monkeypatch.setattr(drills.Drill, "_wanted", lambda self: {**wanted(self), "PubliclyAccessible": True})
    with pytest.raises(Refused, match="The restored copy differs in PubliclyAccessible"):
        drilled("restore")
    assert set(drilled.databases()) == {"fintech-postgres"}
    assert drilled.judged("database-restored") == {"db-instance:postgres": "fail"}


@pytest.mark.parametrize("operation", ["rds:RestoreDBInstanceToPointInTime", "lambda:Invoke"])
def test_an_interrupted_drill_takes_its_copy_away_and_decides_nothing(drilled: Drilled, operation: str) -> None:
    airgap, tags = drilled.airgap, drilled.told()
    airgap.control("POST", "/rehearsal/latency", {"rds:CreateDBInstance": 3})
    command = [sys.executable, "-m", "airgap", "drill", "--env", "demo", "restore", "--json"]
    count = airgap.writes().count(operation)
    with subprocess.Popen(
        command, env=airgap.env(), cwd=airgap.cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        while airgap.writes().count(operation) == count:
            assert child.poll() is None
            time.sleep(0.02)
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=100)
    assert child.returncode == 1, err
    assert json.loads(out)["error"] == "Interrupted"
    assert set(drilled.databases()) == {"fintech-postgres"}
    assert drilled.told() == tags
    assert drilled.written()[-1] == "rds:DeleteDBInstance"


def test_what_a_killed_drill_left_is_found_and_removed(drilled: Drilled, intent: Intent) -> None:
    drilled.airgap.control("POST", "/rehearsal/latency", {"rds:CreateDBInstance": 2})
    child = drilled.airgap.start("drill", "--env", "demo", "restore")
    while drill_copy(intent) not in drilled.databases():
        assert child.poll() is None
        time.sleep(0.02)
    child.kill()
    child.communicate()
    drilled.airgap.control("DELETE", "/rehearsal/latency")
    assert drill_copy(intent) in drilled.databases()
    assert drilled("restore")["exit_code"] == 0
    assert set(drilled.databases()) == {"fintech-postgres"}
    assert drilled.written()[:2] == ["rds:DeleteDBInstance", "rds:RestoreDBInstanceToPointInTime"]


def test_nothing_is_tried_without_approval_or_over_stores_that_differ(drilled: Drilled, tmp_path: Path) -> None:
    place = project(tmp_path / "project")
    data = (place / "params" / "demo.yaml").read_text()
    (place / "params" / "demo.yaml").write_text(data.replace("approval: auto", "approval: digest"))
    calls = drilled.airgap.writes()
    with pytest.raises(NotApproved) as caught:
        drilled("failover", cwd=place)
    assert caught.value.exit_code == 4
    assert drilled.airgap.writes() == calls
    digest = caught.value.action.split("--approve ")[1].split()[0]
    assert drilled("failover", digest, place)["exit_code"] == 0

    rds = drilled.airgap.boto("rds")
    rds.modify_db_instance(DBInstanceIdentifier="fintech-postgres", BackupRetentionPeriod=1, ApplyImmediately=True)
    waiter = rds.get_waiter("db_instance_available")
    waiter.wait(DBInstanceIdentifier="fintech-postgres", WaiterConfig={"Delay": 1})
    calls = drilled.airgap.writes()
    with pytest.raises(AirgapError, match="The stores are not as declared"):
        drilled("restore")
    assert drilled.airgap.writes() == calls
    drilled.library("apply", "data", verify=False)
    with pytest.raises(UsageError, match="no drill is called 'fire'"):
        drilled("fire")


def test_the_deployer_may_do_what_drills_do_and_the_same_to_nothing_else(intent: Intent) -> None:
    deployer = allowed("deployer", intent)
    source, copy = (intent.arn("rds", f"db:{one}") for one in (intent.data.postgres_name, drill_copy(intent)))
    cache, other = intent.arn("elasticache", f"replicationgroup:{intent.name('cache')}"), intent.arn("rds", "db:other")
    ours = {"aws:ResourceTag/airgap:environment": (intent.environment,)}
    for action, mine, foreign in (
        ("rds:RestoreDBInstanceToPointInTime", source, other),
        ("rds:RestoreDBInstanceToPointInTime", copy, other),
        ("rds:AddTagsToResource", copy, other),
        ("rds:DeleteDBInstance", copy, other),
        ("rds:RebootDBInstance", source, copy),
        ("elasticache:TestFailover", cache, cache + "-other"),
    ):
        assert evaluate(deployer, Request(action, mine)).outcome == ALLOW, (action, mine)
        assert evaluate(deployer, Request(action, foreign)).outcome != ALLOW, (action, foreign)
    for action, mine in (("rds:AddTagsToResource", source), ("elasticache:AddTagsToResource", cache)):
        assert evaluate(deployer, Request(action, mine, context=ours)).outcome == ALLOW, action
