"""DNS Firewall: which names resolve, which do not, and what protects the association."""

from __future__ import annotations

import dataclasses

import pytest
from embedded import AWS, DEMO

from airgap.resources import dns_firewall, vpc
from airgap.resources.dns_names import allowed_names, reverse_zones

PLACE = (vpc.declare, dns_firewall.declare)


def matches(name: str, patterns: dict[str, str]) -> bool:
    """DNS Firewall: a leading ``*.`` stands for one or more labels, and nothing else is a wildcard."""
    return any(name.endswith(one[1:]) if one.startswith("*.") else name == one for one in patterns)


@pytest.mark.parametrize(
    "name",
    [
        "ec2.us-east-1.amazonaws.com",
        "api.ecr.us-east-1.amazonaws.com",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com",
        "123456789012.ddb.us-east-1.amazonaws.com",
        "fintech-application-123456789012-us-east-1.s3.us-east-1.amazonaws.com",
        "master.fintech.abc123.use1.cache.amazonaws.com",
        "fintech-postgres.abc123.us-east-1.rds.amazonaws.com",
        "0123456789abcdef.gr7.us-east-1.eks.amazonaws.com",
        "internal-fintech-1.us-east-1.elb.amazonaws.com",
        "eks-auth.us-east-1.api.aws",
        "ip-10-0-10-4.ec2.internal",
        "4.10.0.10.in-addr.arpa",
    ],
)
def test_names_that_the_components_need_resolve(name: str) -> None:
    assert matches(name, allowed_names(DEMO))


@pytest.mark.parametrize(
    "name",
    [
        "example.com",
        "secret.attacker.example.com",
        "s3.amazonaws.com",
        "sts.amazonaws.com",
        "ec2.eu-west-1.amazonaws.com",
        "amazonaws.com",
        "8.8.8.8.in-addr.arpa",
        "fakeus-east-1.amazonaws.com",
        "us-east-1.amazonaws.com.example.com",
    ],
)
def test_every_other_name_does_not(name: str) -> None:
    assert not matches(name, allowed_names(DEMO))


@pytest.mark.parametrize(
    ("partition", "region", "name"),
    [
        ("aws-us-gov", "us-gov-west-1", "ec2.us-gov-west-1.amazonaws.com"),
        ("aws-us-gov", "us-gov-west-1", "ip-10-0-10-4.us-gov-west-1.compute.internal"),
        ("aws-cn", "cn-north-1", "ec2.cn-north-1.amazonaws.com.cn"),
        ("aws-cn", "cn-north-1", "eks-auth.cn-north-1.api.amazonwebservices.com.cn"),
    ],
)
def test_names_of_other_partitions(partition: str, region: str, name: str) -> None:
    intent = dataclasses.replace(DEMO, partition=partition, region=region)
    assert matches(name, allowed_names(intent))
    assert not matches("ec2.us-east-1.amazonaws.com", allowed_names(intent))


@pytest.mark.parametrize(
    ("cidr", "zones"),
    [
        ("10.0.0.0/16", ["*.0.10.in-addr.arpa"]),
        ("10.0.0.0/15", ["*.0.10.in-addr.arpa", "*.1.10.in-addr.arpa"]),
        ("10.0.0.0/8", ["*.10.in-addr.arpa"]),
        ("10.0.16.0/23", ["*.16.0.10.in-addr.arpa", "*.17.0.10.in-addr.arpa"]),
        ("10.0.16.64/26", ["*.16.0.10.in-addr.arpa"]),
    ],
)
def test_reverse_zones_to_the_octet(cidr: str, zones: list[str]) -> None:
    assert reverse_zones(cidr) == zones


def test_declared_names_are_allowed_too() -> None:
    intent = dataclasses.replace(DEMO, network=dataclasses.replace(DEMO.network, dns_allow=("time.corp.example",)))
    assert allowed_names(intent)["time.corp.example"] == "declared in network.dns_allow"


def test_bring_settle_remove_and_bring_again(aws: AWS) -> None:
    resolver = aws.client("route53resolver")
    for _ in range(2):
        aws.settled(*PLACE)
        (bound,) = resolver.list_firewall_rule_group_associations()["FirewallRuleGroupAssociations"]
        assert (bound["Priority"], bound["MutationProtection"]) == (101, "ENABLED")
        aws.destroy(*PLACE)
        assert resolver.list_firewall_rule_groups()["FirewallRuleGroups"] == []
        assert resolver.list_firewall_domain_lists()["FirewallDomainLists"] == []


def test_rules_exist_before_the_association(aws: AWS) -> None:
    aws.apply(*PLACE)
    writes = aws.memory.calls("write")
    last_rule = len(writes) - 1 - writes[::-1].index("route53resolver:CreateFirewallRule")
    assert last_rule < writes.index("route53resolver:AssociateFirewallRuleGroup")


def test_drift_field_by_field(aws: AWS) -> None:
    aws.settled(*PLACE)
    resolver, lives = aws.client("route53resolver"), aws.plan(*PLACE).found.lives
    association, group = lives["firewall-association:main"].id, lives["firewall-rule-group:main"].id
    resolver.update_firewall_rule_group_association(
        FirewallRuleGroupAssociationId=association, MutationProtection="DISABLED"
    )
    resolver.update_firewall_rule_group_association(FirewallRuleGroupAssociationId=association, Priority=9000)
    resolver.update_firewall_config(ResourceId=lives["vpc:main"].id, FirewallFailOpen="ENABLED")
    lists = {name: lives[f"firewall-domain-list:{name}"].id for name in ("allowed", "every-name")}
    resolver.update_firewall_rule(FirewallRuleGroupId=group, FirewallDomainListId=lists["every-name"], Action="ALERT")
    resolver.update_firewall_domains(FirewallDomainListId=lists["allowed"], Operation="ADD", Domains=["example.com"])
    other = resolver.create_firewall_domain_list(Name="other", CreatorRequestId="1")["FirewallDomainList"]["Id"]
    resolver.create_firewall_rule(
        FirewallRuleGroupId=group,
        FirewallDomainListId=other,
        Priority=50,
        Action="ALLOW",
        Name="hole",
        CreatorRequestId="2",
    )
    changes = aws.plan(*PLACE).changes
    assert changes.pop(f"firewall-rule:undeclared {group}|{other}||")[""][0] == "delete"
    (names,) = changes.pop("firewall-domain-list:allowed").values()
    assert "example.com." in names[1]
    assert changes == {
        "firewall-association:main": {
            "priority": ("update", 9000, 101),
            "protection": ("update", "DISABLED", "ENABLED"),
        },
        "firewall-config:main": {"fail_open": ("update", "ENABLED", "DISABLED")},
        "firewall-rule:block": {
            "action": ("update", "ALERT", "BLOCK"),
            "block_response": ("update", None, "NXDOMAIN"),
        },
    }
    aws.settled(*PLACE)


def test_a_priority_is_changed_under_protection(aws: AWS) -> None:
    aws.settled(*PLACE)
    resolver, lives = aws.client("route53resolver"), aws.plan(*PLACE).found.lives
    association = {"FirewallRuleGroupAssociationId": lives["firewall-association:main"].id}
    for change in ({"MutationProtection": "DISABLED"}, {"Priority": 9000}, {"MutationProtection": "ENABLED"}):
        resolver.update_firewall_rule_group_association(**association, **change)
    assert set(aws.plan(*PLACE).changes) == {"firewall-association:main"}
    aws.settled(*PLACE)
