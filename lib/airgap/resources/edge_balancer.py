"""The load balancer and its target group (REQUIREMENTS: edge).

The pods are bound to the target group by the controller in the cluster, which changes nothing else of it. AWS:
Application Load Balancers, "Target groups for your Application Load Balancers", "Edit attributes".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model import edge
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import FIXED, Field, Reading
from airgap.resources import names
from airgap.resources.kind import Call, Fields, Kind, declares, tag_list
from airgap.resources.vpc import subnets, tier_of

_ANEW = "it is chosen once: destroy step edge, and apply it again"
_TAGS = "elbv2:DescribeTags|ResourceArns=[{0}]|TagDescriptions[].Tags[]"
_SEEN = {"LoadBalancerArn": "LoadBalancerArn"}

# Field -> (attribute, risk of another value, what it is for).
ATTRIBUTES: dict[str, tuple[str, str, str]] = {
    "deletion_protection": ("deletion_protection.enabled", "unprotects", "one call would take the entrance away"),
    "drop_invalid_headers": (
        "routing.http.drop_invalid_header_fields.enabled", "opens", "malformed headers would reach the pods",
    ),
    "desync_mitigation": ("routing.http.desync_mitigation_mode", "opens", "ambiguous requests could be smuggled in"),
    "waf_fail_open": ("waf.fail_open.enabled", "opens", "requests would pass while WAF does not answer"),
    "forwarded_for": ("routing.http.xff_header_processing.mode", "none", "pods learn the client's address by it"),
    "access_logs": ("access_logs.s3.enabled", "blinds", "nobody would see who asked for what"),
    "access_logs_bucket": ("access_logs.s3.bucket", "blinds", "the log would go elsewhere"),
}  # fmt: skip


def _attribute(key: str, risk: str, why: str) -> Field:
    call = "elbv2:DescribeLoadBalancerAttributes"
    return Field("Attributes", call=call, by=_SEEN, form=f"at:Key:Value:{key}", risk=risk, why=why)


_ATTRIBUTES = Call(
    "elbv2:ModifyLoadBalancerAttributes",
    lambda f: {
        "LoadBalancerArn": f["id"],
        "Attributes": [{"Key": key, "Value": f[name]} for name, (key, _, _) in ATTRIBUTES.items() if name in f],
    },
    # S3 lets the new bucket policy be seen a little later.
    retry=("Access Denied for bucket",),
)
_PLACED = "its addresses change, and clients' connections end"

LOAD_BALANCER = Kind(
    "load-balancer",
    "Application load balancer",
    Reading(
        "elbv2:DescribeLoadBalancers",
        "LoadBalancers",
        "LoadBalancerArn",
        tags=_TAGS.format("LoadBalancerArn"),
        attrs={"arn": "LoadBalancerArn", "dns_name": "DNSName", "zone": "CanonicalHostedZoneId"},
        fields={
            "name": Field("LoadBalancerName", change=FIXED, why=_ANEW),
            "scheme": Field("Scheme", change=FIXED, why=_ANEW),
            "type": Field("Type", change=FIXED, why=_ANEW),
            "addresses": Field("IpAddressType", risk="opens", why="it could answer by IPv6"),
            "subnets": Field("AvailabilityZones[].SubnetId", form="set", risk="interrupts", why=_PLACED),
            "groups": Field("SecurityGroups", form="set", risk="opens", why="they say who may reach it"),
            **{name: _attribute(*one) for name, one in ATTRIBUTES.items()},
        },
        state="State.Code",
        settled=("active",),
        failed=("failed",),
    ),
    create=(
        Call(
            "elbv2:CreateLoadBalancer",
            lambda f: {
                "Name": f["name"],
                "Subnets": f["subnets"],
                "SecurityGroups": f["groups"],
                "Scheme": f["scheme"],
                "Type": f["type"],
                "IpAddressType": f["addresses"],
                "Tags": tag_list(f),
            },
            result="LoadBalancers",
            actions=("elasticloadbalancing:AddTags",),
        ),
    ),
    later=tuple(ATTRIBUTES),
    updates={
        "addresses": (
            Call("elbv2:SetIpAddressType", lambda f: {"LoadBalancerArn": f["id"], "IpAddressType": f["addresses"]}),
        ),
        "subnets": (Call("elbv2:SetSubnets", lambda f: {"LoadBalancerArn": f["id"], "Subnets": f["subnets"]}),),
        "groups": (
            Call("elbv2:SetSecurityGroups", lambda f: {"LoadBalancerArn": f["id"], "SecurityGroups": f["groups"]}),
        ),
        **dict.fromkeys(ATTRIBUTES, (_ATTRIBUTES,)),
    },
    delete=(
        Call(
            "elbv2:DeleteLoadBalancer",
            lambda f: {"LoadBalancerArn": f["id"]},
            ignore=("LoadBalancerNotFound",),
            retry=("OperationNotPermitted",),
        ),
    ),
    poll=Call(
        "elbv2:DescribeLoadBalancers", lambda f: {"LoadBalancerArns": [f["id"]]}, ignore=("LoadBalancerNotFound",)
    ),
    protection={"deletion_protection": "false"},
    seconds=180.0,
    limit=900.0,
    gone=True,
)

# Field -> (member, the parameter of the same name in CreateTargetGroup and ModifyTargetGroup).
_HEALTH = {
    "health_protocol": "HealthCheckProtocol",
    "health_port": "HealthCheckPort",
    "health_path": "HealthCheckPath",
    "health_seconds": "HealthCheckIntervalSeconds",
    "healthy_after": "HealthyThresholdCount",
    "unhealthy_after": "UnhealthyThresholdCount",
}


def _health(f: Fields) -> dict[str, Any]:
    return {**{member: f[name] for name, member in _HEALTH.items()}, "Matcher": {"HttpCode": f["health_codes"]}}


_CHECK = Call("elbv2:ModifyTargetGroup", lambda f: {"TargetGroupArn": f["id"], **_health(f)})

TARGET_GROUP = Kind(
    "target-group",
    "Target group",
    Reading(
        "elbv2:DescribeTargetGroups",
        "TargetGroups",
        "TargetGroupArn",
        tags=_TAGS.format("TargetGroupArn"),
        attrs={"arn": "TargetGroupArn"},
        fields={
            "name": Field("TargetGroupName", change=FIXED, why=_ANEW),
            "vpc": Field("VpcId", change=FIXED, why=_ANEW),
            "type": Field("TargetType", change=FIXED, why=_ANEW),
            "protocol": Field("Protocol", change=FIXED, why=_ANEW),
            "port": Field("Port", change=FIXED, why=_ANEW),
            **{name: Field(member, why="which pods get requests") for name, member in _HEALTH.items()},
            "health_codes": Field("Matcher.HttpCode", why="which pods get requests"),
        },
    ),
    create=(
        Call(
            "elbv2:CreateTargetGroup",
            lambda f: {
                "Name": f["name"],
                "VpcId": f["vpc"],
                "TargetType": f["type"],
                "Protocol": f["protocol"],
                "Port": f["port"],
                **_health(f),
                "Tags": tag_list(f),
            },
            result="TargetGroups",
            actions=("elasticloadbalancing:AddTags",),
        ),
    ),
    updates=dict.fromkeys((*_HEALTH, "health_codes"), (_CHECK,)),
    # Its last listener is gone a moment before it is free.
    delete=(
        Call(
            "elbv2:DeleteTargetGroup",
            lambda f: {"TargetGroupArn": f["id"]},
            ignore=("TargetGroupNotFound",),
            retry=("ResourceInUse",),
        ),
    ),
)


@declares(TARGET_GROUP, LOAD_BALANCER)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the target group, empty until pods are bound to it, and the load balancer in its tier."""
    group = {
        "name": edge.balancer(intent),
        "vpc": ref("vpc:main"),
        "type": "ip",
        "protocol": "HTTP",
        "port": intent.edge.target_port,
        "health_protocol": "HTTP",
        "health_port": "traffic-port",
        "health_path": intent.edge.health_path,
        "health_seconds": 15,
        "healthy_after": 2,
        "unhealthy_after": 2,
        "health_codes": "200",
    }
    yield Desired("target-group", "app", group, why="the pods, by their own addresses")
    placed = [ref(f"subnet:{name}") for name in subnets(intent) if tier_of(name) == edge.tier(intent)]
    balancer = {
        "name": edge.balancer(intent),
        "scheme": edge.scheme(intent),
        "type": "application",
        "addresses": "ipv4",
        "subnets": placed,
        "groups": [ref("security-group:alb")],
        "deletion_protection": "true",
        "drop_invalid_headers": "true",
        "desync_mitigation": "defensive",
        "waf_fail_open": "false",
        "forwarded_for": "append",
        "access_logs": "true",
        "access_logs_bucket": names.bucket(intent, edge.LOGS),
    }
    why = f"the only entrance, in the {edge.tier(intent)} tier"
    yield Desired("load-balancer", "app", balancer, needs=(f"bucket:{edge.LOGS}",), why=why)
