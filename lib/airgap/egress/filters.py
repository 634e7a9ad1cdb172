"""Security groups as boxes: what a set of groups admits, exactly; an unknown list or group admits any peer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from airgap.egress.boxes import LAST, PORTS, Box, icmp_ports, of_range
from airgap.egress.facts import Item
from airgap.egress.interfaces import addresses, prefixes
from airgap.egress.network import Network

_NAMES = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "all": -1}


class Filters:
    """The boxes of security groups of one network; groups are read once."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._read: dict[tuple[str, bool, int], list[Box]] = {}
        self._members: dict[str, list[str]] = {}
        for one in network.interfaces.values():
            for group in one.get("Groups") or []:
                self._members.setdefault(str(group.get("GroupId")), []).extend([*addresses(one), *prefixes(one)])

    def admitted(self, groups: Iterable[str], outbound: bool, version: int) -> list[Box]:
        """Return what the union of groups admits; no group at all admits everything."""
        found = [box for group in groups for box in self._group(group, outbound, version)]
        return found if list(groups) else [Box((0, LAST[version]))]

    def _group(self, group_id: str, outbound: bool, version: int) -> list[Box]:
        key = group_id, outbound, version
        if key not in self._read:
            group = self._network.group(group_id)
            rules = (group or {}).get("IpPermissionsEgress" if outbound else "IpPermissions") or []
            found = [Box((0, LAST[version]))] if group is None else []
            for one in rules:
                found += self.permission(one, version)
            self._read[key] = found
        return self._read[key]

    def permission(self, rule: Item, version: int) -> list[Box]:
        """Return the boxes of one rule as EC2 describes it."""
        text = str(rule.get("IpProtocol", "-1")).lower()
        protocol = _NAMES[text] if text in _NAMES else int(text)
        protocols = (0, 255) if protocol == -1 else (protocol, protocol)
        ports = _ports(rule, protocol)
        return [Box(one, protocols, ports) for one in self._peers(rule, version)]

    def _peers(self, rule: Item, version: int) -> Iterator[tuple[int, int]]:
        blocks = [str(one.get("CidrIp")) for one in rule.get("IpRanges") or [] if one.get("CidrIp")]
        blocks += [str(one.get("CidrIpv6")) for one in rule.get("Ipv6Ranges") or [] if one.get("CidrIpv6")]
        for one in rule.get("UserIdGroupPairs") or []:
            group = str(one.get("GroupId"))
            blocks += self._members.get(group, [])
            if self._network.group(group) is None:
                yield 0, LAST[version]
        for one in rule.get("PrefixListIds") or []:
            ranges = self._network.prefix_list(str(one.get("PrefixListId")))
            if ranges is None:
                yield 0, LAST[version]
            blocks += [str(each) for each in ranges or []]
        yield from (of_range(one) for one in blocks if (":" in one) == (version == 6))


def _ports(rule: Item, protocol: int) -> tuple[int, int]:
    """A malformed ICMP rule (any type, but a code) is read as all of ICMP: an allowance is never narrowed."""
    low, high = rule.get("FromPort"), rule.get("ToPort")
    if protocol in (1, 58):
        return icmp_ports(low, high)
    if protocol not in (6, 17) or (low in (None, -1) and high in (None, -1)):
        return PORTS
    return 0 if low in (None, -1) else int(low), 65535 if high in (None, -1) else int(high)
