"""The ways by which data can leave, each with the calls that reveal it.

Four families: packets (P), names (D), the EKS control plane (K), and service-side copies that no packet filter sees
(N). A channel is decided only when all of its calls were answered. Sources: the API references of the services named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

# Id and title, then the operations of each service.
_TABLE = """
P1 Internet gateway with public addresses
    ec2: DescribeInternetGateways DescribeRouteTables DescribeAddresses DescribeNetworkInterfaces DescribeSubnets
P2 IPv6 and egress-only internet gateway
    ec2: DescribeEgressOnlyInternetGateways DescribeVpcs DescribeSubnets DescribeNetworkInterfaces
P3 NAT gateway, zonal, private or regional
    ec2: DescribeNatGateways DescribeSubnets
P4 Transit gateway
    ec2: DescribeTransitGateways DescribeTransitGatewayAttachments DescribeTransitGatewayRouteTables
        GetTransitGatewayRouteTableAssociations GetTransitGatewayRouteTablePropagations SearchTransitGatewayRoutes
        DescribeTransitGatewayPeeringAttachments DescribeTransitGatewayConnects
        GetTransitGatewayPrefixListReferences GetTransitGatewayPolicyTableEntries
        GetTransitGatewayAttachmentNatConfiguration
P5 Virtual private gateway and site-to-site VPN
    ec2: DescribeVpnGateways DescribeVpnConnections DescribeCustomerGateways DescribeVpnConcentrators
        DescribeRouteTables
P6 Client VPN
    ec2: DescribeClientVpnEndpoints DescribeClientVpnTargetNetworks DescribeClientVpnRoutes
        DescribeClientVpnAuthorizationRules
P7 Direct Connect
    directconnect: DescribeDirectConnectGateways DescribeDirectConnectGatewayAssociations
        DescribeDirectConnectGatewayAttachments DescribeVirtualInterfaces
P8 VPC peering
    ec2: DescribeVpcPeeringConnections
P9 Carrier gateway (Wavelength)
    ec2: DescribeCarrierGateways DescribeNetworkInterfaces
P10 Local gateway, Outposts, local network interfaces
    ec2: DescribeLocalGateways DescribeLocalGatewayRouteTables DescribeLocalGatewayRouteTableVpcAssociations
        SearchLocalGatewayRoutes DescribeSubnets
P11 Cloud WAN
    networkmanager: ListCoreNetworks ListAttachments GetCoreNetwork GetCoreNetworkPolicy GetNetworkRoutes
        ListAttachmentNatConfigurations
P12 ODB network (Oracle Database@AWS)
    odb: ListOdbNetworks ListOdbPeeringConnections
P13 Route server, which writes VPC routes from BGP
    ec2: DescribeRouteServers DescribeRouteServerPeers DescribeRouteServerEndpoints GetRouteServerPropagations
        GetRouteServerRoutingDatabase
P14 Forwarding instance or appliance interface
    ec2: DescribeRouteTables DescribeInstances DescribeNetworkInterfaces
P15 Gateway Load Balancer endpoint
    ec2: DescribeVpcEndpoints DescribeVpcEndpointServices
P16 Network Firewall and its proxy
    network-firewall: ListFirewalls DescribeFirewall DescribeFirewallPolicy DescribeRuleGroup
        ListVpcEndpointAssociations
    ec2: DescribeNatGateways
P17 Interface endpoint to AWS, third parties or another Region
    ec2: DescribeVpcEndpoints DescribeVpcEndpointServices
P18 Gateway endpoint and prefix lists, foreign ones included
    ec2: DescribePrefixLists DescribeManagedPrefixLists GetManagedPrefixListEntries
P19 Resource, service-network and tunnel endpoints; VPC Lattice
    ec2: DescribeVpcEndpoints DescribeVpcEndpointAssociations
    vpc-lattice: ListServiceNetworks ListServiceNetworkVpcAssociations ListServiceNetworkServiceAssociations
        ListServiceNetworkResourceAssociations ListResourceConfigurations ListResourceGateways GetAuthPolicy
        GetResourcePolicy
