"""The organisation's guardrails: grammar, size, and what they refuse."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import iam_reference
import pytest
from embedded import DEMO

from airgap.model.intent import Intent
from airgap.model.policy import ALLOW, DENY, Request, evaluate, parse
from airgap.resources.guardrails import LIMIT, documents
from airgap.resources.statements import document

# Organizations User Guide, "List of AWS services that support RCPs".
GUARDED = {"ecr", "kms", "s3", "secretsmanager", "sqs", "sts"}
DEPLOYER = "arn:aws:iam::123456789012:role/platform-engineer"  # whom the params name
SOMEBODY = "arn:aws:iam::123456789012:role/platform"
ORGANIZED = dataclasses.replace(DEMO, organization="o-a1b2c3d4e5")


def network(**changes: Any) -> Intent:
    return dataclasses.replace(DEMO, network=dataclasses.replace(DEMO.network, **changes))


def statements(kind: str, intent: Intent = DEMO) -> list[dict[str, Any]]:
    return [
        one for name, policy in documents(intent).items() if f"-{kind}-" in name for one in policy.get("Statement", ())
    ]


def refused(action: str, intent: Intent = DEMO, caller: str = SOMEBODY, kind: str = "scp", **context: str) -> bool:
    """Whether the guardrails refuse a call that everything else allows; context keys have __ for a colon."""
    everything = {"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = parse(
        document(*[{k: v for k, v in one.items() if k != "Principal"} for one in statements(kind, intent)], everything)
    )
    keys = {"aws:PrincipalArn": caller, "aws:RequestedRegion": intent.region}
    keys.update({key.replace("__", ":"): value for key, value in context.items()})
    request = Request(
        action,
        "*",
        caller,
        account=caller.split(":")[4] if ":" in caller else "",
        context={k: (v,) for k, v in keys.items()},
    )
    outcome = evaluate(policy, request).outcome
    assert outcome in (ALLOW, DENY)
    return outcome == DENY


def test_sizes_and_grammar_of_service_control_policies() -> None:
    for name, policy in documents(DEMO).items():
        if "-scp-" in name:
            assert len(json.dumps(policy, separators=(",", ":"))) <= LIMIT
            for one in policy["Statement"]:
                assert one["Effect"] == "Deny"
                assert one["Resource"] == "*"
                assert set(one) <= {"Sid", "Effect", "Action", "NotAction", "Resource", "Condition"}
                assert ("Action" in one) != ("NotAction" in one)


def test_every_forbidden_action_exists_and_changes_something() -> None:
    for one in statements("scp"):
        for action in one.get("Action", ()):
            assert iam_reference.matching(action), action
            assert not iam_reference.reads(action), action


def test_grammar_of_resource_control_policies() -> None:
    for intent in (DEMO, ORGANIZED):
        for name, policy in documents(intent).items():
            if "-rcp-" in name:
                assert len(json.dumps(policy, separators=(",", ":"))) <= LIMIT
                for one in policy["Statement"]:
                    assert (one["Effect"], one["Principal"], one["Resource"]) == ("Deny", "*", "*")
                    assert {action.split(":")[0] for action in one["Action"]} <= GUARDED
                    assert "*" not in one["Action"]


@pytest.mark.parametrize(
    "action",
    [
        "ec2:CreateEgressOnlyInternetGateway",
        "ec2:CreateVpcPeeringConnection",
        "ec2:AcceptVpcPeeringConnection",
        "ec2:CreateTransitGatewayVpcAttachment",
        "ec2:CreateVpnConnection",
        "ec2:CreateCarrierGateway",
        "ec2:CreateClientVpnEndpoint",
        "ec2:CreateTrafficMirrorSession",
        "ec2:ModifySnapshotAttribute",
        "networkmanager:CreateVpcAttachment",
        "vpc-lattice:CreateServiceNetworkVpcAssociation",
        "route53resolver:CreateResolverEndpoint",
        "ecr:PutReplicationConfiguration",
        "s3:PutReplicationConfiguration",
        "logs:PutSubscriptionFilter",
        "secretsmanager:ReplicateSecretToRegions",
        "lambda:CreateFunctionUrlConfig",
        "iam:CreateAccessKey",
    ],
)
def test_nobody_opens_an_exit_or_copies_out(action: str) -> None:
    assert refused(action)
    assert refused(action, caller=DEPLOYER)


@pytest.mark.parametrize(
    "action",
    [
        "ec2:CreateRoute",
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:ModifyVpcEndpoint",
        "ec2:DeleteFlowLogs",
        "ec2:ModifyVpcBlockPublicAccessOptions",
        "ec2:CreateVpcBlockPublicAccessExclusion",
        "route53resolver:UpdateFirewallConfig",
        "route53resolver:DisassociateFirewallRuleGroup",
        "cloudtrail:StopLogging",
        "kms:ScheduleKeyDeletion",
        "s3:PutBucketPolicy",
        "eks:UpdateClusterConfig",
    ],
)
def test_only_the_runbook_changes_what_the_proof_rests_on(action: str) -> None:
    assert refused(action)
    assert not refused(action, caller=DEPLOYER)


@pytest.mark.parametrize(
    ("intent", "gateway", "nat", "attachment"),
    [
        (network(public_tier="none"), True, True, True),
        (network(public_tier="ingress"), False, True, True),
        (network(public_tier="ingress-and-nat"), False, False, True),
        (network(on_premises_cidrs=("192.168.0.0/16",)), False, False, False),
    ],
)
def test_the_declared_tier_decides_what_the_runbook_may_make(
    intent: Intent, gateway: bool, nat: bool, attachment: bool
) -> None:
    assert refused("ec2:CreateInternetGateway", intent, DEPLOYER) is gateway
    assert refused("ec2:CreateNatGateway", intent, DEPLOYER) is nat
    assert refused("ec2:CreateTransitGatewayVpcAttachment", intent, DEPLOYER) is attachment
    assert refused("ec2:CreateNatGateway", intent)


def test_a_cluster_is_private_and_routes_its_egress_through_the_vpc() -> None:
    create = {
        "caller": DEPLOYER,
        "eks__endpointPublicAccess": "false",
        "eks__controlPlaneEgressMode": "CUSTOMER_ROUTED",
    }
    assert not refused("eks:CreateCluster", **create)
    assert refused("eks:CreateCluster", **{**create, "eks__endpointPublicAccess": "true"})
    assert refused("eks:CreateCluster", **{**create, "eks__controlPlaneEgressMode": "AWS_MANAGED"})
    assert refused("eks:CreateCluster", caller=DEPLOYER)
    assert not refused("eks:UpdateClusterConfig", caller=DEPLOYER)
    assert refused("eks:UpdateClusterConfig", caller=DEPLOYER, eks__endpointPublicAccess="true")
    assert refused("eks:UpdateClusterConfig", caller=DEPLOYER, eks__controlPlaneEgressMode="AWS_MANAGED")


def test_compute_and_messages_stay_inside() -> None:
    assert refused("lambda:CreateFunction")
    assert not refused("lambda:CreateFunction", lambda__VpcIds="vpc-1")
    assert refused("sns:Subscribe", sns__Protocol="https")
    assert not refused("sns:Subscribe", sns__Protocol="sqs")


def test_regions_outside_the_scope_are_closed() -> None:
    assert refused("ec2:RunInstances", aws__RequestedRegion="eu-west-1")
    assert not refused("ec2:RunInstances", aws__RequestedRegion="us-east-1")
    assert not refused("iam:GetRole", aws__RequestedRegion="eu-west-1")
    abroad = dataclasses.replace(DEMO, ai=dataclasses.replace(DEMO.ai, inference_regions=("us-west-2",)))
    assert not refused("bedrock:InvokeModel", abroad, aws__RequestedRegion="us-west-2")


def test_resources_answer_own_principals_and_services_on_their_behalf() -> None:
    inside = {
        "aws__PrincipalOrgID": "o-a1b2c3d4e5",
        "aws__SecureTransport": "true",
        "aws__PrincipalIsAWSService": "false",
    }
    assert not refused("s3:GetObject", ORGANIZED, kind="rcp", **inside)
    assert refused("s3:GetObject", ORGANIZED, kind="rcp", **{**inside, "aws__PrincipalOrgID": "o-zzzzzzzzzz"})
    assert refused("s3:GetObject", ORGANIZED, kind="rcp", **{**inside, "aws__SecureTransport": "false"})
    service = {
        "aws__PrincipalIsAWSService": "true",
        "aws__SecureTransport": "true",
        "aws__SourceAccount": "123456789012",
    }
    assert not refused("kms:Decrypt", ORGANIZED, kind="rcp", **service, aws__SourceOrgID="o-a1b2c3d4e5")
    assert refused("kms:Decrypt", ORGANIZED, kind="rcp", **service, aws__SourceOrgID="o-zzzzzzzzzz")
    alone = {"aws__PrincipalIsAWSService": "false", "aws__SecureTransport": "true"}
    assert not refused("sqs:SendMessage", kind="rcp", **alone, aws__PrincipalAccount="123456789012")
    assert refused("sqs:SendMessage", kind="rcp", **alone, aws__PrincipalAccount="999999999999")


def test_the_declarative_policy_blocks_the_internet_both_ways() -> None:
    attributes = documents(DEMO)["fintech-ec2-declarative"]["ec2_attributes"]
    block = attributes["vpc_block_public_access"]["internet_gateway_block"]
    assert block == {"mode": {"@@assign": "block_bidirectional"}, "exclusions_allowed": {"@@assign": "enabled"}}
    sealed = documents(network(public_tier="none"))["fintech-ec2-declarative"]["ec2_attributes"]
    exclusions = sealed["vpc_block_public_access"]["internet_gateway_block"]["exclusions_allowed"]
    assert exclusions == {"@@assign": "disabled"}
