"""Updates: every change of a cluster, node group or add-on is one, and there is one at a time."""

from __future__ import annotations

import json
import uuid
from typing import Any

from airgap.rehearsal.eks.state import (
    ADDON,
    CLUSTER,
    NODEGROUP,
    UPDATE,
    cluster,
    cluster_name,
    in_use,
    kept,
    key,
    not_found,
    part,
    shown,
)
from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Record, now
from airgap.rehearsal.wire import Call


def refuse_while_busy(call: Call, kind: str, identifier: str) -> None:
    """Refuse a change of something that is being created, changed or deleted."""
    record = kept(call).get(kind, identifier)
    running = [x for x in kept(call).all(UPDATE) if x["_of"] == (kind, identifier) and x["status"] == "InProgress"]
    name = cluster_name(call)
    if running:
        message = f"Cannot {call.operation} because {kind} {identifier.split(chr(10))[-1]} currently has update "
        raise in_use(f"{message}{running[0]['id']} in progress", clusterName=name)
    if record is not None and record["status"] in ("CREATING", "UPDATING", "DELETING"):
        message = f"{kind} {identifier.split(chr(10))[-1]} is currently {record['status']}"
        raise in_use(message, clusterName=name)


def begin(call: Call, kind: str, record: Record, change: Record, update_type: str, **params: Any) -> dict[str, Any]:
    """Start an update that puts ``change`` into a record when it is finished, and return EKS's answer.

    ``params`` are shown as the update's parameters.
    """
    of = record["name"] if kind == CLUSTER else key(record["clusterName"], record[f"{kind}Name"])
    refuse_while_busy(call, kind, of)
    identifier, operation = str(uuid.uuid4()), f"eks:{call.operation}"
    written = [{"type": name, "value": _text(value)} for name, value in params.items()]
    update = {"id": identifier, "status": "InProgress", "type": update_type, "params": written, "createdAt": now()}
    owner = {"clusterName": cluster_name(call), "errors": [], "_of": (kind, of), "_key": identifier}
    kept(call).put(UPDATE, identifier, {**update, **owner})
    kept(call).later(UPDATE, identifier, operation, {"status": "Successful"})
    record["status"] = "UPDATING"
    kept(call).later(kind, of, operation, {"status": "ACTIVE", **change})
    return {"update": update | {"errors": []}}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _subject(call: Call) -> tuple[str, str]:
    """Return what the updates are of: a node group, an add-on, or the cluster itself."""
    name = cluster(call)["name"]
    for kind in (NODEGROUP, ADDON):
        wanted = call.get(f"{kind}Name")
        if wanted:
            part(call, kind, wanted, f"No {kind} found for name: {wanted}.")
            return kind, key(name, wanted)
    return CLUSTER, name


@answers("eks", "ListUpdates")
def list_updates(call: Call) -> dict[str, Any]:
    """Return the ids of the updates of one thing, newest first."""
    of = _subject(call)
    return {"updateIds": [x["id"] for x in reversed(kept(call).all(UPDATE)) if x["_of"] == of]}


@answers("eks", "DescribeUpdate")
def describe_update(call: Call) -> dict[str, Any]:
    """Return one update of one thing."""
    of, identifier = _subject(call), call.get("updateId")
    found = next((x for x in kept(call).all(UPDATE) if x["id"] == identifier and x["_of"] == of), None)
    if found is None:
        raise not_found(f"No update found for ID: {identifier}")
    return {"update": shown(found)}
