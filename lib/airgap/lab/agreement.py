"""The twin and the proof's walker, packet by packet: what the kernel did with a packet against what the walk says.

The twin decides nothing itself: this machine's kernel routes, nftables filters. A packet on which they differ is a
fault in one of the two, and both their reasons are shown.
"""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from airgap.egress.journey import UNKNOWN, Trace
from airgap.egress.network import Network
from airgap.egress.rules import ICMP, ICMP6, Packet
from airgap.egress.tracing import ask
from airgap.lab import kernel, packets
from airgap.lab.kernel import inside
from airgap.lab.sampling import Probe, Sampler
from airgap.lab.twin import Builder
from airgap.lab.watching import Seen, Watch

BURST = 64
"""Packets sent before what became of them is read: fewer than a device's queue holds."""
NOTHING = "nothing"
_NUMBER = itertools.count()


@dataclass(frozen=True)
class Compared:
    """One packet, what the walk says, and what the kernel did; each as (outcome, reason, where)."""

    probe: Probe
    walked: tuple[str, str, str]
    seen: tuple[str, str, str]

    @property
    def decided(self) -> bool:
        """Whether both could say what becomes of the packet."""
        return UNKNOWN not in (self.walked[0], self.seen[0])

    @property
    def agree(self) -> bool:
        """Whether both say the same, reason and place included."""
        return self.walked == self.seen

    def __str__(self) -> str:
        packet = self.probe.packet
        there = f"{packet.source} -> {packet.destination} protocol {packet.protocol} port {packet.port}"
        return f"{self.probe.origin}: {there}: walker {'|'.join(self.walked)}, kernel {'|'.join(self.seen)}"


@dataclass
class Agreement:
    """Every packet that was compared."""

    compared: list[Compared] = field(default_factory=list)

    @property
    def differing(self) -> list[Compared]:
        """The packets on which the two differ."""
        return [one for one in self.compared if one.decided and not one.agree]

    @property
    def undecided(self) -> list[Compared]:
        """The packets of which one of the two cannot tell; they count for nothing."""
        return [one for one in self.compared if not one.decided]

    def as_data(self) -> dict[str, Any]:
        """Return counts by kind of outcome, and every difference."""
        kinds: dict[str, int] = {}
        for one in self.compared:
            kind = one.walked[1] or one.walked[0]
            kinds[kind] = kinds.get(kind, 0) + one.decided
        return {
            "packets": len(self.compared),
            "agreed": sum(one.decided and one.agree for one in self.compared),
            "undecided": len(self.undecided),
            "by_outcome": dict(sorted(kinds.items())),
            "differing": [str(one) for one in self.differing],
        }


def compare(network: Network, prefix: str, spaces: Iterable[str], probes: Sequence[Probe]) -> Agreement:
    """Send packets through a lab that stands, and walk each through the record."""
    with Watch(prefix, spaces) as watch:
        seen: dict[int, list[Seen]] = {}
        for start in range(0, len(probes), BURST):
            for number, probe in enumerate(probes[start : start + BURST], start):
                _send(prefix, probe, number)
            for one in watch.read():
                seen.setdefault(one.number, []).append(one)
    return Agreement([Compared(probe, walked(network, probe), _end(probe.packet, seen.get(number, [])))
                      for number, probe in enumerate(probes)])  # fmt: skip


def walked(network: Network, probe: Probe) -> tuple[str, str, str]:
    """Return (outcome, reason, where) of the walk."""
    packet = probe.packet
    trace: Trace = ask(network, probe.origin, str(packet.destination), str(packet.protocol), packet.port,
                       str(packet.source))  # fmt: skip
    return trace.outcome, trace.reason, trace.at


def _end(packet: Packet, seen: Sequence[Seen]) -> tuple[str, str, str]:
    """Return what a packet ended with: what stops or takes it counts more than a gateway that it passed."""
    kind = packet.port // 256 if packet.protocol in (ICMP, ICMP6) and packet.port is not None else 0
    own = [one for one in seen if (one.protocol, one.kind) == (packet.protocol, kind)]
    last = next((one for one in own if one.outcome != "exits"), own[-1] if own else None)
    return (last.outcome, last.reason, last.at) if last else (NOTHING, "", "")


def _send(prefix: str, probe: Probe, number: int) -> None:
    family = socket.AF_INET if probe.packet.version == 4 else socket.AF_INET6
    with inside(prefix + probe.space), socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as out:
        to = str(probe.packet.destination)
        out.sendto(packets.build(probe.packet, number), (to, 0) if family == socket.AF_INET else (to, 0, 0, 0))


def agreement(network: Network, count: int, seed: int) -> Agreement:
    """Build a twin of its own for a network, compare on random packets, and leave nothing of it."""
    builder = Builder(network)
    made, prefix = builder.build(), f"airgap-agree.{os.getpid()}-{next(_NUMBER)}."
    kernel.carry_out(made, prefix)
    try:
        return compare(network, prefix, list(made.spaces), Sampler(builder, seed).draw(count))
    finally:
        kernel.remove(prefix)
