"""The prover: for every subnet, whether any packet of any interface can pass its router to somewhere outside.

The subject is the subnet, not its interfaces: routes and network ACLs decide, whatever security groups, addresses or
Block Public Access stand in the way today. Subnets with one route table and one network ACL are one class.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Optional

from airgap.egress.boundary import Boundary
from airgap.egress.boxes import Box, Permit, cut, in_order, of_range, permitted, volume
from airgap.egress.cells import cells
from airgap.egress.facts import Item
from airgap.egress.network import Network, subnet_ranges, target, unread

PROVEN, REFUTED, UNKNOWN = "proven", "refuted", "unknown"
WELL_KNOWN = {6: 443, 17: 443, 1: 8 * 256, 58: 128 * 256}
"""Protocol with ports -> the port that a reader knows best: HTTPS, and echo request for ICMP (type * 256 + code)."""
# What a reader knows at once as outside: tried first as a witness.
FAMOUS = {4: ("8.8.8.8", "1.1.1.1"), 6: ("2001:4860:4860::8888",)}


class Missing(NamedTuple):
    """What was not recorded, and the call that would decide it."""

    what: str
    needs: str


@dataclass(frozen=True)
class Leak:
    """A set of packets that routes and ACL let out: through which route, to which target, by which ACL entry."""

    version: int
    box: Box
    table: str
    prefix: str
    target: str
    acl: str
    rule: str

    def packet(self) -> dict[str, Any]:
        """Return one concrete packet of the set: a well-known address and HTTPS where the set holds them."""
        protocol = 6 if self.box.protocols[0] <= 6 <= self.box.protocols[1] else self.box.protocols[0]
        low, high = self.box.ports
        known = WELL_KNOWN.get(protocol, 0)
        port = known if low <= known <= high else low
        return {
            "destination": str(self._address()),
            "protocol": protocol,
            "port": port if protocol in WELL_KNOWN else None,
        }

    @property
    def famous(self) -> bool:
        """Whether the set holds an address that a reader knows at once as outside."""
        low, high = self.box.addresses
        return any(low <= int(ipaddress.ip_address(one)) <= high for one in FAMOUS[self.version])

    @property
    def size(self) -> int:
        """The number of packets in the set."""
        return volume([self.box])

    def _address(self) -> Any:
        low, high = self.box.addresses
        for text in FAMOUS[self.version]:
            found = ipaddress.ip_address(text)
            if low <= int(found) <= high:
                return found
        kind = ipaddress.IPv4Address if self.version == 4 else ipaddress.IPv6Address
        return kind(min(low + 1, high))


@dataclass
class Judged:
    """One subnet's verdict at packet level, what leaks, what is missing, and the one thing that closes what is open."""

    subnet: str
    vpc: str
    verdict: str
    leaks: list[Leak] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    closed_by: list[str] = field(default_factory=list)


