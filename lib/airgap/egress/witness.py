"""Witnesses: of each leak one concrete packet, walked by the walker, with what stops it today and what closes it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from airgap.egress import routing
from airgap.egress.boxes import PORTS, meet
from airgap.egress.facts import Item
from airgap.egress.filters import Filters
from airgap.egress.interfaces import public_addresses
from airgap.egress.journey import DROPPED, Interface, Trace
from airgap.egress.network import Network
from airgap.egress.prover import Judged, Leak
from airgap.egress.rules import Packet
from airgap.egress.tracing import hypothetical
from airgap.egress.walker import Walker
from airgap.errors import AirgapError

BLOCKED = "Block Public Access"


class NoReplay(AirgapError):
    """A packet that the prover calls a leak does not leave when it is walked: one of the two is wrong."""


@dataclass(frozen=True)
class Witness:
    """One packet of a hypothetical interface that passes the router, and the subnets in which one like it would."""

    leak: Leak
    subnets: tuple[str, ...]
    vpc: str
    packet: Packet
    trace: Trace
    closed_only_by: tuple[str, ...]

    @property
    def closes(self) -> str:
        """The smallest change after which no packet takes this route."""
        return f"delete the route {self.leak.prefix} to {self.leak.target} from {self.leak.table}"

    def as_data(self) -> dict[str, Any]:
        """Return the witness as JSON data."""
        leak, packet = self.leak, self.packet
        return {
            "subnet": self.subnets[0],
            "subnets": list(self.subnets),
            "vpc": self.vpc,
            "packet": {
                "source": str(packet.source),
                "destination": str(packet.destination),
                "protocol": packet.protocol,
                "port": packet.port,
            },
            "route": {"table": leak.table, "destination": leak.prefix, "target": leak.target},
            "acl": {"id": leak.acl, "rule": leak.rule},
            "target": leak.target,
            "hops": self.trace.hops,
            "outcome": self.trace.outcome,
            "reason": self.trace.reason or None,
            "closed_only_by": list(self.closed_only_by),
            "closes": self.closes,
        }


def witnesses(network: Network, judged: Iterable[Judged]) -> Iterator[Witness]:
    """Yield one replayed packet for each class of subnets and target; raises ``NoReplay`` where one does not leave."""
    groups: dict[tuple[str, str, str, int], tuple[Leak, list[Judged]]] = {}
    for one in judged:
        for leak in _best(one.leaks):
            groups.setdefault((leak.table, leak.acl, leak.target, leak.version), (leak, []))[1].append(one)
    closers = Closers(network)
    for leak, subnets in groups.values():
        yield _witness(network, leak, subnets, closers)


def _best(leaks: Iterable[Leak]) -> Iterator[Leak]:
    """Yield for each target and family the leak with the best known destination, then the widest one."""
    found: dict[tuple[str, int], Leak] = {}
    for one in leaks:
        held = found.get((one.target, one.version))
        if held is None or (one.famous, one.size) > (held.famous, held.size):
            found[one.target, one.version] = one
    yield from found.values()


def _witness(network: Network, leak: Leak, judged: list[Judged], closers: Closers) -> Witness:
    subnet = network.subnet(judged[0].subnet) or {}
    data = leak.packet()
    there = ipaddress.ip_address(data["destination"])
    packet = Packet(hypothetical(subnet, leak.version), there, data["protocol"], data["port"])
    trace = Walker(network, leak.target).send(packet, Interface(judged[0].vpc, subnet))
    taken = {"at": leak.table, "what": f"route {leak.prefix} to {leak.target}"}
    if taken not in trace.hops:
        raise NoReplay(
            f"The packet {data} of {judged[0].subnet} by route {leak.prefix} to {leak.target} does not replay: "
            f"{trace.outcome} {trace.reason} at {trace.at}",
            "anything",
            "this is an error of the proof; keep the estate and report it",
        )
    names = tuple(one.subnet for one in judged)
    closed = [*closers.of(leak, names), *_behind(trace)]
    return Witness(leak, names, judged[0].vpc, packet, trace, tuple(dict.fromkeys(closed)))


def _behind(trace: Trace) -> Iterator[str]:
    """Yield what stops the packet behind the subnet's router, where that still belongs to what is recorded."""
    if trace.outcome == DROPPED:
        yield BLOCKED if trace.reason == "block-public-access" else f"{trace.reason} at {trace.at}, behind the router"


class Closers:
    """What stops the interfaces that stand in a subnet today, although its routes and network ACL do not."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._filters = Filters(network)
        self._standing: dict[str, list[Item]] = {}
        for one in network.interfaces.values():
            self._standing.setdefault(str(one.get("SubnetId")), []).append(one)

    def of(self, leak: Leak, subnets: Iterable[str]) -> Iterator[str]:
        """Yield each thing that alone keeps the recorded interfaces of subnets from a leak."""
        found = [one for name in subnets for one in self._standing.get(name, [])]
        if not found:
            yield "no interface stands in the subnet"
        elif not any(self._groups_admit(leak, one) for one in found):
            yield "security groups " + ", ".join(sorted({name for one in found for name in _groups(one)}))
        direct = leak.target.startswith("igw-")
        if direct and found and leak.version == 4 and not any(public_addresses(one) for one in found):
            yield "no interface has a public address"
        if direct and found and leak.version == 6 and not any(one.get("Ipv6Addresses") for one in found):
            yield "no interface has an IPv6 address"
        if direct or leak.target.startswith("eigw-"):
            places = [one for one in map(self._network.subnet, subnets) if one is not None]
            answers = leak.target.startswith("eigw-")
            if places and all(routing.blocked(self._network, one, outbound=True, answers_only=answers)
                              for one in places):  # fmt: skip
                yield BLOCKED

    def _groups_admit(self, leak: Leak, interface: Item) -> bool:
        """Tell whether an interface's groups let out any of a leak: by their rules, or as answers to what they admit.

        Groups are stateful; nobody can begin anything through a NAT or egress-only gateway.
        """
        groups, answers = _groups(interface), leak.box._replace(ports=PORTS)
        out = self._filters.admitted(groups, True, leak.version)
        asked = [] if leak.target.startswith(("nat-", "eigw-")) else self._filters.admitted(groups, False, leak.version)
        return any(meet(leak.box, one) for one in out) or any(meet(answers, one) for one in asked)


def _groups(interface: Item) -> list[str]:
    return [str(one.get("GroupId")) for one in interface.get("Groups") or []]
