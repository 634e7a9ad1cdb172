"""What is tried on a database that stands: who it talks to and how, and what the application may not do in it."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pg8000.exceptions import DatabaseError

from airgap.lab import handshakes
from airgap.lab.attempts import Outcome, must_answer, must_refuse, turned_away
from airgap.lab.handshakes import LEAST, OLD, shaken
from airgap.lab.postgres import ADMIN, NAME, Server
from airgap.lab.sql import connected, psql
from airgap.model.probes import ANSWERED

ELSEWHERE = "elsewhere.test"
WHAT_TLS = "SELECT version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl"
DENIED = ("42501", "28P01", "28000", "3D000")
"""SQLSTATE of privileges, passwords and authorization that are lacking (PostgreSQL, "Error Codes")."""
_WHERE = re.compile(r"(psql: error: )?connection to server at .*? failed: ")
"""What libpq says before what is the matter."""
FORBIDDEN = {
    "makes-a-role": "CREATE ROLE intruder LOGIN",
    "changes-the-master": "ALTER ROLE {master} PASSWORD NULL",
    "becomes-the-master": "SET ROLE {master}",
    "makes-a-database": "CREATE DATABASE intruder",
    "makes-an-extension": "CREATE EXTENSION pg_stat_statements",
    "reads-passwords": "SELECT rolpassword FROM pg_authid",
    "reads-a-file": "SELECT pg_read_file('/etc/passwd')",
    "runs-a-program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "changes-the-server": "ALTER SYSTEM SET ssl = off",
    "ends-other-sessions": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE usename = '{admin}' AND pid <> pg_backend_pid()",
}
"""What the application must not be able to do in its own database."""


def transport(server: Server, stranger: Path) -> Iterator[dict[str, Any]]:
    """Try how the server lets itself be spoken to; ``stranger`` is the certificate of another authority."""
    told = server.declared
    ask = functools.partial(_libpq, server, told.master, told.password)
    tls = functools.partial(shaken, server.port, before=handshakes.postgres)
    yield must_answer("database-tls", "sql", lambda: ask(()))
    yield must_refuse("database-plain-text", "sql", "database-tls",
                      lambda: ask(("no encryption",), sslmode="disable"))  # fmt: skip
    yield must_refuse("database-wrong-host", "sql", "database-tls",
                      lambda: ask(("does not match host name",), host=ELSEWHERE, hostaddr="127.0.0.1"))  # fmt: skip
    yield must_refuse("database-wrong-authority", "sql", "database-tls",
                      lambda: ask(("certificate verify failed",), sslrootcert=stranger))  # fmt: skip
    yield must_answer("database-tls-1.2", "tls", lambda: tls(server.authority, NAME, version=LEAST))
    yield must_refuse("database-tls-1.1", "tls", "database-tls-1.2",
                      lambda: tls(server.authority, NAME, version=OLD))  # fmt: skip
    yield must_refuse("database-wrong-password", "sql", "database-tls",
                      lambda: _libpq(server, told.master, "wrong", ("password authentication failed",)))  # fmt: skip


def rights(server: Server, user: str, password: str, table: str) -> Iterator[dict[str, Any]]:
    """Try what the application's user may do: work on its table, and nothing that is its master's or its server's."""
    run = functools.partial(_statement, server, user, password)
    yield must_answer("application-writes", "sql", lambda: run(
        f"UPDATE {table} SET metadata = metadata WHERE id = (SELECT min(id) FROM {table})"))  # fmt: skip
    yield must_answer("application-reads", "sql", lambda: run(f"SELECT count(*) FROM {table}"))
    for name, statement in FORBIDDEN.items():
        text = statement.format(master=server.declared.master, admin=ADMIN)
        yield must_refuse(f"application-{name}", "sql", "application-reads", functools.partial(run, text))


def signs_in(server: Server, user: str, password: str) -> Callable[[], Outcome]:
    """Return the attempt to sign in as somebody."""
    return functools.partial(_statement, server, user, password, "SELECT session_user, current_user")


def _libpq(server: Server, user: str, password: str, refusals: tuple[str, ...], **how: Any) -> Outcome:
    code, text = psql(server, user, password, WHAT_TLS, **how)
    said = _WHERE.sub("", text)
    # A session in the clear finds no row of its own: it is answered, and says so.
    return (ANSWERED, said or "a session without TLS") if code == 0 else turned_away(said, refusals)


def _statement(server: Server, user: str, password: str, statement: str) -> Outcome:
    try:
        with connected(server, user, password) as one:
            rows = one.run(statement)
            return ANSWERED, f"{statement}: {rows[:1] if rows else 'done'}"
    except DatabaseError as error:
        told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
        return turned_away(f"{told.get('C', '')} {told.get('M', error)}", DENIED)