P20 Traffic mirroring
    ec2: DescribeTrafficMirrorSessions DescribeTrafficMirrorTargets DescribeTrafficMirrorFilterRules
P21 Inbound tunnels and entrances whose replies carry data
    ec2: DescribeInstanceConnectEndpoints DescribeVerifiedAccessEndpoints
    elbv2: DescribeLoadBalancers DescribeTargetGroups DescribeTargetHealth
    elb: DescribeLoadBalancers
    globalaccelerator: ListAccelerators ListListeners ListEndpointGroups ListCustomRoutingAccelerators
    apigateway: GetVpcLinks
    apigatewayv2: GetVpcLinks
    cloudfront: ListVpcOrigins
P22 Edge-associated route tables and address pools
    ec2: DescribeRouteTables DescribePublicIpv4Pools
P23 Shared subnets, foreign interfaces, shared security groups
    ram: GetResourceShares ListResources ListPrincipals GetResourceShareAssociations
    ec2: DescribeSubnets DescribeNetworkInterfaces DescribeNetworkInterfacePermissions
        DescribeSecurityGroupVpcAssociations
P24 Secondary networks
    ec2: DescribeSecondaryNetworks DescribeSecondarySubnets DescribeSecondaryInterfaces
P25 The blockers: security groups, network ACLs, Block Public Access
    ec2: DescribeSecurityGroups DescribeSecurityGroupRules DescribeNetworkAcls DescribeVpcBlockPublicAccessOptions
        DescribeVpcBlockPublicAccessExclusions
P26 Endpoint services offered to others
    ec2: DescribeVpcEndpointServiceConfigurations DescribeVpcEndpointServicePermissions
        DescribeVpcEndpointConnections
D1 Recursion by the VPC's resolver
    ec2: DescribeVpcAttribute
    route53resolver: ListFirewallRuleGroupAssociations ListFirewallRules ListFirewallDomains GetFirewallConfig
D2 Forwarding rules, outbound endpoints, profiles, global resolvers
    ec2: DescribeDhcpOptions
    route53resolver: ListResolverRules ListResolverRuleAssociations ListResolverEndpoints GetResolverConfig
        ListOutpostResolvers
    route53profiles: ListProfileAssociations
    route53globalresolver: ListGlobalResolvers ListHostedZoneAssociations
D3 Private zones that answer with outside addresses; query logs sent elsewhere
    route53: ListHostedZonesByVPC ListResourceRecordSets ListVPCAssociationAuthorizations
    route53resolver: ListResolverQueryLogConfigs
K1 Public API endpoint
    eks: ListClusters DescribeCluster
K2 Egress of the control plane
    eks: ListClusters DescribeCluster
K3 Identity providers, capabilities, add-ons, pod identity, hybrid nodes
    eks: ListClusters DescribeCluster ListIdentityProviderConfigs ListCapabilities DescribeCapability ListAddons
        ListPodIdentityAssociations DescribePodIdentityAssociation
N1 Endpoint policies that admit foreign resources or principals
    ec2: DescribeVpcEndpoints
N2 Organisation guardrails and account identities
    organizations: ListPolicies DescribePolicy DescribeEffectivePolicy
    iam: GetAccountAuthorizationDetails
N3 S3: replication, policies, access points, inventory, logging, notification
    s3: ListBuckets GetBucketReplication GetBucketPolicy GetBucketPolicyStatus GetBucketAcl GetPublicAccessBlock
        ListBucketInventoryConfigurations ListBucketAnalyticsConfigurations GetBucketLogging
        GetBucketNotificationConfiguration
    s3control: ListAccessPoints ListMultiRegionAccessPoints ListAccessGrants
N4 ECR: replication, policies, pull-through caches, creation templates
    ecr: DescribeRegistry GetRegistryPolicy DescribeRepositories GetRepositoryPolicy DescribePullThroughCacheRules
        DescribeRepositoryCreationTemplates
