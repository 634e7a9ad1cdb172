"""Organisation policies that forbid what the zero-egress proof forbids: SCP, RCP and an EC2 declarative policy.

Service control policies bind the account's principals (service-linked roles excepted), resource control policies bind
everybody who asks for its resources, the declarative policy binds EC2 itself. None grants anything. They are printed,
never attached: that is the organisation's decision. AWS: Organizations User Guide, "SCP syntax", "RCP syntax" and
"Declarative policy syntax"; names of the statements are what an auditor looks for in a refused call's message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airgap.model import delivery
from airgap.model.cluster import deployer_role, role_arn
from airgap.model.intent import Intent
from airgap.resources.guardrail_actions import COPIES, EXITS, NAT, ON_PREMISES, PUBLIC, RESERVED
from airgap.resources.key_policies import suffix
from airgap.resources.splitting import split
from airgap.resources.statements import document, named

LIMIT = 5120  # characters of an SCP or RCP (Organizations User Guide, "Quotas")

# Services that answer in one Region for all (Organizations User Guide, "Deny access to AWS based on the Region").
_EVERYWHERE = [
    "account",
    "billing",
    "budgets",
    "ce",
    "cloudfront",
    "cur",
    "globalaccelerator",
    "health",
    "iam",
    "importexport",
    "networkmanager",
    "organizations",
    "pricing",
    "route53",
    "route53domains",
    "shield",
    "sts",
    "support",
    "tag",
    "trustedadvisor",
    "waf",
    "wellarchitected",
]

_PERMISSION = "ec2:CreateNetworkInterfacePermission"

# Services whose resources an RCP may guard.
_GUARDED = ("ecr", "kms", "s3", "secretsmanager", "sqs")


def documents(intent: Intent) -> dict[str, Any]:
    """Return the policies by name, service and resource control policies within the organisation's size limit."""
    service = split(_service_control(intent), LIMIT)
    resource = split(_resource_control(intent), LIMIT)
    return {
        **{f"{intent.name('scp')}-{number}": document(*one) for number, one in enumerate(service, start=1)},
        **{f"{intent.name('rcp')}-{number}": document(*one) for number, one in enumerate(resource, start=1)},
        intent.name("ec2-declarative"): _declarative(intent),
    }


def _deny(sid: str, actions: Sequence[str], **conditions: Mapping[str, Any]) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Deny", "Action": list(actions), "Resource": "*"}
    return (
        {**statement, "Condition": {name: dict(keys) for name, keys in conditions.items()}} if conditions else statement
    )


def _listed(*tables: str) -> list[str]:
    """The actions of tables in which each line is one service's."""
    return sorted(action for table in tables for line in table.strip().splitlines() for action in named(line.strip()))


def _service_control(intent: Intent) -> list[dict[str, Any]]:
    forbidden, reserved = [EXITS], [RESERVED]
    (reserved if intent.network.on_premises_cidrs else forbidden).append(ON_PREMISES)
    (forbidden if intent.network.public_tier == "none" else reserved).append(PUBLIC)
    (reserved if intent.network.public_tier == "ingress-and-nat" else forbidden).append(NAT)
    builds = delivery.has_builds(intent)
    deployer = {"aws:PrincipalArn": role_arn(intent, deployer_role(intent))}
    return [
        _deny("NoOtherExit", [one for one in _listed(*forbidden) if not (builds and one == _PERMISSION)]),
        _deny("NoCopiesByServices", _listed(COPIES)),
        _deny("OnlyTheRunbookChangesTheNetwork", _listed(*reserved), ArnNotLike=deployer),
        *_clusters(),
        *_functions_and_messages(),
        *_builds(intent),
        _regions(intent),
    ]


def _clusters() -> list[dict[str, Any]]:
    """EKS asks for its default, a public endpoint and AWS's own egress, when a cluster's creator says nothing."""
    create, update = named("eks:CreateCluster"), named("eks:UpdateClusterConfig")
    public, mode = "eks:endpointPublicAccess", "eks:controlPlaneEgressMode"
    return [
        _deny("NoPublicCluster", create, BoolIfExists={public: "true"}),
        _deny("NoClusterMadePublic", update, Bool={public: "true"}),
        _deny("NoHiddenControlPlaneEgress", create, StringNotEquals={mode: ["CUSTOMER_ROUTED", "CUSTOMER_ISOLATED"]}),
        _deny("NoReturnToHiddenEgress", update, StringEquals={mode: "AWS_MANAGED"}),
    ]


