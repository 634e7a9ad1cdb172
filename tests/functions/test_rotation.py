"""The rotation function, step by step, against a Secrets Manager and a database that live in memory."""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pg8000.exceptions import DatabaseError
from postgres_of_tests import MASTER as ADMIN
from postgres_of_tests import PASSWORD, running

from airgap.functions import rotation
from airgap.functions.database import GROUP, connect
from airgap.functions.passwords import verifier

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:fintech/prod/db-AbCdEf"
MASTER = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-1-AbCdEf"
PLACE = {"engine": "postgres", "host": "db.internal", "port": 5432, "dbname": "app", "masterarn": MASTER}
STEPS = tuple(rotation.STEPS)
ROLE = re.compile(r"""(?:CREATE|ALTER) ROLE "(\w+)" (?:NOLOGIN|WITH LOGIN PASSWORD '(.*)')""")
ACTING = re.compile(r"""ALTER ROLE "(\w+)" SET role TO "(\w+)\"""")


class Missing(Exception):
    """Secrets Manager's ResourceNotFoundException."""


class Exceptions:
    """The exceptions of a boto3 client."""

    ResourceNotFoundException = Missing


class Manager:
    """Secrets Manager, as far as the function uses it: versions by their stages."""

    exceptions = Exceptions

    def __init__(self) -> None:
        self.values: dict[str, dict[str, str]] = {ARN: {"v0": "{}"}, MASTER: {"m": '{"username":"m","password":"mm"}'}}
        self.stages: dict[str, list[str]] = {"v0": ["AWSCURRENT"]}
        self.description = json.dumps(PLACE)
        self.made = 0

    def begin(self, token: str) -> None:
        """What RotateSecret does before it calls the function."""
        self.stages[token] = ["AWSPENDING"]

    def describe_secret(self, SecretId: str) -> dict[str, Any]:
        return {"VersionIdsToStages": {one: list(held) for one, held in self.stages.items()},
                "Description": self.description}  # fmt: skip

    def get_secret_value(self, SecretId: str, VersionId: str = "", VersionStage: str = "AWSCURRENT") -> dict[str, Any]:
        if SecretId == MASTER:
            return {"SecretString": self.values[MASTER]["m"]}
        found = [one for one, held in self.stages.items() if VersionStage in held and VersionId in ("", one)]
        if not found or found[0] not in self.values[ARN]:
            raise Missing
        return {"SecretString": self.values[ARN][found[0]]}

    def get_random_password(self, **asked: Any) -> dict[str, str]:
        self.made += 1
        return {"RandomPassword": f"Random{self.made}".ljust(asked["PasswordLength"], "x")}

    def put_secret_value(self, SecretId: str, ClientRequestToken: str, SecretString: str, VersionStages: Any) -> None:
        assert VersionStages == ["AWSPENDING"]
        self.values[ARN].setdefault(ClientRequestToken, SecretString)

    def update_secret_version_stage(
        self, SecretId: str, VersionStage: str, MoveToVersionId: str, RemoveFromVersionId: str = ""
    ) -> None:
        self.stages[RemoveFromVersionId] = ["AWSPREVIOUS"]
        self.stages[MoveToVersionId] = [VersionStage]


class Database:
    """PostgreSQL, as far as the function uses it: roles with verifiers, members, and who acts as whom."""

    def __init__(self) -> None:
        self.verifiers: dict[str, str] = {"m": verifier("mm")}
        self.roles: set[str] = {"m"}
        self.acting: dict[str, str] = {}
        self.statements: list[str] = []
        self.opened: list[tuple[str, str]] = []

    def open(self, place: Any, user: str, password: str) -> Session:
        self.opened.append((place["host"], user))
        held = self.verifiers.get(user, "")
        salt = held.split("$")[1].split(":")[1] if held else ""
        if not held or verifier(password, base64.b64decode(salt)) != held:
            raise DatabaseError({"C": "28P01"})
        return Session(self, user)


class Session:
    """One connection."""

    def __init__(self, database: Database, user: str) -> None:
        self.database, self.user = database, user

    def run(self, sql: str, **named: str) -> list[list[str]]:
        self.database.statements.append(sql)
        if sql.startswith("SELECT rolname"):
            return [[one] for one in named.values() if one in self.database.roles]
        if sql.startswith("SELECT session_user"):
            return [[self.user, self.database.acting.get(self.user, self.user)]]
        if match := ROLE.fullmatch(sql):
            self.database.roles.add(match[1])
            self.database.verifiers |= {match[1]: match[2]} if match[2] else {}
        if match := ACTING.fullmatch(sql):
            self.database.acting[match[1]] = match[2]
        return []

    def close(self) -> None:
        self.database.statements.append("-- closed")


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
def database() -> Database:
    return Database()


def rotate(manager: Manager, database: Database, token: str, times: int = 1) -> None:
    manager.begin(token)
    for name in STEPS:
        for _ in range(times):
            rotation.step({"Step": name, "SecretId": ARN, "ClientRequestToken": token}, manager, database.open)


def current(manager: Manager) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(manager.get_secret_value(ARN)["SecretString"])
    return found


