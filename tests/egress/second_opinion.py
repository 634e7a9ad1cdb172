"""The proof's question put to an SMT solver: can any packet of a subnet take an open route that its ACL admits?

An encoding of its own, in bit-vectors, straight from what EC2 describes: no intervals, no partition of the addresses,
none of the prover's code. Routes compete by prefix length, then kind; entries of the ACL by their number.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

import z3

WIDTHS = {4: 32, 6: 128}
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}
TARGETS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId", "Origin", "State",
           "InstanceOwnerId")  # fmt: skip
Item = Mapping[str, Any]
_PROPAGATED = "EnableVgwRoutePropagation"


class Question:
    """One subnet's packets of one family, as three bit-vectors: peer address, protocol, port."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.address = z3.BitVec("address", WIDTHS[version])
        self.protocol, self.port = z3.BitVec("protocol", 8), z3.BitVec("port", 16)

    def within(self, block: str) -> Any:
        """The packet's peer lies in a range."""
        net = ipaddress.ip_network(block, strict=False)
        if net.version != self.version:
            return z3.BoolVal(False)
        if not net.prefixlen:
            return z3.BoolVal(True)
        top = WIDTHS[self.version] - 1
        low = top - net.prefixlen + 1
        return z3.Extract(top, low, self.address) == (int(net.network_address) >> low)

    def ports(self, low: int, high: int) -> Any:
        """The packet's port lies between two."""
        return z3.And(z3.UGE(self.port, low), z3.ULE(self.port, high))

    def entry(self, entry: Item) -> Any:
        """An entry of a network ACL speaks of the packet."""
        block = entry.get("CidrBlock") or entry.get("Ipv6CidrBlock")
        text = str(entry["Protocol"]).lower()
        number = NUMBERS.get(text) or int(text)
        said = [self.within(str(block))]
        if number >= 0:
            said.append(self.protocol == number)
        between, icmp = entry.get("PortRange") or {}, entry.get("IcmpTypeCode") or {}
        if number in (6, 17) and between.get("From") not in (None, -1):
            said.append(self.ports(between["From"], between["To"]))
        if number in (1, 58):
            said.append(self.icmp(icmp, entry["RuleAction"]))
        return z3.And(said)

    def icmp(self, icmp: Item, action: str) -> Any:
        """Type and code; any type with a code is malformed: all of ICMP where it allows, nothing where it denies."""
        kind, code = icmp.get("Type"), icmp.get("Code")
        if kind in (None, -1):
            return z3.BoolVal(code in (None, -1) or action == "allow")
        low, high = (0, 255) if code in (None, -1) else (code, code)
        return self.ports(kind * 256 + low, kind * 256 + high)

    def admitted(self, entries: Sequence[Item]) -> Any:
        """The ACL lets the packet out: the first entry that speaks of it allows; where none does, it is denied."""
        verdict: Any = z3.BoolVal(False)
        for one in sorted((one for one in entries if one["Egress"]), key=lambda one: -one["RuleNumber"]):
            verdict = z3.If(self.entry(one), z3.BoolVal(one["RuleAction"] == "allow"), verdict)
        return verdict

    def leaves(self, routes: Sequence[Item], declared: Sequence[str]) -> Any:
        """A route that is open decides for the packet: it matches, and nothing that matches goes before it."""
        every = [(self.within(_block(one)), *_rank(one), one) for one in routes]
        local = z3.Or([match for match, _, _, one in every if _target(one) == "local"] + [z3.BoolVal(False)])
        open_ = []
        for match, length, kind, one in every:
            if one.get("State") == "blackhole" or _target(one) in ("local", *declared):
                continue
            before = [other for other, far, sort, _ in every if (-far, sort) < (-length, kind) and sort != 2]
            weaker = [z3.And(other, z3.Not(local)) for other, far, sort, _ in every
                      if (-far, sort) < (-length, kind) and sort == 2]  # fmt: skip
            stands = z3.Not(local) if kind == 2 else z3.BoolVal(True)
            open_.append(z3.And(match, stands, *map(z3.Not, [*before, *weaker])))
        return z3.Or(open_) if open_ else z3.BoolVal(False)


def expanded(routes: Sequence[Item], lists: Mapping[str, Sequence[str]]) -> list[Item]:
    """Return the routes with one for each range of a prefix list."""
    found: list[Item] = []
    for one in routes:
        blocks = lists.get(str(one.get("DestinationPrefixListId")), ())
        found += [{**one, "DestinationIpv6CidrBlock" if ":" in each else "DestinationCidrBlock": each}
                  for each in blocks] or [one]  # fmt: skip
    return found


def _block(route: Item) -> str:
    return str(route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock"))


def _rank(route: Item) -> tuple[int, int]:
    by_list = int("DestinationPrefixListId" in route)
    return ipaddress.ip_network(_block(route)).prefixlen, 2 if route.get("Origin") == _PROPAGATED else by_list


def _target(route: Item) -> str:
    return next(str(value) for member, value in route.items() if member not in TARGETS and value)


def leaks(subnet: Item, routes: Sequence[Item], entries: Sequence[Item], declared: Sequence[str] = ()) -> Any:
    """Return one leaking packet (family, address, protocol, port) of a subnet, None where there is none."""
    blocks = [subnet["CidrBlock"], *(one["Ipv6CidrBlock"] for one in subnet.get("Ipv6CidrBlockAssociationSet") or [])]
    for version in (4, 6):
        asked = Question(version)
        solver = z3.SolverFor("QF_BV")
        solver.add(asked.admitted(entries), asked.leaves(routes, declared))
        solver.add([z3.Not(asked.within(one)) for one in blocks])
        if solver.check() == z3.sat:
            model = solver.model()
            values = [model.eval(one, model_completion=True).as_long()
                      for one in (asked.address, asked.protocol, asked.port)]  # fmt: skip
            return version, *values
    return None
