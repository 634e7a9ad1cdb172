"""Security groups: born empty, kept empty, and each rule a resource of its own."""

from __future__ import annotations

import pytest
from embedded import AWS

from airgap.resources import security_groups, vpc
from airgap.resources.kind import declares
from airgap.resources.security_groups import RULE, groups, rule

PLACE = (vpc.declare, security_groups.declare)


@declares(RULE)
def rules(intent, facts):
    """Rules of every sort, each group naming the other."""
    yield rule("endpoints", "in", "tcp", 443, 443, cidr="10.0.0.0/16", why="all of the VPC")
    yield rule("nodes", "out", "tcp", 443, 443, peer="endpoints", why="AWS services")
    yield rule("nodes", "out", "tcp", 443, 443, prefix_list="pl-02520cd89a8a39556", why="S3")
    yield rule("endpoints", "in", "-1", -1, -1, peer="nodes", why="everything of the nodes")


WITH_RULES = (*PLACE, rules)


def test_groups_follow_the_components(aws: AWS) -> None:
    assert {"endpoints", "nodes", "cluster", "alb", "database", "cache"} <= set(groups(aws.intent))
    assert {"operations-host", "runner", "rotation"} <= set(groups(aws.intent))
    aws.change(components=())
    assert not {"operations-host", "runner", "rotation"} & set(groups(aws.intent))


def test_no_group_of_the_vpc_has_a_rule(aws: AWS) -> None:
    aws.settled(*PLACE)
    assert aws.client("ec2").describe_security_group_rules()["SecurityGroupRules"] == []


def test_rules_by_range_group_and_prefix_list_settle_and_go(aws: AWS) -> None:
    ec2 = aws.client("ec2")
    for _ in range(2):
        aws.settled(*WITH_RULES)
        seen = ec2.describe_security_group_rules()["SecurityGroupRules"]
        assert {one["Description"] for one in seen} == {
            "all of the VPC",
            "AWS services",
            "S3",
            "everything of the nodes",
        }
        aws.destroy(*WITH_RULES)
        assert ec2.describe_security_groups()["SecurityGroups"] == []


def test_a_rule_behind_the_back_goes_and_a_missing_one_comes_back(aws: AWS) -> None:
    aws.settled(*WITH_RULES)
    ec2, lives = aws.client("ec2"), aws.plan(*WITH_RULES).found.lives
    default, nodes = lives["default-security-group:main"].id, lives["security-group:nodes"].id
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    for group in (default, nodes):
        ec2.authorize_security_group_egress(GroupId=group, IpPermissions=everything)
    gone = "security-group-rule:endpoints-in-tcp-443-10-0-0-0-16"
    ec2.revoke_security_group_ingress(
        GroupId=lives["security-group:endpoints"].id, SecurityGroupRuleIds=[lives[gone].id]
    )
    ops = {key: {op for op, _, _ in fields.values()} for key, fields in aws.plan(*WITH_RULES).changes.items()}
    assert ops.pop(gone) == {"create"}
    assert len(ops) == 2
    assert all(key.startswith("security-group-rule:undeclared sgr-") for key in ops)
    assert set(map(frozenset, ops.values())) == {frozenset({"delete"})}
    aws.settled(*WITH_RULES)


def test_a_changed_description_is_set_in_place(aws: AWS) -> None:
    aws.settled(*WITH_RULES)
    ec2, lives = aws.client("ec2"), aws.plan(*WITH_RULES).found.lives
    key, https = (
        "security-group-rule:endpoints-in-tcp-443-10-0-0-0-16",
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443},
    )
    ec2.update_security_group_rule_descriptions_ingress(
        GroupId=lives["security-group:endpoints"].id,
        IpPermissions=[{**https, "IpRanges": [{"CidrIp": "10.0.0.0/16", "Description": "temporary"}]}],
    )
    assert aws.plan(*WITH_RULES).changes == {key: {"description": ("update", "temporary", "all of the VPC")}}
    aws.settled(*WITH_RULES)


def test_a_rule_has_exactly_one_peer() -> None:
    with pytest.raises(ValueError, match="exactly one of"):
        rule("nodes", "out", "tcp", 443, 443, why="nowhere")
    with pytest.raises(ValueError, match="exactly one of"):
        rule("nodes", "out", "tcp", 443, 443, cidr="10.0.0.0/16", peer="endpoints", why="both")


def test_groups_of_other_kinds_are_named_by_reference() -> None:
    made = rule("${eks-cluster:main.security_group}", "in", "tcp", 10250, 10250, peer="cluster", why="kubelet")
    assert made.name == "eks-cluster-main-in-tcp-10250-cluster"
    assert made.fields["group"] == "${eks-cluster:main.security_group}"
    assert made.fields["peer"] == "${security-group:cluster.id}"
