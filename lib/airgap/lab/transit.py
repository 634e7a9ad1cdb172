"""Transit gateways of a twin: each a space that routes by the table with which an attachment is associated.

Source: Transit Gateways guide, "Route evaluation order".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import TYPE_CHECKING

from airgap.egress.facts import Item
from airgap.egress.network import Range, live
from airgap.lab import filters
from airgap.lab.space import LAST, Space, verdict

if TYPE_CHECKING:
    from airgap.lab.twin import Builder

FIRST = 100
"""The number of a transit gateway's first routing table."""
ANNOUNCING = ("vpc", "direct-connect-gateway", "connect", "vpn")
"""Kinds of attachments in the order in which their propagated routes are tried."""
_ID = "TransitGatewayAttachmentId"


class Transit:
    """The transit gateways of one twin; tables are written when an attachment needs them."""

    def __init__(self, builder: Builder) -> None:
        self.builder, self.facts = builder, builder.network.facts
        self._tables: dict[tuple[str, str], int] = {}
        self._devices: dict[tuple[str, str], str] = {}

    def way(self, space: Space, subnet: Item, gateway: str) -> str:
        """Return a subnet's device into a transit gateway, by the attachment of its VPC."""
        known = self.facts.where("TransitGatewayVpcAttachments", TransitGatewayId=gateway, VpcId=subnet["VpcId"])
        attachment = next((str(one[_ID]) for one in known if live(one)), "")
        if not attachment:
            if self.facts.has("TransitGatewayVpcAttachments"):
                return space.sink("dropped", "no-tgw-attachment", gateway)
            return self._link(space, "g", self._beyond(gateway), "f")
        there = self._space(gateway)
        device = self._link(space, "g", there, "f")
        far = self.builder.twin.end(space.name, device)
        self._look_up(there, far, gateway, attachment)
        stands = self._stands(attachment, str(subnet.get("AvailabilityZone", "")))
        if stands is not None and f"acl_{far}" not in there.chains:
            acl = self.builder.network.acl(stands)
            there.chains[f"acl_{far}"] = list(filters.acl_rules(acl, str(stands["SubnetId"]), outbound=False))
            there.rule("arrive", f'iifname "{far}" jump acl_{far}')
        return device

    def _stands(self, attachment: str, zone: str = "") -> Item | None:
        """Return the subnet in which an attachment stands: of several that of a zone, else the first."""
        item = self.facts.find("TransitGatewayVpcAttachments", _ID, attachment) or {}
        found = [one for one in map(self.builder.network.subnet, item.get("SubnetIds") or []) if one is not None]
        near = [one for one in found if zone and one.get("AvailabilityZone") == zone]
        return next(iter([*near, *found]), None)

    def _link(self, space: Space, kind: str, other: Space, other_kind: str) -> str:
        key = space.name, other.name
        if key not in self._devices:
            self._devices[key] = self.builder.twin.link(space, kind, other, other_kind)[0]
        return self._devices[key]

    def _space(self, gateway: str) -> Space:
        return self.builder.twin.space(gateway, "gateway", "transit gateway")

    def _beyond(self, gateway: str) -> Space:
        """Return what lies behind a transit gateway and is not recorded."""
        fresh = not self.builder.has(f"beyond-{gateway}")
        there = self.builder.twin.space(f"beyond-{gateway}", "outside", f"beyond {gateway}")
        if fresh:
            there.answers_all()
            there.rule("enter", f'iifname "f*" ct state new {verdict("exits", "", gateway)} accept')
        return there

    def _look_up(self, there: Space, device: str, gateway: str, attachment: str) -> None:
        """Route what comes in by a device by the table of its attachment."""
        table = self._table(gateway, self._associated(gateway, attachment))
        for family in ("", "-6 "):
            line = f"{family}rule add pref 50 iif {device} lookup {table}"
            if line not in there.ip:
                there.ip.append(line)

    def _associated(self, gateway: str, attachment: str) -> str:
        for one in self.facts.where("TransitGatewayAttachments", TransitGatewayId=gateway):
            if one.get(_ID) == attachment:
                return str((one.get("Association") or {}).get("TransitGatewayRouteTableId", ""))
        return ""

    def _table(self, gateway: str, table: str) -> int:
        """Return the number of a route table, written into the gateway's space where it is not there yet."""
        key = gateway, table
        if key in self._tables:
            return self._tables[key]
        number = self._tables[key] = FIRST + len(self._tables)
        space = self._space(gateway)
        for at, (block, order, kind, resource, attachment) in enumerate(self._routes(table)):
            device = self._device(space, gateway, kind, resource, attachment)
            space.route(block, device, table=number, metric=order * 1000 + at + 1)
        last = self._link(space, "b", self._beyond(gateway), "f") if self._announced(table) else ""
        for family in ("0.0.0.0/0", "::/0"):
            space.route(family, last or space.sink("dropped", "no-tgw-route", gateway), table=number, metric=LAST)
        return number

    def _routes(self, table: str) -> Iterator[tuple[Range, int, str, str, str]]:
        """Yield (range, order, kind, resource, attachment) of every route: static ones come before propagated ones."""
        held = self.facts.find("TransitGatewayStaticRoutes", "TransitGatewayRouteTableId", table) or {}
        for route in held.get("Routes") or []:
            if not route.get("DestinationCidrBlock") or route.get("State") in ("deleting", "deleted"):
                continue
            first = (route.get("TransitGatewayAttachments") or [{}])[0]
            kind = "blackhole" if route.get("State") == "blackhole" else str(first.get("ResourceType", "unknown"))
            fixed = route.get("Type", "static") == "static"
            order = int(bool(route.get("PrefixListId"))) if fixed else _late(str(first.get("ResourceType")))
            block = ipaddress.ip_network(route["DestinationCidrBlock"])
            yield block, order, kind, str(first.get("ResourceId", "")), str(first.get(_ID, ""))
        for one in self._spread(table):
            if one.get("ResourceType") == "vpc":
                for block in self.builder.network.ranges(str(one.get("ResourceId"))):
                    yield block, _late("vpc"), "vpc", str(one.get("ResourceId")), str(one.get(_ID))
        for one in self.facts.where("TransitGatewayPrefixListReferences", TransitGatewayRouteTableId=table):
            to = one.get("TransitGatewayAttachment") or {}
            kind = "blackhole" if one.get("Blackhole") else str(to.get("ResourceType", "unknown"))
            for block in self.builder.network.prefix_list(str(one.get("PrefixListId"))) or []:
                yield block, 1, kind, str(to.get("ResourceId", "")), str(to.get(_ID, ""))

    def _spread(self, table: str) -> list[Item]:
        held = self.facts.find("TransitGatewayPropagations", "TransitGatewayRouteTableId", table) or {}
        found = held.get("TransitGatewayRouteTablePropagations") or []
        return [one for one in found if one.get("State") in ("enabled", "enabling")]

    def _announced(self, table: str) -> bool:
        """Tell whether neighbours announce routes into a table by BGP, of which the recorded answer shows none."""
        held = self.facts.find("TransitGatewayStaticRoutes", "TransitGatewayRouteTableId", table) or {}
        shown = any(one.get("Type") == "propagated" for one in held.get("Routes") or [])
        return not shown and any(one.get("ResourceType") in ANNOUNCING[1:] for one in self._spread(table))

    def _device(self, space: Space, gateway: str, kind: str, resource: str, attachment: str) -> str:
        if kind == "blackhole":
            return space.sink("dropped", "tgw-blackhole", gateway)
        if kind == "vpc" and self.builder.has(resource):
            stands = self._stands(attachment)
            if stands is not None:
                return self._link(space, "a", self.builder.of(str(stands["SubnetId"])), "t")
            return self._link(space, "a", self.builder.of(resource), "f")
        if kind == "peering" and self.facts.find("TransitGateways", "TransitGatewayId", resource) is not None:
            other = self._space(resource)
            device = self._link(space, "p", other, "q")
            self._look_up(other, self.builder.twin.end(space.name, device), resource, attachment)
            return device
        return self._link(space, "b", self._beyond(gateway), "f")


def _late(kind: str) -> int:
    """Return how late a propagated route is tried among those of one length."""
    return 2 + (ANNOUNCING.index(kind) if kind in ANNOUNCING else len(ANNOUNCING))
