"""Access: entries of principals, the groups and access policies that they bring.

https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from airgap.rehearsal.eks.given import OWN_POLICIES, WHOLE_CLUSTER, give, policy_arn
from airgap.rehearsal.eks.roles import linked_role
from airgap.rehearsal.eks.state import (
    ENTRY,
    POLICY,
    bad_request,
    born,
    cluster,
    in_use,
    invalid,
    kept,
    key,
    part,
    parts,
    shown,
    tags,
    touched,
)
from airgap.rehearsal.hook import answers
from airgap.rehearsal.principals import exists
from airgap.rehearsal.store import Record, now
from airgap.rehearsal.wire import Call

STANDARD, NODES = "STANDARD", "EC2_LINUX"
TYPES = (STANDARD, NODES, "EC2_WINDOWS", "FARGATE_LINUX", "EC2", "HYBRID_LINUX", "HYPERPOD_LINUX")
_PRINCIPAL = re.compile(r"arn:[a-z-]+:iam::(\d{12}):(role|user)/(?:.+/)?([\w+=,.@-]+)")


def _with_entries(call: Call) -> Record:
    record = cluster(call)
    if record["accessConfig"]["authenticationMode"] == "CONFIG_MAP":
        message = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
        raise bad_request(f"{message}operation.", clusterName=record["name"])
    return record


def admit_creator(call: Call, record: Record) -> None:
    """Make the entries that a new cluster is born with: EKS's own, and its creator's unless that was declined."""
    own = linked_role(call, "eks")
    _put(call, record["name"], own, [policy_arn(call, name) for name in OWN_POLICIES])
    if record["_bootstrap"]:
        creator = f"arn:{call.partition}:iam::{call.account}:role/{record['_creator']}"
        _put(call, record["name"], creator, [policy_arn(call, "AmazonEKSClusterAdminPolicy")])


def admit_nodes(call: Call, name: str, role: str) -> None:
    """Make the entry of a node role, where the cluster has entries and none is there."""
    record = cluster(call)
    if record["accessConfig"]["authenticationMode"] != "CONFIG_MAP" and kept(call).get(ENTRY, key(name, role)) is None:
        _put(call, name, role, [], NODES)


def forget(call: Call, name: str, role: str) -> None:
    """Take an entry away with its policies."""
    kept(call).remove(ENTRY, key(name, role))
    for one in kept(call).all(POLICY):
        if (one["clusterName"], one["principalArn"]) == (name, role):
            kept(call).remove(POLICY, one["_key"])


def _put(call: Call, name: str, principal: str, policies: list[str], kind: str = STANDARD, **more: Any) -> Record:
    match = _PRINCIPAL.fullmatch(principal)
    owner, word, short = match.groups() if match else ("", "", "")
    record = {
        "clusterName": name,
        "principalArn": principal,
        "kubernetesGroups": ["system:nodes"] if kind == NODES else [],
        "accessEntryArn": call.arn(f"access-entry/{name}/{word}/{owner}/{short}/{uuid.uuid4()}"),
        "createdAt": now(),
        "modifiedAt": now(),
        "tags": {},
        "username": _username(call, principal, kind),
        "type": kind,
        **more,
        "_key": key(name, principal),
    }
    for policy in policies:
        give(call, name, principal, policy, dict(WHOLE_CLUSTER))
    return kept(call).put(ENTRY, record["_key"], record)


def _username(call: Call, principal: str, kind: str) -> str:
    if kind != STANDARD:
        return "system:node:{{EC2PrivateDNSName}}" if kind.startswith("EC2") else "system:node:{{SessionName}}"
    match = _PRINCIPAL.fullmatch(principal)
    if match is None or match.group(2) == "user":
        return principal
    return f"arn:{call.partition}:sts::{match.group(1)}:assumed-role/{match.group(3)}/{{{{SessionName}}}}"


@answers("eks", "CreateAccessEntry")
def create(call: Call) -> dict[str, Any]:
    """Admit a role or user that exists; nodes' roles get their groups and name from EKS."""
    born(call)
    name, principal, kind = _with_entries(call)["name"], call.get("principalArn"), call.get("type", STANDARD)
    match = _PRINCIPAL.fullmatch(principal)
    if match is None or not exists(call.account, call.partition, principal):
        raise invalid("The specified principalArn is invalid: invalid principal.", clusterName=name)
    if kind not in TYPES:
        raise invalid(f"The type {kind} is not valid", clusterName=name)
    if kind != STANDARD and (match.group(2) != "role" or call.get("kubernetesGroups") or call.get("username")):
        raise invalid(f"An entry of type {kind} is of a role, and takes neither groups nor username")
    if kept(call).get(ENTRY, key(name, principal)) is not None:
        raise in_use("The specified access entry resource is already in use on this cluster.", clusterName=name)
    more: dict[str, Any] = {"tags": tags(call)}
    if kind == STANDARD:
        more["kubernetesGroups"] = _groups(call)
        more["username"] = call.get("username", _username(call, principal, kind))
    return {"accessEntry": shown(_put(call, name, principal, [], kind, **more))}


def _groups(call: Call) -> list[str]:
    groups: list[str] = call.get("kubernetesGroups", [])
    reserved = [x for x in groups if x.startswith(("system:", "eks:", "aws:", "amazon:", "iam:"))]
    if reserved:
        raise invalid(f"The kubernetes group name {reserved[0]} is invalid, it cannot start with system:")
    return list(groups)


def entry_of(call: Call) -> Record:
    """Return the live entry that a request is about; refuse where there is none."""
    _with_entries(call)
    principal = call.get("principalArn")
    message = f"The specified principalArn could not be found. You can view your available access entries: {principal}"
    return part(call, ENTRY, principal, message)


@answers("eks", "DescribeAccessEntry")
def describe(call: Call) -> dict[str, Any]:
    """Return one entry."""
    return {"accessEntry": shown(entry_of(call))}


@answers("eks", "ListAccessEntries")
def list_entries(call: Call) -> dict[str, Any]:
    """Return the principals of the entries, or of those that have one access policy."""
    _with_entries(call)
    policy = call.get("associatedPolicyArn")
    having = {x["principalArn"] for x in parts(call, POLICY) if x["policyArn"] == policy}
    found = [x["principalArn"] for x in parts(call, ENTRY)]
    return {"accessEntries": [x for x in found if policy is None or x in having]}


@answers("eks", "UpdateAccessEntry")
def update(call: Call) -> dict[str, Any]:
    """Change the groups or the username of a standard entry."""
    entry = entry_of(call)
    if entry["type"] != STANDARD:
        raise bad_request(f"An access entry of type {entry['type']} cannot be changed")
    if "kubernetesGroups" in call.params:
        entry["kubernetesGroups"] = _groups(call)
    entry["username"] = call.get("username", entry["username"])
    return {"accessEntry": shown(touched(entry))}


@answers("eks", "DeleteAccessEntry")
def delete(call: Call) -> dict[str, Any]:
    """Take an entry away, with its policies."""
    entry = entry_of(call)
    forget(call, entry["clusterName"], entry["principalArn"])
    return {}
