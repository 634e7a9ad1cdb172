"""The declared database on a real PostgreSQL: what must be refused is, beside its control, and each can fail."""

from __future__ import annotations

import dataclasses
import os
import pwd
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airgap import params, rehearsal
from airgap.errors import UsageError
from airgap.lab import data_planes, database_probes, postgres, rotating, vectors
from airgap.lab.component import listens
from airgap.lab.invoking import FunctionFailed, functions
from airgap.lab.postgres import ADMIN, Declared, Server, settings
from airgap.model.data_stores import parameters
from airgap.model.intent import Intent
from airgap.model.probes import told
from airgap.rehearsal.authority import Authority
from airgap.run.data_planes import declared

TABLE, DIMENSIONS, LISTS = "embeddings", 8, 4
WEAK = {"rds.force_ssl": "0", "ssl_min_protocol_version": "TLSv1.1", "ssl_ciphers": "ALL:@SECLEVEL=0"}
SHOWN = {
    "database": {"database-tls", "database-plain-text", "database-wrong-host", "database-wrong-authority",
                 "database-tls-1.1"},
    "vectors": {"vectors-prepared-twice", "vectors-index-built-once", "vectors-index-used"},
    "rights": {f"application-{name}" for name in (*database_probes.FORBIDDEN, "reads", "writes")},
    "restore": {"restore-same-rows", "restore-signs-in", "restore-index-used", "restore-prepared"},
    "rotation": {"rotation-older-password", "rotation-clients-of-the-current-value",
                 "rotation-clients-of-a-kept-value", "rotation-log-without-passwords"},
}  # fmt: skip


def verdicts(records: list[dict[str, Any]]) -> dict[str, str]:
    """What each record comes to."""
    others = {one["name"]: one for one in records}
    return {one["name"]: told(one, others)[0] for one in records}


@pytest.fixture(scope="module")
def intent() -> Intent:
    return params.load("demo")


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, str]]:
    """The variables of an embedded AWS of its own."""
    running = rehearsal.up()
    yield running.environment()
    rehearsal.down(running.port)


@pytest.fixture(scope="module")
def weak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Authority, Path]]:
    """A server that takes anybody, with a table of vectors and no index."""
    folder = tmp_path_factory.mktemp("weak")
    authority = Authority(folder)
    with postgres.running(postgres.installed(print), Declared("app", "postgres", WEAK), folder, authority) as server:
        postgres.ask(server, "CREATE EXTENSION vector")
        postgres.ask(server, f"CREATE TABLE {TABLE} (id bigint GENERATED ALWAYS AS IDENTITY, content text, "
                             f"metadata jsonb, embedding vector({DIMENSIONS}))")  # fmt: skip
        yield server, authority, folder


@pytest.mark.lab
def test_all_that_is_declared_of_the_database_holds(intent: Intent, aws: dict[str, str], tmp_path: Path) -> None:
    found = data_planes.database(declared(intent), tmp_path, aws, print)
    assert {one["name"]: told(one, {each["name"]: each for each in found})[1] for one in found
            if verdicts(found)[one["name"]] != "pass"} == {}  # fmt: skip
    for about, names in SHOWN.items():
        assert names <= {one["name"] for one in found if one["about"] == about}
    assert {one["to"] for one in found} == {"localhost"}
    # What stays is what was said.
    assert {one.suffix for one in tmp_path.iterdir()} == {".log", ".pem"}
    assert not listens(found[0]["port"])


@pytest.mark.lab
def test_a_server_that_takes_anybody_fails_by_the_same_probes(weak: tuple[Server, Authority, Path]) -> None:
    server, authority, folder = weak
    found = verdicts(list(database_probes.transport(server, server.authority)))
    assert {name for name, status in found.items() if status == "fail"} == {
        "database-plain-text", "database-tls-1.1", "database-wrong-authority"}  # fmt: skip
    assert found["database-wrong-host"] == "pass"


@pytest.mark.lab
def test_a_superuser_fails_every_right(weak: tuple[Server, Authority, Path], tmp_path: Path) -> None:
    """On a server of its own, since it may do it all."""
    authority = Authority(tmp_path)
    with postgres.running(postgres.installed(print), Declared("app", "postgres", WEAK), tmp_path, authority) as server:
        assert server.port != weak[0].port, "two stand side by side"
        postgres.ask(server, f"CREATE TABLE {TABLE} (id int, metadata jsonb)")
        # The one that stands beside it is no friend of this one.
        strange = verdicts(list(database_probes.transport(server, weak[0].authority)))
        runs_as = Path(f"/proc/{server.component.pid}").stat().st_uid
        found = verdicts(list(database_probes.rights(server, ADMIN, server.admin_password, TABLE)))
    assert {found[f"application-{name}"] for name in database_probes.FORBIDDEN} == {"fail"}
    assert strange["database-wrong-authority"] == "pass"
    assert runs_as == (pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid())
    assert not listens(server.port)
    assert not server.home.exists()
    assert not Path(f"/proc/{server.component.pid}").exists()


