"""Which access policies there are, and which are given to whom."""

from __future__ import annotations

from airgap.rehearsal.eks.state import POLICY, kept, key
from airgap.rehearsal.store import Record, now
from airgap.rehearsal.wire import Call

# Access policies that a principal of the account can be given; EKS keeps two more to its own role.
ACCESS_POLICIES = (
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSViewPolicy",
    "AmazonEKSAutoNodePolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSHybridPolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
    "AmazonEKSSecretReaderPolicy",
)
OWN_POLICIES = ("AmazonEKSClusterInsightsPolicy", "AmazonEKSEventPolicy")
WHOLE_CLUSTER = {"type": "cluster", "namespaces": []}


def policy_arn(call: Call, name: str) -> str:
    """Return the ARN of an access policy."""
    return f"arn:{call.partition}:eks::aws:cluster-access-policy/{name}"


def give(call: Call, name: str, principal: str, policy: str, scope: Record) -> Record:
    """Give a principal an access policy, or set the scope of one that it has."""
    place = key(name, principal, policy)
    before = kept(call).get(POLICY, place) or {"associatedAt": now()}
    record = {
        "clusterName": name,
        "principalArn": principal,
        "policyArn": policy,
        "accessScope": scope,
        "associatedAt": before["associatedAt"],
        "modifiedAt": now(),
        "_key": place,
    }
    return kept(call).put(POLICY, place, record)
