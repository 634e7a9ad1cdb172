"""What is in an account, listed by stock boto3 calls of our own: the count that the runbook does not make itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Client = Callable[[str], Any]
# What is listed -> (service, method, member of the answer, members that name an item when no tag does).
LISTED: Mapping[str, tuple[str, str, str, tuple[str, ...]]] = {
    "vpc": ("ec2", "describe_vpcs", "Vpcs", ("CidrBlock",)),
    "subnet": ("ec2", "describe_subnets", "Subnets", ("CidrBlock",)),
    "route table": ("ec2", "describe_route_tables", "RouteTables", ()),
    "acl": ("ec2", "describe_network_acls", "NetworkAcls", ()),
    "group": ("ec2", "describe_security_groups", "SecurityGroups", ("GroupName",)),
    "rule": ("ec2", "describe_security_group_rules", "SecurityGroupRules", ("IpProtocol", "FromPort", "IsEgress")),
    "internet gateway": ("ec2", "describe_internet_gateways", "InternetGateways", ()),
    "nat": ("ec2", "describe_nat_gateways", "NatGateways", ("State",)),
    "address": ("ec2", "describe_addresses", "Addresses", ()),
    "endpoint": ("ec2", "describe_vpc_endpoints", "VpcEndpoints", ("ServiceName",)),
    "dhcp": ("ec2", "describe_dhcp_options", "DhcpOptions", ()),
    "flow log": ("ec2", "describe_flow_logs", "FlowLogs", ()),
    "exclusion": ("ec2", "describe_vpc_block_public_access_exclusions", "VpcBlockPublicAccessExclusions", ("State",)),
    "bucket": ("s3", "list_buckets", "Buckets", ("Name",)),
    "role": ("iam", "list_roles", "Roles", ("RoleName",)),
    "policy": ("iam", "list_policies", "Policies", ("PolicyName",)),
    "profile": ("iam", "list_instance_profiles", "InstanceProfiles", ("InstanceProfileName",)),
    "provider": ("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList", ("Arn",)),
    "key": ("kms", "list_keys", "Keys", ()),
    "alias": ("kms", "list_aliases", "Aliases", ("AliasName",)),
    "repository": ("ecr", "describe_repositories", "repositories", ("repositoryName",)),
    "log group": ("logs", "describe_log_groups", "logGroups", ("logGroupName",)),
    "trail": ("cloudtrail", "describe_trails", "trailList", ("Name",)),
    "firewall group": ("route53resolver", "list_firewall_rule_groups", "FirewallRuleGroups", ("Name",)),
    "firewall list": ("route53resolver", "list_firewall_domain_lists", "FirewallDomainLists", ("Name",)),
    "firewall association": ("route53resolver", "list_firewall_rule_group_associations",
                             "FirewallRuleGroupAssociations", ("Name",)),
    "query log": ("route53resolver", "list_resolver_query_log_configs", "ResolverQueryLogConfigs", ("Name",)),
    "query log association": ("route53resolver", "list_resolver_query_log_config_associations",
                              "ResolverQueryLogConfigAssociations", ("Status",)),
}  # fmt: skip
GONE = {"deleted", "deleting", "delete-complete", "disable-complete"}
ARGUMENTS = {"list_policies": {"Scope": "Local"}}


def inventory(client: Client) -> Counter[str]:
    """How many of each thing there are, named by its tags and its own name, never by an id."""
    found: Counter[str] = Counter()
    for what, (service, method, member, named) in LISTED.items():
        for item in _pages(client(service), method, member):
            if str(item.get("State", item.get("Status", ""))).lower() not in GONE and not _retiring(client, what, item):
                found[" ".join([what, *_label(item, named)])] += 1
            for route in item.get("Routes", []) if what == "route table" else []:
                target = next((name for name in route if name.endswith("Id") and route[name] != "local"), "local")
                found[f"route {_key(item)} {route.get('DestinationCidrBlock') or 'list'} {target}"] += 1
            if what == "acl":
                found[f"acl entries {_key(item)}"] += len(item["Entries"])
    return found


def _pages(client: Any, method: str, member: str) -> Iterator[dict[str, Any]]:
    arguments = ARGUMENTS.get(method, {})
    if client.can_paginate(method):
        for page in client.get_paginator(method).paginate(**arguments):
            yield from page.get(member, [])
    else:
        yield from getattr(client, method)(**arguments).get(member, [])


def _retiring(client: Client, what: str, item: Mapping[str, Any]) -> bool:
    """A deleted KMS key stays for its waiting period."""
    if what != "key":
        return False
    return bool(client("kms").describe_key(KeyId=item["KeyId"])["KeyMetadata"]["KeyState"] == "PendingDeletion")


def _key(item: Mapping[str, Any]) -> str:
    tags = {tag["Key"]: tag["Value"] for tag in item.get("Tags", item.get("TagSet", []))}
    return tags.get("airgap:key", "")


# The last part of the name that EKS gives a cluster's group is a number of any length.
_IDS = re.compile(r"[a-z]+-[0-9a-f]{8}[0-9a-f-]*|(?<=^eks-cluster-sg-fintech-)prod-[0-9]+")


def _label(item: Mapping[str, Any], named: tuple[str, ...]) -> list[str]:
    """What names an item: its key tag and the named members, the latter without ids in them."""
    values = [str(item.get(name, "")) for name in named]
    told = (_IDS.sub("ID", value) for value in values)
    return [text for text in [_key(item), *told] if text]
