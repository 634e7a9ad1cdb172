"""Listings of things that the rehearsal never has, and the error for asking about one of them.

Nothing of these kinds can be created here (their Create operations are unknown operations), so the empty answer is the
true one. The operations are those by which the zero-egress proof looks for channels.
"""

from __future__ import annotations

import sys
from typing import Any

from moto.backends import ALT_SERVICE_NAMES

from airgap.rehearsal.hook import PassOn, answers
from airgap.rehearsal.wire import Call, Refusal

EMPTY: dict[str, str] = {
    "accessanalyzer": "ListAnalyzers",
    "apprunner": "ListServices ListVpcConnectors",
    "backup": "ListCopyJobs",
    "dynamodb": "ListGlobalTables",
    "directconnect": """DescribeDirectConnectGateways DescribeDirectConnectGatewayAssociations
        DescribeDirectConnectGatewayAttachments DescribeVirtualInterfaces DescribeVirtualGateways""",
    "dlm": "GetLifecyclePolicies",
    "drs": "DescribeSourceServers DescribeReplicationConfigurationTemplates",
    "ec2": """DescribeClientVpnEndpoints DescribeClientVpnTargetNetworks DescribeClientVpnRoutes
        DescribeClientVpnAuthorizationRules DescribeClientVpnConnections DescribeExportImageTasks
        DescribeInstanceConnectEndpoints DescribeLocalGateways DescribeLocalGatewayRouteTables
        DescribeLocalGatewayRouteTableVpcAssociations DescribeLocalGatewayVirtualInterfaces SearchLocalGatewayRoutes
        DescribeNetworkInsightsAccessScopes DescribeNetworkInsightsAccessScopeAnalyses
        DescribeNetworkInterfacePermissions DescribePublicIpv4Pools
        DescribeRouteServers DescribeRouteServerPeers DescribeRouteServerEndpoints GetRouteServerPropagations
        GetRouteServerRoutingDatabase DescribeSecondaryNetworks DescribeSecondarySubnets DescribeSecondaryInterfaces
        DescribeSecurityGroupVpcAssociations DescribeStoreImageTasks DescribeTrafficMirrorFilterRules
        DescribeTransitGatewayConnects DescribeTransitGatewayPolicyTables GetTransitGatewayPrefixListReferences
        GetTransitGatewayPolicyTableEntries GetTransitGatewayAttachmentNatConfiguration
        DescribeVerifiedAccessEndpoints DescribeVerifiedAccessInstances DescribeVpcEndpointAssociations
        DescribeVpcEndpointConnections DescribeVpnConcentrators DescribeFastSnapshotRestores""",
    "elasticache": "DescribeServerlessCaches DescribeGlobalReplicationGroups",
    "globalaccelerator": """ListAccelerators ListCustomRoutingAccelerators ListByoipCidrs
        ListCrossAccountResourceAccounts""",
    "kafka": "ListReplicators",
    "mgn": "DescribeSourceServers",
    "cloudwatch": "ListMetricStreams",
    "network-firewall": "ListFirewallPolicies ListRuleGroups ListVpcEndpointAssociations",
    "networkmanager": "ListAttachments ListAttachmentNatConfigurations ListPeerings",
    "oam": "ListLinks ListSinks",
    "odb": "ListOdbNetworks ListOdbPeeringConnections",
    "rds": "DescribeIntegrations",
    "redshift": "DescribeDataShares",
    "rolesanywhere": "ListTrustAnchors ListProfiles ListCrls",
    "route53globalresolver": """ListGlobalResolvers ListDNSViews ListAccessSources ListFirewallDomainLists
        ListHostedZoneAssociations""",
    "route53profiles": "ListProfiles ListProfileAssociations ListProfileResourceAssociations",
    "route53resolver": "ListOutpostResolvers ListFirewallRuleTypes",
    "s3control": "ListAccessGrants ListAccessGrantsInstances ListJobs",
    "ssm": "GetResourcePolicies",
    "vpc-lattice": "ListResourceConfigurations ListResourceGateways ListResourceEndpointAssociations",
}

ABSENT: dict[tuple[str, str], tuple[str, str]] = {
    ("backup", "ListRestoreAccessBackupVaults"): ("ResourceNotFoundException", "Backup vault not found"),
    ("dlm", "GetLifecyclePolicy"): ("ResourceNotFoundException", "The lifecycle policy does not exist"),
    ("network-firewall", "DescribeFirewallPolicy"): ("ResourceNotFoundException", "Firewall policy not found"),
    ("network-firewall", "DescribeRuleGroup"): ("ResourceNotFoundException", "Rule group not found"),
    ("network-firewall", "DescribeProxy"): ("ResourceNotFoundException", "Proxy not found"),
    ("networkmanager", "GetCoreNetworkPolicy"): ("ResourceNotFoundException", "Core network not found"),
    ("networkmanager", "GetNetworkRoutes"): ("ResourceNotFoundException", "Global network not found"),
    ("route53resolver", "GetFirewallRuleGroupPolicy"): ("ResourceNotFoundException", "There is no policy"),
    ("route53resolver", "GetResolverQueryLogConfigPolicy"): ("UnknownResourceException", "There is no policy"),
    ("route53resolver", "GetResolverRulePolicy"): ("UnknownResourceException", "There is no policy"),
    ("s3control", "GetAccessGrantsInstance"): ("NoSuchAccessGrantsInstanceError", "There is no access grants instance"),
}


# moto has these services, and loading one takes up to seconds; while nobody has used it, it has nothing.
SLOW: dict[str, str] = {
    "apigateway": "GetVpcLinks GetRestApis",
    "apigatewayv2": "GetVpcLinks GetApis",
    "batch": "DescribeComputeEnvironments",
    "bedrock-agent": "ListAgents ListKnowledgeBases",
    "codepipeline": "ListPipelines",
    "datasync": "ListLocations ListTasks",
    "ecs": "ListClusters",
    "glue": "GetJobs GetConnections",
    "kafka": "ListClustersV2",
    "lakeformation": "ListPermissions",
    "lambda": "ListFunctions",
    "sagemaker": "ListNotebookInstances ListEndpoints ListDomains",
    "stepfunctions": "ListStateMachines",
    "transfer": "ListConnectors ListServers",
}


def nothing(call: Call) -> dict[str, Any]:
    """Return every list of the output empty."""
    output = call.model.output_shape if call.model else None
    return {name: [] for name, shape in output.members.items() if shape.type_name == "list"} if output else {}


def unused(call: Call) -> dict[str, Any] | PassOn:
    """Return every list empty while moto has not loaded the service, and leave it to moto from then on."""
    package = ALT_SERVICE_NAMES.get(call.service, call.service).replace("-", "")
    return PassOn.TO_MOTO if f"moto.{package}.models" in sys.modules else nothing(call)


def absent(call: Call) -> dict[str, Any]:
    """Refuse, since there is no such thing."""
    code, message = ABSENT[call.service, call.operation]
    raise Refusal(code, message)


for _service, _operations in EMPTY.items():
    answers(_service, *_operations.split())(nothing)
for _service, _operations in SLOW.items():
    answers(_service, *_operations.split())(unused)
for _service, _operation in ABSENT:
    answers(_service, _operation)(absent)
