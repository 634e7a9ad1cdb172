"""The VPC and its subnets as the views draw them: declared and found side by side."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airgap.checks import scope
from airgap.views.look import Look

TIERS = ("public", "ingress", "private")
READS = scope.SUBNET_READS


@dataclass(frozen=True)
class Place:
    """One subnet: as declared, with what was found of it, or found and not declared."""

    name: str
    tier: str
    zone: str
    cidr: str
    live: Mapping[str, Any] | None = None
    declared: bool = True

    @property
    def id(self) -> str:
        """The subnet's id; empty before it exists."""
        return str(self.live["SubnetId"]) if self.live else ""


def vpc(look: Look) -> dict[str, Any] | None:
    """Return the environment's VPC, or None before it exists; raises ``NotObserved``."""
    found = scope.vpcs(look.intent, look.estate)
    return found[0][1] if found else None


def places(look: Look) -> list[Place]:
    """Return every subnet by tier and zone, declared ones first; raises ``NotObserved``."""
    network = look.intent.network
    found = {
        ipaddress.ip_network(one["CidrBlock"]): (name, one) for name, one in scope.all_subnets(look.intent, look.estate)
    }
    tiers = {"public": network.public_subnets, "ingress": network.ingress_subnets, "private": network.private_subnets}
    listed = []
    for tier, members in tiers.items():
        for one in sorted(members, key=lambda one: one.zone):
            live = found.pop(ipaddress.ip_network(one.cidr), ("", None))[1]
            listed.append(Place(f"{tier}-{one.zone.removeprefix(look.intent.region)}", tier, one.zone, one.cidr, live))
    strange = [
        Place(name.removeprefix("subnet:"), "private", one["AvailabilityZone"], one["CidrBlock"], one, declared=False)
        for name, one in found.values()
    ]
    return [*listed, *strange]
