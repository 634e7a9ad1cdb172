"""Snapshots of caches."""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.elasticache.state import CACHE, SERVICE, SNAPSHOT, kept, listed, one, shown, tags
from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Record, now
from airgap.rehearsal.wire import Call, Refusal


def take(call: Call, cache: Record, name: str) -> Record:
    """Take a snapshot of a cache; a name serves once."""
    if kept(call).get(SNAPSHOT, name) is not None:
        raise Refusal("SnapshotAlreadyExistsFault", f"A snapshot named {name} exists")
    record = {
        "SnapshotName": name,
        "ReplicationGroupId": cache["ReplicationGroupId"],
        "ReplicationGroupDescription": cache["Description"],
        "SnapshotStatus": "available",
        "SnapshotSource": "manual",
        "CacheNodeType": cache["CacheNodeType"],
        "Engine": cache["Engine"],
        "KmsKeyId": cache.get("KmsKeyId"),
        "NodeSnapshots": [{"CacheNodeId": "0001", "SnapshotCreateTime": now()}],
        "ARN": call.arn(f"snapshot:{name}"),
        "_tags": tags(call),
    }
    return kept(call).put(SNAPSHOT, name, record)


@answers(SERVICE, "CreateSnapshot")
def create(call: Call) -> dict[str, Any]:
    """Take a snapshot of a replication group."""
    return {"Snapshot": shown(take(call, one(call, CACHE), call.get("SnapshotName")))}


@answers(SERVICE, "DescribeSnapshots")
def describe(call: Call) -> dict[str, Any]:
    """Return all snapshots, those of one cache, or one."""
    of = call.get("ReplicationGroupId")
    return {"Snapshots": [x for x in listed(call, SNAPSHOT) if of in (None, x["ReplicationGroupId"])]}


@answers(SERVICE, "DeleteSnapshot")
def delete(call: Call) -> dict[str, Any]:
    """Delete a snapshot."""
    record = one(call, SNAPSHOT)
    kept(call).remove(SNAPSHOT, record["SnapshotName"])
    return {"Snapshot": {**shown(record), "SnapshotStatus": "deleting"}}
