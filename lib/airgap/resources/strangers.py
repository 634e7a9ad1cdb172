"""Strangers: what is not ours and stands in a VPC, subnet or group that is, so that removing ours would hit it.

EC2 refuses to delete what is in use with ``DependencyViolation`` and does not say by what; this is asked beforehand,
so that nothing is removed around somebody else's workload.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.reading import Reading, items, tags_of
from airgap.model.survey import Survey

EKS_MADE = "aws:eks:cluster-name"
_GONE = ("State", "[dD]elet*")
# Interfaces of what is told itself.
_OF_OTHERS = (
    ("InterfaceType", "nat_gateway"),
    ("InterfaceType", "*endpoint"),
    ("Attachment.InstanceId", "i-*"),
    ("Description", "Amazon EKS *"),
    # They stay for minutes after their load balancer is gone.
    ("Description", "ELB *"),
    ("Description", "RDSNetworkInterface"),
    ("Description", "ElastiCache *"),
    ("Description", "AWS Lambda VPC ENI-*"),
)
# What is told -> how it is listed, and the paths of what it stands in.
STANDING: Mapping[str, tuple[Reading, tuple[str, ...]]] = {
    "instance": (
        Reading(
            "ec2:DescribeInstances", "Reservations.Instances", "InstanceId", unless=(("State.Name", "terminated"),)
        ),
        ("VpcId", "SubnetId"),
    ),
    "EKS cluster": (
        Reading("eks:DescribeCluster", "cluster", "name", tags="tags"),
        ("resourcesVpcConfig.vpcId", "resourcesVpcConfig.subnetIds", "resourcesVpcConfig.securityGroupIds"),
    ),
    "network interface": (
        Reading(
            "ec2:DescribeNetworkInterfaces", "NetworkInterfaces", "NetworkInterfaceId", tags="TagSet", unless=_OF_OTHERS
        ),
        ("VpcId", "SubnetId", "Groups[].GroupId"),
    ),
    "database": (
        Reading("rds:DescribeDBInstances", "DBInstances", "DBInstanceIdentifier", tags="TagList"),
        ("DBSubnetGroup.VpcId", "DBSubnetGroup.Subnets[].SubnetIdentifier", "VpcSecurityGroups[].VpcSecurityGroupId"),
    ),
    "cache subnet group": (
        Reading(
            "elasticache:DescribeCacheSubnetGroups",
            "CacheSubnetGroups",
            "CacheSubnetGroupName",
            tags="elasticache:ListTagsForResource|ResourceName=ARN|TagList",
        ),
        ("VpcId", "Subnets[].SubnetIdentifier"),
    ),
    "function": (
        Reading("lambda:ListFunctions", "Functions", "FunctionName", tags="lambda:ListTags|Resource=FunctionArn|Tags"),
        ("VpcConfig.VpcId", "VpcConfig.SubnetIds", "VpcConfig.SecurityGroupIds"),
    ),
    "load balancer": (
        Reading(
            "elbv2:DescribeLoadBalancers",
            "LoadBalancers",
            "LoadBalancerArn",
            tags="elbv2:DescribeTags|ResourceArns=[LoadBalancerArn]|TagDescriptions[].Tags[]",
        ),
        ("VpcId", "AvailabilityZones[].SubnetId", "SecurityGroups"),
    ),
    "subnet": (Reading("ec2:DescribeSubnets", "Subnets", "SubnetId"), ("VpcId",)),
    "security group": (
        Reading("ec2:DescribeSecurityGroups", "SecurityGroups", "GroupId", unless=(("GroupName", "default"),)),
        ("VpcId",),
    ),
    "security group rule": (
        Reading("ec2:DescribeSecurityGroupRules", "SecurityGroupRules", "SecurityGroupRuleId"),
        ("ReferencedGroupInfo.GroupId",),
    ),
    "route table": (
        Reading("ec2:DescribeRouteTables", "RouteTables", "RouteTableId", unless=(("Associations[].Main", "true"),)),
        ("VpcId",),
    ),
    "network ACL": (
        Reading("ec2:DescribeNetworkAcls", "NetworkAcls", "NetworkAclId", unless=(("IsDefault", "true"),)),
        ("VpcId",),
    ),
    "VPC endpoint": (
        Reading("ec2:DescribeVpcEndpoints", "VpcEndpoints", "VpcEndpointId", unless=(_GONE,)),
        ("VpcId",),
    ),
    "NAT gateway": (
        Reading("ec2:DescribeNatGateways", "NatGateways", "NatGatewayId", unless=(_GONE,)),
        ("VpcId", "SubnetId"),
    ),
    "internet gateway": (
        Reading("ec2:DescribeInternetGateways", "InternetGateways", "InternetGatewayId"),
        ("Attachments[].VpcId",),
    ),
    "peering connection": (
        Reading(
            "ec2:DescribeVpcPeeringConnections",
            "VpcPeeringConnections",
            "VpcPeeringConnectionId",
            only=(("Status.Code", "[ap]*"),),
        ),
        ("RequesterVpcInfo.VpcId", "AccepterVpcInfo.VpcId"),
    ),
    "transit gateway attachment": (
        Reading(
            "ec2:DescribeTransitGatewayVpcAttachments",
            "TransitGatewayVpcAttachments",
            "TransitGatewayAttachmentId",
            unless=(_GONE,),
        ),
        ("VpcId",),
    ),
}
HOLDERS = frozenset({"vpc", "subnet", "security-group"})
"""Kinds that a stranger may stand in."""
READS = tuple(dict.fromkeys(call for reading, _ in STANDING.values() for call in reading.reads))


def strangers(environment: str, found: Survey, estate: Estate) -> Iterator[str]:
    """Yield each stranger with what of ours it stands in; raises ``NotObserved`` where a list was not answered."""
    ours = {one.id: key for key, one in found.lives.items() if one.kind in HOLDERS and key not in found.adopted}
    known = {one.id for one in found.lives.values()}
    for what, (reading, paths) in STANDING.items():
        for item in items(reading, estate):
            name = str(dig(item, reading.id))
            tags = tags_of(reading, item, estate) or {}
            holders = sorted({ours[each] for path in paths for each in _texts(dig(item, path)) if each in ours})
            # What EKS makes with a cluster goes with it, and the cluster is told itself where it is a stranger.
            mine = name in known or item.get("GroupId") in ours or EKS_MADE in tags
            if holders and not mine and tags.get("airgap:environment") != environment:
                yield f"{what} {name} in {', '.join(holders)}"


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)] if value else []
