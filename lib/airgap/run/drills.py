"""Drills: a restore and a failover that are tried, measured and told, as a run of their own (DAT-04, DAT-05).

A drill is planned and approved like any change, its calls are journalled, and what it measured stays as a tag on what
was tried, which every later verification reads. A restored copy has its source's subnets, groups, parameters and key,
is read once by the function in the VPC, and is removed whatever became of it; one that a killed drill has left is
removed by the next.

The drill ``index`` calls that function on the database itself, whose statements may be run again: a vector index is
built from rows, so it comes about after the application has written some, and no plan can see when that is. One of many
rows takes the server minutes or hours: the function hangs up, and is asked again until the index stands.
AWS: RDS User Guide, "Restoring a DB instance to a specified time", "Rebooting with failover"; ElastiCache User Guide,
"Testing automatic failover".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from airgap.errors import AirgapError, Interrupted, MissingPredecessor, Refused, Unreadable, Unsettled, UsageError
from airgap.evidence.files import write_whole
from airgap.evidence.lock import environment_lock
from airgap.model.canonical import dig, encode
from airgap.model.data_stores import FAILOVER_TAG, PORT, RESTORE_TAG, asked_of_database, drill_copy
from airgap.model.observation import ABSENT, OK
from airgap.model.plan import CREATE, DELETE, UPDATE, Change, Plan
from airgap.resources.database import state as state_of_database
from airgap.resources.vectors import COMPONENT
from airgap.run import approving
from airgap.run.context import open_context
from airgap.run.step_run import Progress, StepRun, silent
from airgap.steps import STEPS

RESTORE, FAILOVER, INDEX = "restore", "failover", "index"
DRILLS = (RESTORE, FAILOVER, INDEX)
LIMIT = 7200.0
"""Seconds after which a drill is given up; a large database takes its time."""
INSTANCES, CACHES = "rds:DescribeDBInstances", "elasticache:DescribeReplicationGroups"
COPY, TABLE = "restored-copy:postgres", "vector-table:embeddings"


def drill(what: str, env: str, approve: str = "", progress: Progress = silent) -> dict[str, Any]:
    """Carry out a drill and return the step's result; raises where nothing covers it or nothing stands."""
    if what not in DRILLS:
        raise UsageError(f"no drill is called {what!r}", "anything", f"drills: {', '.join(DRILLS)}")
    from airgap.report.step_report import render_step
    from airgap.run.closing import result
    from airgap.run.guided import sum_up

    step = next(one for one in STEPS if one.name == "data")
    run = StepRun(step, open_context(step.number, step.name, env=env, mode="apply"), approve)
    tried = False
    try:
        run.open()
        _as_declared(run)
        one = Drill(run, what, progress)
        one.approve()
        tried = True
        one.carry_out()
        run.verify()
        run.close(render_step)
    except (AirgapError, KeyboardInterrupt) as error:
        # A drill that failed is judged as it stands, so that this very run has its finding.
        run.broken(error, render_step, stands=tried and not isinstance(error, (Interrupted, KeyboardInterrupt)))
        raise
    finally:
        sum_up(run.context)
    return result(run)


def _as_declared(run: StepRun) -> None:
    """Raise where the stores are not what the params declare: a drill would try something else.

    A copy that a killed drill has left is no hindrance: a restore removes it before it begins.
    """
    plan = run.plan()
    others = [one.resource for one in plan.changes if one.resource != COPY]
    if others or plan.unknowns:
        first = others[0] if others else plan.unknowns[0][0]
        raise Refused(
            f"The stores are not as declared, or were not read: {first}", "anything", "apply the step data first"
        )


