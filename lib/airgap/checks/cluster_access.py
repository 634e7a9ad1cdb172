"""Who may enter the cluster and as whom its pods act: exactly the declared, each surplus by name (EKS-07, EKS-08)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Optional

from airgap.checks.check import NotApplicable, check
from airgap.checks.cluster import READS, clusters
from airgap.checks.roles import DETAILS, allowed
from airgap.checks.scope import Item, Named, every
from airgap.model.canonical import dig
from airgap.model.cluster import DOCUMENTS, Access, ServiceAccount, access, made_by_eks, role_arn, service_accounts
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.policy import parse

ENTRY, POLICIES = "eks:DescribeAccessEntry", "eks:ListAssociatedAccessPolicies"
ASSOCIATION = "eks:DescribePodIdentityAssociation"


class Entry(NamedTuple):
    """A principal with what is declared of it and what is there of it."""

    principal: str
    declared: Optional[Access]
    live: Optional[Item]


def entries(intent: Intent, estate: Estate) -> list[tuple[str, Entry]]:
    """Return every declared and every live access entry of the cluster, EKS's own apart."""
    estate.pages("eks:ListAccessEntries")
    wanted = {role_arn(intent, one.role): one for one in access(intent)}
    bodies = [body["accessEntry"] for _, body in estate.pages(ENTRY)]
    live = {one["principalArn"]: one for one in bodies if one["clusterName"] == intent.cluster.name}
    found = [Entry(one, wanted.get(one), live.get(one)) for one in dict.fromkeys([*wanted, *live])]
    return [(_name(one), one) for one in found if not made_by_eks(one.principal)]


def _name(entry: Entry) -> str:
    return f"access-entry:{entry.declared.name}" if entry.declared else entry.principal


