"""Rules of the address plan: zones, ranges and the declared public tier."""

from __future__ import annotations

import ipaddress
import itertools
from collections import Counter
from collections.abc import Iterator

from airgap.model.intent import Intent, Subnet
from airgap.params.problems import Problem, Where, quoted, spell
from airgap.params.rules import rule

TIERS = ("private_subnets", "public_subnets", "ingress_subnets")
"""The tiers of subnets, as their keys under ``network``."""


@rule("region", *(f"network.{tier}" for tier in TIERS))
def zones_belong_to_the_region(intent: Intent) -> Iterator[Problem]:
    """Each subnet's zone is one of the Region's."""
    for where, subnet in _subnets(intent):
        if subnet.zone[:-1] != intent.region:
            what = f"{quoted(subnet.zone)} is not a zone of {intent.region}; allowed: {intent.region}a and so on"
            yield Problem((*where, "zone"), what)


@rule(*(f"network.{tier}" for tier in TIERS))
def zones_are_two_to_six_and_distinct(intent: Intent) -> Iterator[Problem]:
    """A tier has at most one subnet in a zone, and two to six zones (EKS, RDS and load balancers need two)."""
    for tier in TIERS:
        zones = Counter(subnet.zone for subnet in getattr(intent.network, tier))
        twice = sorted(zone for zone, times in zones.items() if times > 1)
        if twice:
            yield Problem(("network", tier), f"zone {twice[0]} has more than one subnet; allowed: one subnet in a zone")
        elif (zones or tier == "private_subnets") and not 2 <= len(zones) <= 6:
            yield Problem(("network", tier), f"the number of zones is {len(zones)}; allowed: two to six")


@rule("network.vpc_cidr", *(f"network.{tier}" for tier in TIERS))
def subnets_lie_in_the_vpc(intent: Intent) -> Iterator[Problem]:
    """Each subnet's range is part of the VPC's."""
    vpc = ipaddress.IPv4Network(intent.network.vpc_cidr)
    for where, subnet in _subnets(intent):
        if not ipaddress.IPv4Network(subnet.cidr).subnet_of(vpc):
            yield Problem((*where, "cidr"), f"{quoted(subnet.cidr)} is not inside network.vpc_cidr {vpc}")


@rule(*(f"network.{tier}" for tier in TIERS))
def subnets_do_not_overlap(intent: Intent) -> Iterator[Problem]:
    """No two subnets share an address."""
    for (first, one), (where, other) in itertools.combinations(_subnets(intent), 2):
        if _overlap(one.cidr, other.cidr):
            what = f"{quoted(other.cidr)} overlaps {one.cidr} of {spell(first)}"
            yield Problem((*where, "cidr"), what)


@rule("network.vpc_cidr", "network.on_premises_cidrs", "cluster.service_cidr")
def outside_ranges_do_not_overlap(intent: Intent) -> Iterator[Problem]:
    """The VPC, the on-premises ranges and the range of Kubernetes services share no address."""
    ranges: list[tuple[Where, str]] = [(("network", "vpc_cidr"), intent.network.vpc_cidr)]
    ranges += [(("network", "on_premises_cidrs", i), cidr) for i, cidr in enumerate(intent.network.on_premises_cidrs)]
    ranges.append((("cluster", "service_cidr"), intent.cluster.service_cidr))
    for (first, one), (where, other) in itertools.combinations(ranges, 2):
        if _overlap(one, other):
            yield Problem(where, f"{quoted(other)} overlaps {one} of {spell(first)}")


@rule("cluster.service_cidr")
def services_use_private_addresses(intent: Intent) -> Iterator[Problem]:
    """The range of Kubernetes services is one of RFC 1918's (EKS, KubernetesNetworkConfigRequest)."""
    services = ipaddress.IPv4Network(intent.cluster.service_cidr)
    private = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    if not any(services.subnet_of(ipaddress.IPv4Network(block)) for block in private):
        what = f"'{services}' is not a private range; allowed: inside {', '.join(private)}"
        yield Problem(("cluster", "service_cidr"), what)


@rule("network.public_tier", "network.public_subnets")
def public_subnets_match_the_tier(intent: Intent) -> Iterator[Problem]:
    """Public subnets exist exactly when the declared tier has an internet gateway."""
    tier, subnets = intent.network.public_tier, intent.network.public_subnets
    if tier == "none" and subnets:
        what = "public subnets are given, and network.public_tier is none"
        yield Problem(("network", "public_subnets"), what, "remove them, or declare public_tier: ingress")
    if tier != "none" and not subnets:
        what = f"'{tier}' needs network.public_subnets, and there are none"
        yield Problem(("network", "public_tier"), what, "give public_subnets, or declare public_tier: none")


def _subnets(intent: Intent) -> list[tuple[Where, Subnet]]:
    return [(("network", tier, i), subnet) for tier in TIERS for i, subnet in enumerate(getattr(intent.network, tier))]


def _overlap(one: str, other: str) -> bool:
    return ipaddress.IPv4Network(one).overlaps(ipaddress.IPv4Network(other))
