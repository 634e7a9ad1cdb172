"""The database is prepared for vectors, by verified TLS from inside the VPC: the function's own log tells (DAT-03)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from airgap.checks.backups import moment
from airgap.checks.check import NotApplicable, Undecided, check
from airgap.checks.databases import READS, databases, is_copy
from airgap.checks.scope import Item, Named, tags
from airgap.model.canonical import dig
from airgap.model.data_stores import VECTORS_TAG, asked_of_database, bootstrap_log_group
from airgap.model.estate import Estate
from airgap.model.intent import Intent

EVENTS = "logs:FilterLogEvents"
COMPONENT = "database-bootstrap"
LOOK_AGAIN = dt.timedelta(days=30)
"""How long an empty table is taken for one: its index is built once there are rows, and only a look tells of them."""


def _databases(intent: Intent, estate: Estate) -> Named:
    if COMPONENT not in intent.components:
        raise NotApplicable(f"the component {COMPONENT} is not chosen: nobody asks for vectors")
    return [one for one in databases(intent, estate) if not is_copy(one[1]) and not _is_replica(one[1])]


def _is_replica(database: Item) -> bool:
    """A read replica has table and index from its source, and takes no statement that makes either."""
    return bool(database.get("ReadReplicaSourceDBInstanceIdentifier"))


def last_said(intent: Intent, estate: Estate, database: Item) -> Optional[Mapping[str, Any]]:
    """Return what the function said last of a database, with ``when`` as a time; None where it has said nothing.

    What it said of a drill's restored copy is nothing of the database.
    """
    host = dig(database, "Endpoint.Address")
    found: list[tuple[int, Mapping[str, Any]]] = []
    for params, body in estate.pages(EVENTS):
        if params.get("logGroupName") == bootstrap_log_group(intent):
            found += [(int(one["timestamp"]), json.loads(one["message"])) for one in body.get("events") or []]
    mine = [one for one in found if one[1].get("host") == host]
    if not mine:
        return None
    stamp, said = max(mine, key=lambda one: one[0])
    return {**said, "when": dt.datetime.fromtimestamp(stamp / 1000, dt.timezone.utc)}


@check(
    "database-prepared",
    "The database was reached from inside over verified TLS, is prepared for vectors, and a query uses their index",
    severity="medium",
    properties=("DAT-03",),
    reads=(*READS, EVENTS),
    remedy="apply the step data; airgap drill index, once the table has rows; the log of the function says what failed",
    over=_databases,
)
def prepared(database: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield what was not asked, not made or not measured; a rehearsal runs no statement."""
    asked = asked_of_database(intent)
    if tags(database).get(VECTORS_TAG) != asked:
        yield f"it was prepared for {tags(database).get(VECTORS_TAG, 'nothing')}, declared {asked}"
    said = last_said(intent, estate, database)
    if said is None:
        yield "the function has said nothing of having prepared it"
        return
    if said.get("rehearsed"):
        raise NotApplicable("a rehearsal calls the function and runs no statement: nothing was said over TLS")
    if said.get("asked") != asked:
        yield f"the function was asked last for {said.get('asked')}"
    if not dig(said, "tls.on") or dig(said, "tls.version") not in ("TLSv1.2", "TLSv1.3"):
        yield f"the connection was {dig(said, 'tls.version') or 'in the clear'}"
    if not said.get("vector"):
        yield "the extension vector is not there"
    if said.get("building"):
        command = f"airgap drill --env {intent.environment} index"
        raise Undecided(f"the server was building the index ({said['building']}); ask again with: {command}")
    if said.get("rows") and not said.get("index"):
        yield "the table has rows and no index"
    elif not said.get("rows") and moment(estate.taken_at) - said["when"] > LOOK_AGAIN:
        command = f"airgap drill --env {intent.environment} index"
        raise Undecided(f"the table was empty on {said['when']:%Y-%m-%d}, and nobody has looked since; run: {command}")
    if said.get("index_used") is not True:
        yield "the plan of a nearest-neighbour query does not use the index"


CHECKS = (prepared,)
