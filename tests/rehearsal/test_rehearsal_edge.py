"""The edge on the embedded AWS: the order and the refusals that load balancers, certificates and web ACLs have."""

from __future__ import annotations

import json
from typing import Any

import pytest
from emulated import Account, refused

from airgap.rehearsal import reset

LATE = 100_000
VISIBLE = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}
GROUP = {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}


@pytest.fixture
def edge(server: str) -> Account:
    reset(server)
    return Account(server)


def place(account: Account) -> tuple[str, list[str], str]:
    """A VPC with an internet gateway, subnets of two zones, and a security group."""
    ec2, vpc = account.client("ec2"), account.vpc()
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    return vpc, subnets, ec2.create_security_group(VpcId=vpc, GroupName="g", Description="d")["GroupId"]


def balancer(account: Account, **more: Any) -> tuple[str, str, str]:
    """A load balancer's ARN, its VPC and its group."""
    vpc, subnets, group = place(account)
    made = account.client("elbv2").create_load_balancer(Name="app", Subnets=subnets, SecurityGroups=[group], **more)
    return made["LoadBalancers"][0]["LoadBalancerArn"], vpc, group


def test_a_load_balancer_needs_two_zones_its_own_groups_and_a_gateway_to_face_the_internet(edge: Account) -> None:
    _, subnets, group = place(edge)
    create = edge.client("elbv2").create_load_balancer
    refused("ValidationError", create, Name="app", Subnets=subnets[:1], SecurityGroups=[group])
    refused("InvalidConfigurationRequest", create, Name="app", Subnets=subnets, SecurityGroups=["sg-0bad"])
    closed = edge.vpc("10.1.0.0/16")
    ec2 = edge.client("ec2")
    inner = [
        ec2.create_subnet(VpcId=closed, CidrBlock=f"10.1.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    refused("InvalidSubnet", create, Name="app", Subnets=inner)
    assert create(Name="app", Subnets=inner, Scheme="internal")["LoadBalancers"][0]["DNSName"].startswith("internal-")


def test_a_load_balancer_comes_into_being_with_interfaces_and_holds_its_group_until_it_is_gone(edge: Account) -> None:
    edge.control("POST", "/latency", {"elbv2:CreateLoadBalancer": LATE, "elbv2:DeleteLoadBalancer": LATE})
    arn, _, group = balancer(edge)
    elb, ec2 = edge.client("elbv2"), edge.client("ec2")
    assert elb.describe_load_balancers()["LoadBalancers"][0]["State"]["Code"] == "provisioning"
    edge.control("POST", "/skip", {"seconds": LATE})
    assert elb.describe_load_balancers()["LoadBalancers"][0]["State"]["Code"] == "active"
    interfaces = ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert {one["RequesterId"] for one in interfaces} == {"amazon-elb"}
    assert all(one["Description"].startswith("ELB app/app/") and one["RequesterManaged"] for one in interfaces)
    assert {one["Association"]["IpOwnerId"] for one in interfaces} == {"amazon-elb"}
    protect = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=protect)
    refused("OperationNotPermitted", elb.delete_load_balancer, LoadBalancerArn=arn)
    protect[0]["Value"] = "false"
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=protect)
    elb.delete_load_balancer(LoadBalancerArn=arn)
    refused("DependencyViolation", ec2.delete_security_group, GroupId=group)
    edge.control("POST", "/skip", {"seconds": LATE})
    ec2.delete_security_group(GroupId=group)


