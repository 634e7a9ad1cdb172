"""Read calls on name resolution: DNS Firewall, resolver rules and endpoints, hosted zones (D1, D2, D3)."""

from __future__ import annotations

from airgap.cloud.query import Query, follow

# AWS's managed domain lists are neither tagged nor shown.
MANAGED = (("ManagedOwnerName", "?*"),)
TAGGED: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    ("route53resolver:ListFirewallRuleGroups", "FirewallRuleGroups", ()),
    ("route53resolver:ListFirewallRuleGroupAssociations", "FirewallRuleGroupAssociations", ()),
    ("route53resolver:ListFirewallDomainLists", "FirewallDomainLists", MANAGED),
    ("route53resolver:ListResolverQueryLogConfigs", "ResolverQueryLogConfigs", ()),
)

QUERIES: tuple[Query, ...] = (
    # D1: recursion by the VPC's resolver.
    Query("route53resolver:ListFirewallRuleGroups"),
    Query("route53resolver:ListFirewallRuleGroupAssociations"),
    follow(
        "route53resolver:ListFirewallRules",
        "route53resolver:ListFirewallRuleGroups",
        "FirewallRuleGroups",
        {"FirewallRuleGroupId": "Id"},
    ),
    Query("route53resolver:ListFirewallDomainLists"),
    follow(
        "route53resolver:ListFirewallDomains",
        "route53resolver:ListFirewallDomainLists",
        "FirewallDomainLists",
        {"FirewallDomainListId": "Id"},
        skip=MANAGED,
    ),
    Query("route53resolver:ListFirewallConfigs"),
    follow("route53resolver:GetFirewallConfig", "ec2:DescribeVpcs", "Vpcs", {"ResourceId": "VpcId"}),
    *(
        follow("route53resolver:ListTagsForResource", call, items, {"ResourceArn": "Arn"}, skip=skip)
        for call, items, skip in TAGGED
    ),
    # D2: rules, endpoints, profiles and global resolvers that send queries elsewhere.
    Query("route53resolver:ListResolverRules"),
    Query("route53resolver:ListResolverRuleAssociations"),
    Query("route53resolver:ListResolverEndpoints"),
    follow(
        "route53resolver:ListResolverEndpointIpAddresses",
        "route53resolver:ListResolverEndpoints",
        "ResolverEndpoints",
        {"ResolverEndpointId": "Id"},
    ),
    follow("route53resolver:GetResolverConfig", "ec2:DescribeVpcs", "Vpcs", {"ResourceId": "VpcId"}),
    Query("route53resolver:ListOutpostResolvers"),
    Query("route53profiles:ListProfiles"),
    Query("route53profiles:ListProfileAssociations"),
    follow(
        "route53profiles:ListProfileResourceAssociations",
        "route53profiles:ListProfiles",
        "ProfileSummaries",
        {"ProfileId": "Id"},
    ),
    Query("route53globalresolver:ListGlobalResolvers"),
    Query("route53globalresolver:ListHostedZoneAssociations"),
    # D3: private zones, and the log of queries.
    Query("route53:ListHostedZones", scope="global"),
    follow(
        "route53:ListHostedZonesByVPC",
        "ec2:DescribeVpcs",
        "Vpcs",
        {"VPCId": "VpcId", "VPCRegion": "$region"},
        scope="global",
    ),
    *(
        follow(
            f"route53:{operation}",
            "route53:ListHostedZones",
            "HostedZones",
            {name: "Id"},
            scope="global",
            only=(("Config.PrivateZone", "true"),),
        )
        for operation, name in (
            ("GetHostedZone", "Id"),
            ("ListResourceRecordSets", "HostedZoneId"),
            ("ListVPCAssociationAuthorizations", "HostedZoneId"),
        )
    ),
    Query("route53resolver:ListResolverQueryLogConfigs"),
    Query("route53resolver:ListResolverQueryLogConfigAssociations"),
)
