"""The edge's pages for the views: a load balancer with its listeners, web ACL and certificate in place."""

from __future__ import annotations

import json
from typing import Any

from airgap.model import edge
from airgap.model.intent import Intent
from airgap.model.names import bucket
from airgap.resources.edge_firewall import rules
from airgap.resources.edge_listeners import TO_HTTPS

Pages = dict[tuple[str, str], Any]
POLICIES = [{"Name": "ELBSecurityPolicy-TLS13-1-2-Res-2021-06", "SslProtocols": ["TLSv1.2", "TLSv1.3"]}]
RECORD = {"Name": "_1a.fintech.example.com.", "Type": "CNAME", "Value": "_2b.acm-validations.aws."}


def deployed(intent: Intent, vpc: str, subnets: dict[str, Any]) -> Pages:
    """Everything of the edge in place, in the VPC and its public subnets."""
    name = edge.balancer(intent)
    arns = {kind: intent.arn("elasticloadbalancing", f"{kind}/app/{name}/1") for kind in ("loadbalancer", "listener")}
    group, acl = intent.arn("elasticloadbalancing", f"targetgroup/{name}/2"), intent.arn("wafv2", "regional/webacl/a/1")
    certificate = intent.arn("acm", "certificate/1")
    https, http = f"{arns['listener']}/443", f"{arns['listener']}/80"
    zones = [
        {"SubnetId": f"subnet-{one}", "ZoneName": each.zone}
        for one, each in subnets.items()
        if one.startswith("public")
    ]
    balancer = {
        "LoadBalancerArn": arns["loadbalancer"],
        "LoadBalancerName": name,
        "DNSName": f"{name}-1.elb.amazonaws.com",
        "Scheme": "internet-facing",
        "VpcId": vpc,
        "AvailabilityZones": zones,
        "IpAddressType": "ipv4",
    }
    secure = {
        "ListenerArn": https,
        "Port": 443,
        "Protocol": "HTTPS",
        "SslPolicy": intent.edge.tls_policy,
        "Certificates": [{"CertificateArn": certificate}],
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": group}],
    }
    plain = {"ListenerArn": http, "Port": 80, "Protocol": "HTTP", "DefaultActions": [_redirect()]}
    held = {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": bucket(intent, edge.LOGS)}
    issued = {
        "DomainName": intent.edge.domain,
        "Status": "ISSUED",
        "NotAfter": "2027-05-01T00:00:00Z",
        "DomainValidationOptions": [{"ResourceRecord": RECORD}],
    }
    web_acl = {"ARN": acl, "Name": name, "Capacity": 902, "Rules": rules(intent)}
    tags = {"Tags": [{"Key": "airgap:environment", "Value": intent.environment}]}
    log = intent.arn("logs", f"log-group:{edge.firewall_log(intent)}")
    return {
        ("elbv2:DescribeLoadBalancers", "{}"): {"LoadBalancers": [balancer]},
        _of("elbv2:DescribeLoadBalancerAttributes", LoadBalancerArn=arns["loadbalancer"]): {
            "Attributes": [{"Key": key, "Value": value} for key, value in held.items()]
        },
        _of("elbv2:DescribeListeners", LoadBalancerArn=arns["loadbalancer"]): {"Listeners": [secure, plain]},
        _of("elbv2:DescribeRules", ListenerArn=https): {"Rules": []},
        _of("elbv2:DescribeRules", ListenerArn=http): {"Rules": []},
        ("elbv2:DescribeSSLPolicies", "{}"): {"SslPolicies": POLICIES},
        ("wafv2:ListWebACLs", "{}"): {"WebACLs": [{"ARN": acl, "Name": name}]},
        _of("wafv2:GetWebACL", ARN=acl): {"WebACL": web_acl},
        _of("wafv2:GetWebACLForResource", ResourceArn=arns["loadbalancer"]): {"WebACL": web_acl},
        ("wafv2:ListLoggingConfigurations", "{}"): {
            "LoggingConfigurations": [{"ResourceArn": acl, "LogDestinationConfigs": [log]}]
        },
        ("acm:ListCertificates", "{}"): {"CertificateSummaryList": [{"CertificateArn": certificate}]},
        _of("acm:DescribeCertificate", CertificateArn=certificate): {"Certificate": issued},
        _of("acm:ListTagsForCertificate", CertificateArn=certificate): tags,
    }


def _redirect() -> dict[str, Any]:
    return {"Type": "redirect", "RedirectConfig": TO_HTTPS}


def _of(call: str, **params: Any) -> tuple[str, str]:
    return call, json.dumps(params)
