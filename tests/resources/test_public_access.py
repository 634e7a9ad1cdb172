"""Block Public Access: exclusions first, the block after them, and nothing in an account that others share."""

from __future__ import annotations

import json

import pytest
from embedded import AWS

from airgap.errors import Refused
from airgap.resources import public_access, vpc

PLACE = (vpc.declare, vpc.declare_subnets, public_access.declare)


def declare_policy(aws: AWS, mode: str, exclusions: str) -> None:
    """Let a declarative policy of the organisation say what the account's options are."""
    org = aws.client("organizations")
    org.create_organization(FeatureSet="ALL")
    block = {"mode": {"@@assign": mode}, "exclusions_allowed": {"@@assign": exclusions}}
    content = {"ec2_attributes": {"vpc_block_public_access": {"internet_gateway_block": block}}}
    made = org.create_policy(Type="DECLARATIVE_POLICY_EC2", Name="ec2", Description="", Content=json.dumps(content))
    root = org.list_roots()["Roots"][0]["Id"]
    org.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=root)


def foreign_vpc(aws: AWS) -> str:
    ec2 = aws.client("ec2")
    vpc_id = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    return str(vpc_id)


def test_exclusions_are_complete_before_the_block_and_the_block_outlives_destroy(aws: AWS) -> None:
    ec2 = aws.client("ec2")
    for _ in range(2):
        aws.settled(*PLACE)
        options = ec2.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"]
        assert options["InternetGatewayBlockMode"] == "block-bidirectional"
        aws.destroy(*PLACE)
    told = [key for key, text in aws.reports if text == "done"]
    assert max(told.index(f"bpa-exclusion:public-{zone}") for zone in "ab") < told.index("bpa-options:account")
    assert ec2.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"] == options


def test_no_exclusion_without_a_public_tier(aws: AWS) -> None:
    aws.network(public_tier="none", public_subnets=())
    assert [one.key for one in aws.desired(public_access.declare)] == ["bpa-options:account"]


def test_drift_of_the_block_and_of_an_exclusion(aws: AWS) -> None:
    aws.settled(*PLACE)
    ec2, lives = aws.client("ec2"), aws.plan(*PLACE).found.lives
    ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode="off")
    ec2.modify_vpc_block_public_access_exclusion(
        ExclusionId=lives["bpa-exclusion:public-a"].id, InternetGatewayExclusionMode="allow-egress"
    )
    ec2.create_vpc_block_public_access_exclusion(
        SubnetId=lives["subnet:private-a"].id, InternetGatewayExclusionMode="allow-bidirectional"
    )
    assert aws.plan(*PLACE).changes == {
        "bpa-options:account": {"mode": ("update", "off", "block-bidirectional")},
        "bpa-exclusion:public-a": {"mode": ("update", "allow-egress", "allow-bidirectional")},
    }
    aws.settled(*PLACE)


def test_a_shared_account_is_refused_and_the_vpcs_that_would_lose_are_named(aws: AWS) -> None:
    other = foreign_vpc(aws)
    aws.change(exclusive_account=False)
    aws.memory.lines.clear()
    with pytest.raises(Refused, match=other) as refused:
        aws.plan(*PLACE)
    assert refused.value.exit_code == 4
    assert "exclusive_account" in refused.value.action
    assert aws.memory.calls("write") == []


def test_an_exclusive_account_is_told_what_it_loses(aws: AWS) -> None:
    other = foreign_vpc(aws)
    (options,) = [one for one in aws.desired(public_access.declare) if one.kind == "bpa-options"]
    assert other in options.why
    assert options.label == "account-wide"


def test_a_block_that_is_set_already_is_adopted_in_a_shared_account(aws: AWS) -> None:
    aws.client("ec2").modify_vpc_block_public_access_options(InternetGatewayBlockMode="block-bidirectional")
    aws.change(exclusive_account=False)
    aws.settled(*PLACE)
    assert "ec2:ModifyVpcBlockPublicAccessOptions" not in aws.memory.calls("write")


def test_a_declarative_policy_is_respected_and_verified(aws: AWS) -> None:
    declare_policy(aws, "block_ingress", "enabled")
    aws.change(exclusive_account=False)
    aws.apply(*PLACE)
    after = aws.plan(*PLACE)
    assert after.changes == {}
    assert [(one.resource, one.before, one.after) for one in after.plan.differing] == [
        ("bpa-options:account", "block-ingress", "block-bidirectional")
    ]


def test_a_policy_without_exclusions_refuses_public_subnets(aws: AWS) -> None:
    declare_policy(aws, "block_bidirectional", "disabled")
    with pytest.raises(Refused, match="admits no exclusion"):
        aws.plan(*PLACE)
