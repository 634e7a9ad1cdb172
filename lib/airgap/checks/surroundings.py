"""What is around the environment before the first write: the organisation, other VPCs, names that are taken."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from airgap.checks.check import NotApplicable, check
from airgap.checks.roles import DETAILS
from airgap.checks.scope import account_row, every, is_ours, label, strings
from airgap.model.canonical import dig
from airgap.model.derived import BUCKETS
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.names import alias, bucket


@check(
    "preflight-organization",
    "The organisation's declarative policy admits what the environment declares",
    severity="high",
    properties=(),
    reads=("organizations:DescribeOrganization", "organizations:DescribeEffectivePolicy",
           "ec2:DescribeVpcBlockPublicAccessOptions"),
    remedy="declare public_tier: none, or have the organisation allow exclusions",
    over=account_row,
)  # fmt: skip
def organization(_: None, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield what the organisation would refuse: exclusions from Block Public Access, or another organisation's name."""
    body = estate.page("organizations:DescribeOrganization")
    found = dig(body or {}, "Organization.Id")
    if intent.organization and found != intent.organization:
        yield f"the account is in {found or 'no organisation'}, declared {intent.organization}"
    policy = estate.page("organizations:DescribeEffectivePolicy", PolicyType="DECLARATIVE_POLICY_EC2")
    content = json.loads(dig(policy or {}, "EffectivePolicy.PolicyContent") or "{}")
    blocked = dig(content, "ec2_attributes.vpc_block_public_access.internet_gateway_block.exclusions_allowed")
    options = estate.page("ec2:DescribeVpcBlockPublicAccessOptions") or {}
    allowed = dig(options, "VpcBlockPublicAccessOptions.ExclusionsAllowed")
    if intent.network.public_subnets and ("not-allowed" in (allowed, blocked) or blocked == "disabled"):
        yield "its declarative policy admits no exclusion from Block Public Access, and public subnets are declared"


@check(
    "preflight-internet-of-others",
    "Switching Block Public Access on cuts off nobody else",
    severity="high",
    properties=(),
    reads=("ec2:DescribeVpcs", "ec2:DescribeInternetGateways", "ec2:DescribeVpcBlockPublicAccessOptions",
           "ec2:DescribeVpcBlockPublicAccessExclusions"),
    remedy="use an account of its own, or declare exclusive_account: true and accept it",
    over=account_row,
)  # fmt: skip
def internet_of_others(_: None, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each other VPC with an internet gateway, where the block is not on yet and the account is shared."""
    if intent.exclusive_account:
        raise NotApplicable("the params declare the account exclusive, so nobody else is in it to be cut off")
    options = estate.page("ec2:DescribeVpcBlockPublicAccessOptions") or {}
    mode = dig(options, "VpcBlockPublicAccessOptions.InternetGatewayBlockMode")
    if mode == "block-bidirectional":
        raise NotApplicable("it is on already, so no run switches it on")
    own = {one["VpcId"] for one in estate.items("ec2:DescribeVpcs", "Vpcs") if is_ours(one, intent)}
    own |= set(intent.adopt.values())
    spared = set(strings(estate.page("ec2:DescribeVpcBlockPublicAccessExclusions") or {}))
    for gateway in every(estate, "ec2:DescribeInternetGateways", "InternetGateways"):
        for link in gateway.get("Attachments", []):
            if link["VpcId"] not in own and not any(one.endswith(f"/{link['VpcId']}") for one in spared):
                yield f"{link['VpcId']} would lose its internet gateway {gateway['InternetGatewayId']}"


def _taken(intent: Intent, estate: Estate) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Everything that has one of the environment's names: roles and buckets, whoever made them."""
    wanted = {intent.identity.deploy_role, *(intent.name(one) for one in ("developer", "node", "runner", "cluster"))}
    for role in every(estate, DETAILS, "RoleDetailList"):
        if role["RoleName"] in wanted:
            yield f"role {role['RoleName']}", role
    names = {bucket(intent, purpose) for purpose in BUCKETS}
    for one in every(estate, "s3:ListBuckets", "Buckets"):
        if one["Name"] in names:
            page = estate.page("s3:GetBucketTagging", Bucket=one["Name"]) or {}
            yield f"bucket {one['Name']}", {"Tags": page.get("TagSet", [])}
    aliases = {alias(intent, purpose) for purpose in ("cluster", "data", "evidence", "logs")}
    for one in every(estate, "kms:ListAliases", "Aliases"):
        if one["AliasName"] in aliases and one.get("TargetKeyId"):
            yield one["AliasName"], estate.page("kms:ListResourceTags", KeyId=one["TargetKeyId"]) or {}


@check(
    "preflight-names-free",
    "No name of the environment is taken by something that is not ours",
    severity="high",
    properties=(),
    reads=(DETAILS, "s3:ListBuckets", "s3:GetBucketTagging", "kms:ListAliases", "kms:ListResourceTags"),
    remedy="adopt it under its logical key, or choose another prefix",
    over=lambda intent, estate: [(f"names with the prefix {intent.prefix}", None)],
)
def names_free(_: None, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each thing of one of our names without our tag, the adopted ones apart."""
    for name, item in _taken(intent, estate):
        if not is_ours(item, intent) and not set(strings(item)) & set(intent.adopt.values()):
            yield f"{name} exists and is not this environment's ({label(item, 'Arn')})"


CHECKS = (organization, internet_of_others, names_free)
