"""What an environment will use up: addresses of each subnet, quotas of the account, money a month.

All of it follows from the declared intent, so it is known before the first write; views show it, checks judge it.
"""

from __future__ import annotations

import ipaddress
import math
from typing import NamedTuple, Optional

from airgap.model import prices
from airgap.model.components import kind
from airgap.model.delivery import has_host
from airgap.model.derived import endpoint_services
from airgap.model.intent import Intent, NodeGroup

RESERVED = 5
"""Addresses that AWS keeps in every subnet (VPC User Guide, "Subnet sizing")."""
CONTROL_PLANE = 6
"""Free addresses that EKS asks for in each subnet of a cluster (EKS User Guide, "VPC and subnet requirements")."""
BALANCER = 8
"""Free addresses that an Application Load Balancer asks for in each of its subnets (ELB User Guide)."""
WARM_INTERFACES = 2
"""Interfaces of a node whose addresses the VPC CNI holds: its own and one kept warm (WARM_ENI_TARGET=1)."""
CACHE_NODES = 2
KEYS = 4


class Use(NamedTuple):
    """One user of addresses: what it is and how many it takes."""

    what: str
    addresses: int


class SubnetBudget(NamedTuple):
    """The addresses of one declared subnet; ``peak`` is what full nodes would take beside ``used``."""

    tier: str
    zone: str
    cidr: str
    usable: int
    uses: tuple[Use, ...]
    peak: int

    @property
    def used(self) -> int:
        """Addresses taken once everything runs at its largest declared size."""
        return sum(use.addresses for use in self.uses)

    @property
    def free(self) -> int:
        """Addresses left; negative where the subnet is too small."""
        return self.usable - self.used

    @property
    def fits(self) -> bool:
        """Whether the declared size fits."""
        return self.free >= 0

    @property
    def fits_at_peak(self) -> bool:
        """Whether it still fits when every node holds as many pods as its interfaces carry."""
        return self.free >= self.peak


class QuotaNeed(NamedTuple):
    """What one quota must allow; ``code`` is Service Quotas' own; ``shared``: others in the account count too."""

    service: str
    code: str
    name: str
    needed: int
    shared: bool = True


class Cost(NamedTuple):
    """One item of the bill; ``monthly`` is None where the table has no price for it."""

    item: str
    quantity: float
    unit: str
    price: Optional[float]

    @property
    def monthly(self) -> Optional[float]:
        """US dollars a month."""
        return None if self.price is None else self.quantity * self.price


def interfaces(intent: Intent) -> tuple[str, ...]:
    """Return the services that get an interface endpoint."""
    return tuple(service for service in endpoint_services(intent) if kind(service) == "interface")


def address_budget(intent: Intent) -> tuple[SubnetBudget, ...]:
    """Return the budget of every declared subnet, sealed ones first."""
    network = intent.network
    first = min(intent.zones, default="")
    sealed = [
        _budget("private", one.zone, one.cidr, _sealed(intent, one.zone == first), _peak(intent))
        for one in network.private_subnets
    ]
    public = [_budget("public", one.zone, one.cidr, _public(intent), 0) for one in network.public_subnets]
    ingress = [
        _budget("ingress", one.zone, one.cidr, (Use("load balancer", BALANCER),), 0) for one in network.ingress_subnets
    ]
    return (*sealed, *public, *ingress)


def _budget(tier: str, zone: str, cidr: str, uses: tuple[Use, ...], peak: int) -> SubnetBudget:
    usable = ipaddress.ip_network(cidr).num_addresses - RESERVED
    return SubnetBudget(tier, zone, cidr, usable, tuple(use for use in uses if use.addresses), peak)


def _sealed(intent: Intent, first: bool) -> tuple[Use, ...]:
    warm = sum(_nodes(intent, group) * _warm(group) for group in intent.cluster.node_groups)
    nodes = sum(_nodes(intent, group) for group in intent.cluster.node_groups)
    return (
        Use(f"{nodes} nodes with their warm addresses", warm),
        Use("interface endpoints", len(interfaces(intent))),
        Use("EKS control plane", CONTROL_PLANE),
        # A second address while a database or cache node is replaced.
        Use("database", 2),
        Use("cache", 2),
        Use("secret rotation", 1),
        Use("operations host and runner", 2 if first else 0),
    )


def _public(intent: Intent) -> tuple[Use, ...]:
    gateways = 1 if intent.network.public_tier == "ingress-and-nat" else 0
    return (Use("load balancer", BALANCER), Use("NAT gateway", gateways))


def _nodes(intent: Intent, group: NodeGroup) -> int:
    return math.ceil(group.max_size / max(1, len(intent.zones)))


def _largest(group: NodeGroup) -> prices.Size:
    """The largest of a group's types; one that is not in the table counts as a 4xlarge."""
    known = [prices.size(one) or prices.Size(16, 8, 30) for one in group.instance_types]
    return max(known, default=prices.Size(0, 0, 0), key=lambda one: (one.interfaces * one.addresses, one.vcpus))


