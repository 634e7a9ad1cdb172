"""Estates for the views, written by hand: nothing read, nothing there yet, and all in place."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import drawn_ai
import drawn_cluster
import drawn_controllers
import drawn_data
import drawn_edge
import drawn_images
import drawn_secrets
import yaml

from airgap.cloud.queries import QUERIES
from airgap.model.budget import interfaces
from airgap.model.canonical import digest_of
from airgap.model.components import kind, service_name, takes_policy
from airgap.model.derived import BUCKETS, endpoint_facts, endpoint_services
from airgap.model.endpoint_policies import document
from airgap.model.estate import Estate
from airgap.model.intent import Intent, Subnet, decode
from airgap.model.names import bucket
from airgap.model.observation import ABSENT, DENIED, Observation
from airgap.views import VIEWS, reads

DEMO: Intent = decode(yaml.safe_load((Path(__file__).parents[2] / "params" / "demo.yaml").read_text()))
TAKEN_AT = "2026-11-02T00:00:00Z"
VPC = "vpc-0aaaaaaaaaaaaaaa1"
CALLS = sorted({call for step in VIEWS for call in reads(step)})
Pages = dict[tuple[str, str], Any]


def estate(pages: Mapping[tuple[str, str], Any], intent: Intent = DEMO, denied: tuple[str, ...] = ()) -> Estate:
    """An estate of pages by call and parameters (as JSON); None is an absent thing."""
    kept: dict[str, Any] = {}
    seen = []
    for (call, asked), body in pages.items():
        about = {"call": call, "params": json.loads(asked), "account": intent.account, "region": intent.region}
        status = DENIED if call in denied else ABSENT if body is None else "ok"
        page = digest_of(body) if status == "ok" else ""
        kept[page] = body
        code = "AccessDenied" if status == DENIED else ""
        seen.append(Observation(**about, place="rehearsal", status=status, time=TAKEN_AT, page=page, code=code))
    return Estate(seen, kept.__getitem__, account=intent.account, region=intent.region, taken_at=TAKEN_AT)


def empty(intent: Intent = DEMO) -> Pages:
    """Every call answered, and nothing of ours there, so no follow-up call was made."""
    following = {query.call for query in QUERIES if query.each}
    pages: Pages = {(call, "{}"): {} for call in CALLS if call not in following}
    # What follows an answer that shows nothing is recorded as not there to be asked.
    shown = (*VIEWS["attest"]["proof"].reads, *VIEWS["attest"]["inventory"].reads)
    pages |= {(call, "{}"): None for call in shown if call in following}
    pages["s3control:GetPublicAccessBlock", json.dumps({"AccountId": intent.account})] = None
    pages["ec2:DescribeAvailabilityZones", "{}"] = {
        "AvailabilityZones": [
            {"ZoneName": zone, "ZoneId": f"use1-az{number}", "State": "available"}
            for number, zone in enumerate(intent.zones, 4)
        ]
    }
    pages["sts:GetCallerIdentity", "{}"] = {
        "Arn": f"arn:aws:sts::{intent.account}:assumed-role/engineer/alice",
        "Account": intent.account,
    }
    pages["organizations:DescribeOrganization", "{}"] = None
    pages["ssm:GetDocument", json.dumps({"Name": "SSM-SessionManagerRunShell"})] = None
    pages["ec2:DescribeVpcEndpointServices", "{}"] = {
        "ServiceDetails": [
            {"ServiceName": service_name(one, intent.region), "AvailabilityZones": list(intent.zones)}
            for one in interfaces(intent)
        ]
    }
    return (
        pages
        | drawn_cluster.none(intent)
        | drawn_images.none(intent)
        | drawn_ai.none(intent)
        | drawn_secrets.none(intent)
        | drawn_data.none(intent)
        | drawn_controllers.none(intent)
    )


def tagged(key: str, intent: Intent = DEMO) -> dict[str, Any]:
    """The ownership tags of a resource."""
    pairs = {"airgap:environment": intent.environment, "airgap:key": key, "airgap:owner": intent.owner}
    return {"Tags": [{"Key": name, "Value": value} for name, value in pairs.items()]}


def zoned(count: int, *, tier: str = "ingress-and-nat", extra: tuple[str, ...] = ()) -> Intent:
    """The demonstration in that many zones, with an ingress tier and endpoints beside the derived ones."""
    names = [f"us-east-1{letter}" for letter in "abcdef"[:count]]
    subnets = {
        name: tuple(Subnet(f"10.0.{first + number}.0/24", zone) for number, zone in enumerate(names))
        for name, first in (("private_subnets", 10), ("public_subnets", 30), ("ingress_subnets", 50))
    }
    if tier == "none":
        subnets["public_subnets"] = ()
    network = dataclasses.replace(DEMO.network, public_tier=tier, **subnets)
    return dataclasses.replace(DEMO, network=network, endpoints=dataclasses.replace(DEMO.endpoints, extra=extra))


def declared_subnets(intent: Intent) -> dict[str, Subnet]:
    """Every declared subnet by name."""
    network = intent.network
    tiers = {"public": network.public_subnets, "ingress": network.ingress_subnets, "private": network.private_subnets}
    return {f"{tier}-{one.zone[-1]}": one for tier, members in tiers.items() for one in members}


def deployed(intent: Intent = DEMO) -> Pages:
    """Every call answered, and everything declared in place."""
    pages = empty(intent)
    subnets = declared_subnets(intent)
    pages["ec2:DescribeVpcs", "{}"] = {"Vpcs": [{"VpcId": VPC, "CidrBlock": "10.0.0.0/16", **tagged("vpc:main")}]}
    pages["ec2:DescribeSubnets", "{}"] = {
        "Subnets": [
            {
                "SubnetId": f"subnet-{name}",
                "VpcId": VPC,
                "CidrBlock": one.cidr,
                "AvailabilityZone": one.zone,
                **tagged(f"subnet:{name}"),
            }
            for name, one in subnets.items()
        ]
    }
    pages["ec2:DescribeRouteTables", "{}"] = {"RouteTables": [_table(name) for name in subnets]}
    runner = {"InstanceId": "i-1", "VpcId": VPC, "SubnetId": "subnet-private-a", "State": {"Name": "running"}}
    profile = {"IamInstanceProfile": {"Arn": intent.arn("iam", "instance-profile/fintech-runner", region="")}}
    pages["ec2:DescribeInstances", "{}"] = {
        "Reservations": [{"Instances": [{**runner, **profile, **tagged("instance:runner")}]}]
    }
    documents = [{"Name": f"fintech-{one}", "DocumentVersion": "1"} for one in ("deploy", "rollback")]
    pages[next(key for key in pages if key[0] == "ssm:ListDocuments")] = {"DocumentIdentifiers": documents}
    pages["ec2:DescribeInternetGateways", "{}"] = {
        "InternetGateways": [
            {
                "InternetGatewayId": "igw-1",
                "Attachments": [{"VpcId": VPC, "State": "available"}],
                **tagged("internet-gateway:main"),
            }
        ]
    }
    pages["ec2:DescribeNatGateways", "{}"] = {
        "NatGateways": [
            {"NatGatewayId": f"nat-{name}", "VpcId": VPC, "SubnetId": f"subnet-{name}", "State": "available"}
            for name in subnets
            if name.startswith("public")
        ]
    }
    pages["ec2:DescribeVpcBlockPublicAccessOptions", "{}"] = {
        "VpcBlockPublicAccessOptions": {"InternetGatewayBlockMode": "block-bidirectional"}
    }
    pages["ec2:DescribeVpcEndpoints", "{}"] = {
        "VpcEndpoints": [_endpoint(one, intent, list(subnets)) for one in endpoint_services(intent)]
    }
    pages |= drawn_edge.deployed(intent, VPC, subnets)
    pages |= (
        drawn_cluster.deployed(intent)
        | drawn_images.deployed(intent)
        | drawn_ai.deployed(intent)
        | drawn_controllers.deployed(intent)
        | drawn_secrets.deployed(intent)
        | drawn_data.deployed(intent, VPC)
    )
    return pages | _filters(list(subnets)) | _names() | _buckets(intent) | _identity(intent)


def _table(name: str) -> dict[str, Any]:
    routes = [{"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}]
    if name.startswith("public"):
        routes.append({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"})
    if name.startswith("private"):
        routes.append({"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-s3", "State": "active"})
    links = [{"SubnetId": f"subnet-{name}"}]
    return {
        "RouteTableId": f"rtb-{name}", "VpcId": VPC, "Routes": routes, "Associations": links,
        **tagged(f"route-table:{name}"),
    }  # fmt: skip


def _endpoint(service: str, intent: Intent, subnets: list[str]) -> dict[str, Any]:
    gateway = kind(service) == "gateway"
    place: dict[str, Any] = {
        "SubnetIds": [f"subnet-{name}" for name in subnets if name.startswith("private")],
        "PrivateDnsEnabled": True,
        "VpcEndpointType": "Interface",
    }
    if gateway:
        tables = [f"rtb-{name}" for name in subnets if name.startswith("private")]
        place = {"RouteTableIds": tables, "VpcEndpointType": "Gateway"}
    policy = {"PolicyDocument": json.dumps(document(service, endpoint_facts(intent)))} if takes_policy(service) else {}
    return {
        "VpcEndpointId": f"vpce-{service}", "VpcId": VPC, "State": "available", **place, **policy,
        "ServiceName": service_name(service, intent.region), **tagged(f"vpc-endpoint:{service}"),
    }  # fmt: skip


def _filters(subnets: list[str]) -> Pages:
    rule = {
        "SecurityGroupRuleId": "sgr-1", "GroupId": "sg-1", "IsEgress": False, "IpProtocol": "tcp", "FromPort": 443,
        "ToPort": 443, "CidrIpv4": "10.0.0.0/16", "Description": "HTTPS from the VPC",
    }  # fmt: skip
    leak = {
        "SecurityGroupRuleId": "sgr-2", "GroupId": "sg-1", "IsEgress": True, "IpProtocol": "-1", "FromPort": -1,
        "ToPort": -1, "CidrIpv4": "0.0.0.0/0",
    }  # fmt: skip
    entries = [
        {"RuleNumber": 32767, "Egress": True, "Protocol": "-1", "RuleAction": "deny", "CidrBlock": "0.0.0.0/0"},
        {"RuleNumber": 100, "Egress": True, "Protocol": "6", "RuleAction": "allow", "CidrBlock": "10.0.0.0/16",
         "PortRange": {"From": 1024, "To": 65535}},
    ]  # fmt: skip
    links = [{"SubnetId": f"subnet-{name}"} for name in subnets]
    return {
        ("ec2:DescribeSecurityGroups", "{}"): {
            "SecurityGroups": [
                {"GroupId": "sg-1", "GroupName": "endpoints", "Description": "Endpoints", "VpcId": VPC,
                 **tagged("security-group:endpoints")},
                {"GroupId": "sg-2", "GroupName": "default", "Description": "default", "VpcId": VPC},
            ]
        },
        ("ec2:DescribeSecurityGroupRules", "{}"): {"SecurityGroupRules": [rule, leak]},
        ("ec2:DescribeNetworkAcls", "{}"): {
            "NetworkAcls": [{"NetworkAclId": "acl-1", "VpcId": VPC, "Associations": links, "Entries": entries}]
        },
    }  # fmt: skip


def _names() -> Pages:
    return {
        ("route53resolver:ListFirewallRuleGroupAssociations", "{}"): {
            "FirewallRuleGroupAssociations": [
                {"FirewallRuleGroupId": "rg-1", "VpcId": VPC, "Priority": 101, "MutationProtection": "ENABLED"}
            ]
        },
        ("route53resolver:ListFirewallRules", '{"FirewallRuleGroupId": "rg-1"}'): {
            "FirewallRules": [
                {"Priority": 200, "Name": "block", "Action": "BLOCK", "BlockResponse": "NXDOMAIN",
                 "FirewallDomainListId": "dl-2"},
                {"Priority": 100, "Name": "allow", "Action": "ALLOW", "FirewallDomainListId": "dl-1"},
            ]
        },
        ("route53resolver:ListFirewallDomains", '{"FirewallDomainListId": "dl-1"}'): {"Domains": ["*.ec2.internal."]},
        ("route53resolver:ListFirewallDomains", '{"FirewallDomainListId": "dl-2"}'): {"Domains": ["*."]},
        ("route53resolver:GetFirewallConfig", json.dumps({"ResourceId": VPC})): {
            "FirewallConfig": {"FirewallFailOpen": "DISABLED"}
        },
        ("route53resolver:ListResolverQueryLogConfigAssociations", "{}"): {
            "ResolverQueryLogConfigAssociations": [{"ResourceId": VPC, "Status": "ACTIVE"}]
        },
    }  # fmt: skip


def _buckets(intent: Intent) -> Pages:
    names = [bucket(intent, purpose) for purpose in BUCKETS]
    pages: Pages = {("s3:ListBuckets", "{}"): {"Buckets": [{"Name": name} for name in names]}}
    closed = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    for name in names:
        about = json.dumps({"Bucket": name})
        pages |= {
            ("s3:GetPublicAccessBlock", about): {"PublicAccessBlockConfiguration": closed},
            ("s3:GetBucketEncryption", about): {
                "ServerSideEncryptionConfiguration": {
                    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
                }
            },
            ("s3:GetBucketVersioning", about): {"Status": "Enabled"},
            ("s3:GetBucketPolicy", about): {"Policy": '{"Condition": {"Bool": {"aws:SecureTransport": "false"}}}'},
            ("s3:GetObjectLockConfiguration", about): None,
            ("s3:GetBucketReplication", about): None,
        }
    return pages


def _identity(intent: Intent) -> Pages:
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole",
                            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}]}  # fmt: skip
    rights = {"Statement": {"Sid": "Read", "Effect": "Allow", "Action": ["ec2:DescribeVpcs", "kms:Decrypt", "s3:*"],
                            "Resource": "*"}}  # fmt: skip
    role = {
        "RoleName": "fintech-developer", "AssumeRolePolicyDocument": trust, **tagged("role:developer"),
        "RolePolicyList": [{"PolicyName": "developer-rights", "PolicyDocument": json.dumps(rights)}],
        "AttachedManagedPolicies": [{"PolicyName": "ReadOnly", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnly"}],
    }  # fmt: skip
    foreign = "arn:aws:iam::999999999999:root"
    policy = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": foreign}, "Action": "kms:*", "Resource": "*"}]}
    about = '{"KeyId": "k-1"}'
    return {
        ("iam:GetAccountAuthorizationDetails", "{}"): {"RoleDetailList": [role, {"RoleName": "somebody-else"}]},
        ("kms:ListKeys", "{}"): {"Keys": [{"KeyId": "k-1"}]},
        ("kms:ListAliases", "{}"): {"Aliases": [{"AliasName": "alias/fintech-data", "TargetKeyId": "k-1"}]},
        ("kms:DescribeKey", about): {"KeyMetadata": {"KeyId": "k-1", "KeyManager": "CUSTOMER", "KeyState": "Enabled"}},
        ("kms:ListResourceTags", about): {"Tags": [{"TagKey": "airgap:environment", "TagValue": intent.environment}]},
        ("kms:GetKeyRotationStatus", about): {"KeyRotationEnabled": True},
        ("kms:ListGrants", about): {"Grants": [{"GranteePrincipal": "arn:aws:iam::123456789012:role/x"}]},
        ("kms:GetKeyPolicy", '{"KeyId": "k-1", "PolicyName": "default"}'): {"Policy": json.dumps(policy)},
        ("resourcegroupstaggingapi:GetResources", "{}"): {
            "ResourceTagMappingList": [
                {"ResourceARN": f"arn:aws:ec2:us-east-1:{intent.account}:vpc/{VPC}", **tagged("vpc:main")}
            ]
        },
    }
