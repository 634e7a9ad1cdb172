"""IAM roles with their inline policies, attachments and instance profiles, and service-linked roles.

All but the profiles are read from one answer, that of iam:GetAccountAuthorizationDetails. Sessions keep IAM's default
length of one hour. AWS: IAM User Guide, "IAM roles" and "Create a service-linked role".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airgap.model.canonical import encode, plain
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, REPLACE, Field, Reading
from airgap.resources.kind import Call, Kind, tag_list
from airgap.resources.statements import document

_DETAILS = "iam:GetAccountAuthorizationDetails"
_GONE = ("NoSuchEntity",)
# IAM is eventually consistent: a principal made a moment ago is not yet known to the policy checker.
_NEW_PRINCIPAL = ("MalformedPolicyDocument: Invalid principal in policy",)
_NEW_ROLE = ("NoSuchEntity: The role with name", "NoSuchEntity: Instance Profile")

SERVICE_LINKED_ROLE = Kind(
    "service-linked-role",
    "Service-linked role",
    Reading(
        _DETAILS,
        "RoleDetailList",
        "RoleName",
        owner="name",
        tags="",
        natural=("path",),
        # One with a suffix is somebody's second one of the same service.
        unless=(("RoleName", "*_*"),),
        only=(("Path", "/aws-service-role/*"),),
        attrs={"arn": "Arn"},
        fields={"path": Field("Path", change=NEVER, why="AWS names it after its service")},
    ),
    create=(
        Call(
            "iam:CreateServiceLinkedRole",
            lambda f: {"AWSServiceName": f["path"].split("/")[2]},
            result="Role",
        ),
    ),
    account_wide=True,
)

ROLE = Kind(
    "role",
    "Role",
    Reading(
        _DETAILS,
        "RoleDetailList",
        "RoleName",
        owner="name",
        natural=("name",),
        unless=(("Path", "/aws-service-role/*"),),
        attrs={"arn": "Arn"},
        fields={
            "name": Field("RoleName", change=NEVER, why="a role's name cannot be changed"),
            "trust": Field("AssumeRolePolicyDocument", form="policy", risk="opens", why="it says who may be this role"),
            "boundary": Field(
                "PermissionsBoundary.PermissionsBoundaryArn", risk="opens", why="it limits what the role can ever do"
            ),
        },
    ),
    create=(
        Call(
            "iam:CreateRole",
            lambda f: {
                "RoleName": f["name"],
                "AssumeRolePolicyDocument": encode(plain(f["trust"])),
                "PermissionsBoundary": f["boundary"],
                "Tags": tag_list(f),
            },
            result="Role",
            retry=_NEW_PRINCIPAL,
            actions=("iam:TagRole", "iam:PutRolePermissionsBoundary"),
        ),
    ),
    updates={
        "trust": (
            Call(
                "iam:UpdateAssumeRolePolicy",
                lambda f: {"RoleName": f["id"], "PolicyDocument": encode(plain(f["trust"]))},
                retry=_NEW_PRINCIPAL,
            ),
        ),
        "boundary": (
            Call(
                "iam:PutRolePermissionsBoundary",
                lambda f: {"RoleName": f["id"], "PermissionsBoundary": f["boundary"]},
                when=lambda f: bool(f["boundary"]),
            ),
            Call(
                "iam:DeleteRolePermissionsBoundary",
                lambda f: {"RoleName": f["id"]},
                ignore=_GONE,
                when=lambda f: not f["boundary"],
            ),
        ),
    },
    delete=(Call("iam:DeleteRole", lambda f: {"RoleName": f["id"]}, ignore=_GONE),),
)

ROLE_POLICY = Kind(
    "role-policy",
    "Inline policy of a role",
    Reading(
        _DETAILS,
        "RoleDetailList.RolePolicyList",
        "^.RoleName+PolicyName",
        owner="parent",
        natural=("role", "name"),
        fields={
            "role": Field("^.RoleName", change=NEVER, why="an inline policy is a part of its role"),
            "name": Field("PolicyName", change=NEVER, why="a policy's name cannot be changed"),
            "document": Field("PolicyDocument", form="policy", risk="opens", why="it says what the role may do"),
        },
    ),
    create=(
        _PUT := Call(
            "iam:PutRolePolicy",
            lambda f: {
                "RoleName": f["role"],
                "PolicyName": f["name"],
                "PolicyDocument": encode(plain(f["document"])),
            },
            retry=_NEW_ROLE,
        ),
    ),
    updates={"document": (_PUT,)},
    delete=(Call("iam:DeleteRolePolicy", lambda f: {"RoleName": f["role"], "PolicyName": f["name"]}, ignore=_GONE),),
)

ROLE_ATTACHMENT = Kind(
    "role-attachment",
    "Managed policy of a role",
    Reading(
        _DETAILS,
        "RoleDetailList.AttachedManagedPolicies",
        "^.RoleName+PolicyArn",
        owner="parent",
        natural=("role", "policy"),
        fields={
            "role": Field("^.RoleName", change=NEVER, why="an attachment is a part of its role"),
            "policy": Field("PolicyArn", change=NEVER, why="another policy is another attachment"),
        },
    ),
    create=(
        Call("iam:AttachRolePolicy", lambda f: {"RoleName": f["role"], "PolicyArn": f["policy"]}, retry=_NEW_ROLE),
    ),
    delete=(Call("iam:DetachRolePolicy", lambda f: {"RoleName": f["role"], "PolicyArn": f["policy"]}, ignore=_GONE),),
)

INSTANCE_PROFILE = Kind(
    "instance-profile",
    "Instance profile",
    Reading(
        "iam:ListInstanceProfiles",
        "InstanceProfiles",
        "InstanceProfileName",
        owner="name",
        natural=("name",),
        tags="iam:GetInstanceProfile|InstanceProfileName=InstanceProfileName|InstanceProfile.Tags",
        attrs={"arn": "Arn"},
        fields={
            "name": Field("InstanceProfileName", change=NEVER, why="a profile's name cannot be changed"),
            "roles": Field(
                "Roles[].RoleName", change=REPLACE, risk="opens", why="instances with this profile become this role"
            ),
        },
    ),
    create=(
        Call(
            "iam:CreateInstanceProfile",
            lambda f: {"InstanceProfileName": f["name"], "Tags": tag_list(f)},
            result="InstanceProfile",
            actions=("iam:TagInstanceProfile",),
        ),
    ),
    later=("roles",),
    updates={
        "roles": (
            Call(
                "iam:AddRoleToInstanceProfile",
                lambda f: {"InstanceProfileName": f["id"], "RoleName": f["roles"][0]},
                retry=_NEW_ROLE,
                actions=("iam:PassRole",),
            ),
        )
    },
    delete=(
        Call(
            "iam:RemoveRoleFromInstanceProfile",
            lambda f: {"InstanceProfileName": f["id"], "RoleName": f["roles"][0]},
            ignore=_GONE,
            when=lambda f: bool(f["roles"]),
        ),
        Call("iam:DeleteInstanceProfile", lambda f: {"InstanceProfileName": f["id"]}, ignore=_GONE),
    ),
)

ROLE_KINDS = (ROLE, ROLE_POLICY, ROLE_ATTACHMENT, INSTANCE_PROFILE)


@dataclass(frozen=True)
class Role:
    """A role as one thing: who may be it, what it may do, and whether instances carry it.

    ``statements`` become one inline policy ``<role key>-rights``; ``managed`` are names of AWS's own policies.
    """

    key: str
    name: str
    trust: Mapping[str, Any]
    statements: Sequence[Mapping[str, Any]] = ()
    managed: Sequence[str] = ()
    on_instances: bool = False
    why: str = ""


def declare_role(intent: Intent, role: Role) -> Iterator[Desired]:
    """Yield a role and the resources that are a part of it."""
    boundary = intent.identity.permissions_boundary
    fields = {"name": role.name, "trust": role.trust, "boundary": boundary}
    yield Desired("role", role.key, fields, why=role.why)
    if role.statements:
        yield inline_policy(role.key, "rights", role.statements, why=role.why)
    for policy in role.managed:
        attached = {"role": ref(f"role:{role.key}"), "policy": intent.arn("iam", f"policy/{policy}", **_AWS)}
        yield Desired("role-attachment", f"{role.key}-{policy.split('/')[-1]}", attached, why=role.why)
    if role.on_instances:
        profile = {"name": role.name, "roles": [ref(f"role:{role.key}")]}
        yield Desired("instance-profile", role.key, profile, why=role.why)


_AWS = {"region": "", "account": "aws"}


def inline_policy(role_key: str, name: str, statements: Sequence[Mapping[str, Any]], why: str = "") -> Desired:
    """Return an inline policy of a role of ours; several may stand beside each other, each from its own step."""
    fields = {"role": ref(f"role:{role_key}"), "name": f"{role_key}-{name}", "document": document(*statements)}
    return Desired("role-policy", f"{role_key}-{name}", fields, why=why)
