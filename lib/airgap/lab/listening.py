"""Who listens where in a twin, and the resolver's own space in each VPC; data for ``serve``."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from airgap.egress.network import Network
from airgap.lab import doors, instances
from airgap.lab.space import Twin
from airgap.lab.twin import HOSTS, Builder

WORLD = (22, 53, 80, 443, 853, 8443)
"""TCP ports at which the internet of the twin takes connections."""
WEB, PLAIN = 443, 80


def resolvers(builder: Builder, data: Mapping[str, Any]) -> None:
    """Stand each VPC's resolver beside its subnets, past every group and ACL: Amazon filters none of it there."""
    for vpc, own in data["vpcs"].items():
        if not own["answers"] or not builder.has(vpc):
            continue
        space = builder.twin.space(f"dns-{vpc}", "resolver", "the VPC's resolver, with its DNS Firewall")
        for one in own["addresses"]:
            space.ip.append(f"addr add {one}/32 dev lo")
        for subnet in builder.network.facts.where("Subnets", VpcId=vpc):
            router = builder.of(str(subnet["SubnetId"]))
            near, far = builder.twin.link(router, "dns", space, "s")
            space.route(ipaddress.ip_network(subnet["CidrBlock"]), far)
            for one in own["addresses"]:
                router.route(f"{one}/32", near, table=HOSTS)
            asked = f'iifname "h*" ip daddr {{ {", ".join(own["addresses"])} }} accept'
            router.chains["arrive"][:0] = [asked, f'iifname "{near}" accept']


def listens(twin: Twin, network: Network, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return who listens where: endpoints and services at 443, metadata services, resolvers, the internet at much."""
    found: list[dict[str, Any]] = []
    buckets = {name: {"region": region, "policy": policy} for name, region, policy in doors.s3_endpoints(network)}
    imds = {f"imds-{name}": options for name, options in instances.options(network).items()}
    for name, space in twin.spaces.items():
        if space.kind == "resolver":
            found.append({"space": name, "kind": "udp", "port": 53, "vpc": name.removeprefix("dns-")})
        elif space.kind in ("internet", "outside"):
            found += [{"space": name, "kind": "tcp", "port": port} for port in WORLD]
            found.append({"space": name, "kind": "udp", "port": 53})
        elif name in imds:
            found.append({"space": name, "kind": "metadata", "port": PLAIN, "options": imds[name]})
        elif name in buckets:
            found.append({"space": name, "kind": "bucket", "port": WEB, **buckets[name]})
        elif space.kind == "service" or (network.interfaces.get(name) or {}).get("InterfaceType") == "vpc_endpoint":
            found.append({"space": name, "kind": "tcp", "port": WEB})
    return found