def test_access_logs_need_a_bucket_that_admits_the_delivery_and_has_no_key_of_kms(edge: Account) -> None:
    arn, _, _ = balancer(edge)
    elb, s3 = edge.client("elbv2"), edge.client("s3")
    on = [{"Key": "access_logs.s3.enabled", "Value": "true"}, {"Key": "access_logs.s3.bucket", "Value": "logs-1"}]
    enable = {"LoadBalancerArn": arn, "Attributes": on}
    refused("InvalidConfigurationRequest", elb.modify_load_balancer_attributes, **enable)
    s3.create_bucket(Bucket="logs-1")
    refused("InvalidConfigurationRequest", elb.modify_load_balancer_attributes, **enable)
    admitted = {
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::logs-1/*",
    }
    s3.put_bucket_policy(Bucket="logs-1", Policy=json.dumps({"Version": "2012-10-17", "Statement": [admitted]}))
    elb.modify_load_balancer_attributes(**enable)
    by_kms = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
    s3.put_bucket_encryption(Bucket="logs-1", ServerSideEncryptionConfiguration=by_kms)
    refused("InvalidConfigurationRequest", elb.modify_load_balancer_attributes, **enable)


def test_a_listener_takes_an_issued_certificate_and_a_known_policy_one_a_port(edge: Account) -> None:
    arn, vpc, _ = balancer(edge)
    elb, acm = edge.client("elbv2"), edge.client("acm")
    edge.control("POST", "/latency", {"acm:RequestCertificate": LATE})
    certificate = acm.request_certificate(DomainName="app.example.com", ValidationMethod="DNS")["CertificateArn"]
    described = acm.describe_certificate(CertificateArn=certificate)["Certificate"]
    assert described["Status"] == "PENDING_VALIDATION"
    assert "NotAfter" not in described
    group = elb.create_target_group(Name="app", Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip")["TargetGroups"]
    forward = [{"Type": "forward", "TargetGroupArn": group[0]["TargetGroupArn"]}]
    https = {"LoadBalancerArn": arn, "Protocol": "HTTPS", "Port": 443, "DefaultActions": forward}
    certificates = [{"CertificateArn": certificate}]
    refused("ValidationError", elb.create_listener, **https)
    refused("UnsupportedCertificate", elb.create_listener, **https, Certificates=certificates)
    edge.control("POST", "/skip", {"seconds": LATE})
    refused("SSLPolicyNotFound", elb.create_listener, **https, Certificates=certificates, SslPolicy="Nope")
    elb.create_listener(**https, Certificates=certificates)
    refused("DuplicateListener", elb.create_listener, **https, Certificates=certificates)
    described = acm.describe_certificate(CertificateArn=certificate)["Certificate"]
    assert (described["NotAfter"] - described["NotBefore"]).days == 198
    assert described["InUseBy"] == [arn]
    refused("ResourceInUseException", acm.delete_certificate, CertificateArn=certificate)
    other = edge.vpc("10.9.0.0/16")
    far = elb.create_target_group(Name="far", Protocol="HTTP", Port=8080, VpcId=other, TargetType="ip")["TargetGroups"]
    away = [{"Type": "forward", "TargetGroupArn": far[0]["TargetGroupArn"]}]
    listener = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"][0]["ListenerArn"]
    refused("InvalidConfigurationRequest", elb.modify_listener, ListenerArn=listener, DefaultActions=away)


def acl(account: Account, rules: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """A web ACL's summary."""
    made = {"Name": "app", "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": VISIBLE}
    summary: dict[str, Any] = account.client("wafv2").create_web_acl(**made, Rules=list(rules))["Summary"]
    return summary


def test_waf_knows_a_new_web_acl_and_a_new_load_balancer_some_time_later(edge: Account) -> None:
    edge.control("POST", "/latency", {"wafv2:CreateWebACL": LATE})
    arn, _, _ = balancer(edge)
    waf, summary = edge.client("wafv2"), acl(edge)
    both = {"WebACLArn": summary["ARN"], "ResourceArn": arn}
    refused("WAFUnavailableEntityException", waf.associate_web_acl, **both)
    refused("WAFNonexistentItemException", waf.associate_web_acl, **{**both, "ResourceArn": arn + "0"})
    edge.control("POST", "/skip", {"seconds": LATE})
    waf.associate_web_acl(**both)
    assert waf.list_resources_for_web_acl(WebACLArn=summary["ARN"])["ResourceArns"] == [arn]
    gone = {name: summary[name] for name in ("Name", "Id", "LockToken")}
    refused("WAFAssociatedItemException", waf.delete_web_acl, Scope="REGIONAL", **gone)
    waf.disassociate_web_acl(ResourceArn=arn)
    assert "WebACL" not in waf.get_web_acl_for_resource(ResourceArn=arn)
    waf.delete_web_acl(Scope="REGIONAL", **gone)


def test_rules_have_their_own_priorities_and_their_capacity_is_counted(edge: Account) -> None:
    group = {"Name": "g", "Priority": 1, "Statement": {"ManagedRuleGroupStatement": GROUP}, "VisibilityConfig": VISIBLE}
    rated = {"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "IP"}}
    rate = {"Name": "r", "Priority": 1, "Statement": rated, "VisibilityConfig": VISIBLE, "Action": {"Block": {}}}
    overridden = {**group, "OverrideAction": {"None": {}}}
    refused("WAFInvalidParameterException", acl, account=edge, rules=(overridden, rate))
    refused("WAFInvalidParameterException", acl, account=edge, rules=(group,))
    summary = acl(edge, (overridden, {**rate, "Priority": 2}))
    assert edge.client("wafv2").get_web_acl(ARN=summary["ARN"])["WebACL"]["Capacity"] == 702


def test_a_web_acl_logs_to_a_group_of_the_name_that_waf_wants(edge: Account) -> None:
    summary, logs = acl(edge), edge.client("logs")
    put = edge.client("wafv2").put_logging_configuration

    def to(name: str) -> dict[str, Any]:
        arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{name}"
        return {"LoggingConfiguration": {"ResourceArn": summary["ARN"], "LogDestinationConfigs": [arn]}}

    logs.create_log_group(logGroupName="requests")
    refused("WAFInvalidParameterException", put, **to("requests"))
    refused("WAFLogDestinationPermissionIssueException", put, **to("aws-waf-logs-app"))
    logs.create_log_group(logGroupName="aws-waf-logs-app")
    put(**to("aws-waf-logs-app"))
