"""What the database needs before anybody uses it: pgvector, the role that owns the data, and the table of vectors.

Every statement may be run again. The event names the table and two numbers, never a statement, so whoever may call the
function can do with the master's password nothing but this. An ivfflat index is built once there are rows, since its
lists are drawn from them; whether the planner uses one is measured, on rows of no meaning that are rolled back where
the table is still empty. What was done and measured is the answer and a line of the function's log.

An index of many rows takes longer than a function may. It is built beside the table's life (``CONCURRENTLY``: nobody
waits to write) by the server, which goes on when the function has hung up: a statement that talks to nobody does not
notice. The function answers how far it is; whoever calls again finds the index built, and it takes its place then.

Sources: pgvector README, "IVFFlat"; PostgreSQL documentation, "CREATE INDEX, Building Indexes Concurrently", "Progress
Reporting", ``client_connection_check_interval`` (off by default); RDS User Guide, "Upgrading PostgreSQL extensions".
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from .database import GROUP, Connection, connect, identifier, value_of

EVENT = "database-prepared"
"""By this the line in the log is found."""
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_PROBE, _ROWS, _LISTS = "airgap_probe", 200, 10
PATIENCE = 20.0
"""Seconds for which the function waits for an index; with everything else it ends well within its own time."""
MOST = 100_000
"""Rows are counted so far; a whole table of vectors is not read for its size."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Prepare the database that the event names, and return what was done and measured."""
    import boto3

    answer = prepare(event, boto3.client("secretsmanager"))
    print(json.dumps({"event": EVENT, **answer}, sort_keys=True))
    return answer


def prepare(
    event: Mapping[str, Any], secrets: Any, open_: Callable[..., Connection] = connect, patience: float = PATIENCE
) -> dict[str, Any]:
    """Prepare the database at ``host``, ``port``, ``dbname`` as the user of the secret ``masterarn``.

    ``table``, ``dimensions`` and ``lists`` say what of. Raises ``ValueError`` where they are not what they should be,
    or where the table is there with vectors of another size. ``building`` in the answer tells how far the server is
    with an index that took it longer than ``patience`` (seconds).
    """
    table, dimensions, lists = _asked(event)
    master = value_of(secrets, str(event["masterarn"]), VersionStage="AWSCURRENT")
    sign_in = functools.partial(open_, event, str(master["username"]), str(master["password"]))
    connection = sign_in()
    try:
        _make(connection, table, dimensions)
        some = f"SELECT 1 FROM {identifier(table)} LIMIT {MOST}"
        rows = int(connection.run(f"SELECT count(*) FROM ({some}) AS counted")[0][0])
        building = _index(connection, table, lists, functools.partial(_begun, sign_in, patience)) if rows else ""
        if building:
            used = {"building": building, "index_used": False, "plan": []}
        else:
            used = _measured(connection, table) if rows else _probed(connection, dimensions)
        return {
            "asked": event.get("asked", ""),
            "host": str(event["host"]),
            "table": table,
            "dimensions": dimensions,
            "lists": lists,
            "rows": rows,
            "measured_on": "the table" if rows else "rows of no meaning, rolled back",
            **used,
            **_found(connection, table),
        }
    finally:
        connection.close()


def _asked(event: Mapping[str, Any]) -> tuple[str, int, int]:
    table, dimensions, lists = str(event["table"]), int(event["dimensions"]), int(event["lists"])
    if not _NAME.fullmatch(table) or not 1 <= dimensions <= 2000 or not 1 <= lists <= 32768:
        raise ValueError("table, dimensions or lists are not what the params allow")
    return table, dimensions, lists


def _make(connection: Connection, table: str, dimensions: int) -> None:
    """Bring extension, owner and table about in one transaction, whatever of them is there."""
    named, group = identifier(table), identifier(GROUP)
    connection.run("BEGIN")
    connection.run("CREATE EXTENSION IF NOT EXISTS vector")
    # An upgrade of the engine leaves the extension at its old version.
    connection.run("ALTER EXTENSION vector UPDATE")
    if not connection.run("SELECT 1 FROM pg_roles WHERE rolname = :one", one=GROUP):
        connection.run(f"CREATE ROLE {group} NOLOGIN")
    connection.run(f"GRANT USAGE, CREATE ON SCHEMA public TO {group}")
    connection.run(
        f"CREATE TABLE IF NOT EXISTS {named} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
        f"content text NOT NULL, metadata jsonb NOT NULL DEFAULT '{{}}', embedding vector({dimensions}) NOT NULL)"
    )
    size = _size(connection, table)
    if size != dimensions:
        connection.run("ROLLBACK")
        raise ValueError(f"{table} holds vectors of {size} dimensions, declared {dimensions}; nothing was changed")
    # On RDS the master is no superuser: it hands a table to a role of which it is a member.
    owner = connection.run(
        "SELECT tableowner FROM pg_tables WHERE schemaname = 'public' AND tablename = :one", one=table
    )
    if owner != [[GROUP]]:  # asked first, as the statement waits until nobody uses the table
        connection.run(f"GRANT {group} TO CURRENT_USER")
        connection.run(f"ALTER TABLE {named} OWNER TO {group}")
    connection.run("COMMIT")


def _size(connection: Connection, table: str) -> int:
    query = (
        "SELECT a.atttypmod FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "WHERE c.oid = to_regclass(:name) AND a.attname = 'embedding' AND NOT a.attisdropped"
    )
    found = connection.run(query, name=f"public.{table}")
    return int(found[0][0]) if found else 0


