"""What the organisation would refuse: its service control policies, weighed against calls without which no run ends.

Only denials are weighed: an organisation that allows by lists refuses what they leave out, and that is not told here.
AWS: AWS Organizations User Guide, "SCP evaluation", "Effects on permissions in service-linked roles".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from airgap.checks.check import NotApplicable, Undecided, check
from airgap.model.cluster import deployer_role, role_arn
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.observation import home
from airgap.model.policy import DENY, UNKNOWN, Policy, Request, evaluate, parse

LISTED, CONTENT, TARGETS = (
    "organizations:ListPolicies", "organizations:DescribePolicy", "organizations:ListTargetsForPolicy",
)  # fmt: skip
SERVICE_CONTROL = "SERVICE_CONTROL_POLICY"
CALLS: Mapping[str, tuple[str, ...]] = {
    "identity": ("iam:CreateRole", "iam:PutRolePolicy", "iam:CreateServiceLinkedRole", "kms:CreateKey"),
    "network": (
        "ec2:CreateVpc", "ec2:CreateSubnet", "ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateFlowLogs",
        "s3:CreateBucket", "logs:CreateLogGroup", "route53resolver:AssociateFirewallRuleGroup",
    ),
    "endpoints": ("ec2:CreateVpcEndpoint",),
    "cluster": ("eks:CreateCluster", "eks:CreateNodegroup", "ec2:RunInstances", "ssm:StartSession"),
    "images": ("ecr:CreateRepository", "ecr:PutImage"),
    "data": ("rds:CreateDBInstance", "elasticache:CreateReplicationGroup", "dynamodb:CreateTable"),
    "secrets": ("secretsmanager:CreateSecret", "lambda:CreateFunction"),
    "edge": ("elasticloadbalancing:CreateLoadBalancer", "wafv2:CreateWebACL"),
}  # fmt: skip
"""Step -> calls that it cannot do without, whatever the params choose."""
_EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def _steps(intent: Intent, estate: Estate) -> list[tuple[str, str]]:
    if not intent.organization:
        raise NotApplicable("the params declare no organisation, so there are no organisation policies")
    return [(f"calls of step {step}", step) for step in CALLS]


@check(
    "preflight-organization-calls",
    "No service control policy of the organisation denies a call that the step cannot do without",
    severity="high",
    properties=(),
    reads=(LISTED, CONTENT, TARGETS),
    remedy="have the organisation except the deployer's role from the statement, or use another account",
    over=_steps,
)
def refused(step: str, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each call of a step that a policy at the root or at the account denies; of others it is not known."""
    open_: list[str] = []
    for name, policy in _attached(intent, estate, open_):
        for action in CALLS[step]:
            decision = evaluate(policy, request(action, intent))
            if decision.outcome == DENY and decision.statement is not None:
                yield f"{name} denies {action} ({decision.reason})"
            elif decision.outcome == UNKNOWN:
                open_.append(f"{name} may deny {action} ({decision.reason})")
    if open_:
        raise Undecided("; ".join(dict.fromkeys(open_)))


def _attached(intent: Intent, estate: Estate, open_: list[str]) -> Iterator[tuple[str, Policy]]:
    """Yield the policies at the root or at the account, by name; note those at an organisational unit."""
    for one in estate.items(LISTED, "Policies", Filter=SERVICE_CONTROL):
        targets = [str(each.get("TargetId")) for each in estate.items(TARGETS, "Targets", PolicyId=one["Id"])]
        content = (estate.page(CONTENT, PolicyId=one["Id"]) or {}).get("Policy") or {}
        document: dict[str, Any] = json.loads(content.get("Content") or '{"Statement": []}')
        written = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
        if not any(each.get("Effect") == "Deny" for each in written):
            continue
        if any(target.startswith("r-") or target in intent.accounts for target in targets):
            yield str(one.get("Name")), parse({**document, "Statement": [_EVERYTHING, *written]})
        else:
            units = [target for target in targets if target.startswith("ou-")]
            open_ += [
                f"whether the account is in {unit}, where {one.get('Name')} is attached, is not read" for unit in units
            ]


def request(action: str, intent: Intent) -> Request:
    """Return a call as the deployer would make it, as far as that is known before: who, where, over TLS."""
    role = role_arn(intent, deployer_role(intent))
    region = home(intent.region) if action.startswith("iam:") else intent.region
    context = {
        "aws:PrincipalArn": (role,),
        "aws:PrincipalAccount": (intent.account,),
        "aws:PrincipalOrgID": (str(intent.organization),),
        "aws:PrincipalIsAWSService": ("false",),
        "aws:SecureTransport": ("true",),
        "aws:RequestedRegion": (region,),
    }
    return Request(action, "*", role, "AWS", intent.account, context, complete=False)


CHECKS = (refused,)
