"""What the walker is given and what it tells: the interface that sends, and the trace of one packet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

from airgap.egress.facts import Item
from airgap.egress.interfaces import Address, public_addresses
from airgap.egress.network import Network

DELIVERED, EXITS, DROPPED, UNKNOWN = "delivered", "exits", "dropped", "unknown"


@dataclass
class Trace:
    """What became of a packet: outcome, reason, where, the ids passed on the way out of a VPC, and every hop."""

    outcome: str = UNKNOWN
    reason: str = ""
    at: str = ""
    boundary: list[str] = field(default_factory=list)
    hops: list[dict[str, str]] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    leaves: bool = False

    def as_data(self) -> dict[str, Any]:
        """Return the trace as JSON data."""
        return {
            "outcome": self.outcome,
            "reason": self.reason or None,
            "at": self.at or None,
            "boundary": self.boundary,
            "leaves_source_vpc": self.leaves,
            "hops": self.hops,
            "assumed": self.assumed,
        }


@dataclass(frozen=True)
class Interface:
    """A network interface that sends: a recorded one, or one that might be made in a subnet.

    What might be made has every security group that one could give it, and a public address. Without any group, such as
    those that load balancers and gateways make, nothing of an interface is filtered.
    """

    vpc: str
    subnet: Item
    groups: Optional[list[str]] = None
    public: bool = True
    checked: str = ""
    name: str = ""


def sender(network: Network, interface: Item, source: Address) -> Interface:
    """Return a recorded interface as one that sends from one of its addresses."""
    subnet = network.subnet(str(interface.get("SubnetId"))) or {}
    groups = [str(one.get("GroupId")) for one in interface.get("Groups") or []]
    public = str(source) in public_addresses(interface) or source.version == 6
    return Interface(str(interface.get("VpcId")), subnet, groups, public, owner(interface),
                     str(interface["NetworkInterfaceId"]))  # fmt: skip


def owner(interface: Item) -> str:
    """Return what an interface is named by: its instance, else its own id."""
    return str((interface.get("Attachment") or {}).get("InstanceId") or interface["NetworkInterfaceId"])