def _index(connection: Connection, table: str, lists: int, begin: Callable[[str], bool]) -> str:
    """Have the index with so many lists; return '' where it is there, else how far the server is with building it.

    It is built under another name beside the one that may be there, and takes its place when it is whole; one that was
    given up is not valid and goes. ``begin`` has a statement run, and says whether it has ended.
    """
    name, next_ = identifier(index_of(table)), identifier(f"{index_of(table)}_next")
    if _stands(connection, index_of(table), lists):
        return ""
    told = _progress(connection, table)
    if not told and not _stands(connection, f"{index_of(table)}_next", lists):
        connection.run(f"DROP INDEX IF EXISTS {next_}")
        columns = "USING ivfflat (embedding vector_cosine_ops)"
        if not begin(f"CREATE INDEX CONCURRENTLY {next_} ON {identifier(table)} {columns} WITH (lists = {lists})"):
            told = _progress(connection, table) or "not begun"
    if told:
        return told
    connection.run("BEGIN")
    connection.run(f"DROP INDEX IF EXISTS {name}")
    connection.run(f"ALTER INDEX {next_} RENAME TO {name}")
    connection.run("COMMIT")
    return ""


def _stands(connection: Connection, name: str, lists: int) -> bool:
    """Tell whether an index is there, whole, and has so many lists."""
    query = "SELECT c.reloptions, i.indisvalid FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid WHERE c.oid = "
    return bool(connection.run(f"{query} to_regclass(:name)", name=f"public.{name}") == [[[f"lists={lists}"], True]])


def _begun(sign_in: Callable[..., Connection], patience: float, statement: str) -> bool:
    """Have the server run a statement on a connection of its own; tell whether it has ended within so many seconds.

    Hung up on, the server goes on: it does not look at the connection before the statement has ended.
    """
    connection = sign_in(seconds=patience)
    try:
        connection.run("SET statement_timeout = 0")
        connection.run(statement)
    except TimeoutError:
        return False
    finally:
        connection.close()
    return True


def _progress(connection: Connection, table: str) -> str:
    """Return what the server says of an index that it builds on a table, '' where it builds none."""
    query = (
        "SELECT phase, blocks_done, blocks_total, tuples_done, tuples_total FROM pg_stat_progress_create_index "
        "WHERE relid = to_regclass(:name)"
    )
    for phase, blocks, of_blocks, rows, of_rows in connection.run(query, name=f"public.{table}"):
        share = f", {rows} of {of_rows} rows" if of_rows else f", {blocks} of {of_blocks} blocks" if of_blocks else ""
        return f"{phase}{share}"
    return ""


def index_of(table: str) -> str:
    """Return the name of a table's vector index; PostgreSQL keeps 63 characters of a name, here with ``_next``."""
    return f"{table[:46]}_ivfflat"


def _measured(connection: Connection, table: str) -> dict[str, Any]:
    """Ask for the nearest neighbours of a row that is there; a small table is read by its index only where told to."""
    one = f"(SELECT embedding FROM {identifier(table)} LIMIT 1)"
    return _plan(connection, f"SELECT id FROM {identifier(table)} ORDER BY embedding <=> {one} LIMIT 5")


def _probed(connection: Connection, dimensions: int) -> dict[str, Any]:
    """Do the same on a table of random rows, which is rolled back."""
    connection.run("BEGIN")
    try:
        connection.run(f"CREATE TEMPORARY TABLE {_PROBE} (id int, embedding vector({dimensions})) ON COMMIT DROP")
        row = f"(SELECT array_agg(random() + 0 * n + 0 * m) FROM generate_series(1, {dimensions}) AS m)::vector"
        connection.run(f"INSERT INTO {_PROBE} SELECT n, {row} FROM generate_series(1, {_ROWS}) AS n")
        connection.run(f"CREATE INDEX ON {_PROBE} USING ivfflat (embedding vector_cosine_ops) WITH (lists = {_LISTS})")
        query = f"SELECT id FROM {_PROBE} ORDER BY embedding <=> (SELECT embedding FROM {_PROBE} LIMIT 1) LIMIT 5"
        return _plan(connection, query)
    finally:
        connection.run("ROLLBACK")


def _plan(connection: Connection, query: str) -> dict[str, Any]:
    """Return whether the planner reads a vector index for a query, and how many rows the query gives."""
    before = connection.run("SHOW enable_seqscan")[0][0]
    connection.run("SET enable_seqscan = off")
    try:
        explained = connection.run(f"EXPLAIN (FORMAT JSON) {query}")[0][0]
        plan = json.loads(explained) if isinstance(explained, str) else explained
        used = sorted(set(_indexes(plan)))
        return {"index_used": bool(used), "plan": used, "neighbours": len(connection.run(query))}
    finally:
        connection.run(f"SET enable_seqscan = {'on' if before == 'on' else 'off'}")


def _indexes(plan: Any) -> list[str]:
    """Return the nodes of a plan that read an index in the order of a distance."""
    if isinstance(plan, list):
        return [name for one in plan for name in _indexes(one)]
    if not isinstance(plan, dict):
        return []
    own = [f"{plan['Node Type']} on {plan['Index Name']}"] if plan.get("Order By") and plan.get("Index Name") else []
    return own + [name for one in plan.values() for name in _indexes(one) if isinstance(one, (dict, list))]


def _found(connection: Connection, table: str) -> dict[str, Any]:
    """Return versions, the index and how this very connection is encrypted, as the server tells them."""
    server = connection.run("SHOW server_version")[0][0]
    vector = connection.run("SELECT extversion FROM pg_extension WHERE extname = 'vector'")[0][0]
    made = connection.run("SELECT 1 FROM pg_indexes WHERE indexname = :name", name=index_of(table))
    tls = connection.run("SELECT ssl, version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()")[0]
    return {
        "server": server,
        "vector": vector,
        "index": index_of(table) if made else "",
        "tls": {"on": bool(tls[0]), "version": tls[1], "cipher": tls[2], "verified": "authority and name"},
    }
