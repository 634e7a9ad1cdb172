"""The database is prepared by statements that may be run again, against a real PostgreSQL with pgvector over TLS."""

from __future__ import annotations

import functools
import json
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from postgres_of_tests import MASTER, PASSWORD, Server, running

from airgap.functions.bootstrap import index_of, prepare
from airgap.functions.database import Connection, DatabaseError, connect

TABLE, DIMENSIONS, LISTS = "embeddings", 16, 4


class Secrets:
    """Secrets Manager with the master's secret alone."""

    def get_secret_value(self, **asked: str) -> dict[str, str]:
        """The master's name and password, as RDS keeps them."""
        return {"SecretString": json.dumps({"username": MASTER, "password": PASSWORD})}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests."""
    with running(tmp_path_factory.mktemp("server")) as one:
        yield one


@pytest.fixture
def opened(server: Server) -> Callable[..., Connection]:
    """How the functions connect, trusting this server's authority."""
    return functools.partial(connect, authorities=server.authorities)


def event(server: Server, **more: Any) -> dict[str, Any]:
    asked = {"masterarn": "arn", "table": TABLE, "dimensions": DIMENSIONS, "lists": LISTS, "asked": "digest"}
    return {**server.place, **asked, **more}


@pytest.mark.lab
def test_an_empty_table_waits_for_rows_and_then_gets_its_index(server: Server, opened: Any) -> None:
    for _ in range(2):
        answer = prepare(event(server), Secrets(), opened)
        assert (answer["rows"], answer["index"], answer["index_used"], answer["neighbours"]) == (0, "", True, 5)
        assert answer["tls"]["on"]
        assert answer["tls"]["version"] in ("TLSv1.2", "TLSv1.3")
    admin = opened(server.place, MASTER, PASSWORD)
    assert admin.run("SELECT tableowner FROM pg_tables WHERE tablename = :name", name=TABLE) == [["application"]]
    row = f"(SELECT array_agg(random() + 0 * n + 0 * m) FROM generate_series(1, {DIMENSIONS}) AS m)::vector"
    admin.run(f"INSERT INTO {TABLE} (content, embedding) SELECT n::text, {row} FROM generate_series(1, 300) AS n")
    for _ in range(2):
        answer = prepare(event(server), Secrets(), opened)
        assert (answer["rows"], answer["index"], answer["measured_on"]) == (300, index_of(TABLE), "the table")
        assert answer["plan"] == [f"Index Scan on {index_of(TABLE)}"]
    assert admin.run("SELECT count(*) FROM pg_indexes WHERE tablename = :name", name=TABLE) == [[2]]
    made = admin.run("SELECT oid FROM pg_class WHERE relname = :name", name=index_of(TABLE))
    prepare(event(server), Secrets(), opened)
    assert admin.run("SELECT oid FROM pg_class WHERE relname = :name", name=index_of(TABLE)) == made
    prepare(event(server, lists=LISTS + 3), Secrets(), opened)
    assert admin.run("SELECT reloptions FROM pg_class WHERE relname = :name", name=index_of(TABLE)) == [[["lists=7"]]]
    prepare(event(server), Secrets(), opened)
    said = admin.run("SELECT indexdef FROM pg_indexes WHERE indexname = :name", name=index_of(TABLE))[0][0]
    assert "USING ivfflat (embedding vector_cosine_ops) WITH (lists='4')" in said
    assert admin.run("SELECT count(*) FROM pg_class WHERE relname = 'airgap_probe'") == [[0]]
    assert PASSWORD not in json.dumps(answer)
    admin.close()


@pytest.mark.lab
def test_an_index_that_takes_longer_than_the_function_is_built_by_the_server_meanwhile(
    server: Server, opened: Any
) -> None:
    table, dimensions = "large", 64
    asked = event(server, table=table, dimensions=dimensions, lists=200)
    prepare(asked, Secrets(), opened)
    admin = opened(server.place, MASTER, PASSWORD, seconds=60)
    row = f"(SELECT array_agg(random() + 0 * n + 0 * m) FROM generate_series(1, {dimensions}) AS m)::vector"
    admin.run(f"INSERT INTO {table} (content, embedding) SELECT n::text, {row} FROM generate_series(1, 40000) AS n")
    answers = [prepare(asked, Secrets(), opened, patience=0.2)]
    assert answers[0]["building"]
    assert (answers[0]["index"], answers[0]["index_used"]) == ("", False)
    admin.run(f"INSERT INTO {table} (content, embedding) SELECT 'meanwhile', {row} FROM generate_series(1, 1) AS n")
    while "building" in answers[-1]:
        answers.append(prepare(asked, Secrets(), opened, patience=0.2))
        assert len(answers) < 200
    assert len(answers) > 2
    assert (answers[-1]["index"], answers[-1]["plan"]) == (index_of(table), [f"Index Scan on {index_of(table)}"])
    assert admin.run("SELECT count(*) FROM pg_indexes WHERE tablename = :name", name=table) == [[2]]
    # One that was given up is not valid, is never taken for one, and goes.
    admin.run(f"ALTER INDEX {index_of(table)} RENAME TO {index_of(table)}_next")
    server.ask(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{index_of(table)}_next'::regclass")
    assert prepare(asked, Secrets(), opened, patience=60)["plan"] == [f"Index Scan on {index_of(table)}"]
    assert admin.run("SELECT count(*) FROM pg_indexes WHERE tablename = :name", name=table) == [[2]]
    admin.close()


@pytest.mark.lab
def test_a_table_of_another_size_is_left_as_it_is(server: Server, opened: Any) -> None:
    prepare(event(server, table="others"), Secrets(), opened)
    with pytest.raises(ValueError, match="holds vectors of 16 dimensions, declared 8; nothing was changed"):
        prepare(event(server, table="others", dimensions=8), Secrets(), opened)


@pytest.mark.lab
def test_a_server_under_another_name_or_authority_is_not_spoken_to(server: Server, opened: Any) -> None:
    with pytest.raises(Exception, match="certificate verify failed|IP address mismatch"):
        prepare(event(server, host="127.0.0.1"), Secrets(), opened)
    with pytest.raises(Exception, match="certificate verify failed"):
        prepare(event(server), Secrets(), connect)


@pytest.mark.lab
def test_the_server_takes_nobody_in_the_clear(server: Server) -> None:
    at = {name: server.place[name] for name in ("host", "port")}
    with pytest.raises(DatabaseError, match="no pg_hba.conf entry"):
        Connection(MASTER, **at, password=PASSWORD, database=server.place["dbname"], ssl_context=False)


@pytest.mark.parametrize(
    "wrong", [{"table": 'x"; DROP TABLE y; --'}, {"table": "Upper"}, {"dimensions": 0}, {"lists": "1); DROP"}]
)
def test_nothing_but_names_and_numbers_is_taken(wrong: dict[str, Any]) -> None:
    asked = {"masterarn": "arn", "table": TABLE, "dimensions": 8, "lists": 1, "host": "h", "port": 1, "dbname": "d"}

    def never(*_: Any) -> Connection:
        raise AssertionError("nobody connects")

    with pytest.raises(ValueError):
        prepare({**asked, **wrong}, Secrets(), never)


def test_a_context_that_would_not_verify_is_not_what_connect_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ssl.SSLContext] = []
    monkeypatch.setattr("airgap.functions.database.Connection", lambda *_, **more: made.append(more["ssl_context"]))
    connect({"host": "h", "port": 1, "dbname": "d"}, "u", "p")
    assert (made[0].verify_mode, made[0].check_hostname) == (ssl.CERT_REQUIRED, True)
