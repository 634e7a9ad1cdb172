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


def places(look: Look, found: Mapping[str, tuple[str, Mapping[str, Any]]] | None = None) -> list[Place]:
    """Return every subnet by tier and zone, declared ones first; raises ``NotObserved``.

    ``found`` gives (name, subnet) by range where the pages are not to be asked.
    """
    there = dict(_found(look) if found is None else found)
    network, listed = look.intent.network, []
    tiers = {"public": network.public_subnets, "ingress": network.ingress_subnets, "private": network.private_subnets}
    for tier, members in tiers.items():
        for one in sorted(members, key=lambda one: one.zone):
            live = there.pop(str(ipaddress.ip_network(one.cidr)), ("", None))[1]
            listed.append(Place(f"{tier}-{one.zone.removeprefix(look.intent.region)}", tier, one.zone, one.cidr, live))
    strange = [
        Place(name.removeprefix("subnet:"), "private", one["AvailabilityZone"], one["CidrBlock"], one, declared=False)
        for name, one in there.values()
    ]
    return [*listed, *strange]


def _found(look: Look) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return the subnets of the VPC by their range."""
    listed = scope.all_subnets(look.intent, look.estate)
    return {str(ipaddress.ip_network(one["CidrBlock"])): (name, one) for name, one in listed}
