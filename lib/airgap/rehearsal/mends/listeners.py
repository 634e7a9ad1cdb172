"""Listeners: one a port, with a certificate that is issued, a policy that exists, and targets in the same VPC.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.elbv2.ssl_policies import SSL_POLICIES

from airgap.rehearsal.hook import before
from airgap.rehearsal.wire import Call, Refusal


def _balancer(call: Call) -> Any:
    arn = call.get("LoadBalancerArn") or call.get("ListenerArn", "").rpartition("/")[0].replace(
        ":listener/", ":loadbalancer/"
    )
    return call.backend("elbv2").load_balancers.get(arn)


@before("elbv2", "CreateListener", "ModifyListener")
def judge(call: Call) -> None:
    """Refuse what Elastic Load Balancing refuses of a listener."""
    balancer = _balancer(call)
    if balancer is None:
        return
    existing = balancer.listeners.get(call.get("ListenerArn"))
    if existing is None and int(call.get("Port", 0)) in [int(one.port) for one in balancer.listeners.values()]:
        raise Refusal("DuplicateListener", "A listener already exists on this port for this load balancer")
    policy = call.get("SslPolicy")
    if policy is not None and policy not in SSL_POLICIES:
        raise Refusal("SSLPolicyNotFound", f"SSL policy '{policy}' not found")
    protocol = call.get("Protocol") or (existing.protocol if existing else "")
    if protocol == "HTTPS":
        _certificates(call, existing)
    for arn in _groups(call):
        group = call.backend("elbv2").target_groups.get(arn)
        if group is not None and group.vpc_id != balancer.vpc_id:
            message = f"The target group '{arn}' is not in the same VPC as the load balancer"
            raise Refusal("InvalidConfigurationRequest", message)


def _certificates(call: Call, existing: Any) -> None:
    named = [one["CertificateArn"] for one in call.get("Certificates", [])]
    if not named and not (existing is not None and existing.certificates):
        raise Refusal("ValidationError", "A certificate must be specified for HTTPS listeners")
    for arn in named:
        certificate = call.backend("acm")._certificates.get(arn)
        if certificate is None:
            raise Refusal("CertificateNotFound", f"Certificate '{arn}' not found")
        certificate.check()
        if certificate.status != "ISSUED":
            message = (
                f"The certificate '{arn}' must have a fully-qualified domain name, a supported signature, "
                "and a supported key size."
            )
            raise Refusal("UnsupportedCertificate", message)


def _groups(call: Call) -> Iterator[str]:
    for action in call.get("DefaultActions", []):
        if action.get("TargetGroupArn"):
            yield action["TargetGroupArn"]
        for one in (action.get("ForwardConfig") or {}).get("TargetGroups", []):
            yield one["TargetGroupArn"]
