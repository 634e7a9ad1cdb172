"""The database made ready for vectors: a function in the sealed subnets runs the statements, the runbook calls it.

What was asked of it last stands as a tag on the database, so other dimensions or lists are a change, and a database
that took another's place is prepared again. What the function measured is in its log (``checks.vectors``).
AWS: Lambda Developer Guide, "Invoke a Lambda function synchronously"; RDS User Guide, "Tagging Amazon RDS resources".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from airgap.model.data_stores import PORT, VECTORS_TAG, asked_of_database
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources import functions, packages
from airgap.resources.kind import Call, Fields, Kind, declares
from airgap.resources.logs import LOG_GROUP

COMPONENT = NAME = "database-bootstrap"


def _event(f: Fields) -> str:
    """Names and numbers alone; the password is read by the function itself."""
    told = {
        "host": f["host"],
        "port": f["port"],
        "dbname": f["dbname"],
        "masterarn": f["master"],
        "table": f["table"],
        "dimensions": f["dimensions"],
        "lists": f["lists"],
        "asked": f["asked"],
    }
    return json.dumps(told, sort_keys=True)


def _tag(f: Fields) -> dict[str, Any]:
    return {"ResourceName": f["arn"], "Tags": [{"Key": VECTORS_TAG, "Value": f["asked"]}]}


_PREPARED = (
    Call(
        "lambda:Invoke",
        lambda f: {"FunctionName": f["function"], "InvocationType": "RequestResponse", "Payload": _event(f)},
        # One at a time; and a function that slept wakes first.
        retry=("TooManyRequestsException", "ResourceConflictException", "ENILimitReached"),
    ),
    Call("rds:AddTagsToResource", _tag),
)

VECTORS = Kind(
    "vector-table",
    "Table of vectors",
    Reading(
        "rds:DescribeDBInstances",
        "DBInstances.TagList",
        "^.DBInstanceIdentifier+Key",
        owner="parent",
        natural=("database",),
        only=(("Key", VECTORS_TAG),),
        fields={
            "database": Field("^.DBInstanceIdentifier", change=NEVER, why="a table is a part of its database"),
            "asked": Field("Value", why="statements that may be run again; a table of another size is refused"),
        },
    ),
    create=_PREPARED,
    updates={"asked": _PREPARED},
)


_WAYS = (
    f"security-group-rule:bootstrap-out-tcp-{PORT}-database",
    f"security-group-rule:database-in-tcp-{PORT}-bootstrap",
    "security-group-rule:bootstrap-out-tcp-443-endpoints",
)


@declares(packages.OBJECT, LOG_GROUP, functions.FUNCTION)
def declare_function(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the function that prepares the database, with the package of all functions."""
    if COMPONENT in intent.components:
        yield from packages.declare(intent, facts)
        why = "prepares the database for vectors, and measures that their index is used"
        handler = "functions.bootstrap.handler"
        yield from functions.function(intent, NAME, handler=handler, role=NAME, group="bootstrap", why=why, timeout=50)


@declares(VECTORS)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the table of vectors."""
    if COMPONENT not in intent.components:
        return
    fields = {
        "database": ref("db-instance:postgres"),
        "arn": ref("db-instance:postgres", "arn"),
        "host": ref("db-instance:postgres", "endpoint"),
        "port": PORT,
        "dbname": intent.data.database,
        "master": ref("db-instance:postgres", "master_secret"),
        "function": ref(f"function:{NAME}"),
        "table": intent.data.embeddings_table,
        "dimensions": intent.data.embedding_dimensions,
        "lists": intent.data.ivfflat_lists,
        "asked": asked_of_database(intent),
    }
    why = "pgvector, its table, and an index once there are rows"
    yield Desired("vector-table", "embeddings", fields, needs=_WAYS, why=why)
