"""Access policies of EKS: what an access entry may do in a cluster or in some of its namespaces, besides its groups.

https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
"""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.eks.access import STANDARD, entry_of
from airgap.rehearsal.eks.given import ACCESS_POLICIES, OWN_POLICIES, give, policy_arn
from airgap.rehearsal.eks.state import POLICY, bad_request, invalid, kept, key, not_found, parts, shown
from airgap.rehearsal.hook import answers
from airgap.rehearsal.wire import Call


@answers("eks", "AssociateAccessPolicy")
def associate(call: Call) -> dict[str, Any]:
    """Give a standard entry an access policy, in the cluster or in namespaces; given again, its scope is set."""
    entry, arn, scope = entry_of(call), call.get("policyArn"), call.get("accessScope", {})
    if arn not in {policy_arn(call, name) for name in ACCESS_POLICIES}:
        raise invalid("The policyArn parameter format is not valid or names no access policy that can be associated")
    if entry["type"] != STANDARD:
        raise bad_request(f"An access entry of type {entry['type']} cannot have access policies")
    namespaces = scope.get("namespaces", [])
    if scope.get("type", "cluster") == "namespace" and not namespaces:
        raise invalid("The accessScope of type namespace must name namespaces")
    if scope.get("type", "cluster") == "cluster" and namespaces:
        raise invalid("The accessScope of type cluster cannot name namespaces")
    whole = {"type": scope.get("type", "cluster"), "namespaces": namespaces}
    record = give(call, entry["clusterName"], entry["principalArn"], arn, whole)
    names = {member: entry[member] for member in ("clusterName", "principalArn")}
    return names | {"associatedAccessPolicy": shown(record)}


@answers("eks", "DisassociateAccessPolicy")
def disassociate(call: Call) -> dict[str, Any]:
    """Take an access policy from an entry."""
    entry = entry_of(call)
    if kept(call).remove(POLICY, key(entry["clusterName"], entry["principalArn"], call.get("policyArn"))) is None:
        raise not_found("The specified policyArn is not associated with the access entry")
    return {}


@answers("eks", "ListAssociatedAccessPolicies")
def associated(call: Call) -> dict[str, Any]:
    """Return the access policies of one entry."""
    entry = entry_of(call)
    found = [shown(x) for x in parts(call, POLICY) if x["principalArn"] == entry["principalArn"]]
    names = {member: entry[member] for member in ("clusterName", "principalArn")}
    return names | {"associatedAccessPolicies": found}


@answers("eks", "ListAccessPolicies")
def access_policies(call: Call) -> dict[str, Any]:
    """Return the access policies that EKS has."""
    names = sorted((*ACCESS_POLICIES, *OWN_POLICIES))
    return {"accessPolicies": [{"name": name, "arn": policy_arn(call, name)} for name in names]}
