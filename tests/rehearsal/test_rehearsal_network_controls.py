"""VPC Block Public Access, DNS Firewall and query logging."""

from __future__ import annotations

import json

import pytest
from emulated import refused, until

OPEN, BLOCK = "allow-bidirectional", "block-bidirectional"


def options(ec2):
    return ec2.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"]


def test_the_block_is_off_until_it_is_switched_on_which_takes_time(aws):
    ec2, vpc = aws.client("ec2"), aws.vpc()
    assert (options(ec2)["State"], options(ec2)["InternetGatewayBlockMode"]) == ("default-state", "off")
    ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode=BLOCK)
    assert options(ec2)["State"] == "update-in-progress"
    until(lambda: options(ec2)["State"], "update-complete")
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["BlockPublicAccessStates"] == {"InternetGatewayBlockMode": BLOCK}
    assert options(aws.client("ec2", "eu-west-1"))["InternetGatewayBlockMode"] == "off"
    refused("InvalidParameterValue", ec2.modify_vpc_block_public_access_options, InternetGatewayBlockMode="nonsense")


def test_an_exclusion_is_created_used_and_deleted(aws):
    ec2, vpc = aws.client("ec2"), aws.vpc()
    subnet, other = aws.subnet(vpc, 1), aws.subnet(vpc, 2)
    ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode=BLOCK)
    create = ec2.create_vpc_block_public_access_exclusion
    tags = [{"ResourceType": "vpc-block-public-access-exclusion", "Tags": [{"Key": "env", "Value": "demo"}]}]
    made = create(SubnetId=subnet, InternetGatewayExclusionMode=OPEN, TagSpecifications=tags)
    made = made["VpcBlockPublicAccessExclusion"]
    assert (made["State"], made["Tags"]) == ("create-in-progress", [{"Key": "env", "Value": "demo"}])

    def read(**filters):
        return ec2.describe_vpc_block_public_access_exclusions(**filters)["VpcBlockPublicAccessExclusions"]

    until(lambda: read(ExclusionIds=[made["ExclusionId"]])[0]["State"], "create-complete")
    modes = {x["SubnetId"]: x["BlockPublicAccessStates"] for x in ec2.describe_subnets()["Subnets"]}
    assert {x: y["InternetGatewayBlockMode"] for x, y in modes.items()} == {subnet: "off", other: BLOCK}
    assert len(read(Filters=[{"Name": "tag:env", "Values": ["de*"]}])) == 1
    ec2.create_tags(Resources=[made["ExclusionId"]], Tags=[{"Key": "owner", "Value": "airgap"}])
    assert {tag["Key"] for tag in read()[0]["Tags"]} == {"env", "owner"}
    assert read(Filters=[{"Name": "resource-arn", "Values": ["*/subnet-none"]}]) == []
    again = {"SubnetId": subnet, "InternetGatewayExclusionMode": OPEN}
    refused("VpcBlockPublicAccessExclusionAlreadyExists", create, **again)
    refused("InvalidSubnetID.NotFound", create, SubnetId="subnet-1", InternetGatewayExclusionMode=OPEN)
    refused("InvalidParameterCombination", create, InternetGatewayExclusionMode=OPEN)
    ec2.delete_vpc_block_public_access_exclusion(ExclusionId=made["ExclusionId"])
    assert read()[0]["State"] == "delete-in-progress"
    until(lambda: read()[0]["State"], "delete-complete")
    missing = {"ExclusionId": made["ExclusionId"]}
    refused("InvalidVpcBlockPublicAccessExclusionId.NotFound", ec2.delete_vpc_block_public_access_exclusion, **missing)
    create(**again)


