"""Random packets that matter to one network: from every sender, to and around everything of which it speaks."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airgap.egress.facts import Item
from airgap.egress.interfaces import Address, addresses, prefixes, public_addresses
from airgap.egress.network import Network, Range, subnet_ranges
from airgap.egress.rules import ICMP, ICMP6, TCP, UDP, Packet
from airgap.lab import filters
from airgap.lab.gateways import INTERNET
from airgap.lab.twin import Builder

PORTS = (22, 53, 80, 443, 1024, 3128, 5432, 6379, 8080, 32768, 65535)
ABROAD = ("8.8.8.8", "1.1.1.1", "52.216.1.1", "52.94.0.9", "172.16.9.9", "192.168.3.4", "10.99.0.1",
          "2001:4860:4860::8888", "2600::1", "2001:db8:9::1")  # fmt: skip
RESERVED = [
    ipaddress.ip_network(one)
    for one in (
        "0.0.0.0/8", "100.64.0.1/32", "127.0.0.0/8", "169.254.0.0/16", "198.18.0.0/15", "224.0.0.0/3",
        "::/127", "fe80::/10", "ff00::/8", "fd00:ec2::/32", "64:ff9b::/96",
    )
]  # fmt: skip
"""Addresses that are not routed, or that the twin or Amazon keep for themselves and no group or ACL filters."""


@dataclass(frozen=True)
class Probe:
    """One packet and where it starts: the space that sends it, and the origin as ``airgap trace`` names it."""

    space: str
    origin: str
    packet: Packet


class Sampler:
    """Draws random packets that matter to one network: from every sender, to and around every range it speaks of."""

    def __init__(self, builder: Builder, seed: int) -> None:
        self.builder, self.network, self.random = builder, builder.network, random.Random(seed)
        self._senders = list(self._every_sender())
        self._canaries = [one for one in self._senders if one[0].startswith("canary-")]
        self._blocks = sorted(set(_blocks(self.network)), key=str)
        self._hosts = [
            ipaddress.ip_address(each) for one in self.network.interfaces.values() for each in addresses(one)
        ]
        self._public = sorted(
            {each for one in self.network.interfaces.values() for each in public_addresses(one).values()}
        )
        self._ports = sorted({*PORTS, *_ports(self.network)})
        own = [each for held in builder.canaries.values() for each in held]
        self._not = {ipaddress.ip_address(one) for one in own} | set(_kept(self.network))

    def _every_sender(self) -> Iterator[tuple[str, str, str]]:
        for subnet, held in self.builder.canaries.items():
            for one in held:
                yield f"canary-{subnet}", subnet, one
        for name, interface in self.network.interfaces.items():
            if self.builder.has(name):
                for one in sorted(set(addresses(interface))):
                    yield name, name, one

    def draw(self, count: int) -> list[Probe]:
        """Return ``count`` packets, no two of which are of one flow, fewer where the network has not that many."""
        found: dict[tuple[Any, ...], Probe] = {}
        for _ in range(count * 20):
            if len(found) >= count:
                break
            probe = self._one()
            if probe is not None:
                packet = probe.packet
                portless = packet.protocol not in (TCP, UDP, ICMP, ICMP6)
                ends = frozenset((packet.source, packet.destination))
                found.setdefault((ends, packet.protocol) if portless else (probe.origin, packet), probe)
        return list(found.values())

    def _one(self) -> Probe | None:
        if self._public and self.builder.has(INTERNET) and self.random.random() < 0.1:
            known = ipaddress.ip_address(self.random.choice(self._public))
            return Probe(INTERNET, INTERNET, self._packet(ipaddress.ip_address("192.0.2.77"), known))
        half = self._canaries if self.random.random() < 0.4 else self._senders
        space, origin, source = self.random.choice(half or self._senders)
        own = ipaddress.ip_address(source)
        packet = self._admitted(origin, own) if self.random.random() < 0.5 else None
        if packet is None:
            there = self._destination(own.version)
            packet = self._packet(own, there) if there is not None else None
        if packet is None or packet.destination == own or packet.destination in self._not:
            return None
        return None if any(packet.destination in one for one in RESERVED) else Probe(space, origin, packet)

    def _admitted(self, origin: str, own: Address) -> Packet | None:
        """Return a packet that a rule of its sender's groups was written for, None where there is no such rule."""
        interface = self.network.interfaces.get(origin) or {}
        groups = [self.network.group(str(one.get("GroupId"))) or {} for one in interface.get("Groups") or []]
        rules = [each for one in groups for each in one.get("IpPermissionsEgress") or []]
        if not rules:
            return None
        rule = self.random.choice(rules)
        peers = [one for one in filters.peers(self.network, rule) or [] if one.version == own.version]
        there = self._around(self.random.choice(peers)) if peers else None
        if there is None or rule.get("IpProtocol") not in ("tcp", "udp"):
            return self._packet(own, there) if there else None
        return Packet(own, there, {"tcp": TCP, "udp": UDP}[rule["IpProtocol"]], int(rule.get("FromPort") or 443))

    def _packet(self, source: Address, destination: Address) -> Packet:
        kind = self.random.random()
        if kind < 0.5:
            return Packet(source, destination, TCP, self.random.choice(self._ports))
        if kind < 0.75:
            return Packet(source, destination, UDP, self.random.choice(self._ports))
        if kind < 0.92 or source.version == 6:
            echo = (ICMP, 8) if source.version == 4 else (ICMP6, 128)
            return Packet(source, destination, echo[0], echo[1] * 256)
        return Packet(source, destination, self.random.choice((50, 115)), 0)

    def _destination(self, version: int) -> Address | None:
        kind = self.random.random()
        hosts = [one for one in self._hosts if one.version == version]
        if hosts and kind < 0.4:
            return self.random.choice(hosts)
        blocks = [one for one in self._blocks if one.version == version]
        if blocks and kind < 0.8:
            return self._around(self.random.choice(blocks))
        return self.random.choice([one for one in map(ipaddress.ip_address, ABROAD) if one.version == version])

    def _around(self, block: Range) -> Address | None:
        """Return an address of a range, its first or last one, or one right beside it."""
        first, last = int(block[0]), int(block[-1])
        at = self.random.choice((first, last, first - 1, last + 1, self.random.randint(first, last)))
        whole = 2**block.max_prefixlen
        return type(block[0])(at) if 0 <= at < whole else None


