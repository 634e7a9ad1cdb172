"""The network twin: namespaces, links, routes and filters of a recorded network, as text; nothing here is executed.

A subnet is a namespace that routes by its route table and filters what crosses its edge by its network ACL; an
interface is a namespace on a link of its own, at whose subnet's end its security groups stand. Beside those of the
snapshot every subnet has one canary: an interface without security groups and with a public address of its own.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence

from airgap.egress.facts import Item
from airgap.egress.interfaces import Address, addresses, prefixes, public_addresses
from airgap.egress.network import Network, Range, rank, subnet_ranges, target
from airgap.lab import filters, gateways
from airgap.lab.space import LAST, Space, Twin, matches, verdict
from airgap.lab.transit import Transit

HOSTS, ROUTES = 10, 20
"""Routing tables of a subnet: what stands in it, and its route table."""
PUBLIC = ipaddress.IPv4Address("198.18.0.1")
"""The first public address that the twin gives away itself (RFC 2544: for benchmarks, routed nowhere)."""
DNS = "169.254.169.253"
"""The link-local address of the VPC's resolver; the other is the VPC's own, plus two."""


class Builder:
    """Builds the twin of one network; a builder is used once."""

    def __init__(self, network: Network) -> None:
        self.network, self.twin = network, Twin()
        self.public: dict[tuple[str, str], str] = {}
        self.nobodys: list[str] = []
        self.nats: dict[tuple[str, str], str] = {}
        self.gateways: dict[str, str] = {}
        self.transit = Transit(self)
        self.canaries: dict[str, list[str]] = {}
        self._given = int(PUBLIC)
        self._taken = {each for one in network.interfaces.values() for each in addresses(one)}

    def build(self) -> Twin:
        """Return the twin."""
        for one in self.network.facts.items("Vpcs"):
            self._vpc(one)
        subnets = [one for one in self.network.facts.items("Subnets") if self.network.vpc(str(one["VpcId"]))]
        for one in subnets:
            self._subnet(one)
        gateways.nat_gateways(self)
        for interface in self.network.interfaces.values():
            self._interface(interface)
        for one in subnets:
            self._canary(one)
        for one in subnets:
            self._table(one)
        gateways.public_side(self)
        self.twin.missing += [
            f"{table['RouteTableId']}: routes what comes in through {link['GatewayId']}, which the twin does not"
            for table in self.network.facts.items("RouteTables")
            for link in table.get("Associations") or []
            if link.get("GatewayId")
        ]
        return self.twin

    def of(self, item_id: str) -> Space:
        """Return the space of an id."""
        return self.twin.spaces[item_id]

    def has(self, item_id: str) -> bool:
        """Tell whether an id has a space."""
        return item_id in self.twin.spaces

    def _vpc(self, vpc: Item) -> None:
        space = self.twin.space(str(vpc["VpcId"]), "vpc", "carries what is local between subnets")
        nowhere = space.sink("dropped", "no-subnet", space.name)
        for family in ("0.0.0.0/0", "::/0"):
            space.route(family, nowhere, metric=LAST)

    def _subnet(self, subnet: Item) -> None:
        name, vpc = str(subnet["SubnetId"]), self.of(str(subnet["VpcId"]))
        space = self.twin.space(name, "subnet", f"{subnet.get('CidrBlock')} {subnet.get('AvailabilityZone', '')}")
        there, _ = self.twin.link(vpc, "s", space, "core")
        # One look in what stands here, then in the route table.
        for family in ("", "-6 "):
            space.ip += [f"{family}rule add pref {one} lookup {one}" for one in (HOSTS, ROUTES)]
        nobody = space.sink("dropped", "no-host", name)
        own = matches("daddr", subnet_ranges(subnet))
        for block in subnet_ranges(subnet):
            vpc.route(block, there)
            space.route(block, nobody, table=HOSTS)
        acl = self.network.acl(subnet)
        for outbound, chain in ((True, "acl_out"), (False, "acl_in")):
            space.chains[chain] = list(filters.acl_rules(acl, name, outbound=outbound))
        space.chains["edge"] = ['iifname "core*" jump acl_in', 'iifname "core*" accept']
        space.chains["edge"] += [f'iifname "g*" {where} {end}' for where in own for end in ("jump acl_in", "accept")]
        space.chains["edge"] += [f"{one} accept" for one in own] + ["jump acl_out", "accept"]

    def attach(self, subnet: Item, space: Space, held: Iterable[str]) -> str:
        """Put a space with its addresses into a subnet; return the device at the subnet's end."""
        router = self.of(str(subnet["SubnetId"]))
        near, far = self.twin.link(router, "h", space, "eth")
        for one in held:
            block = ipaddress.ip_network(one)
            self._place(router, block, near)
            space.ip.append(f"addr add {block} dev {far}")
            space.addresses.append(one)
        for family in ("0.0.0.0/0", "::/0"):
            space.route(family, far, metric=LAST)
        return near

    def _place(self, router: Space, block: Range, device: str) -> None:
        """Route an address to its holder; of one that two interfaces have nobody knows whose it is."""
        known = [at for at, one in enumerate(router.ip) if f"route add {block} dev " in one and f"table {HOSTS}" in one]
        if not known:
            router.route(block, device, table=HOSTS)
            return
        self.twin.missing.append(f"{block.network_address}: two interfaces of {router.name} have it")
        sink = router.sink("unknown", "two-holders", str(block.network_address))
        first = router.ip.pop(known[0])
        router.ip.append(re.sub(r"dev \S+", f"dev {sink}", first))

    def _interface(self, interface: Item) -> None:
        name, subnet = str(interface["NetworkInterfaceId"]), self.network.subnet(str(interface.get("SubnetId")))
        if subnet is None or not self.has(str(subnet["SubnetId"])):
            self.twin.missing.append(f"{name}: its subnet is not recorded")
            return
        if self.network.nat_at(interface) is not None:
            if not self.has(str(self.network.nat_at(interface))):
                self.twin.missing.append(f"{name}: its NAT gateway is not recorded")
            return
        space = self.twin.space(name, "host", str(interface.get("Description") or interface.get("InterfaceType") or ""))
        near = self.attach(subnet, space, sorted(set(addresses(interface))))
        for block in prefixes(interface):
            self.of(str(subnet["SubnetId"])).route(block, near, table=HOSTS)
            space.ip.append(f"route add local {block} dev lo table 254")
        for private, public in public_addresses(interface).items():
            if private in space.addresses:
                self.public[str(subnet["VpcId"]), private] = public
            else:
                self.nobodys.append(public)
                self.twin.missing.append(f"{public}: it is of {name}, and of no address of it")
        owner = str((interface.get("Attachment") or {}).get("InstanceId") or name)
        groups = [str(one.get("GroupId")) for one in interface.get("Groups") or []]
        self._grouped(self.of(str(subnet["SubnetId"])), near, owner, groups)

    def _grouped(self, router: Space, device: str, owner: str, groups: Sequence[str]) -> None:
        """Stand an interface's security groups at its link; one without any is not filtered."""
        admitted = f"{verdict('delivered', '', owner)} accept"
        coming = [f"{one} {admitted}".strip() for one in filters.group_rules(self.network, groups, outbound=False)]
        if groups:
            coming.append(f"{verdict('dropped', 'sg-ingress', owner)} drop")
            leaving = [f"{one} return".strip() for one in filters.group_rules(self.network, groups, outbound=True)]
            refused = f"{verdict('dropped', 'sg-egress', owner)} drop"
            router.chains[f"out_{device}"] = [f"{filters.STATEFUL} return", *leaving, refused]
            router.rule("arrive", f'iifname "{device}" jump out_{device}')
        router.chains[f"in_{device}"] = [f"{filters.STATEFUL} accept", *(coming or [admitted])]
        router.rule("pass", f'oifname "{device}" jump in_{device}')

    def _canary(self, subnet: Item) -> None:
        name = f"canary-{subnet['SubnetId']}"
        space = self.twin.space(name, "canary", "has no security group, and a public address")
        held = [str(self.free(block)) for block in subnet_ranges(subnet)]
        self.attach(subnet, space, held)
        self.canaries[str(subnet["SubnetId"])] = held
        for one in held:
            if ":" not in one:
                self.public[str(subnet["VpcId"]), one] = self.give_public()

    def free(self, block: Range) -> Address:
        """Return an address of a range that nobody has, from its end; it is taken from then on."""
        at = block.num_addresses - 2 if block.version == 4 else 0xFFFE
        while str(block[at]) in self._taken:
            at -= 1
        self._taken.add(str(block[at]))
        return block[at]

    def give_public(self) -> str:
        """Return a public address that nobody has."""
        self._given += 1
        return str(ipaddress.IPv4Address(self._given - 1))

    def _table(self, subnet: Item) -> None:
        """Write a subnet's route table: the kernel picks the longest prefix, and by rank among equal ones."""
        space, table = self.of(str(subnet["SubnetId"])), self.network.table(subnet)
        space.rule("arrive", "goto edge")
        if table is None:
            last = space.sink("unknown", "no-route-table", space.name)
        else:
            last = space.sink("dropped", "no-route", space.name, tell=True)
            for number, (route, block) in enumerate(self._standing(table)):
                metric = rank(route) * 1000 + number + 1
                space.route(block, self._device(space, subnet, route, block), table=ROUTES, metric=metric)
                for one in gateways.to_itself(self, route, block):
                    own = space.sink("unknown", "to-itself", target(route)[1])
                    space.route(one, own, table=ROUTES, metric=number + 1)
        for family in ("0.0.0.0/0", "::/0"):
            space.route(family, last, table=ROUTES, metric=LAST)

    def _standing(self, table: Item) -> list[tuple[Item, Range]]:
        """Return each route with each of its ranges; a propagated one within the local range never stands."""
        found = [(one, block) for one in table.get("Routes") or [] for block in self.network.destinations(one) or []]
        local = [block for one, block in found if target(one)[1] == "local"]
        return [
            (one, block) for one, block in found if not (rank(one) == 2 and any(_in(block, each) for each in local))
        ]

    def _device(self, space: Space, subnet: Item, route: Item, block: Range) -> str:
        if route.get("State") == "blackhole":
            return space.sink("dropped", "blackhole-route", space.name)
        if target(route)[1] == "local":
            return "core0"
        return gateways.way(self, space, subnet, route, block)


def _in(block: Range, other: Range) -> bool:
    return block.version == other.version and block.subnet_of(other)  # type: ignore[arg-type]


def build(network: Network) -> tuple[Twin, Builder]:
    """Return the twin of a network, and what was given away to build it."""
    builder = Builder(network)
    return builder.build(), builder
