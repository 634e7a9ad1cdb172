"""What EKS keeps: records by kind, how they are found and shown, and the refusals that its operations share."""

from __future__ import annotations

import copy
from typing import Any

from airgap.rehearsal.store import Record, Store, now, store
from airgap.rehearsal.wire import Call, Refusal

SERVICE = "eks"
CLUSTER, NODEGROUP, ADDON, UPDATE = "cluster", "nodegroup", "addon", "update"
ENTRY, POLICY, ASSOCIATION, PROVIDER = "access-entry", "access-policy", "pod-identity-association", "identity-provider"
# Everything that ends with its cluster.
PARTS = (NODEGROUP, ADDON, ENTRY, POLICY, ASSOCIATION, PROVIDER, UPDATE)


def kept(call: Call) -> Store:
    """Return what EKS keeps for the caller's account and Region."""
    return store(call.account, call.region, SERVICE)


def invalid(message: str, **members: Any) -> Refusal:
    """Return the refusal of a parameter."""
    return Refusal("InvalidParameterException", message, **members)


def bad_request(message: str, **members: Any) -> Refusal:
    """Return the refusal of a request that does not fit the state of the cluster."""
    return Refusal("InvalidRequestException", message, **members)


def in_use(message: str, **members: Any) -> Refusal:
    """Return the refusal of a name that is taken, or of a thing that is busy."""
    return Refusal("ResourceInUseException", message, 409, **members)


def not_found(message: str, **members: Any) -> Refusal:
    """Return the refusal for a thing that does not exist."""
    return Refusal("ResourceNotFoundException", message, 404, **members)


def cluster_name(call: Call) -> str:
    """Return the name of the cluster that a request is about."""
    return str(call.get("clusterName") or call.get("name") or "")


def cluster(call: Call) -> Record:
    """Return the live record of the cluster that a request is about; refuse where there is none."""
    name = cluster_name(call)
    found = kept(call).get(CLUSTER, name)
    if found is None:
        raise not_found(f"No cluster found for name: {name}.", clusterName=name)
    return found


def born(call: Call) -> Record:
    """Return a cluster that has been created, so that something can be added to it."""
    found = cluster(call)
    if found["status"] in ("CREATING", "DELETING", "FAILED"):
        raise bad_request(f"Cluster {found['name']} is not in ACTIVE status", clusterName=found["name"])
    return found


def parts(call: Call, kind: str) -> list[Record]:
    """Return copies of the records of a kind that belong to the request's cluster, oldest first."""
    name = cluster(call)["name"]
    return [record for record in kept(call).all(kind) if record["clusterName"] == name]


def part(call: Call, kind: str, name: str, absent: str) -> Record:
    """Return the live record of a part of the request's cluster; refuse with the words ``absent`` where it has none."""
    found = kept(call).get(kind, key(cluster(call)["name"], name))
    if found is None:
        raise not_found(absent)
    return found


def key(cluster: str, *names: str) -> str:
    """Return the key of a part of a cluster."""
    return "\n".join((cluster, *names))


def shown(record: Record) -> Record:
    """Return a copy without the members that EKS keeps to itself."""
    return {name: copy.deepcopy(value) for name, value in record.items() if not name.startswith("_")}


def touched(record: Record) -> Record:
    """Note that a record changed now, and return it."""
    record["modifiedAt"] = now()
    return record


def tags(call: Call) -> dict[str, str]:
    """Return the tags of a request; refuse those that only AWS sets."""
    given: dict[str, str] = call.get("tags", {})
    reserved = [name for name in given if name.lower().startswith("aws:")]
    if reserved:
        raise invalid(f"Tag keys cannot begin with aws: {reserved[0]}")
    return dict(given)