@pytest.mark.parametrize("times", [1, 2], ids=["once", "each step twice"])
def test_two_users_take_turns_and_the_one_before_still_signs_in(
    manager: Manager, database: Database, times: int
) -> None:
    seen = []
    for token in ("v1", "v2", "v3"):
        rotate(manager, database, token, times)
        seen.append(current(manager))
    assert [one["username"] for one in seen] == ["application_a", "application_b", "application_a"]
    assert len({one["password"] for one in seen}) == 3
    assert all({name: one[name] for name in PLACE} == PLACE for one in seen)
    database.open(PLACE, seen[1]["username"], seen[1]["password"])
    with pytest.raises(DatabaseError):
        database.open(PLACE, seen[0]["username"], seen[0]["password"])
    assert manager.stages == {"v0": ["AWSPREVIOUS"], "v1": ["AWSPREVIOUS"], "v2": ["AWSPREVIOUS"], "v3": ["AWSCURRENT"]}


def test_no_statement_answer_or_output_holds_a_password(
    manager: Manager, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    rotate(manager, database, "v1")
    password = current(manager)["password"]
    assert password.startswith("Random1")
    assert password not in " ".join(database.statements)
    assert "SCRAM-SHA-256$4096:" in " ".join(database.statements)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")


def test_a_step_that_is_done_is_left_alone(manager: Manager, database: Database) -> None:
    rotate(manager, database, "v1")
    made, opened = manager.made, len(database.opened)
    for name in STEPS:
        done = rotation.step({"Step": name, "SecretId": ARN, "ClientRequestToken": "v1"}, manager, database.open)
        assert done == {"step": name, "done": "before"}
    assert (manager.made, len(database.opened)) == (made, opened)


@pytest.mark.parametrize("stages", [None, ["AWSPREVIOUS"]], ids=["unknown", "not pending"])
def test_a_version_that_nobody_asked_for_is_refused(manager: Manager, stages: Any) -> None:
    if stages:
        manager.stages["v9"] = stages
    with pytest.raises(ValueError, match="version v9 of .* is not AWSPENDING"):
        rotation.step({"Step": "createSecret", "SecretId": ARN, "ClientRequestToken": "v9"}, manager)


@pytest.mark.parametrize(
    "forged",
    [{"host": "elsewhere.example.com"}, {"masterarn": ARN}, {"username": "rdsadmin"}],
    ids=lambda value: next(iter(value)),
)
def test_the_master_signs_in_nowhere_else_and_for_no_other_user(
    manager: Manager, database: Database, forged: dict[str, str]
) -> None:
    manager.begin("v1")
    value = {**PLACE, "username": "application_a", "password": "x" * 40, **forged}
    manager.values[ARN]["v1"] = json.dumps(value)
    with pytest.raises(ValueError, match="version v1 names another") as refused:
        rotation.step({"Step": "setSecret", "SecretId": ARN, "ClientRequestToken": "v1"}, manager, database.open)
    assert "x" * 40 not in str(refused.value)
    assert database.opened == []


def test_a_user_that_does_not_act_as_its_group_fails_the_test(manager: Manager, database: Database) -> None:
    manager.begin("v1")
    for name in STEPS[:2]:
        rotation.step({"Step": name, "SecretId": ARN, "ClientRequestToken": "v1"}, manager, database.open)
    database.acting.clear()
    with pytest.raises(ValueError, match=f"works as application_a, not as {GROUP}"):
        rotation.step({"Step": "testSecret", "SecretId": ARN, "ClientRequestToken": "v1"}, manager, database.open)


def test_a_value_that_is_no_object_is_named_and_not_shown(manager: Manager) -> None:
    from airgap.functions.database import value_of

    manager.values[ARN]["v0"] = "hunter2-not-json"
    with pytest.raises(ValueError, match="holds no JSON object") as refused:
        value_of(manager, ARN)
    assert "hunter2" not in "".join(_chain(refused.value))


def _chain(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.lab
def test_two_users_take_turns_in_a_real_database(manager: Manager, tmp_path_factory: pytest.TempPathFactory) -> None:
    """PostgreSQL 18 over TLS; the master is no superuser, as RDS's is none."""
    with running(tmp_path_factory.mktemp("rotated")) as server:
        opened = functools.partial(connect, authorities=server.authorities)
        admin = opened(server.place, ADMIN, PASSWORD)
        admin.run("CREATE ROLE m LOGIN CREATEROLE PASSWORD 'mm'")
        manager.description = json.dumps({**PLACE, **server.place})
        seen = []
        for token in ("v1", "v2", "v3"):
            manager.begin(token)
            for _ in range(2):
                for name in STEPS:
                    rotation.step({"Step": name, "SecretId": ARN, "ClientRequestToken": token}, manager, opened)
            seen.append(current(manager))
        admin.run(f"GRANT CREATE ON SCHEMA public TO {GROUP}")
        before_last = opened(server.place, seen[1]["username"], seen[1]["password"])
        before_last.run("CREATE TABLE made (n int)")
        before_last.close()
        with pytest.raises(DatabaseError, match="28P01"):
            opened(server.place, seen[0]["username"], seen[0]["password"])
        owner = admin.run("SELECT tableowner FROM pg_tables WHERE tablename = 'made'")
        kept = server.ask(
            "SELECT rolname, rolpassword LIKE 'SCRAM%', rolsuper FROM pg_authid WHERE rolname LIKE 'appl%'"
        )
        admin.close()
    assert owner == [[GROUP]]
    assert sorted(kept) == [
        ["application", None, False],
        ["application_a", True, False],
        ["application_b", True, False],
    ]
    assert [one["username"] for one in seen] == ["application_a", "application_b", "application_a"]