class Drill:
    """One drill of one environment, over a bound step."""

    def __init__(self, run: StepRun, what: str, progress: Progress = silent) -> None:
        self.run, self.what, self.context, self.intent, self.progress = run, what, run.context, run.intent, progress
        self.source = self._one(INSTANCES, {"DBInstanceIdentifier": self.intent.data.postgres_name}, "DBInstances")
        if self.source is None:
            raise MissingPredecessor("There is no database to try", "anything", "run 07_data in mode apply first")
        if what == INDEX and COMPONENT not in self.intent.components:
            raise UsageError("There is no table of vectors to index", "anything", f"choose the component {COMPONENT}")
        self.copy = drill_copy(self.intent)
        self.cache = self.intent.name("cache")

    def plan(self) -> Plan:
        """Return what the drill will do, as changes that can be approved."""
        changes = {RESTORE: self._restores, FAILOVER: self._fails_over, INDEX: self._builds}[self.what]
        return Plan("data", tuple(changes()))

    def _restores(self) -> Iterator[Change]:
        why = "a copy at the latest restorable moment, same subnets, groups, parameters and key"
        yield Change(CREATE, COPY, "name", None, self.copy, "none", why)
        yield Change(DELETE, COPY, "", None, None, "none", "the copy is removed when it was measured")
        yield Change(UPDATE, "db-instance:postgres", RESTORE_TAG, None, "what was measured", "none", "evidence")

    def _fails_over(self) -> Iterator[Change]:
        for key in ("db-instance:postgres", "replication-group:cache"):
            why = "its second zone takes over; connections break for a minute or two"
            yield Change(UPDATE, key, "primary zone", None, "the second zone", "interrupts", why)
            yield Change(UPDATE, key, FAILOVER_TAG, None, "what was measured", "none", "evidence")

    def _builds(self) -> Iterator[Change]:
        why = "built from the rows that are there while the table is in use, unless it stands; then a query is measured"
        yield Change(UPDATE, TABLE, "index", None, f"lists = {self.intent.data.ivfflat_lists}", "none", why)

    def approve(self) -> None:
        """Keep the plan under its digest; raise where nothing approves it."""
        from airgap.evidence import plans

        plan = self.run.planned = self.plan()
        self.context.journal.append("plan", {"digest": plan.digest, "changes": len(plan.changes)})
        write_whole(self.context.step_folder.plan, encode(plan.as_data()) + "\n")
        plans.keep(self.context.folder.reports_root, self.intent.environment, [plan], self.run.caller)
        approving.approve(self.context, plan, self.run.approval, self.run.caller)

    def carry_out(self) -> None:
        """Do it under the environment's lock, and keep what was measured."""
        folder = self.context.folder
        holder = {"run": folder.run_id, "mode": f"drill {self.what}", "step": "data"}
        with environment_lock(folder.reports_root, self.intent.environment, holder):
            if self.what == RESTORE:
                self._measured("db-instance:postgres", RESTORE_TAG, self._restore)
            elif self.what == INDEX:
                self._build()
            else:
                self._measured("db-instance:postgres", FAILOVER_TAG, self._database_fails_over)
                self._measured("replication-group:cache", FAILOVER_TAG, self._cache_fails_over)

    def _measured(self, key: str, tag: str, attempt: Any) -> None:
        """Do one part and leave when, how and how long as a tag; a part that failed says so there and is raised."""
        began = self._now()
        try:
            seconds = attempt()
        except Interrupted:
            raise
        except AirgapError as error:
            self._leave(key, tag, f"{began} failed in run {self.context.folder.run_id}: {type(error).__name__}")
            raise
        self._leave(key, tag, f"{began} passed in {seconds} s in run {self.context.folder.run_id}")

    def _leave(self, key: str, tag: str, value: str) -> None:
        service = "rds" if key.startswith("db-instance") else "elasticache"
        arn = self.source["DBInstanceArn"] if service == "rds" else self._cache()["ARN"]
        tags = [{"Key": tag, "Value": value[:256]}]
        self._write(f"{service}:AddTagsToResource", {"ResourceName": arn, "Tags": tags}, key)

    def _restore(self) -> int:
        self._remove()
        began = self._clock()
        try:
            self._write("rds:RestoreDBInstanceToPointInTime", self._wanted(), COPY)
            made = self._settled(INSTANCES, {"DBInstanceIdentifier": self.copy}, "DBInstances", state_of_database)
            self._judge(made)
            seconds = round(self._clock() - began)
            if COMPONENT in self.intent.components:
                self._prepare(made, COPY)
            return seconds
        finally:
            self._remove()

    def _wanted(self) -> dict[str, Any]:
        source = self.source
        tags = {**self.intent.tags, "airgap:key": COPY, "Name": self.copy}
        return {
            "SourceDBInstanceIdentifier": source["DBInstanceIdentifier"],
            "TargetDBInstanceIdentifier": self.copy,
            "UseLatestRestorableTime": True,
            "DBInstanceClass": source["DBInstanceClass"],
            "DBSubnetGroupName": source["DBSubnetGroup"]["DBSubnetGroupName"],
            "VpcSecurityGroupIds": [one["VpcSecurityGroupId"] for one in source["VpcSecurityGroups"]],
            "DBParameterGroupName": source["DBParameterGroups"][0]["DBParameterGroupName"],
            "PubliclyAccessible": False,
            "MultiAZ": False,
            "DeletionProtection": False,
            "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())],
        }

    def _judge(self, made: Mapping[str, Any]) -> None:
        """Raise where the copy is not what its source is: sealed and under the same key."""
        same = ("KmsKeyId", "StorageEncrypted", "PubliclyAccessible", "Engine", "DBName")
        other = [name for name in same if made.get(name) != self.source.get(name)]
        if other:
            what = f"The restored copy differs in {', '.join(other)}"
            raise Refused(what, "the source", "find out why, and try again")

    def _build(self) -> None:
        """Have the index built; the server is at it whether or not anybody asks, so giving up loses nothing."""
        said: dict[str, Any] = {}

        def built() -> bool:
            said.update({"building": "", **self._prepare(self.source, TABLE)})
            if said["building"]:
                self.progress(TABLE, f"the server builds its index: {said['building']}")
            return not said["building"]

        try:
            self._until(built, TABLE)
        except (Unsettled, Interrupted) as error:
            what = f"{error.what}; the server goes on: {said['building']}" if said.get("building") else error.what
            raise type(error)(
                what, "the index that was there before, if one was", "run this drill again later"
            ) from error

    def _prepare(self, database: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Let the function in the VPC sign in to a database by the source's password, and return what it answers."""
        data = self.intent.data
        event = {
            "host": dig(database, "Endpoint.Address"),
            "port": PORT,
            "dbname": data.database,
            "masterarn": dig(self.source, "MasterUserSecret.SecretArn"),
            "table": data.embeddings_table,
            "dimensions": data.embedding_dimensions,
            "lists": data.ivfflat_lists,
            "asked": asked_of_database(self.intent),
        }
        named = {"FunctionName": self.intent.name(COMPONENT), "Payload": json.dumps(event, sort_keys=True)}
        answer: dict[str, Any] = json.loads(self._write("lambda:Invoke", named, key)["Payload"].read())
        return answer

    def _remove(self) -> None:
        """Remove the copy and wait until it is gone; one that was never made is gone."""
        named = {"DBInstanceIdentifier": self.copy}
        if self._one(INSTANCES, named, "DBInstances") is None:
            return
        gone = {"SkipFinalSnapshot": True, "DeleteAutomatedBackups": True}
        # A copy that is still being made cannot be removed yet.
        self._settled(INSTANCES, named, "DBInstances", state_of_database, failed=False)
        self._write("rds:DeleteDBInstance", {**named, **gone}, COPY, ignore=("DBInstanceNotFound",))
        self._until(lambda: self._one(INSTANCES, named, "DBInstances") is None, self.copy)

    def _database_fails_over(self) -> int:
        before, began = self.source["AvailabilityZone"], self._clock()
        named = {"DBInstanceIdentifier": self.source["DBInstanceIdentifier"]}
        self._write("rds:RebootDBInstance", {**named, "ForceFailover": True}, "db-instance:postgres")

        def moved() -> bool:
            one = self._one(INSTANCES, named, "DBInstances") or {}
            return state_of_database(one) == "available" and one.get("AvailabilityZone") != before

        self._until(moved, "db-instance:postgres")
        return round(self._clock() - began)

    def _cache_fails_over(self) -> int:
        before, began = self._primary(), self._clock()
        asked = {"ReplicationGroupId": self.cache, "NodeGroupId": "0001"}
        self._write("elasticache:TestFailover", asked, "replication-group:cache")
        self._until(lambda: self._cache().get("Status") == "available" and self._primary() != before, self.cache)
        return round(self._clock() - began)

    def _cache(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] | None = self._one(CACHES, {"ReplicationGroupId": self.cache}, "ReplicationGroups")
        if found is None:
            raise MissingPredecessor("There is no cache to try", "it", "run 07_data in mode apply first")
        return found

    def _primary(self) -> str:
        members = dig(self._cache(), "NodeGroups[].NodeGroupMembers[]") or []
        return next((str(one["CacheClusterId"]) for one in members if one.get("CurrentRole") == "primary"), "")

    def _settled(self, call: str, params: Mapping[str, Any], path: str, state: Any, failed: bool = True) -> Any:
        """Return a thing once it is available; raise where it ended otherwise, unless that does not matter."""
        held: list[Any] = []

        def ready() -> bool:
            one = self._one(call, params, path) or {}
            held[:] = [one]
            ended = str(state(one)).startswith(("incompatible", "fail", "restore-error", "storage-full"))
            if ended and failed:
                raise Unsettled(f"{COPY} ended in state {state(one)}", "its source", "read its events, mend, try again")
            return ended or state(one) == "available"

        self._until(ready, COPY)
        return held[0]

    def _until(self, ready: Any, name: str) -> None:
        began, delay = self._clock(), 0.2
        while not ready():
            if self._clock() - began > LIMIT:
                raise Unsettled(f"{name} did not settle within {LIMIT:.0f} s", "it", "look at its events")
            if self.context.cloud.stop.is_set():
                raise Interrupted(f"Interrupted while {name} was settling", "what was not tried yet", "try again")
            self.context.clock.sleep(delay)
            delay = min(delay * 1.5, 15.0)

    def _one(self, call: str, params: Mapping[str, Any], path: str) -> Any:
        absent = ("DBInstanceNotFound", "DBInstanceNotFoundFault", "ReplicationGroupNotFoundFault")
        seen = self.context.systems.read(call, params, absent=absent)[-1]
        if seen.status == ABSENT:
            return None
        if seen.status != OK:
            raise Unreadable(f"{call} answered {seen.code}: {seen.message}", "anything", "grant it and try again")
        found = self.context.pages.load(seen.page).get(path) or []
        return found[0] if found else None

    def _write(self, call: str, params: Mapping[str, Any], key: str, ignore: tuple[str, ...] = ()) -> dict[str, Any]:
        busy = ("InvalidDBInstanceState", "InvalidReplicationGroupState", "TooManyRequestsException")
        return self.context.systems.write(call, params, resource=key, retry=busy, ignore=ignore)

    def _now(self) -> str:
        return self.context.now()[:19] + "Z"

    def _clock(self) -> float:
        return datetime.fromisoformat(self.context.now().replace("Z", "+00:00")).timestamp()
