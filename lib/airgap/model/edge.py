"""The edge as the params declare it: where the load balancer stands, who may reach it, and what things are called.

Without public subnets the load balancer is an internal one, in the ingress tier or, where there is none, in the private
subnets.
"""

from __future__ import annotations

from collections.abc import Sequence

from airgap.model.intent import Intent

ANYWHERE = "0.0.0.0/0"
PUBLIC, INTERNAL = "internet-facing", "internal"
REDIRECT = 80
"""The port of the listener that sends clients to HTTPS and does nothing else."""
HTTPS = 443
MANAGED = ("AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesSQLiRuleSet")
"""AWS's rule groups before the load balancer; the common one knows no SQL (WAF Developer Guide, "AWS Managed Rules rule
groups list"). Their 1100 capacity units are within what a web ACL has at its own price."""
LOGS = "access-logs"
"""Purpose of the bucket of access logs. It is encrypted with S3's own keys: Elastic Load Balancing writes to no other
(Application Load Balancers, "Enable access logs")."""


def tier(intent: Intent) -> str:
    """Return the tier in which the load balancer stands: public, ingress or private."""
    network = intent.network
    if network.public_tier != "none" and network.public_subnets:
        return "public"
    return "ingress" if network.ingress_subnets else "private"


def scheme(intent: Intent) -> str:
    """Return the load balancer's scheme: internet-facing in public subnets, else internal."""
    return PUBLIC if tier(intent) == "public" else INTERNAL


def clients(intent: Intent) -> Sequence[str]:
    """Return the ranges that may reach the load balancer."""
    if intent.edge.clients:
        return intent.edge.clients
    if tier(intent) == "public":
        return (ANYWHERE,)
    return intent.network.on_premises_cidrs or (intent.network.vpc_cidr,)


def balancer(intent: Intent) -> str:
    """Return the name of the load balancer, of its target group and of its web ACL."""
    return intent.name("app")


def firewall_log(intent: Intent) -> str:
    """Return the log group of the web ACL; WAF takes no other beginning of its name."""
    return f"aws-waf-logs-{intent.name(intent.environment)}"
