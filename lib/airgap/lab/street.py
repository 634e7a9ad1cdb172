"""Where a workload stands: namespaces for the client, the edge and each pod, and no way but from one to the next.

Addresses are those of the declared subnets. The client reaches the edge, the edge the pods, and the pods nobody else:
there is no router, no default route and no name.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from airgap.lab import kernel, leavings
from airgap.lab.space import Space, Twin

CLIENT = "203.0.113.10"
"""The client's address, of the range that documents use (RFC 5737)."""


@dataclass(frozen=True)
class Street:
    """Namespaces that stand, by their whole names, and the addresses of edge and pods."""

    client: str
    edge: str
    pods: tuple[str, ...]
    address: str
    targets: tuple[str, ...]


@contextlib.contextmanager
def street(edge: str, targets: Sequence[str]) -> Iterator[Street]:
    """Make the namespaces for an edge and pods at these addresses, and remove them when the context ends."""
    clear()
    prefix = f"airgap.street-{secrets.token_hex(4)}."
    twin = Twin()
    client, entrance = twin.space("client", "client"), twin.space("edge", "edge")
    _joined(twin, client, CLIENT, entrance, edge)
    pods = [twin.space(f"pod-{number}", "pod") for number, _ in enumerate(targets)]
    for pod, address in zip(pods, targets, strict=True):
        _joined(twin, entrance, edge, pod, address)
    with leavings.held("street", {"prefix": prefix}):
        kernel.carry_out(twin, prefix)
        try:
            names = tuple(prefix + one.name for one in pods)
            yield Street(prefix + client.name, prefix + entrance.name, names, edge, tuple(targets))
        finally:
            kernel.remove(prefix)


def clear() -> int:
    """Remove the namespaces of labs that were killed, and return how many namespaces that were."""
    with leavings.abandoned("street") as found:
        return sum(kernel.remove(facts["prefix"]) for _, facts in found)


def _joined(twin: Twin, near: Space, near_address: str, far: Space, far_address: str) -> None:
    devices = twin.link(near, "eth", far, "eth")
    for space, device, own, other in ((near, devices[0], near_address, far_address),
                                      (far, devices[1], far_address, near_address)):  # fmt: skip
        if own not in space.addresses:
            space.addresses.append(own)
            space.ip.append(f"addr add {own}/32 dev lo")
        space.ip.append(f"route add {other}/32 dev {device} src {own}")
