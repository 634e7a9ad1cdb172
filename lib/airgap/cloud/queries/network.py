"""Read calls on what a VPC is made of, its exits, its filters and its endpoints."""

from __future__ import annotations

from airgap.cloud.query import Query, follow

QUERIES: tuple[Query, ...] = (
    Query("ec2:DescribeVpcs"),
    follow(
        "ec2:DescribeVpcAttribute",
        "ec2:DescribeVpcs",
        "Vpcs",
        {"VpcId": "VpcId"},
        vary={"Attribute": ("enableDnsSupport", "enableDnsHostnames", "enableNetworkAddressUsageMetrics")},
    ),
    Query("ec2:DescribeDhcpOptions"),
    # The transcript of the live probes that were made last, and a second scanner's comparison (``run.beside``).
    Query("probe:Network", vantage="vpc"),
    Query("peer:Comparison", vantage="file"),
    Query("ec2:DescribeSubnets"),
    Query("ec2:DescribeRouteTables"),
    # P1: internet gateways and public addresses.
    Query("ec2:DescribeInternetGateways"),
    Query("ec2:DescribeAddresses"),
    Query("ec2:DescribeNetworkInterfaces"),
    Query("ec2:DescribePublicIpv4Pools"),  # P22
    # P2, P3, P9.
    Query("ec2:DescribeEgressOnlyInternetGateways"),
    Query("ec2:DescribeNatGateways"),
    Query("ec2:DescribeCarrierGateways"),
    # P14: what may forward.
    Query("ec2:DescribeInstances"),
    # What an instance was told when it started; the text itself is redacted.
    follow(
        "ec2:DescribeInstanceAttribute",
        "ec2:DescribeInstances",
        "Reservations.Instances",
        {"InstanceId": "InstanceId"},
        params={"Attribute": "userData"},
        skip=(("State.Name", "terminated"), ("State.Name", "shutting-down")),
        absent=("InvalidInstanceID.NotFound",),
    ),
    # P17, P18, P19: endpoints, their services and prefix lists.
    Query("ec2:DescribeVpcEndpoints"),
    Query("ec2:DescribeVpcEndpointServices"),
    Query("ec2:DescribeVpcEndpointAssociations"),
    Query("ec2:DescribePrefixLists"),
    Query("ec2:DescribeManagedPrefixLists"),
    follow(
        "ec2:GetManagedPrefixListEntries",
        "ec2:DescribeManagedPrefixLists",
        "PrefixLists",
        {"PrefixListId": "PrefixListId"},
    ),
    # P26: endpoint services offered to others.
    Query("ec2:DescribeVpcEndpointServiceConfigurations"),
    follow(
        "ec2:DescribeVpcEndpointServicePermissions",
        "ec2:DescribeVpcEndpointServiceConfigurations",
        "ServiceConfigurations",
        {"ServiceId": "ServiceId"},
    ),
    Query("ec2:DescribeVpcEndpointConnections"),
    # P20: traffic mirroring.
    Query("ec2:DescribeTrafficMirrorSessions"),
    Query("ec2:DescribeTrafficMirrorTargets"),
    Query("ec2:DescribeTrafficMirrorFilters"),
    Query("ec2:DescribeTrafficMirrorFilterRules"),
    # P21: inbound tunnels.
    Query("ec2:DescribeInstanceConnectEndpoints"),
    Query("ec2:DescribeVerifiedAccessEndpoints"),
    # P23, P24: what others hold in the VPC, and secondary networks.
    Query("ec2:DescribeNetworkInterfacePermissions"),
    Query("ec2:DescribeSecurityGroupVpcAssociations"),
    Query("ec2:DescribeSecondaryNetworks"),
    Query("ec2:DescribeSecondarySubnets"),
    Query("ec2:DescribeSecondaryInterfaces"),
    # P25: the blockers.
    Query("ec2:DescribeSecurityGroups"),
    Query("ec2:DescribeSecurityGroupRules"),
    Query("ec2:DescribeNetworkAcls"),
    Query("ec2:DescribeVpcBlockPublicAccessOptions"),
    Query("ec2:DescribeVpcBlockPublicAccessExclusions"),
    # What watches the network (N10), and what AWS's own analysis found of it.
    Query("ec2:DescribeFlowLogs"),
    Query("ec2:DescribeNetworkInsightsAccessScopes"),
    Query("ec2:DescribeNetworkInsightsAccessScopeAnalyses"),
    follow(
        "ec2:GetNetworkInsightsAccessScopeAnalysisFindings",
        "ec2:DescribeNetworkInsightsAccessScopeAnalyses",
        "NetworkInsightsAccessScopeAnalyses",
        {"NetworkInsightsAccessScopeAnalysisId": "NetworkInsightsAccessScopeAnalysisId"},
        only=(("Status", "succeeded"),),
    ),
    # P16: firewalls and proxies.
    Query("network-firewall:ListFirewalls"),
    follow(
        "network-firewall:DescribeFirewall",
        "network-firewall:ListFirewalls",
        "Firewalls",
        {"FirewallArn": "FirewallArn"},
    ),
    Query("network-firewall:ListFirewallPolicies"),
    follow(
        "network-firewall:DescribeFirewallPolicy",
        "network-firewall:ListFirewallPolicies",
        "FirewallPolicies",
        {"FirewallPolicyArn": "Arn"},
    ),
    Query("network-firewall:ListRuleGroups"),
    follow(
        "network-firewall:DescribeRuleGroup", "network-firewall:ListRuleGroups", "RuleGroups", {"RuleGroupArn": "Arn"}
    ),
    Query("network-firewall:ListVpcEndpointAssociations"),
)
