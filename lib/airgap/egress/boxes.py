"""Boxes: exact sets of packets as products of intervals, and a network ACL's permitted set as disjoint boxes.

A box is (addresses, protocols, ports), each a closed interval of integers: 32 or 128 bits of the peer's address,
0 to 255, and 0 to 65535 (for ICMP type * 256 + code; for protocols without ports all of them). Fragments without a
port are covered by every box that holds any port: an allowance is never narrowed.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Optional

from airgap.egress.facts import Item

PROTOCOLS, PORTS = (0, 255), (0, 65535)
LAST = {4: 2**32 - 1, 6: 2**128 - 1}
_NAMES = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}
_WITH_PORTS = (6, 17)
_ICMP = (1, 58)
_SAID = {"CidrBlock", "Ipv6CidrBlock", "Egress", "IcmpTypeCode", "PortRange", "Protocol", "RuleAction", "RuleNumber"}


class Box(NamedTuple):
    """A product of three closed intervals."""

    addresses: tuple[int, int]
    protocols: tuple[int, int] = PROTOCOLS
    ports: tuple[int, int] = PORTS


class Permit(NamedTuple):
    """A box that an entry of a network ACL admits, and that entry's number."""

    box: Box
    rule: str


def meet(one: Box, other: Box) -> Optional[Box]:
    """Return what two boxes share, None where that is nothing."""
    sides = [(max(mine[0], theirs[0]), min(mine[1], theirs[1])) for mine, theirs in zip(one, other)]
    return Box(sides[0], sides[1], sides[2]) if all(low <= high for low, high in sides) else None


def without(box: Box, cut: Box) -> Iterator[Box]:
    """Yield disjoint boxes that together are a box without another; at most six."""
    inner = meet(box, cut)
    if inner is None:
        yield box
        return
    rest = list(box)
    for side in range(3):
        (low, high), (first, last) = rest[side], inner[side]
        for part in ((low, first - 1), (last + 1, high)):
            if part[0] <= part[1]:
                sides = [*rest[:side], part, *rest[side + 1 :]]
                yield Box(sides[0], sides[1], sides[2])
        rest[side] = (first, last)


def cut(one: tuple[int, int], hole: tuple[int, int]) -> list[tuple[int, int]]:
    """Return what of an interval lies outside another."""
    if hole[1] < one[0] or hole[0] > one[1]:
        return [one]
    return [part for part in ((one[0], hole[0] - 1), (hole[1] + 1, one[1])) if part[0] <= part[1]]


@functools.lru_cache(maxsize=1 << 16)
def of_range(block: str) -> tuple[int, int]:
    """Return a CIDR range as an interval of addresses."""
    found = ipaddress.ip_network(block, strict=False)
    return int(found.network_address), int(found.broadcast_address)


def of_entry(entry: Item, version: int) -> Optional[Box]:
    """Return what an entry of a network ACL speaks of, None where it is of the other address family.

    A malformed ICMP entry (any type, but a code) allows all of ICMP and denies nothing: an allowance is never narrowed.
    """
    block = entry.get("CidrBlock") if version == 4 else entry.get("Ipv6CidrBlock")
    text = str(entry.get("Protocol", "-1")).lower()
    protocol = _NAMES.get(text) if text in _NAMES else int(text)
    icmp = entry.get("IcmpTypeCode") or {}
    malformed = protocol in _ICMP and icmp.get("Type") in (None, -1) and icmp.get("Code") not in (None, -1)
    if not block or (malformed and entry.get("RuleAction") == "deny"):
        return None
    if protocol == -1:
        return Box(of_range(block))
    return Box(of_range(block), (protocol or 0, protocol or 0), _ports(entry, protocol or 0))


def unread(entry: Item) -> str:
    """Return what of an entry of a network ACL is not understood, nothing where all of it is."""
    more = sorted(member for member, value in entry.items() if member not in _SAID and value)
    protocol = str(entry.get("Protocol", "")).lower()
    between, icmp = entry.get("PortRange") or {}, entry.get("IcmpTypeCode") or {}
    numbers = [entry.get("RuleNumber"), *between.values(), *icmp.values()]
    understood = {
        "RuleAction": entry.get("RuleAction") in ("allow", "deny"),
        "Egress": isinstance(entry.get("Egress"), bool),
        "CidrBlock": [type(entry[one]) for one in ("CidrBlock", "Ipv6CidrBlock") if entry.get(one)] == [str],
        "Protocol": protocol in _NAMES or (protocol.lstrip("-").isdigit() and -1 <= int(protocol) <= 255),
        "PortRange": set(between) in (set(), {"From", "To"}) and set(icmp) <= {"Type", "Code"},
        "RuleNumber": all(isinstance(one, int) for one in numbers),
    }
    return next(iter([*more, *(member for member, fine in understood.items() if not fine)]), "")


def _ports(entry: Item, protocol: int) -> tuple[int, int]:
    if protocol in _ICMP:
        icmp = entry.get("IcmpTypeCode") or {}
        return icmp_ports(icmp.get("Type"), icmp.get("Code"))
    between = entry.get("PortRange") or {}
    if protocol not in _WITH_PORTS or between.get("From") in (None, -1):
        return PORTS
    return int(between["From"]), int(between["To"])


def icmp_ports(kind: Any, code: Any) -> tuple[int, int]:
    """Return the interval of an ICMP type and code, -1 or nothing standing for any."""
    if kind in (None, -1):
        return PORTS
    if code in (None, -1):
        return int(kind) * 256, int(kind) * 256 + 255
    return int(kind) * 256 + int(code), int(kind) * 256 + int(code)


def in_order(acl: Optional[Item], outbound: bool) -> tuple[list[Item], str]:
    """Return the entries of one direction as they are tried, up to one that is not understood, and that one's name.

    The name is empty where all are; of an entry without a number nobody knows when it is tried.
    """
    if acl is not None and not isinstance(acl.get("Entries"), list):
        return [], "Entries"
    found = [one for one in (acl or {}).get("Entries") or [] if one.get("Egress") is not (not outbound)]
    found.sort(key=lambda one: one["RuleNumber"] if isinstance(one.get("RuleNumber"), int) else -1)
    for position, entry in enumerate(found):
        member = unread(entry)
        if member:
            return found[:position], f"{member} of entry {entry.get('RuleNumber')}"
    return found, ""


def permitted(acl: Optional[Item], outbound: bool, region: Box, version: int, widened: bool = False) -> list[Permit]:
    """Return what of a region a network ACL admits, as disjoint boxes: the first entry that matches decides.

    What an entry that is not understood would decide is left out, or all of it is in where ``widened``.
    """
    if acl is None:
        return [Permit(region, "default")]
    left, admitted = [region], []
    found, doubtful = in_order(acl, outbound)
    for entry in found:
        box = of_entry(entry, version)
        if box is None or not left:
            continue
        hit = [one for one in (meet(each, box) for each in left) if one is not None]
        if hit and entry.get("RuleAction") == "allow":
            admitted += [Permit(one, str(entry.get("RuleNumber"))) for one in hit]
        if hit:
            left = [rest for each in left for rest in without(each, box)]
    return admitted + [Permit(one, doubtful) for one in left if doubtful and widened]


def volume(boxes: Iterable[Box]) -> int:
    """Return the number of packets in disjoint boxes."""
    total = 0
    for box in boxes:
        size = 1
        for low, high in box:
            size *= high - low + 1
        total += size
    return total