class Prover:
    """Judges every subnet of a network against a boundary; classes are judged once."""

    def __init__(self, network: Network, boundary: Boundary) -> None:
        self.network, self.boundary = network, boundary
        self._classes: dict[tuple[str, str, str], tuple[list[Leak], list[Missing], list[str]]] = {}

    def subnets(self) -> Iterator[Judged]:
        """Yield the verdict of every recorded subnet, in the order of their ids."""
        found = {str(one["SubnetId"]): one for one in self.network.facts.items("Subnets")}
        for name in sorted(found):
            yield self.judge(found[name])

    def judge(self, subnet: Item) -> Judged:
        """Return the verdict of one subnet at packet level."""
        table, acl = self.network.table(subnet), self.network.acl(subnet)
        found = Judged(str(subnet["SubnetId"]), str(subnet["VpcId"]), UNKNOWN)
        if table is None:
            found.missing.append(Missing(f"the route table of {found.subnet}", "ec2:DescribeRouteTables"))
            return found
        key = str(table["RouteTableId"]), str((acl or {}).get("NetworkAclId", "")), found.vpc
        if key not in self._classes:
            self._classes[key] = self._class(table, acl, found.vpc)
        leaks, missing, closed = self._classes[key]
        found.leaks, found.missing, found.closed_by = list(_routed(leaks, subnet)), list(missing), list(closed)
        found.missing += self._unread(subnet)
        found.verdict = REFUTED if found.leaks else UNKNOWN if found.missing else PROVEN
        return found

    def _unread(self, subnet: Item) -> list[Missing]:
        """Return the calls without which a subnet's table, ACL or ranges may be others than those recorded."""
        home = self.network.facts.home(subnet)
        facts = self.network.facts
        needed = (("RouteTables", "ec2:DescribeRouteTables"), ("Vpcs", "ec2:DescribeVpcs"))
        found = [(kind, call) for kind, call in needed if not facts.has(kind, home)]
        if not found and self.network.vpc(str(subnet["VpcId"])) is None:
            found.append((f"the VPC {subnet['VpcId']}", "ec2:DescribeVpcs"))
        # Of a kind that was read in part, what is missing may be this subnet's own; without any, an ACL admits all.
        calls = (*needed, ("NetworkAcls", "ec2:DescribeNetworkAcls"))
        found += [each for each in calls if each not in found and any(one.refused for one in facts.asked(each[1]))]
        return [Missing(f"{kind} of {'/'.join(filter(None, home)) or 'the estate'}", call) for kind, call in found]

    def _class(self, table: Item, acl: Optional[Item], vpc: str) -> tuple[list[Leak], list[Missing], list[str]]:
        leaks: list[Leak] = []
        missing: list[Missing] = []
        closed: list[str] = []
        if not isinstance(table.get("Routes"), list):
            missing.append(Missing(f"the routes of {table['RouteTableId']}", "ec2:DescribeRouteTables"))
        for member in sorted({each for route in table.get("Routes") or [] for each in unread(route)}):
            missing.append(Missing(f"what {member} means in a route of {table['RouteTableId']}", "a newer version"))
        _, doubtful = in_order(acl, True)
        if doubtful:
            missing.append(Missing(f"what {doubtful} means in {(acl or {}).get('NetworkAclId')}", "a newer version"))
        for version in (4, 6):
            parts, unlisted = cells(self.network, table, version)
            for one in unlisted if version == 4 else ():
                if one.route.get("State") != "blackhole" and not self.boundary.admits(self.network, one.route, vpc):
                    what = f"the entries of prefix list {one.list_id}, routed to {target(one.route)[1]}"
                    missing.append(Missing(what, "ec2:GetManagedPrefixListEntries"))
            for cell in parts:
                if cell.route is None or cell.route.get("State") == "blackhole":
                    continue
                if target(cell.route)[1] == "local" or self.boundary.admits(self.network, cell.route, vpc):
                    continue
                outside = self.boundary.outside(cell.low, cell.high, self.network.ranges(vpc), version)
                found = [each for part in outside for each in permitted(acl, True, Box(part), version)]
                if not found and outside:
                    closed.append(
                        f"network ACL {(acl or {}).get('NetworkAclId')} (a route leads to {target(cell.route)[1]})"
                    )
                leaks += [_leak(table, cell.prefix, cell.route, acl, each, version) for each in found]
        return leaks, missing, sorted(set(closed))


def _routed(leaks: list[Leak], subnet: Item) -> Iterator[Leak]:
    """Yield what of leaks passes the subnet's router: what stays in the subnet does not."""
    own = [(one.version, of_range(str(one))) for one in subnet_ranges(subnet)]
    for leak in leaks:
        left = [leak.box.addresses]
        for version, hole in own:
            if version == leak.version:
                left = [part for one in left for part in cut(one, hole)]
        yield from (leak if one == leak.box.addresses else _narrowed(leak, one) for one in left)


def _narrowed(leak: Leak, addresses: tuple[int, int]) -> Leak:
    return replace(leak, box=leak.box._replace(addresses=addresses))


def _leak(table: Item, prefix: str, route: Item, acl: Optional[Item], permit: Permit, version: int) -> Leak:
    name = str((acl or {}).get("NetworkAclId", "default"))
    return Leak(version, permit.box, str(table["RouteTableId"]), prefix, target(route)[1], name, permit.rule)
