"""The names that an environment may resolve, as DNS Firewall writes them, each with its reason (REQUIREMENTS: DNS)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from airgap.model.intent import Intent

_SUFFIX = {"aws-cn": "amazonaws.com.cn"}
_DUAL_STACK = {"aws-cn": "api.amazonwebservices.com.cn"}


@dataclass(frozen=True)
class Name:
    """A pattern of names, and the components for whose sake it resolves; none: every environment's."""

    pattern: str
    why: str
    components: tuple[str, ...] = ()


# ``*.REGION.SUFFIX`` does not match the rows below it, where the service stands after the Region or no Region is named.
NAMES = (
    Name("*.{region}.{suffix}", "service endpoints, ECR registries, buckets, account-based DynamoDB names"),
    Name("*.{region}.rds.{suffix}", "the database"),
    Name("*.cache.{suffix}", "the cache"),
    Name("*.{region}.elb.{suffix}", "the load balancer"),
    Name("*.{region}.eks.{suffix}", "the cluster's private API", ("control-plane",)),
    Name("*.{region}.{dual_stack}", "the Pod Identity agent and other dual-stack endpoints"),
    Name("*.{internal}", "instances, and the search suffix of every host"),
    Name("{internal}", "the search suffix itself"),
)


def allowed_names(intent: Intent) -> dict[str, str]:
    """Return every pattern that resolves, with the reason; ``network.dns_allow`` and the reverse zones included."""
    words = {
        "region": intent.region,
        "suffix": _SUFFIX.get(intent.partition, "amazonaws.com"),
        "dual_stack": _DUAL_STACK.get(intent.partition, "api.aws"),
        "internal": "ec2.internal" if intent.region == "us-east-1" else f"{intent.region}.compute.internal",
    }
    derived = {
        row.pattern.format(**words): row.why
        for row in NAMES
        if not row.components or set(row.components) & set(intent.components)
    }
    reverse = {zone: f"reverse names of {cidr}" for cidr in _ranges(intent) for zone in reverse_zones(cidr)}
    declared = dict.fromkeys(intent.network.dns_allow, "declared in network.dns_allow")
    return {**declared, **reverse, **derived}


def _ranges(intent: Intent) -> tuple[str, ...]:
    return (intent.network.vpc_cidr, *intent.network.on_premises_cidrs)


def reverse_zones(cidr: str) -> list[str]:
    """Return the patterns of a range's reverse names, to the octet: ``10.0.0.0/15`` is two (RFC 1035, 3.5).

    ``*.in-addr.arpa`` as a whole would be a way out: whoever holds a range holds the server of its reverse names.
    """
    network = ipaddress.IPv4Network(cidr)
    octets = max(1, -(-network.prefixlen // 8)) if network.prefixlen <= 24 else 3
    zones = network.subnets(new_prefix=octets * 8) if network.prefixlen <= 24 else [network.supernet(new_prefix=24)]
    return [
        "*." + ".".join(reversed(str(zone.network_address).split(".")[:octets])) + ".in-addr.arpa" for zone in zones
    ]