@pytest.mark.lab
def test_without_an_index_none_is_used_and_with_one_it_is(weak: tuple[Server, Authority, Path]) -> None:
    server, _, _ = weak
    master = (ADMIN, server.admin_password)
    assert vectors.insert(server, *master, TABLE, DIMENSIONS, 400) == 400
    assert vectors.index(server, TABLE) is None
    assert vectors.neighbours(server, *master, TABLE, LISTS).plan == ()
    postgres.ask(server, f"CREATE INDEX one ON {TABLE} USING ivfflat (embedding vector_cosine_ops) WITH (lists = 4)")
    first = vectors.index(server, TABLE)
    found = vectors.neighbours(server, *master, TABLE, LISTS)
    assert (found.plan, found.recall_of_all) == (("Index Scan on one",), 1.0)
    postgres.ask(server, "DROP INDEX one")
    postgres.ask(server, f"CREATE INDEX one ON {TABLE} USING ivfflat (embedding vector_cosine_ops) WITH (lists = 4)")
    again = vectors.index(server, TABLE)
    assert first is not None
    assert again is not None
    assert (first[0] != again[0], first[1] == again[1]) == (True, True), "one that was built again is told apart"


@pytest.mark.lab
def test_a_row_that_is_not_in_the_backup_is_told(weak: tuple[Server, Authority, Path], tmp_path: Path) -> None:
    server, authority, _ = weak
    postgres.ask(server, "CREATE TABLE kept (id int)")
    with postgres.restored(server, tmp_path, authority) as second:
        assert vectors.digest(second, "kept") == vectors.digest(server, "kept")
        postgres.ask(server, "INSERT INTO kept VALUES (1)")
        assert vectors.digest(second, "kept") != vectors.digest(server, "kept")


class Held:
    """Secrets with one value."""

    def __init__(self, password: str) -> None:
        self.password = password

    def value(self, stage: str = "") -> dict[str, str]:
        """The user and its password."""
        return {"username": "client", "password": self.password}


@pytest.mark.lab
def test_a_login_that_fails_while_a_password_changes_is_seen(weak: tuple[Server, Authority, Path]) -> None:
    """One user with one password, changed behind the clients' back: what two users in turn avoid."""
    server, _, _ = weak
    postgres.ask(server, "CREATE ROLE client LOGIN PASSWORD 'before'")
    secrets: Any = Held("before")
    with rotating.signing_in(secrets, server, threading.Event()) as client:
        data_planes._logins(client)
        postgres.ask(server, "ALTER ROLE client PASSWORD 'after'")
        secrets.password = "after"
        data_planes._logins(client)
    assert client.logins
    assert "28P01" in client.failed[0]
    assert data_planes._signed_in(client)[0] != "answered"


@pytest.mark.lab
def test_functions_run_from_their_package_and_their_errors_are_told(intent: Intent, tmp_path: Path) -> None:
    given = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": intent.region,
             "AWS_DEFAULT_REGION": intent.region}  # fmt: skip
    with functions(declared(intent).package("none"), tmp_path, given) as run:
        with pytest.raises(FunctionFailed, match="raised ValueError: table, dimensions or lists"):
            run.invoke(data_planes.PREPARES, {"table": "x; DROP", "dimensions": 1, "lists": 1})
        with pytest.raises(FunctionFailed, match="json is .*, which is not in the package"):
            run.invoke("json.dumps", {})
    assert "ValueError" in (tmp_path / "functions.log").read_text()


@pytest.mark.lab
def test_a_machine_without_a_library_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    postgres.installed(print)
    said = "\tlibicuuc.so.72 => not found\n\tlibc.so.6 => /lib/libc.so.6 (0x0)\n"
    monkeypatch.setattr(postgres.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, said, ""))
    with pytest.raises(UsageError, match=r"this machine has no libicuuc\.so\.72$"):
        postgres.installed(print)


def test_what_stands_in_the_lab_is_what_the_steps_declare(intent: Intent) -> None:
    planes = declared(intent)
    assert planes.database.parameters == parameters(intent)
    assert (planes.database.database, planes.secret) == (intent.data.database, intent.secrets.database)
    assert planes.vectors["lists"] == intent.data.ivfflat_lists
    older = dataclasses.replace(intent, data=dataclasses.replace(intent.data, postgres_version="17"))
    with pytest.raises(UsageError, match="The lab has PostgreSQL 18, and the database is of 17"):
        declared(older)


def test_parameters_become_the_servers_own_and_none_is_left_out(intent: Intent) -> None:
    lines, admitted = settings(parameters(intent))
    assert {one.split(" = ")[0] for one in lines.splitlines()} == {
        one for one in parameters(intent) if not one.startswith("rds.")}  # fmt: skip
    assert [one for one in admitted if one.startswith("host ")] == []
    assert settings({"rds.force_ssl": "0"})[1][0].startswith("host all")
    with pytest.raises(UsageError, match=r"rds\.logical_replication"):
        settings({"rds.logical_replication": "1"})
