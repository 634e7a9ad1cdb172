"""Who may enter the cluster, and as whom its pods act in AWS: access entries, access policies, Pod Identity, or IRSA.

Entries map to groups, whose rights are roles in the cluster; what nobody declared in our cluster is planned as a
removal, EKS's own entries apart. AWS: EKS User Guide, "Access entries", "EKS Pod Identity", "IAM roles for service
accounts".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model.cluster import DOCUMENTS, access, deployer_role, role_arn, service_accounts, verifier_role
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.cluster_control_plane import BUSY, GONE, NEW_ROLE
from airgap.resources.kind import Call, Fields, Kind, declares, tag_list
from airgap.resources.rights import cluster_arn, people, way_in
from airgap.resources.roles import ROLE_KINDS, Role, declare_role
from airgap.resources.statements import allow, trust
from airgap.resources.workloads import Workload, workload_roles

_ROLES = "iam:GetAccountAuthorizationDetails"
_EKS_OWN = "*:role/aws-service-role/eks*"


def _entry(f: Fields) -> dict[str, Any]:
    return {"clusterName": f["cluster"], "principalArn": f["principal"]}


ACCESS_ENTRY = Kind(
    "access-entry",
    "Access entry",
    Reading(
        "eks:DescribeAccessEntry",
        "accessEntry",
        "clusterName+principalArn",
        owner="parent",
        natural=("cluster", "principal"),
        unless=(("principalArn", _EKS_OWN),),
        fields={
            "cluster": Field("clusterName", change=NEVER, why="an entry is a part of its cluster"),
            "principal": Field("principalArn", change=NEVER, why="an entry is its principal"),
            "type": Field("type", change=NEVER, risk="opens", why="an entry keeps its type"),
            "groups": Field(
                "kubernetesGroups", form="set", risk="opens", why="what its principal may do in the cluster"
            ),
        },
    ),
    create=(
        Call(
            "eks:CreateAccessEntry",
            lambda f: {**_entry(f), "type": f["type"], "kubernetesGroups": f.get("groups"), "tags": f["tags"]},
            result="accessEntry",
            retry=("invalid principal",),
            actions=("eks:TagResource",),
        ),
    ),
    updates={"groups": (Call("eks:UpdateAccessEntry", lambda f: {**_entry(f), "kubernetesGroups": f["groups"]}),)},
    delete=(Call("eks:DeleteAccessEntry", _entry, ignore=GONE),),
)


def _policy(f: Fields) -> dict[str, Any]:
    return {**_entry(f), "policyArn": f["policy"]}


_ASSOCIATE = Call("eks:AssociateAccessPolicy", lambda f: {**_policy(f), "accessScope": f["scope"]})

ACCESS_POLICY = Kind(
    "access-policy",
    "Access policy of an entry",
    Reading(
        "eks:ListAssociatedAccessPolicies",
        "associatedAccessPolicies",
        "^.principalArn+policyArn",
        owner="parent",
        natural=("cluster", "principal", "policy"),
        unless=(("^.principalArn", _EKS_OWN),),
        fields={
            "cluster": Field("^.clusterName", change=NEVER, why="an access policy is a part of its entry"),
            "principal": Field("^.principalArn", change=NEVER, why="an access policy is a part of its entry"),
            "policy": Field("policyArn", change=NEVER, risk="opens", why="what its principal may do in the cluster"),
            "scope": Field("accessScope", risk="opens", why="where its principal may do it"),
        },
    ),
    create=(_ASSOCIATE,),
    updates={"scope": (_ASSOCIATE,)},
    delete=(Call("eks:DisassociateAccessPolicy", _policy, ignore=GONE),),
)

POD_IDENTITY = Kind(
    "pod-identity",
    "Pod Identity association",
    Reading(
        "eks:DescribePodIdentityAssociation",
        "association",
        "associationId",
        owner="parent",
        natural=("cluster", "namespace", "service_account"),
        fields={
            "cluster": Field("clusterName", change=NEVER, why="an association is a part of its cluster"),
            "namespace": Field("namespace", change=NEVER, why="an association is of one service account"),
            "service_account": Field("serviceAccount", change=NEVER, why="an association is of one service account"),
            "role": Field("roleArn", risk="opens", why="as whom pods act in AWS"),
            "other_role": Field("targetRoleArn", absent="", risk="opens", why="as whom pods act in another account"),
        },
    ),
    create=(
        Call(
            "eks:CreatePodIdentityAssociation",
            lambda f: {
                "clusterName": f["cluster"],
                "namespace": f["namespace"],
                "serviceAccount": f["service_account"],
                "roleArn": f["role"],
                "tags": f["tags"],
            },
            result="association",
            retry=(*NEW_ROLE, *BUSY, "Role provided in the request does not exist"),
            actions=("eks:TagResource", "iam:PassRole", "iam:GetRole"),
        ),
    ),
    updates=dict.fromkeys(
        ("role", "other_role"),
        (
            Call(
                "eks:UpdatePodIdentityAssociation",
                lambda f: {
                    "clusterName": f["cluster"],
                    "associationId": f["id"],
                    "roleArn": f["role"],
                    "targetRoleArn": f["other_role"],
                },
                actions=("iam:PassRole", "iam:GetRole"),
            ),
        ),
    ),
    delete=(
        Call(
            "eks:DeletePodIdentityAssociation",
            lambda f: {"clusterName": f["cluster"], "associationId": f["id"]},
            ignore=GONE,
        ),
    ),
)

OIDC_PROVIDER = Kind(
    "oidc-provider",
    "OIDC provider of the cluster",
    Reading(
        "iam:GetOpenIDConnectProvider",
        "",
        "?.OpenIDConnectProviderArn",
        attrs={"arn": "?.OpenIDConnectProviderArn", "host": "Url"},
        fields={
            "issuer": Field("Url", form="host", change=NEVER, risk="interrupts", why="a provider is its issuer"),
            "audiences": Field("ClientIDList", form="set", change=NEVER, risk="opens", why="whose tokens are taken"),
        },
    ),
    create=(
        Call(
            "iam:CreateOpenIDConnectProvider",
            lambda f: {"Url": f["issuer"], "ClientIDList": f["audiences"], "Tags": tag_list(f)},
            actions=("iam:TagOpenIDConnectProvider",),
        ),
    ),
    delete=(
        Call(
            "iam:DeleteOpenIDConnectProvider",
            lambda f: {"OpenIDConnectProviderArn": f["id"]},
            ignore=("NoSuchEntity",),
        ),
    ),
    poll=Call("iam:GetOpenIDConnectProvider", lambda f: {"OpenIDConnectProviderArn": f["id"]}),
)


@declares(*ROLE_KINDS)
def declare_break_glass(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the role of the last resort: people with MFA, who come in by the operations host alone."""
    statements = (
        allow("FindTheCluster", "eks:DescribeCluster", cluster_arn(intent)),
        allow("FindTheHost", "ec2:DescribeInstances"),
        *way_in(intent, DOCUMENTS),
    )
    # The alarm sees the events of this Region, so nowhere else may anybody become this role.
    trusted = people(
        intent, intent.identity.break_glass_principals, StringEquals={"aws:RequestedRegion": intent.region}
    )
    why = "the last resort: an administrator of the cluster for an hour"
    yield from declare_role(intent, Role("break-glass", intent.name("break-glass"), trusted, statements, why=why))