N5 Snapshots and images shared or exported
    ec2: DescribeSnapshots DescribeSnapshotAttribute GetSnapshotBlockPublicAccessState DescribeImages
        DescribeImageAttribute GetImageBlockPublicAccessState DescribeStoreImageTasks DescribeExportImageTasks
    rds: DescribeDBSnapshots DescribeDBSnapshotAttributes DescribeDBClusterSnapshots
        DescribeDBClusterSnapshotAttributes DescribeExportTasks
    redshift: DescribeClusterSnapshots
    fsx: DescribeBackups
    dlm: GetLifecyclePolicies GetLifecyclePolicy
N6 Backup copies
    backup: ListBackupPlans GetBackupPlan ListBackupVaults GetBackupVaultAccessPolicy ListCopyJobs
        ListRestoreAccessBackupVaults DescribeGlobalSettings
N7 Keys, secrets and parameters open to others
    kms: ListKeys DescribeKey GetKeyPolicy ListGrants
    secretsmanager: ListSecrets DescribeSecret GetResourcePolicy
    ssm: DescribeParameters GetResourcePolicies
N8 Relay compute outside the VPC
    lambda: ListFunctions ListFunctionUrlConfigs
    events: ListApiDestinations
    stepfunctions: ListStateMachines DescribeStateMachine
    codebuild: ListProjects BatchGetProjects
    glue: GetJobs GetConnections
    sagemaker: ListNotebookInstances ListDomains ListEndpoints
    bedrock-agent: ListAgents
    apprunner: ListServices
N9 Messaging and streams
    sns: ListTopics GetTopicAttributes ListSubscriptions
    sqs: ListQueues GetQueueAttributes
    events: ListEventBuses DescribeEventBus ListRules ListTargetsByRule
    pipes: ListPipes DescribePipe
    firehose: ListDeliveryStreams DescribeDeliveryStream
    kinesis: ListStreams
N10 Logs and telemetry delivered elsewhere
    logs: DescribeLogGroups DescribeSubscriptionFilters DescribeDestinations DescribeDeliveries
        DescribeExportTasks DescribeAccountPolicies
    oam: ListLinks
    cloudwatch: ListMetricStreams
    ec2: DescribeFlowLogs
    cloudtrail: DescribeTrails
    config: DescribeDeliveryChannels
N11 Operators' paths: sessions, shared documents, serial console
    ssm: DescribeSessions ListDocuments DescribeDocumentPermission GetServiceSetting
    ec2: GetSerialConsoleAccessStatus
N12 Databases and transfer services that copy elsewhere
    rds: DescribeGlobalClusters DescribeIntegrations DescribeDBInstanceAutomatedBackups
    elasticache: DescribeGlobalReplicationGroups
    dynamodb: ListGlobalTables ListTables DescribeTable DescribeKinesisStreamingDestination ListExports
    dms: DescribeEndpoints
    datasync: ListLocations
    transfer: ListConnectors
    drs: DescribeSourceServers
    mgn: DescribeSourceServers
    redshift: DescribeDataShares
    lakeformation: GetDataLakeSettings ListResources
    kafka: ListReplicators
N13 Trust given to outsiders
    iam: GetAccountAuthorizationDetails ListOpenIDConnectProviders GetOpenIDConnectProvider ListSAMLProviders
    rolesanywhere: ListTrustAnchors
    ram: GetResourceShares
N14 Regions and accounts that were not looked at, changes between snapshots
    ec2: DescribeRegions
    organizations: ListAccounts
    cloudtrail: LookupEvents
"""


class Channel(NamedTuple):
    """One way out: its id, what it is, and the read calls that reveal it."""

    id: str
    title: str
    calls: tuple[str, ...]


def _channels(table: str) -> Iterator[Channel]:
    for entry in table.strip().replace("\n    ", "\0").split("\n"):
        head, *rest = entry.split("\0")
        name, _, title = head.partition(" ")
        yield Channel(name, title, tuple(_calls(" ".join(rest).split())))


def _calls(words: list[str]) -> Iterator[str]:
    service = ""
    for word in words:
        if word.endswith(":"):
            service = word
        else:
            yield service + word


CHANNELS: Mapping[str, Channel] = {channel.id: channel for channel in _channels(_TABLE)}
CALLS: tuple[str, ...] = tuple(dict.fromkeys(call for channel in CHANNELS.values() for call in channel.calls))
"""Every call of the table, once."""
