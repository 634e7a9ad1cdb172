"""Roles: no wildcards, nobody foreign, pods bound to their service account (IAM-01, EKS-07)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Union

from airgap.checks.check import NotApplicable, Undecided, check
from airgap.checks.scope import Item, Named, every, is_ours, label
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.policy import Policy, parse
from airgap.model.policy_lint import Grant, actions, foreign_principals, grants_admin, wildcard_grants

DETAILS = "iam:GetAccountAuthorizationDetails"
READS = (DETAILS,)
# Service Authorization Reference: writes that no resource can limit, by service.
UNBOUND = {
    "ec2": ("AssignPrivateIpAddresses", "CreateNetworkInterface", "DeleteNetworkInterface",
            "UnassignPrivateIpAddresses"),
    "ssm": ("PutInventory", "UpdateInstanceInformation"),
    "ssmmessages": ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"),
    "transcribe": ("StartStreamTranscription", "StartStreamTranscriptionWebSocket"),
}  # fmt: skip
PODS = "pods.eks.amazonaws.com"
# Services whose requests to assume a role carry no source account.
UNLIMITED = ("ec2", "lambda")
MANAGED = {
    "node": {"AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodePolicy"},
    "cluster": {"AmazonEKSClusterPolicy"},
    "vpc-cni": {"AmazonEKS_CNI_Policy"},
    "ebs-csi": {"AmazonEBSCSIDriverPolicyV2"},
}


def roles(intent: Intent, estate: Estate) -> Named:
    """Return the environment's roles: those with its tag, and those of its names whoever made them."""
    return [
        (label(one, "RoleName"), one)
        for one in every(estate, DETAILS, "RoleDetailList")
        if not one["Path"].startswith("/aws-service-role/")
        and (is_ours(one, intent) or one["RoleName"] in _names(intent))
    ]


def _names(intent: Intent) -> dict[str, str]:
    """The names that outsiders rely on, with what each is for."""
    named = {intent.name(one): one for one in ("developer", "node", "runner", "cluster", "vpc-cni", "ebs-csi")}
    return {**named, intent.identity.deploy_role: "deploy"}


def one_role(purpose: str) -> Any:
    """Return a population: the role of a purpose, by its name."""

    def find(intent: Intent, estate: Estate) -> Named:
        return [(name, one) for name, one in roles(intent, estate) if _names(intent).get(one["RoleName"]) == purpose]

    return find


def policies(role: Item, estate: Estate) -> Iterator[tuple[str, Policy]]:
    """Yield (name, policy) of a role's inline policies and of the account's own that are attached to it."""
    for one in role.get("RolePolicyList", []):
        yield one["PolicyName"], parse(_document(one["PolicyDocument"]))
    own = {one["Arn"]: one for one in every(estate, DETAILS, "Policies")}
    for one in role.get("AttachedManagedPolicies", []):
        if one["PolicyArn"] in own:
            versions = own[one["PolicyArn"]].get("PolicyVersionList", [])
            current = [each for each in versions if each.get("IsDefaultVersion")]
            if not current:
                raise Undecided(f"the default version of {one['PolicyArn']} is not in the page")
            yield one["PolicyName"], parse(_document(current[0]["Document"]))
        elif not _is_aws(one):
            raise Undecided(f"the policy {one['PolicyArn']} is not in the page")


def _document(value: Any) -> Union[str, Mapping[str, Any]]:
    return value if isinstance(value, (str, Mapping)) else str(value)


def _is_aws(attached: Item) -> bool:
    return ":iam::aws:policy/" in str(attached.get("PolicyArn", ""))


def allowed(role: Item, estate: Estate) -> list[Grant]:
    """Return what a role's policies allow."""
    return [grant for _, policy in policies(role, estate) for grant in actions(policy) if grant.effect == "Allow"]


def _unbound(sentence: str) -> bool:
    """Whether a sentence speaks of a write that no resource can limit."""
    return any(f"write {service}:{name} on" in sentence for service, names in UNBOUND.items() for name in names)