def test_a_declarative_policy_takes_the_block_out_of_the_account(aws):
    ec2, organizations = aws.client("ec2"), aws.client("organizations")
    refused("AWSOrganizationsNotInUseException", organizations.describe_organization)
    organizations.create_organization()
    root = organizations.list_roots()["Roots"][0]["Id"]
    kind = "DECLARATIVE_POLICY_EC2"
    organizations.enable_policy_type(RootId=root, PolicyType=kind)
    refused("EffectivePolicyNotFoundException", organizations.describe_effective_policy, PolicyType=kind)
    block = {"mode": {"@@assign": "block_bidirectional"}, "exclusions_allowed": {"@@assign": "disabled"}}
    content = json.dumps({"ec2_attributes": {"vpc_block_public_access": {"internet_gateway_block": block}}})
    policy = organizations.create_policy(Name="p", Description="p", Type=kind, Content=content)["Policy"]
    organizations.attach_policy(PolicyId=policy["PolicySummary"]["Id"], TargetId=root)
    seen = options(ec2)
    assert (seen["ManagedBy"], seen["ExclusionsAllowed"], seen["InternetGatewayBlockMode"]) == (
        "declarative-policy",
        "not-allowed",
        BLOCK,
    )
    refused("OperationNotPermitted", ec2.modify_vpc_block_public_access_options, InternetGatewayBlockMode="off")
    vpc = aws.vpc()
    excluded = {"VpcId": vpc, "InternetGatewayExclusionMode": OPEN}
    refused("OperationNotPermitted", ec2.create_vpc_block_public_access_exclusion, **excluded)
    effective = organizations.describe_effective_policy(PolicyType=kind)["EffectivePolicy"]["PolicyContent"]
    assert json.loads(effective)["ec2_attributes"]["vpc_block_public_access"]


@pytest.fixture
def firewall(aws):
    resolver, vpc = aws.client("route53resolver"), aws.vpc()
    names = resolver.create_firewall_domain_list(Name="names")["FirewallDomainList"]["Id"]
    group = resolver.create_firewall_rule_group(Name="group", Tags=[{"Key": "env", "Value": "demo"}])[
        "FirewallRuleGroup"
    ]
    return resolver, vpc, names, group


def test_domains_are_added_removed_and_replaced(firewall):
    resolver, _, names, _ = firewall

    def change(operation, *domains):
        done = resolver.update_firewall_domains(FirewallDomainListId=names, Operation=operation, Domains=domains)
        assert done["Status"] == "UPDATING"
        return resolver.list_firewall_domains(FirewallDomainListId=names)["Domains"]

    assert change("ADD", "a.example.com", "*") == ["a.example.com.", "*."]
    assert change("ADD", "*.Example.com.", "*") == ["a.example.com.", "*.", "*.example.com."]
    assert change("REMOVE", "a.example.com", "none.example.com") == ["*.", "*.example.com."]
    assert change("REPLACE", "b.example.com") == ["b.example.com."]
    got = resolver.get_firewall_domain_list(FirewallDomainListId=names)["FirewallDomainList"]
    assert got["DomainCount"] == 1
    until(
        lambda: resolver.get_firewall_domain_list(FirewallDomainListId=names)["FirewallDomainList"]["Status"],
        "COMPLETE",
    )
    wrong = {"FirewallDomainListId": names, "Operation": "ADD"}
    refused("ValidationException", resolver.update_firewall_domains, **wrong, Domains=["a b"])
    refused(
        "ValidationException", resolver.update_firewall_domains, **wrong, Domains=[f"n{x}.com" for x in range(1001)]
    )


def test_rules_have_an_order_and_hold_their_list(firewall):
    resolver, _, names, group = firewall
    place = {"FirewallRuleGroupId": group["Id"], "FirewallDomainListId": names}
    rule = {**place, "Name": "block", "Priority": 20, "Action": "BLOCK"}
    refused("ValidationException", resolver.create_firewall_rule, **rule)
    made = resolver.create_firewall_rule(**rule, BlockResponse="NXDOMAIN")["FirewallRule"]
    assert made["FirewallDomainRedirectionAction"] == "INSPECT_REDIRECTION_DOMAIN"
    refused("ValidationException", resolver.create_firewall_rule, **rule, BlockResponse="NXDOMAIN")
    other = resolver.create_firewall_domain_list(Name="other")["FirewallDomainList"]["Id"]
    allow = {**place, "FirewallDomainListId": other, "Name": "allow", "Action": "ALLOW"}
    refused("ValidationException", resolver.create_firewall_rule, **allow, Priority=20)
    resolver.create_firewall_rule(**allow, Priority=10)
    listed = resolver.list_firewall_rules(FirewallRuleGroupId=group["Id"])["FirewallRules"]
    assert [x["Name"] for x in listed] == ["allow", "block"]
    assert resolver.get_firewall_rule_group(FirewallRuleGroupId=group["Id"])["FirewallRuleGroup"]["RuleCount"] == 2
    changed = resolver.update_firewall_rule(**place, Action="ALERT")["FirewallRule"]
    assert (changed["Action"], changed.get("BlockResponse"), changed["Priority"]) == ("ALERT", None, 20)
    refused("ConflictException", resolver.delete_firewall_domain_list, FirewallDomainListId=names)
    refused("ConflictException", resolver.delete_firewall_rule_group, FirewallRuleGroupId=group["Id"])
    resolver.delete_firewall_rule(**place)
    refused("ResourceNotFoundException", resolver.delete_firewall_rule, **place)
    resolver.delete_firewall_domain_list(FirewallDomainListId=names)
    refused("ResourceNotFoundException", resolver.get_firewall_domain_list, FirewallDomainListId=names)