@declares(ACCESS_ENTRY, ACCESS_POLICY, reads=(_ROLES,))
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the access entries, and the access policies of those that have any.

    The runbook's own roles are made before it runs; an entry of one that does not exist is refused by EKS.
    """
    there = {one["RoleName"] for _, page in facts.pages(_ROLES) for one in page.get("RoleDetailList", [])}
    cluster = ref("eks-cluster:main")
    for one in access(intent):
        principal = role_arn(intent, one.role)
        fields: dict[str, Any] = {"cluster": cluster, "principal": principal, "type": one.type}
        if one.type == "STANDARD":
            fields["groups"] = list(one.groups)
        own = one.role in (deployer_role(intent), verifier_role(intent))
        missing = f"role {one.role} does not exist; make it with what 'airgap policy --role {one.name}' prints"
        refused = {"principal": missing} if own and one.role not in there else {}
        yield Desired("access-entry", one.name, fields, why=one.why, refused=refused)
        for policy in one.policies:
            arn = intent.arn("eks", f"cluster-access-policy/{policy}", region="", account="aws")
            scope = {"type": "cluster", "namespaces": []}
            given = {"cluster": cluster, "principal": principal, "policy": arn, "scope": scope}
            needs = (f"access-entry:{one.name}",)
            yield Desired("access-policy", f"{one.name}-{policy}", given, needs=needs, why=one.why)


@declares(POD_IDENTITY, OIDC_PROVIDER, *ROLE_KINDS)
def declare_workloads(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield how service accounts get their roles: associations, or the issuer as provider and roles that trust it."""
    if intent.cluster.workload_identity == "irsa":
        yield from _irsa(intent)
        return
    for one in service_accounts(intent):
        fields = {
            "cluster": ref("eks-cluster:main"),
            "namespace": one.namespace,
            "service_account": one.account,
            "role": ref(f"role:workload-{one.name}", "arn"),
            "other_role": "",
        }
        yield Desired("pod-identity", one.name, fields, why=f"pods of {one.namespace}/{one.account} act as it")


def _irsa(intent: Intent) -> Iterator[Desired]:
    issuer = {"issuer": ref("eks-cluster:main", "issuer"), "audiences": ["sts.amazonaws.com"]}
    yield Desired("oidc-provider", "main", issuer, why="service accounts' tokens are taken by STS")
    for role in workload_roles(intent, _federated_trust):
        yield from declare_role(intent, role)


def _federated_trust(workload: Workload) -> dict[str, Any]:
    """Trust in tokens of the cluster's issuer for one service account, made for STS and nobody else."""
    host = ref("oidc-provider:main", "host")
    account = f"system:serviceaccount:{workload.namespace}:{workload.service_account}"
    claims = {f"{host}:aud": "sts.amazonaws.com", f"{host}:sub": account}
    principal = {"Federated": ref("oidc-provider:main", "arn")}
    return trust(principal, "AssumeRoleWithWebIdentity", StringEquals=claims)