@check(
    "roles-no-wildcards",
    "No policy of the role grants everything, every action of a service, or writes on every resource",
    severity="critical",
    properties=("IAM-01", "EKS-07"),
    reads=READS,
    remedy="name the actions and the resources",
    over=roles,
)
def no_wildcards(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each wide grant of an inline or own managed policy."""
    for name, policy in policies(role, estate):
        if grants_admin(policy):
            yield f"policy {name} grants administration"
        for sentence in wildcard_grants(policy):
            if not _unbound(sentence):
                yield f"policy {name}: {sentence}"


@check(
    "roles-managed-known",
    "The role carries no policy of AWS beyond those that its task is documented to need",
    severity="high",
    properties=("IAM-01",),
    reads=READS,
    remedy="detach the policy; add what is needed as a statement of the role",
    over=roles,
)
def managed_known(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each policy of AWS that is not on the list of the role's task."""
    known = MANAGED.get(_names(intent).get(role["RoleName"], ""), set())
    for one in role.get("AttachedManagedPolicies", []):
        if _is_aws(one) and one["PolicyArn"].rpartition("/")[2] not in known:
            yield f"{one['PolicyArn']} is attached"


@check(
    "roles-trust-own",
    "Nobody outside the accounts in scope may assume the role",
    severity="critical",
    properties=("IAM-01",),
    reads=READS,
    remedy="take the principal out of the trust policy",
    over=roles,
)
def trust_own(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each foreign principal of the trust policy, and each service that may come on anybody's behalf."""
    admitted = foreign_principals(_trust(role), intent.accounts, intent.organization)
    yield from (*admitted.foreign, *admitted.unresolved)
    for one in admitted.services:
        if not one.limited and one.service.partition(".")[0] not in UNLIMITED and one.service != PODS:
            yield f"{one.statement!r} admits {one.service} on anybody's behalf"


def _trust(role: Item) -> Policy:
    return parse(_document(role["AssumeRolePolicyDocument"]))


def _of_pods(intent: Intent, estate: Estate) -> Named:
    """The roles that EKS Pod Identity may assume."""
    return [
        (name, one)
        for name, one in roles(intent, estate)
        if any(PODS in (each.principals or {}).get("Service", ()) for each in _trust(one).statements)
    ]


@check(
    "roles-pods-bound",
    "The role is for the pods of one service account of this cluster",
    severity="high",
    properties=("EKS-07",),
    reads=READS,
    remedy="bind the trust to cluster, namespace and service account by their request tags",
    over=_of_pods,
)
def pods_bound(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each request tag that the trust in EKS Pod Identity does not fix to one value, or to another cluster."""
    cluster = intent.arn("eks", f"cluster/{intent.cluster.name}")
    for statement in _trust(role).statements:
        if statement.effect != "Allow" or PODS not in (statement.principals or {}).get("Service", ()):
            continue
        fixed = {key: wanted for operator, key, wanted in statement.conditions if operator == "StringEquals"}
        for name in ("eks-cluster-arn", "kubernetes-namespace", "kubernetes-service-account"):
            if len(fixed.get(f"aws:RequestTag/{name}", ())) != 1:
                yield f"{statement.name!r} does not fix {name}"
        if fixed.get("aws:RequestTag/eks-cluster-arn", (cluster,)) != (cluster,):
            yield f"{statement.name!r} is for the cluster {fixed['aws:RequestTag/eks-cluster-arn'][0]}"


def _with_boundary(intent: Intent, estate: Estate) -> Named:
    if not intent.identity.permissions_boundary:
        raise NotApplicable("the params declare no permissions boundary")
    return roles(intent, estate)


@check(
    "roles-bounded",
    "The role carries the declared permissions boundary",
    severity="high",
    properties=("IAM-01",),
    reads=READS,
    remedy="set the boundary on the role",
    over=_with_boundary,
)
def bounded(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the boundary is another one, or missing."""
    wanted = intent.identity.permissions_boundary
    found = (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
    if found != wanted:
        yield f"its boundary is {found or 'none'}"


CHECKS = (no_wildcards, managed_known, trust_own, pods_bound, bounded)
