"""The boundary: what may be reached. Everything else is outside.

``{"schema": "airgap/boundary/v1", "cidrs": [...], "endpoints": "all of the VPC" | [ids], "peers": [ids],
"gateways": [ids], "ingress": [load balancers], "domains": [names], "accounts": [ids], "regions": [names],
"sealed_subnets": [CIDRs], "open_subnets": [CIDRs], "environment": name}``; every member but the schema may be missing.
Without a boundary nothing but the VPC and its endpoints may be reached.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from airgap.egress.boxes import cut, of_range
from airgap.egress.facts import Item
from airgap.egress.network import Network, Range, subnet_ranges, target
from airgap.model import edge
from airgap.model.intent import Intent

SCHEMA = "airgap/boundary/v1"
ALL = "all of the VPC"
LISTED = ("ingress", "domains", "accounts", "regions")
"""Members that are lists of names, in the order of the fields."""
_DOORS = ("Gateway", "Interface", "")
# How the ids begin of what leads to the internet: no sealed subnet may reach it, whoever owns it.
_INTERNET = ("igw-", "eigw-", "nat-", "eipalloc-")


@dataclass(frozen=True)
class Boundary:
    """Ranges, endpoints and gateways that may be reached, and the ranges of the sealed subnets (none: all are)."""

    ranges: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = (ALL,)
    gateways: tuple[str, ...] = ()
    sealed: tuple[str, ...] = ()
    ingress: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    opened: Optional[tuple[str, ...]] = None
    environment: str = ""

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Boundary:
        """Return the boundary of a file; another schema, or a range that is none, raises ``ValueError``."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"schema {data.get('schema')!r} is not {SCHEMA}")
        ranges, sealed = tuple(data.get("cidrs") or ()), tuple(data.get("sealed_subnets") or ())
        for one in (*ranges, *sealed):
            ipaddress.ip_network(one)
        endpoints = data.get("endpoints", ALL)
        named = (endpoints,) if isinstance(endpoints, str) else tuple(endpoints)
        gateways = (*(data.get("peers") or ()), *(data.get("gateways") or ()))
        ingress, domains, accounts, regions = (tuple(str(one) for one in data.get(name) or ()) for name in LISTED)
        opened = tuple(data["open_subnets"]) if "open_subnets" in data else None
        environment = str(data.get("environment", ""))
        return cls(ranges, named, gateways, sealed, ingress, domains, accounts, regions, opened, environment)

    def as_data(self) -> dict[str, Any]:
        """Return the boundary as JSON data; ``from_data`` reads it again."""
        return {
            "schema": SCHEMA,
            "cidrs": list(self.ranges),
            "endpoints": ALL if self.endpoints == (ALL,) else list(self.endpoints),
            "gateways": list(self.gateways),
            "ingress": list(self.ingress),
            "domains": list(self.domains),
            "accounts": list(self.accounts),
            "regions": list(self.regions),
            "sealed_subnets": list(self.sealed),
            **({} if self.opened is None else {"open_subnets": list(self.opened)}),
            **({"environment": self.environment} if self.environment else {}),
        }

    def admits(self, network: Network, route: Item, vpc: str) -> bool:
        """Tell whether the target of a route may be reached: a declared gateway, or an endpoint for a service."""
        _, value = target(route)
        if value in self.gateways:
            return True
        if not value.startswith("vpce-"):
            return False
        item = network.facts.find("VpcEndpoints", "VpcEndpointId", value)
        if value in self.endpoints:
            return True
        # A Gateway Load Balancer endpoint leads to whoever inspects, not to a service.
        own = item is not None and item.get("VpcId") == vpc and item.get("VpcEndpointType", "") in _DOORS
        return ALL in self.endpoints and own

    def holes(self, own: Iterable[Range], version: int) -> list[tuple[int, int, str]]:
        """Return the declared ranges as intervals, without a VPC's own: those are reached by the local route alone.

        A route to elsewhere inside the VPC's own ranges is a detour, and what it leads to is not declared.
        """
        found = []
        for block in self.ranges:
            if ipaddress.ip_network(block).version == version:
                left = [of_range(block)]
                for one in own:
                    if one.version == version:
                        left = [part for each in left for part in cut(each, of_range(str(one)))]
                found += [(low, high, block) for low, high in left]
        return found

    def outside(self, low: int, high: int, own: Iterable[Range], version: int) -> list[tuple[int, int]]:
        """Return what of an interval of addresses lies in none of the declared ranges that are not a VPC's own."""
        left = [(low, high)]
        for first, last, _ in self.holes(own, version):
            left = [part for one in left for part in cut(one, (first, last))]
        return left

    def judged(self, subnets: Iterable[Item]) -> set[str]:
        """Return the ids of the subnets that the boundary speaks of; without a list of sealed ones it is every one.

        Where it says which subnets are open, every other one of a VPC with a sealed one is sealed, declared or not.
        """
        every = list(subnets)
        named = {str(one["SubnetId"]): one for one in every if self._holds(self.sealed, one)}
        if not self.sealed:
            return {str(one["SubnetId"]) for one in every}
        homes = {one["VpcId"] for one in named.values()} if self.opened is not None else set()
        stray = (one for one in every if one["VpcId"] in homes and not self._holds(self.opened or (), one))
        return {*named, *(str(one["SubnetId"]) for one in stray)}

    @staticmethod
    def _holds(ranges: Iterable[str], subnet: Item) -> bool:
        return not {str(one) for one in subnet_ranges(subnet)}.isdisjoint(ranges)

    def vpcs(self, network: Network) -> tuple[str, ...]:
        """Return the VPCs in question where some are marked as another environment's; nothing where none is."""
        marks = {str(one["VpcId"]): _environment(one) for one in network.facts.items("Vpcs")}
        mine = tuple(sorted(vpc for vpc, mark in marks.items() if mark in ("", self.environment)))
        return mine if self.environment and len(mine) < len(marks) else ()


def _environment(vpc: Item) -> str:
    tags = {str(one.get("Key")): str(one.get("Value")) for one in vpc.get("Tags") or []}
    return tags.get("airgap:environment", "")


def intended(intent: Intent) -> dict[str, Any]:
    """Return what the sealed subnets of an environment may reach: its VPC and endpoints, what is on premises, peers.

    A connection of another team that the params adopt by its id is registered; a way to the internet never is.
    """
    network = intent.network
    peers = sorted(one for one in intent.adopt.values() if not one.startswith(_INTERNET))
    return {
        "schema": SCHEMA,
        "environment": intent.environment,
        "cidrs": [network.vpc_cidr, *network.on_premises_cidrs],
        "endpoints": ALL,
        "gateways": peers,
        "ingress": [edge.balancer(intent)] if edge.scheme(intent) == edge.PUBLIC else [],
        "public_tier": network.public_tier,
        "sealed_subnets": [subnet.cidr for subnet in network.private_subnets],
        "open_subnets": [subnet.cidr for subnet in (*network.public_subnets, *network.ingress_subnets)],
        "domains": [one.rstrip(".").lower().removeprefix("*.") for one in network.dns_allow],
        "accounts": list(intent.accounts),
        "regions": list(intent.regions),
    }