def _warm(group: NodeGroup) -> int:
    return WARM_INTERFACES * _largest(group).addresses


def _peak(intent: Intent) -> int:
    return sum(
        _nodes(intent, group) * (_largest(group).interfaces - WARM_INTERFACES) * _largest(group).addresses
        for group in intent.cluster.node_groups
    )


def quota_needs(intent: Intent) -> tuple[QuotaNeed, ...]:
    """Return what the account's quotas must allow; every quota is one that Service Quotas lists."""
    groups, network = intent.cluster.node_groups, intent.network
    cpus = sum(group.max_size * _largest(group).vcpus for group in groups)
    nat = len(network.public_subnets) if network.public_tier == "ingress-and-nat" else 0
    return (
        QuotaNeed("vpc", "L-F678F1CE", "VPCs per Region", 1),
        QuotaNeed("vpc", "L-A4707A72", "Internet gateways per Region", 0 if network.public_tier == "none" else 1),
        QuotaNeed("vpc", "L-29B6F2EB", "Interface VPC endpoints per VPC", len(interfaces(intent)), shared=False),
        QuotaNeed(
            "vpc",
            "L-1B52E74A",
            "Gateway VPC endpoints per Region",
            len(endpoint_services(intent)) - len(interfaces(intent)),
        ),
        QuotaNeed("vpc", "L-FE5A380F", "NAT gateways per Availability Zone", min(nat, 1)),
        QuotaNeed("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", nat),
        QuotaNeed("ec2", "L-1216C47A", "vCPUs of running on-demand standard instances", cpus + 4),
        QuotaNeed("vpc", "L-DF5E4CA3", "Network interfaces per Region", _interface_count(intent)),
        QuotaNeed("eks", "L-1194D53C", "Clusters", 1),
        QuotaNeed("eks", "L-6D54EA21", "Managed node groups per cluster", len(groups), shared=False),
        QuotaNeed(
            "eks",
            "L-BD136A63",
            "Nodes per managed node group",
            max([group.max_size for group in groups], default=0),
            shared=False,
        ),
        QuotaNeed("elasticloadbalancing", "L-53DA6B97", "Application Load Balancers per Region", 1),
        QuotaNeed("rds", "L-7B6409FD", "DB instances", 1),
        QuotaNeed("elasticache", "L-DFE45DF3", "Nodes per Region", CACHE_NODES),
    )


def _interface_count(intent: Intent) -> int:
    nodes = sum(group.max_size * _largest(group).interfaces for group in intent.cluster.node_groups)
    return nodes + len(interfaces(intent)) * len(intent.zones) + 4 + 2 + CACHE_NODES


def monthly_cost(intent: Intent) -> tuple[Cost, ...]:
    """Return what stands there all month costs, at the desired sizes; what is billed by use is not in it."""
    network, zones, data = intent.network, len(intent.zones), intent.data
    nat = len(network.public_subnets) if network.public_tier == "ingress-and-nat" else 0
    groups = intent.cluster.node_groups
    disks = sum(group.desired_size * group.volume_gib for group in groups)
    return (
        _hourly("interface endpoints, one a zone", len(interfaces(intent)) * zones, "interface endpoint"),
        _hourly("NAT gateways", nat, "nat gateway"),
        _hourly("public addresses", nat + len(network.public_subnets), "public address"),
        _hourly("EKS cluster", 1, "cluster"),
        *(_typed(f"nodes of {group.name}", group.desired_size, group.instance_types[0]) for group in groups),
        _monthly("volumes of the nodes", disks, "gp3 GiB"),
        _typed("PostgreSQL, two zones", 2, data.postgres_class),
        _monthly("storage of PostgreSQL", data.postgres_gib, "database gp3 GiB, two zones"),
        _typed("cache nodes", CACHE_NODES, data.cache_node_type),
        _typed("operations host", 1, "t3.small"),
        _typed("runner host", int(has_host(intent)), intent.pipeline.runner_type),
        _hourly("Application Load Balancer", 1, "load balancer"),
        _monthly("web ACL", 1, "web ACL"),
        _monthly("rules of the web ACL", 3, "web ACL rule"),
        _monthly("customer managed keys", KEYS, "key"),
        _monthly("secrets", 2, "secret"),
    )


def _hourly(item: str, quantity: float, name: str) -> Cost:
    return Cost(item, quantity, "month", prices.HOURLY[name] * prices.HOURS)


def _monthly(item: str, quantity: float, name: str) -> Cost:
    return Cost(item, quantity, name, prices.MONTHLY[name])


def _typed(item: str, quantity: float, instance_type: str) -> Cost:
    price = prices.hourly(instance_type)
    return Cost(item, quantity, instance_type, None if price is None else price * prices.HOURS)
