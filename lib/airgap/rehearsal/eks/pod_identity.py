"""Pod Identity: which role the pods of a service account get.

https://docs.aws.amazon.com/eks/latest/userguide/pod-id-association.html
"""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.eks.roles import role_of, trusts
from airgap.rehearsal.eks.state import (
    ASSOCIATION,
    born,
    cluster,
    in_use,
    invalid,
    kept,
    key,
    not_found,
    parts,
    shown,
    tags,
    touched,
)
from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Record, new_id, now
from airgap.rehearsal.wire import Call

PRINCIPAL = "pods.eks.amazonaws.com"
_LISTED = ("clusterName", "namespace", "serviceAccount", "associationArn", "associationId", "ownerArn")


def _judge_role(call: Call, arn: str) -> None:
    role = role_of(call, arn)
    if role is None:
        raise invalid(f"Role provided in the request does not exist: {arn}")
    if not trusts(role, PRINCIPAL, "sts:AssumeRole", "sts:TagSession"):
        message = "Trust policy of role must allow sts:AssumeRole and sts:TagSession to the service principal"
        raise invalid(f"{message} {PRINCIPAL}")


def associate(call: Call, namespace: str, account: str, role: str, owner: str = "", **more: Any) -> Record:
    """Give a service account a role; refuse a role that Pod Identity cannot assume, and a second role."""
    name = cluster(call)["name"]
    _judge_role(call, role)
    present = [x for x in parts(call, ASSOCIATION) if (x["namespace"], x["serviceAccount"]) == (namespace, account)]
    if present:
        raise in_use(f"Association already exists: {present[0]['associationId']}", clusterName=name)
    identifier = new_id("a-")
    record = {
        "clusterName": name,
        "namespace": namespace,
        "serviceAccount": account,
        "roleArn": role,
        "associationArn": call.arn(f"podidentityassociation/{name}/{identifier}"),
        "associationId": identifier,
        "tags": {},
        "createdAt": now(),
        "modifiedAt": now(),
        "disableSessionTags": False,
        **({"ownerArn": owner} if owner else {}),
        **more,
        "_key": key(name, identifier),
    }
    return kept(call).put(ASSOCIATION, record["_key"], record)


@answers("eks", "CreatePodIdentityAssociation")
def create(call: Call) -> dict[str, Any]:
    """Associate a role with a service account, which need not exist yet."""
    born(call)
    more: dict[str, Any] = {"tags": tags(call), "disableSessionTags": call.get("disableSessionTags", False)}
    if call.get("policy") and not more["disableSessionTags"]:
        raise invalid("disableSessionTags must be true when a policy is specified")
    if call.get("targetRoleArn"):
        external = f"{call.region}/{call.account}/{call.get('clusterName')}/{call.get('namespace')}"
        more |= {"targetRoleArn": call.get("targetRoleArn"), "externalId": f"{external}/{call.get('serviceAccount')}"}
    if call.get("policy"):
        more["policy"] = call.get("policy")
    made = associate(call, call.get("namespace"), call.get("serviceAccount"), call.get("roleArn"), **more)
    return {"association": shown(made)}


def _found(call: Call) -> Record:
    identifier = call.get("associationId")
    record = kept(call).get(ASSOCIATION, key(cluster(call)["name"], identifier))
    if record is None:
        raise not_found(f"No association found with ID: {identifier}.")
    return record


@answers("eks", "DescribePodIdentityAssociation")
def describe(call: Call) -> dict[str, Any]:
    """Return one association."""
    return {"association": shown(_found(call))}


@answers("eks", "ListPodIdentityAssociations")
def list_associations(call: Call) -> dict[str, Any]:
    """Return the associations of a cluster, of one namespace or of one service account, without their roles."""
    found = parts(call, ASSOCIATION)
    for member in ("namespace", "serviceAccount"):
        if call.get(member):
            found = [x for x in found if x[member] == call.get(member)]
    return {"associations": [{name: x[name] for name in _LISTED if name in x} for x in found]}


@answers("eks", "UpdatePodIdentityAssociation")
def update(call: Call) -> dict[str, Any]:
    """Change the role of an association."""
    record = _found(call)
    if call.get("roleArn"):
        _judge_role(call, call.get("roleArn"))
    members = ("roleArn", "disableSessionTags", "targetRoleArn", "policy")
    record.update({name: call.get(name) for name in members if name in call.params})
    return {"association": shown(touched(record))}


@answers("eks", "DeletePodIdentityAssociation")
def delete(call: Call) -> dict[str, Any]:
    """Take the role from a service account."""
    record = _found(call)
    kept(call).remove(ASSOCIATION, record["_key"])
    return {"association": shown(record)}
