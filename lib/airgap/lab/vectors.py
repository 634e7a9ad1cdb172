"""Vectors in clusters, as embeddings are, put into a table of the database; and how their neighbours are found.

A row's nearest neighbours by the index are compared with those that a whole reading finds.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airgap.lab.postgres import Server, ask
from airgap.lab.sql import connected

CLUSTERS, SPREAD, NEAREST = 40, 0.35, 10


@dataclass(frozen=True)
class Found:
    """How the nearest neighbours were found: the index that the plan reads, whether the planner chose it by itself, and
    the share of the true ones that it finds, by the setting that applications have and by a search of every list.
    """

    plan: tuple[str, ...]
    chosen: bool
    recall: float
    recall_of_all: float


def insert(server: Server, user: str, password: str, table: str, dimensions: int, rows: int, seed: int = 1) -> int:
    """Write rows as the application; return how many the table holds then."""
    with connected(server, user, password) as one:
        one.run(f"COPY {table} (content, metadata, embedding) FROM STDIN", stream=io.StringIO(
            "".join(_lines(dimensions, rows, seed))))  # fmt: skip
        one.run(f"ANALYZE {table}")
        return int(one.run(f"SELECT count(*) FROM {table}")[0][0])


def _lines(dimensions: int, rows: int, seed: int) -> Iterator[str]:
    chance = random.Random(seed)
    centres = [[chance.gauss(0, 1) for _ in range(dimensions)] for _ in range(CLUSTERS)]
    for number in range(rows):
        near = centres[number % CLUSTERS]
        vector = ",".join(f"{one + SPREAD * (chance.random() - 0.5):.4f}" for one in near)
        yield f"text {number}\t{json.dumps({'cluster': number % CLUSTERS})}\t[{vector}]\n"


def neighbours(server: Server, user: str, password: str, table: str, lists: int) -> Found:
    """Ask for the nearest neighbours of a row by the application's own query, and compare them with the true ones."""
    query = f"FROM {table} ORDER BY embedding <=> (SELECT embedding FROM {table} WHERE id = 7) LIMIT {NEAREST}"
    with connected(server, user, password) as one:

        def found(**settings: Any) -> tuple[list[str], set[int]]:
            one.run("RESET ALL")
            for name, value in settings.items():
                one.run(f"SET {name.replace('__', '.')} = {value}")
            plan = _indexes(one.run(f"EXPLAIN (FORMAT JSON) SELECT id {query}")[0][0])
            return plan, {row[0] for row in one.run(f"SELECT id {query}")}

        own, by_itself = found()
        plan, _ = found(enable_seqscan="off")
        searched, of_all = found(enable_seqscan="off", ivfflat__probes=lists)
        none, true = found(enable_indexscan="off")
    if none or not true:
        raise ValueError(f"the true neighbours are read by {none or 'nothing'}")
    return Found(tuple(plan if searched else ()), bool(own), len(by_itself & true) / len(true),
                 len(of_all & true) / len(true))  # fmt: skip


def _indexes(plan: Any) -> list[str]:
    """Return the index scans of a plan that are in the order of a distance."""
    if isinstance(plan, list):
        return [name for one in plan for name in _indexes(one)]
    if not isinstance(plan, dict):
        return []
    own = [f"{plan['Node Type']} on {plan['Index Name']}"] if plan.get("Order By") and plan.get("Index Name") else []
    return own + [name for one in plan.values() if isinstance(one, (dict, list)) for name in _indexes(one)]


def index(server: Server, table: str) -> tuple[int, str] | None:
    """Return (identity, definition) of a table's ivfflat index; one that is built again has another identity."""
    text = f"SELECT indexrelid::int, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = '{table}'::regclass"
    found = [one for one in ask(server, text) if "USING ivfflat" in str(one[1])]
    return (int(found[0][0]), str(found[0][1]).partition(" USING ")[2]) if found else None


def digest(server: Server, table: str) -> tuple[int, str]:
    """Return (rows, MD5 of all rows in their order) of a table, as the server itself computes it."""
    text = f"SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY id)) FROM {table} t"
    rows, told = ask(server, text)[0]
    return int(rows), str(told)