def test_an_association_settles_and_its_protection_comes_off_first(firewall):
    resolver, vpc, _, group = firewall
    wanted = {"FirewallRuleGroupId": group["Id"], "VpcId": vpc, "Name": "a"}
    refused("ValidationException", resolver.associate_firewall_rule_group, **wanted, Priority=100)
    made = resolver.associate_firewall_rule_group(**wanted, Priority=500, MutationProtection="ENABLED")
    name = {"FirewallRuleGroupAssociationId": made["FirewallRuleGroupAssociation"]["Id"]}
    assert made["FirewallRuleGroupAssociation"]["Status"] == "UPDATING"

    def listed():
        return resolver.list_firewall_rule_group_associations(VpcId=vpc)["FirewallRuleGroupAssociations"]

    until(lambda: [x["Status"] for x in listed()], ["COMPLETE"])
    refused("ConflictException", resolver.associate_firewall_rule_group, **wanted, Priority=600)
    refused("ConflictException", resolver.delete_firewall_rule_group, FirewallRuleGroupId=group["Id"])
    assert "mutation protection" in refused("ValidationException", resolver.disassociate_firewall_rule_group, **name)
    refused("ValidationException", resolver.update_firewall_rule_group_association, **name, Priority=600)
    resolver.update_firewall_rule_group_association(**name, MutationProtection="DISABLED")
    assert resolver.disassociate_firewall_rule_group(**name)["FirewallRuleGroupAssociation"]["Status"] == "DELETING"
    until(listed, [])
    resolver.delete_firewall_rule_group(FirewallRuleGroupId=group["Id"])


def test_the_firewall_fails_closed_until_told_otherwise(aws, firewall):
    resolver, vpc, _, group = firewall
    assert resolver.get_firewall_config(ResourceId=vpc)["FirewallConfig"]["FirewallFailOpen"] == "DISABLED"
    resolver.update_firewall_config(ResourceId=vpc, FirewallFailOpen="ENABLED")
    assert [x["FirewallFailOpen"] for x in resolver.list_firewall_configs()["FirewallConfigs"]] == ["ENABLED"]
    assert resolver.list_tags_for_resource(ResourceArn=group["Arn"])["Tags"] == [{"Key": "env", "Value": "demo"}]
    resolver.tag_resource(ResourceArn=group["Arn"], Tags=[{"Key": "more", "Value": "x"}])
    resolver.untag_resource(ResourceArn=group["Arn"], TagKeys=["env"])
    assert resolver.list_tags_for_resource(ResourceArn=group["Arn"])["Tags"] == [{"Key": "more", "Value": "x"}]
    assert aws.client("route53resolver", "eu-west-1").list_firewall_rule_groups()["FirewallRuleGroups"] == []


def test_query_logs_go_where_something_is_and_stop_before_deletion(aws):
    resolver, vpc, logs = aws.client("route53resolver"), aws.vpc(), aws.client("logs")
    group = "arn:aws:logs:us-east-1:123456789012:log-group:/dns"
    create = resolver.create_resolver_query_log_config
    refused("InvalidParameterException", create, Name="q", DestinationArn=group)
    logs.create_log_group(logGroupName="/dns")
    made = create(Name="q", DestinationArn=group)["ResolverQueryLogConfig"]["Id"]
    resolver.associate_resolver_query_log_config(ResolverQueryLogConfigId=made, ResourceId=vpc)
    refused("InvalidRequestException", resolver.delete_resolver_query_log_config, ResolverQueryLogConfigId=made)
    resolver.disassociate_resolver_query_log_config(ResolverQueryLogConfigId=made, ResourceId=vpc)
    resolver.delete_resolver_query_log_config(ResolverQueryLogConfigId=made)
    assert resolver.list_resolver_query_log_configs()["ResolverQueryLogConfigs"] == []
