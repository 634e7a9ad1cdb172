"""The boundary: what may be reached. Everything else is outside.

``{"schema": "airgap/boundary/v1", "cidrs": [...], "endpoints": "all of the VPC" | [ids], "peers": [ids],
"gateways": [ids], "sealed_subnets": [CIDRs]}``; every member but the schema may be missing. Without a boundary nothing
but the VPC and its endpoints may be reached.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airgap.egress.boxes import of_range
from airgap.egress.facts import Item
from airgap.egress.network import Network, target

SCHEMA = "airgap/boundary/v1"
ALL = "all of the VPC"
_DOORS = ("Gateway", "Interface", "")


@dataclass(frozen=True)
class Boundary:
    """Ranges, endpoints and gateways that may be reached, and the ranges of the sealed subnets (none: all are)."""

    ranges: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = (ALL,)
    gateways: tuple[str, ...] = ()
    sealed: tuple[str, ...] = ()

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
        return cls(ranges, named, (*(data.get("peers") or ()), *(data.get("gateways") or ())), sealed)

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

    def outside(self, low: int, high: int, version: int) -> list[tuple[int, int]]:
        """Return what of an interval of addresses lies in none of the declared ranges."""
        left = [(low, high)]
        for block in self.ranges:
            if ipaddress.ip_network(block).version == version:
                left = [part for one in left for part in _cut(one, of_range(block))]
        return left

    def is_sealed(self, subnet: Item) -> bool:
        """Tell whether a subnet is one that the boundary speaks of; without a list every subnet is."""
        return not self.sealed or subnet.get("CidrBlock") in self.sealed


def _cut(one: tuple[int, int], hole: tuple[int, int]) -> list[tuple[int, int]]:
    if hole[1] < one[0] or hole[0] > one[1]:
        return [one]
    return [part for part in ((one[0], hole[0] - 1), (hole[1] + 1, one[1])) if part[0] <= part[1]]