def _functions_and_messages() -> list[dict[str, Any]]:
    """Compute outside every VPC, and messages to the outside. Lambda Developer Guide, "VPC settings in policies"."""
    functions = named("lambda:CreateFunction UpdateFunctionConfiguration")
    outside = ["application", "email", "email-json", "http", "https", "sms"]
    return [
        _deny("FunctionsInVpcsOnly", functions, Null={"lambda:VpcIds": "true"}),
        _deny("NoMessagesOutside", named("sns:Subscribe"), StringEquals={"sns:Protocol": outside}),
        _deny("NoForeignShares", named("ram:CreateResourceShare UpdateResourceShare"),
              Bool={"ram:RequestedAllowsExternalPrincipals": "true"}),
    ]  # fmt: skip


def _builds(intent: Intent) -> list[dict[str, Any]]:
    """Builds in VPCs only, and none that is root of its machine. CodeBuild's condition keys are those of a project.

    A build in a VPC needs a permission on its interface, which the service's own account is given and nobody else.
    """
    projects, privileged = named("codebuild:CreateProject UpdateProject"), "codebuild:environment.privilegedMode"
    statements = [
        _deny("BuildsInVpcsOnly", projects, Null={"codebuild:vpcConfig.vpcId": "true"}),
        _deny("NoPrivilegedBuilds", projects, Bool={privileged: "true"}),
    ]
    if delivery.has_builds(intent):
        own = {"ec2:AuthorizedService": f"codebuild.{suffix(intent)}"}
        statements.append(_deny("InterfacesForBuildsOnly", [_PERMISSION], StringNotEqualsIfExists=own))
    return statements


def _regions(intent: Intent) -> dict[str, Any]:
    """What is not judged may not be used: Regions outside the scope, those of declared inference profiles excepted."""
    regions = sorted({*intent.regions, *intent.ai.inference_regions})
    return {
        "Sid": "OnlyRegionsInScope",
        "Effect": "Deny",
        "NotAction": [f"{name}:*" for name in _EVERYWHERE],
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": regions}},
    }


def _resource_control(intent: Intent) -> list[dict[str, Any]]:
    """Our resources answer our principals, and services on our behalf, over TLS (AWS data perimeter examples)."""
    resources = [f"{service}:*" for service in _GUARDED]
    if intent.organization:
        ours: dict[str, Any] = {"aws:PrincipalOrgID": intent.organization}
        behalf: dict[str, Any] = {"aws:SourceOrgID": intent.organization}
    else:
        ours = {"aws:PrincipalAccount": list(intent.accounts)}
        behalf = {"aws:SourceAccount": list(intent.accounts)}
    people = {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}
    service = {"Null": {"aws:SourceAccount": "false"}, "Bool": {"aws:PrincipalIsAWSService": "true"}}
    statements = (
        _deny("OnlyOurPrincipals", [*resources, "sts:AssumeRole"], StringNotEqualsIfExists=ours, **people),
        _deny("ServicesOnOurBehalf", resources, StringNotEqualsIfExists=behalf, **service),
        _deny("OnlyOverTls", resources, BoolIfExists={"aws:SecureTransport": "false"}),
    )
    return [{**one, "Principal": "*"} for one in statements]


def _declarative(intent: Intent) -> dict[str, Any]:
    exclusions = "disabled" if intent.network.public_tier == "none" else "enabled"
    return {
        "ec2_attributes": {
            "vpc_block_public_access": {
                "internet_gateway_block": {
                    "mode": _assign("block_bidirectional"),
                    "exclusions_allowed": _assign(exclusions),
                }
            },
            "serial_console_access": {"status": _assign("disabled")},
            "image_block_public_access": {"state": _assign("block_new_sharing")},
            "snapshot_block_public_access": {"state": _assign("block_all_sharing")},
            "instance_metadata_defaults": {
                "http_tokens": _assign("required"),
                "http_put_response_hop_limit": _assign("1"),
                "http_endpoint": _assign("no_preference"),
                "instance_metadata_tags": _assign("no_preference"),
            },
        }
    }


def _assign(value: str) -> dict[str, str]:
    return {"@@assign": value}