def _blocks(network: Network) -> Iterator[Range]:
    """Yield every range of which the network's routes, ACLs, groups and prefix lists speak."""
    for one in network.facts.items("Subnets"):
        yield from subnet_ranges(one)
    for one in network.facts.items("Vpcs"):
        yield from network.ranges(str(one["VpcId"]))
    for interface in network.interfaces.values():
        yield from (ipaddress.ip_network(each) for each in prefixes(interface))
    for table in network.facts.items("RouteTables"):
        for route in table.get("Routes") or []:
            yield from network.destinations(route) or []
    for acl in network.facts.items("NetworkAcls"):
        for entry in acl.get("Entries") or []:
            yield ipaddress.ip_network(entry.get("CidrBlock") or entry.get("Ipv6CidrBlock"), strict=False)
    for group in network.facts.items("SecurityGroups"):
        for rule in [*(group.get("IpPermissions") or []), *(group.get("IpPermissionsEgress") or [])]:
            for one in [*(rule.get("IpRanges") or []), *(rule.get("Ipv6Ranges") or [])]:
                yield ipaddress.ip_network(one.get("CidrIp") or one.get("CidrIpv6"), strict=False)


def _ports(network: Network) -> Iterator[int]:
    """Yield every port at which a rule begins or ends, and those right beside it."""
    pairs: list[tuple[Any, Any]] = []
    for acl in network.facts.items("NetworkAcls"):
        pairs += [((each.get("PortRange") or {}).get("From"), (each.get("PortRange") or {}).get("To"))
                  for each in acl.get("Entries") or []]  # fmt: skip
    for group in network.facts.items("SecurityGroups"):
        rules: list[Item] = [*(group.get("IpPermissions") or []), *(group.get("IpPermissionsEgress") or [])]
        pairs += [(one.get("FromPort"), one.get("ToPort")) for one in rules if one.get("IpProtocol") in ("tcp", "udp")]
    for low, high in pairs:
        for port in (low, high):
            if port is not None:
                yield from (one for one in (port - 1, port, port + 1) if 0 < one <= 65535)


def _kept(network: Network) -> Iterator[Address]:
    """Yield the addresses of each VPC and subnet that AWS keeps: network, router, resolver, one more."""
    for one in network.facts.items("Vpcs"):
        for block in network.ranges(str(one["VpcId"])):
            yield from (block[at] for at in range(4))
