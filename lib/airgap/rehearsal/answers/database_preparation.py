"""The function that prepares the database: it is called here as on AWS, and no statement runs.

What it answers says so; the SQL itself is tested against a real PostgreSQL (``tests/functions``).
"""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.answers.invocations import Failed, acts, need, reach_database, reach_endpoint, write_log
from airgap.rehearsal.wire import Call


@acts("functions.bootstrap.handler")
def prepare(call: Call, function: Any, event: dict[str, Any]) -> dict[str, Any]:
    """Read the master's password through the endpoint, reach the database, and say that nothing was run."""
    need(call, function, "secretsmanager:GetSecretValue", "kms:Decrypt")
    reach_endpoint(call, function, "secretsmanager")
    secrets = {secret.arn for secret in call.backend("secretsmanager").secrets.values()}
    if event.get("masterarn") not in secrets:
        raise Failed("ResourceNotFoundException: Secrets Manager can't find the specified secret.")
    reach_database(call, function, str(event.get("host")), int(event.get("port") or 0))
    answer = {"asked": event.get("asked", ""), "host": event.get("host", ""), "rehearsed": True}
    write_log(call, function, {"event": "database-prepared", **answer})
    return answer
