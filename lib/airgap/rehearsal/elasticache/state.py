"""What ElastiCache keeps: records by kind, how they are found, and the refusals that its operations share."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Record, Store, store
from airgap.rehearsal.wire import Call, Refusal

SERVICE = "elasticache"
SUBNETS, USER, GROUP, CACHE, NODE, SNAPSHOT = (
    "subnetgroup",
    "user",
    "usergroup",
    "replicationgroup",
    "cluster",
    "snapshot",
)
# kind: the member that names it, and the code by which one that is missing is refused.
NAMED = {
    SUBNETS: ("CacheSubnetGroupName", "CacheSubnetGroupNotFoundFault"),
    USER: ("UserId", "UserNotFound"),
    GROUP: ("UserGroupId", "UserGroupNotFound"),
    CACHE: ("ReplicationGroupId", "ReplicationGroupNotFoundFault"),
    NODE: ("CacheClusterId", "CacheClusterNotFound"),
    SNAPSHOT: ("SnapshotName", "SnapshotNotFoundFault"),
}


def kept(call: Call) -> Store:
    """Return what ElastiCache keeps for the caller's account and Region."""
    return store(call.account, call.region, SERVICE)


def one(call: Call, kind: str, name: str | None = None) -> Record:
    """Return the live record of a kind that a request names; refuse where there is none."""
    member, code = NAMED[kind]
    wanted = str(name if name is not None else call.get(member) or "")
    found = kept(call).get(kind, wanted)
    if found is None:
        raise Refusal(code, f"{wanted} not found", 404)
    return found


def listed(call: Call, kind: str) -> list[Record]:
    """Return copies of the records of a kind, or of the one that the request names."""
    if call.get(NAMED[kind][0]):
        return [shown(one(call, kind))]
    return [shown(record) for record in kept(call).all(kind)]


def shown(record: Record) -> Record:
    """Return a copy without the members that ElastiCache keeps to itself."""
    return {name: copy.deepcopy(value) for name, value in record.items() if not name.startswith("_")}


def free(call: Call, kind: str, code: str) -> str:
    """Return the name that a request gives to something new; refuse one that is taken."""
    name = str(call.get(NAMED[kind][0]) or "")
    if kept(call).get(kind, name) is not None:
        raise Refusal(code, f"{name} already exists")
    return name


def tags(call: Call) -> dict[str, str]:
    """Return the tags of a request."""
    return {tag["Key"]: tag.get("Value", "") for tag in call.get("Tags", [])}


def tagged(held: Store) -> Iterator[Record]:
    """Yield everything that carries tags."""
    for kind in NAMED:
        yield from held.all(kind)


def _by_arn(call: Call) -> Record:
    arn = str(call.get("ResourceName") or "")
    kind, _, name = arn.split(":", 5)[-1].partition(":")
    if kind not in NAMED:
        raise Refusal("InvalidARN", f"{arn} is not the ARN of anything here")
    return one(call, kind, name)


def _listed_tags(record: Record) -> dict[str, Any]:
    return {"TagList": [{"Key": key, "Value": value} for key, value in sorted(record["_tags"].items())]}


@answers(SERVICE, "ListTagsForResource")
def list_tags(call: Call) -> dict[str, Any]:
    """Return the tags of what an ARN names."""
    return _listed_tags(_by_arn(call))


@answers(SERVICE, "AddTagsToResource")
def add_tags(call: Call) -> dict[str, Any]:
    """Add tags to what an ARN names."""
    record = _by_arn(call)
    record["_tags"].update(tags(call))
    return _listed_tags(record)


@answers(SERVICE, "RemoveTagsFromResource")
def remove_tags(call: Call) -> dict[str, Any]:
    """Take tags from what an ARN names."""
    record = _by_arn(call)
    for key in call.get("TagKeys", []):
        record["_tags"].pop(key, None)
    return _listed_tags(record)