@check(
    "cluster-creator-gone",
    "Access is by entries alone, and whoever made the cluster got none by that",
    severity="critical",
    properties=("EKS-08",),
    reads=READS,
    remedy="apply the step cluster; delete the creator's entry",
    over=clusters,
)
def creator_gone(cluster: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the aws-auth map still counts, or that the creator was made an administrator."""
    mode = dig(cluster, "accessConfig.authenticationMode")
    if mode != "API":
        yield f"its authentication mode is {mode}: whoever edits the map in the cluster decides who enters"
    if dig(cluster, "accessConfig.bootstrapClusterCreatorAdminPermissions"):
        yield "its creator was made an administrator"


@check(
    "cluster-entries-declared",
    "The access entry is declared, and maps to exactly its declared groups",
    severity="critical",
    properties=("EKS-08",),
    reads=("eks:ListAccessEntries", ENTRY),
    remedy="delete the entry, or apply the step cluster",
    over=entries,
)
def entries_declared(entry: Entry, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that an entry is one too many or missing, or that it has another type or other groups."""
    if entry.live is None:
        yield "it is declared and is not there"
    elif entry.declared is None:
        groups = ", ".join(entry.live.get("kubernetesGroups") or []) or "no group"
        yield f"{entry.principal} may enter the cluster and is not declared ({groups})"
    else:
        if entry.live.get("type") != entry.declared.type:
            yield f"its type is {entry.live.get('type')}, declared {entry.declared.type}"
        groups_of_nodes = ("system:nodes",) if entry.declared.type != "STANDARD" else ()
        surplus = set(entry.live.get("kubernetesGroups") or []) - {*entry.declared.groups, *groups_of_nodes}
        missing = set(entry.declared.groups) - set(entry.live.get("kubernetesGroups") or [])
        yield from (f"it is in group {one}, which is not declared" for one in sorted(surplus))
        yield from (f"it is not in group {one}" for one in sorted(missing))


@check(
    "cluster-policies-declared",
    "The access entry carries exactly its declared access policies",
    severity="critical",
    properties=("EKS-08",),
    reads=("eks:ListAccessEntries", ENTRY, POLICIES),
    remedy="disassociate the policy; rights in the cluster are roles there",
    over=entries,
)
def policies_declared(entry: Entry, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each access policy of the entry that is not declared, and each declared one that is missing."""
    wanted = set(entry.declared.policies) if entry.declared else set()
    if entry.live is None:
        yield from (f"{one} is not associated, since the entry is not there" for one in sorted(wanted))
        return
    names = {"clusterName": intent.cluster.name, "principalArn": entry.principal}
    live = estate.items(POLICIES, "associatedAccessPolicies", **names)
    found = {one["policyArn"].rpartition("/")[2]: dig(one, "accessScope.type") for one in live}
    for name in sorted(set(found) - wanted):
        yield f"{name} is associated for the whole {found[name]}"
    yield from (f"{name} is not associated" for name in sorted(wanted - set(found)))


class Pods(NamedTuple):
    """A service account with what is declared of it and the associations that are there."""

    declared: Optional[ServiceAccount]
    live: list[Item]


def associations(intent: Intent, estate: Estate) -> list[tuple[str, Pods]]:
    """Return every declared and every associated service account of the cluster."""
    if intent.cluster.workload_identity != "pod-identity":
        raise NotApplicable("service accounts get their roles by IRSA in this environment")
    estate.pages("eks:ListPodIdentityAssociations")
    live: dict[str, list[Item]] = {}
    for one in [body["association"] for _, body in estate.pages(ASSOCIATION)]:
        if one["clusterName"] == intent.cluster.name:
            live.setdefault(f"{one['namespace']}/{one['serviceAccount']}", []).append(one)
    wanted = {f"{one.namespace}/{one.account}": one for one in service_accounts(intent)}
    return [(name, Pods(wanted.get(name), live.get(name, []))) for name in dict.fromkeys([*wanted, *live])]


@check(
    "cluster-pods-associated",
    "The service account acts as its declared role, and no other does",
    severity="high",
    properties=("EKS-07",),
    reads=("eks:ListPodIdentityAssociations", ASSOCIATION),
    remedy="delete the association, or apply the step cluster",
    over=associations,
)
def pods_associated(pods: Pods, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that an association is one too many or missing, or leads to another role or account."""
    if pods.declared is None:
        yield from (f"its pods act as {one.get('roleArn')}, which is not declared" for one in pods.live)
        return
    wanted = role_arn(intent, intent.name(pods.declared.name))
    if not pods.live:
        yield "it has no association"
    for one in pods.live:
        if one.get("roleArn") != wanted:
            yield f"its pods act as {one.get('roleArn')}, declared {wanted}"
        if one.get("targetRoleArn"):
            yield f"its pods go on as {one['targetRoleArn']}"
        if one.get("disableSessionTags"):
            yield "its sessions carry no tags, so that a role cannot tell whose pods come"


def _break_glass(intent: Intent, estate: Estate) -> Named:
    name = intent.name("break-glass")
    return [("role:break-glass", one) for one in every(estate, DETAILS, "RoleDetailList") if one["RoleName"] == name]


@check(
    "cluster-break-glass-guarded",
    "Whoever becomes the administrator of the last resort shows a second factor, and opens declared sessions only",
    severity="high",
    properties=("EKS-08",),
    reads=(DETAILS,),
    remedy="apply the step cluster",
    over=_break_glass,
)
def break_glass(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each way to the role without a second factor, and each session document beside the declared ones."""
    for statement in parse(role["AssumeRolePolicyDocument"]).statements:
        people = [one for one in (statement.principals or {}).get("AWS", ()) if ":role/" not in one]
        factors = {key for operator, key, wanted in statement.conditions if operator == "Bool" and wanted == ("true",)}
        if statement.effect == "Allow" and people and "aws:MultiFactorAuthPresent" not in factors:
            yield f"{', '.join(people)} may become it without a second factor"
    for grant in allowed(role, estate):
        document = grant.resource.rpartition("document/")[2]
        if grant.action == "ssm:StartSession" and "document/" in grant.resource and document not in DOCUMENTS:
            yield f"it may open sessions by {grant.resource}"


CHECKS = (creator_gone, entries_declared, policies_declared, pods_associated, break_glass)
