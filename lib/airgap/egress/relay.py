"""The relay level: which subnets could hand data to one that can send it out, as a least fixed point.

Whoever receives may send on: from each subnet with an exit the search goes back to every subnet that can deliver to it,
through the local route or a declared peering or transit gateway. It over-approximates: of what lies between two subnets
only route tables and network ACLs are believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Optional

from airgap.egress.boxes import Box, of_range, permitted
from airgap.egress.cells import cells
from airgap.egress.facts import Item
from airgap.egress.network import Network, live, subnet_ranges, target
from airgap.egress.prover import REFUTED, Judged

ABROAD = "abroad"
"""Where subnets stand whose routes lead into other VPCs."""


class Relay(NamedTuple):
    """A subnet that has no exit itself, and the subnets by which data would leave, nearest first."""

    subnet: str
    path: tuple[str, ...]


def relays(network: Network, judged: Iterable[Judged]) -> list[Relay]:
    """Return every subnet from which data can leave with the help of others; those with an exit are not listed."""
    verdicts = {one.subnet: one.verdict for one in judged}
    subnets = {name: one for name in verdicts for one in [network.subnet(name)] if one is not None}
    path: dict[str, tuple[str, ...]] = {name: () for name, verdict in verdicts.items() if verdict == REFUTED}
    reach = _Reach(network)
    left: dict[str, dict[str, Item]] = {}
    for name, one in subnets.items():
        for place in (str(one["VpcId"]), *((ABROAD,) if reach.crosses(one) else ())) if name not in path else ():
            left.setdefault(place, {})[name] = one
    front = sorted(path)
    while front:
        reached: dict[str, None] = {}
        for name in front:
            there = subnets[name]
            near = {**left.get(str(there["VpcId"]), {}), **left.get(ABROAD, {})}
            for other in [one for one in near if one not in path and reach.delivers(near[one], there)]:
                path[other] = (name, *path[name])
                reached[other] = None
                for place in (str(near[other]["VpcId"]), ABROAD):
                    left.get(place, {}).pop(other, None)
        front = sorted(reached)
    return [Relay(name, way) for name, way in sorted(path.items()) if way]


class _Reach:
    """Whether one subnet can deliver any packet to another."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._open: dict[tuple[str, str], list[tuple[int, int, str]]] = {}
        self._standing = _standing(network)
        self._entered: dict[str, set[str]] = {}
        for one in network.facts.items("TransitGatewayVpcAttachments"):
            if live(one):
                held = self._entered.setdefault(str(one.get("TransitGatewayId")), set())
                held.update(map(str, one.get("SubnetIds") or []))
        self._known: dict[tuple[str, ...], bool] = {}

    def delivers(self, source: Item, there: Item) -> bool:
        """Tell whether routes and both network ACLs let any packet pass from one subnet to another."""
        table = self._network.table(source)
        names = str(source["SubnetId"]), str(there["SubnetId"])
        if table is None or self._standing.get(names[0], set()) & self._standing.get(names[1], set()):
            return True
        return self._through(table, source, names[1]) or any(
            self._routed(table, source, there, version) and self._admitted(source, there, version) for version in (4, 6)
        )

    def _through(self, table: Item, source: Item, there: str) -> bool:
        """Tell whether any packet comes to where a transit gateway stands in a VPC, from where it is routed on."""
        acl = self._network.acl(source)
        return any(
            there in self._entered.get(gateway, ())
            and bool(permitted(acl, True, Box((low, high)), version, widened=True))
            for version in (4, 6)
            for low, high, gateway in self._across(table, version)
        )

    def _routed(self, table: Item, source: Item, there: Item, version: int) -> bool:
        if source["VpcId"] == there["VpcId"]:
            return True
        return any(
            first <= high and low <= last
            for first, last, _ in self._across(table, version)
            for low, high in _of(there, version)
        )

    def crosses(self, source: Item) -> bool:
        """Tell whether a subnet's routes, or what stands in it, lead into other VPCs; without a table nobody knows."""
        table = self._network.table(source)
        mine = self._standing.get(str(source["SubnetId"]), set())
        others = (one for one in self._network.facts.items("Subnets") if mine and one["VpcId"] != source["VpcId"])
        if any(mine & self._standing.get(str(one["SubnetId"]), set()) for one in others):
            return True
        return table is None or any(True for version in (4, 6) for _ in self._across(table, version))

    def _across(self, table: Item, version: int) -> Iterator[tuple[int, int, str]]:
        key = str(table["RouteTableId"]), str(version)
        if key not in self._open:
            parts, _ = cells(self._network, table, version)
            self._open[key] = [
                (one.low, one.high, target(one.route)[1])
                for one in parts
                if one.route is not None
                and target(one.route)[1].startswith(("pcx-", "tgw-", "arn:"))
                and one.route.get("State") != "blackhole"
            ]
        yield from self._open[key]

    def _admitted(self, source: Item, there: Item, version: int) -> bool:
        """Tell whether the ACLs share any protocol and port between the two subnets' ranges."""
        out, into = self._network.acl(source), self._network.acl(there)
        for here in _of(source, version):
            for low in _of(there, version):
                key = str(id(out)), str(id(into)), str(here), str(low)
                if key not in self._known:
                    self._known[key] = _meet(out, into, here, low, version)
                if self._known[key]:
                    return True
        return False


def _standing(network: Network) -> dict[str, set[str]]:
    """Return what stands in each subnet: an instance or service with interfaces in several hands over without a route.

    Interfaces of a service are known as one thing's by the text that it gives each of them.
    """
    found: dict[str, set[str]] = {}
    for one in network.interfaces.values():
        instance = (one.get("Attachment") or {}).get("InstanceId")
        said = one.get("Description") if one.get("RequesterManaged") else None
        for thing in (instance, said and f"{one.get('VpcId')} {said}"):
            if thing:
                found.setdefault(str(one.get("SubnetId")), set()).add(str(thing))
    return found


def _meet(
    out: Optional[Item], into: Optional[Item], here: tuple[int, int], there: tuple[int, int], version: int
) -> bool:
    leaving = [one.box for one in permitted(out, True, Box(there), version, widened=True)]
    entering = [one.box for one in permitted(into, False, Box(here), version, widened=True)]
    return any(
        _share(one.protocols, two.protocols) and _share(one.ports, two.ports) for one in leaving for two in entering
    )


def _share(one: tuple[int, int], two: tuple[int, int]) -> bool:
    return one[0] <= two[1] and two[0] <= one[1]


def _of(subnet: Item, version: int) -> list[tuple[int, int]]:
    return [of_range(str(one)) for one in subnet_ranges(subnet) if one.version == version]
