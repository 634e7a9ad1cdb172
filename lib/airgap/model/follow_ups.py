"""Read calls that are made for each item of another call's answer: one that was left out decides nothing.

The rows are written by ``tests/egress/answer_keys.py`` from the table of queries: the call, the call before it, the
path of the items in that one's answer, each parameter with the item's member (``@`` is an item that is a text, ``[@]``
one of a list of texts), and which items need it: ``Member=pattern``, or ``!Member=pattern`` for those that do not.
Calls whose parameters are put together from several answers are not listed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from airgap.model.canonical import dig


class FollowUp(NamedTuple):
    """The call before, the path of its items, (parameter, member) of what is asked for each, and which need it."""

    before: str
    items: str
    bind: tuple[tuple[str, str], ...]
    when: tuple[tuple[str, str, str], ...] = ()
    """(``!`` or '', member, pattern): a member that an item does not tell excuses nothing."""

    def needed(self, item: Any) -> bool:
        """Tell whether the call must have been made for an item."""
        return all(_needed(unless, dig(item, member), pattern) for unless, member, pattern in self.when)


def _needed(unless: str, value: Any, pattern: str) -> bool:
    if value is None:
        return True
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return fnmatchcase(text, pattern) is not bool(unless)


_ROWS = """\
backup:GetBackupPlan|backup:ListBackupPlans|BackupPlansList|BackupPlanId=BackupPlanId|
backup:GetBackupVaultAccessPolicy|backup:ListBackupVaults|BackupVaultList|BackupVaultName=BackupVaultName|
backup:ListRestoreAccessBackupVaults|backup:ListBackupVaults|BackupVaultList|BackupVaultName=BackupVaultName|
codebuild:BatchGetProjects|codebuild:ListProjects|projects|names=[@]|
directconnect:DescribeDirectConnectGatewayAssociations|directconnect:DescribeDirectConnectGateways|directConnectGateways|directConnectGatewayId=directConnectGatewayId|
directconnect:DescribeDirectConnectGatewayAttachments|directconnect:DescribeDirectConnectGateways|directConnectGateways|directConnectGatewayId=directConnectGatewayId|
dlm:GetLifecyclePolicy|dlm:GetLifecyclePolicies|Policies|PolicyId=PolicyId|
dynamodb:DescribeKinesisStreamingDestination|dynamodb:ListTables|TableNames|TableName=@|
dynamodb:DescribeTable|dynamodb:ListTables|TableNames|TableName=@|
ec2:DescribeClientVpnAuthorizationRules|ec2:DescribeClientVpnEndpoints|ClientVpnEndpoints|ClientVpnEndpointId=ClientVpnEndpointId|
ec2:DescribeClientVpnRoutes|ec2:DescribeClientVpnEndpoints|ClientVpnEndpoints|ClientVpnEndpointId=ClientVpnEndpointId|
ec2:DescribeClientVpnTargetNetworks|ec2:DescribeClientVpnEndpoints|ClientVpnEndpoints|ClientVpnEndpointId=ClientVpnEndpointId|
ec2:DescribeImageAttribute|ec2:DescribeImages|Images|ImageId=ImageId|
ec2:DescribeSnapshotAttribute|ec2:DescribeSnapshots|Snapshots|SnapshotId=SnapshotId|
ec2:DescribeVpcAttribute|ec2:DescribeVpcs|Vpcs|VpcId=VpcId|
ec2:DescribeVpcEndpointServicePermissions|ec2:DescribeVpcEndpointServiceConfigurations|ServiceConfigurations|ServiceId=ServiceId|
ec2:GetManagedPrefixListEntries|ec2:DescribeManagedPrefixLists|PrefixLists|PrefixListId=PrefixListId|
ec2:GetRouteServerPropagations|ec2:DescribeRouteServers|RouteServers|RouteServerId=RouteServerId|
ec2:GetRouteServerRoutingDatabase|ec2:DescribeRouteServers|RouteServers|RouteServerId=RouteServerId|
ec2:GetTransitGatewayAttachmentNatConfiguration|ec2:DescribeTransitGatewayAttachments|TransitGatewayAttachments|TransitGatewayAttachmentId=TransitGatewayAttachmentId|
ec2:GetTransitGatewayPolicyTableEntries|ec2:DescribeTransitGatewayPolicyTables|TransitGatewayPolicyTables|TransitGatewayPolicyTableId=TransitGatewayPolicyTableId|
ec2:GetTransitGatewayPrefixListReferences|ec2:DescribeTransitGatewayRouteTables|TransitGatewayRouteTables|TransitGatewayRouteTableId=TransitGatewayRouteTableId|
ec2:GetTransitGatewayRouteTableAssociations|ec2:DescribeTransitGatewayRouteTables|TransitGatewayRouteTables|TransitGatewayRouteTableId=TransitGatewayRouteTableId|
ec2:GetTransitGatewayRouteTablePropagations|ec2:DescribeTransitGatewayRouteTables|TransitGatewayRouteTables|TransitGatewayRouteTableId=TransitGatewayRouteTableId|
ec2:SearchLocalGatewayRoutes|ec2:DescribeLocalGatewayRouteTables|LocalGatewayRouteTables|LocalGatewayRouteTableId=LocalGatewayRouteTableId|
ec2:SearchTransitGatewayRoutes|ec2:DescribeTransitGatewayRouteTables|TransitGatewayRouteTables|TransitGatewayRouteTableId=TransitGatewayRouteTableId|
ecr:GetRepositoryPolicy|ecr:DescribeRepositories|repositories|repositoryName=repositoryName|
eks:DescribeCapability|eks:ListCapabilities|capabilities|capabilityName=capabilityName|
eks:DescribeCluster|eks:ListClusters|clusters|name=@|
eks:DescribePodIdentityAssociation|eks:ListPodIdentityAssociations|associations|clusterName=clusterName,associationId=associationId|
eks:ListAddons|eks:ListClusters|clusters|clusterName=@|
eks:ListCapabilities|eks:ListClusters|clusters|clusterName=@|
eks:ListIdentityProviderConfigs|eks:ListClusters|clusters|clusterName=@|
eks:ListPodIdentityAssociations|eks:ListClusters|clusters|clusterName=@|
elbv2:DescribeTargetHealth|elbv2:DescribeTargetGroups|TargetGroups|TargetGroupArn=TargetGroupArn|
events:DescribeEventBus|events:ListEventBuses|EventBuses|Name=Name|
events:ListRules|events:ListEventBuses|EventBuses|EventBusName=Name|
events:ListTargetsByRule|events:ListRules|Rules|Rule=Name,EventBusName=EventBusName|
firehose:DescribeDeliveryStream|firehose:ListDeliveryStreams|DeliveryStreamNames|DeliveryStreamName=@|
globalaccelerator:ListEndpointGroups|globalaccelerator:ListListeners|Listeners|ListenerArn=ListenerArn|
globalaccelerator:ListListeners|globalaccelerator:ListAccelerators|Accelerators|AcceleratorArn=AcceleratorArn|
iam:GetOpenIDConnectProvider|iam:ListOpenIDConnectProviders|OpenIDConnectProviderList|OpenIDConnectProviderArn=Arn|
kms:DescribeKey|kms:ListKeys|Keys|KeyId=KeyId|
kms:GetKeyPolicy|kms:DescribeKey|KeyMetadata|KeyId=KeyId|KeyManager=CUSTOMER
kms:ListGrants|kms:DescribeKey|KeyMetadata|KeyId=KeyId|KeyManager=CUSTOMER
lambda:ListFunctionUrlConfigs|lambda:ListFunctions|Functions|FunctionName=FunctionName|
logs:DescribeSubscriptionFilters|logs:DescribeLogGroups|logGroups|logGroupName=logGroupName|
network-firewall:DescribeFirewallPolicy|network-firewall:ListFirewallPolicies|FirewallPolicies|FirewallPolicyArn=Arn|
network-firewall:DescribeFirewall|network-firewall:ListFirewalls|Firewalls|FirewallArn=FirewallArn|
network-firewall:DescribeRuleGroup|network-firewall:ListRuleGroups|RuleGroups|RuleGroupArn=Arn|
networkmanager:GetCoreNetworkPolicy|networkmanager:ListCoreNetworks|CoreNetworks|CoreNetworkId=CoreNetworkId|
networkmanager:GetCoreNetwork|networkmanager:ListCoreNetworks|CoreNetworks|CoreNetworkId=CoreNetworkId|
organizations:DescribePolicy|organizations:ListPolicies|Policies|PolicyId=Id|
pipes:DescribePipe|pipes:ListPipes|Pipes|Name=Name|
rds:DescribeDBClusterSnapshotAttributes|rds:DescribeDBClusterSnapshots|DBClusterSnapshots|DBClusterSnapshotIdentifier=DBClusterSnapshotIdentifier|SnapshotType=manual
rds:DescribeDBSnapshotAttributes|rds:DescribeDBSnapshots|DBSnapshots|DBSnapshotIdentifier=DBSnapshotIdentifier|SnapshotType=manual
route53:ListHostedZonesByVPC|ec2:DescribeVpcs|Vpcs|VPCId=VpcId|
route53:ListResourceRecordSets|route53:ListHostedZones|HostedZones|HostedZoneId=Id|Config.PrivateZone=true
route53:ListVPCAssociationAuthorizations|route53:ListHostedZones|HostedZones|HostedZoneId=Id|Config.PrivateZone=true
route53resolver:GetFirewallConfig|ec2:DescribeVpcs|Vpcs|ResourceId=VpcId|
route53resolver:GetResolverConfig|ec2:DescribeVpcs|Vpcs|ResourceId=VpcId|
route53resolver:ListFirewallDomains|route53resolver:ListFirewallDomainLists|FirewallDomainLists|FirewallDomainListId=Id|!ManagedOwnerName=?*
route53resolver:ListFirewallRules|route53resolver:ListFirewallRuleGroups|FirewallRuleGroups|FirewallRuleGroupId=Id|
s3:GetBucketAcl|s3:ListBuckets|Buckets|Bucket=Name|
s3:GetBucketLogging|s3:ListBuckets|Buckets|Bucket=Name|
s3:GetBucketNotificationConfiguration|s3:ListBuckets|Buckets|Bucket=Name|
s3:GetBucketPolicyStatus|s3:ListBuckets|Buckets|Bucket=Name|
s3:GetBucketPolicy|s3:ListBuckets|Buckets|Bucket=Name|
s3:GetBucketReplication|s3:ListBuckets|Buckets|Bucket=Name|
s3:GetPublicAccessBlock|s3:ListBuckets|Buckets|Bucket=Name|
s3:ListBucketAnalyticsConfigurations|s3:ListBuckets|Buckets|Bucket=Name|
s3:ListBucketInventoryConfigurations|s3:ListBuckets|Buckets|Bucket=Name|
secretsmanager:DescribeSecret|secretsmanager:ListSecrets|SecretList|SecretId=ARN|
secretsmanager:GetResourcePolicy|secretsmanager:ListSecrets|SecretList|SecretId=ARN|
sns:GetTopicAttributes|sns:ListTopics|Topics|TopicArn=TopicArn|
sqs:GetQueueAttributes|sqs:ListQueues|QueueUrls|QueueUrl=@|
ssm:DescribeDocumentPermission|ssm:ListDocuments|DocumentIdentifiers|Name=Name|
ssm:GetResourcePolicies|ssm:DescribeParameters|Parameters|ResourceArn=ARN|
stepfunctions:DescribeStateMachine|stepfunctions:ListStateMachines|stateMachines|stateMachineArn=stateMachineArn|
vpc-lattice:GetAuthPolicy|vpc-lattice:ListServiceNetworks|items|resourceIdentifier=id|
vpc-lattice:GetResourcePolicy|vpc-lattice:ListServiceNetworks|items|resourceArn=arn|
vpc-lattice:ListServiceNetworkResourceAssociations|vpc-lattice:ListServiceNetworks|items|serviceNetworkIdentifier=id|
vpc-lattice:ListServiceNetworkServiceAssociations|vpc-lattice:ListServiceNetworks|items|serviceNetworkIdentifier=id|
vpc-lattice:ListServiceNetworkVpcAssociations|ec2:DescribeVpcs|Vpcs|vpcIdentifier=VpcId|
"""

_CONDITION = re.compile(r"(!?)([^=]+)=(.*)")


def _row(text: str) -> tuple[str, FollowUp]:
    call, before, items, bind, when = text.split("|")
    pairs = tuple((name, member) for name, _, member in (one.partition("=") for one in bind.split(",")))
    conditions = (_CONDITION.fullmatch(one) for one in when.split(",") if one)
    return call, FollowUp(before, items, pairs, tuple((one[1], one[2], one[3]) for one in conditions if one))


FOLLOW_UPS: Mapping[str, FollowUp] = dict(map(_row, _ROWS.splitlines()))
"""Call -> what it is made for."""
