"""The boundary: what may be reached. Everything else is outside.

``{"schema": "airgap/boundary/v1", "cidrs": [...], "endpoints": "all of the VPC" | [ids], "peers": [ids],
"gateways": [ids], "ingress": [load balancers], "domains": [names], "accounts": [ids], "regions": [names],
"sealed_subnets": [CIDRs]}``; every member but the schema may be missing. Without a boundary nothing but the VPC and its
endpoints may be reached.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airgap.egress.boxes import cut, of_range
from airgap.egress.facts import Item
from airgap.egress.network import Network, Range, subnet_ranges, target

SCHEMA = "airgap/boundary/v1"
ALL = "all of the VPC"
LISTED = ("ingress", "domains", "accounts", "regions")
"""Members that are lists of names, in the order of the fields."""
_DOORS = ("Gateway", "Interface", "")


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
        more = (tuple(str(one) for one in data.get(name) or ()) for name in LISTED)
        return cls(ranges, named, gateways, sealed, *more)

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

    def is_sealed(self, subnet: Item) -> bool:
        """Tell whether a subnet is one that the boundary speaks of; without a list every subnet is."""
        return not self.sealed or any(str(one) in self.sealed for one in subnet_ranges(subnet))
