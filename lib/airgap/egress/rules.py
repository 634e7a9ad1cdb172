"""One packet against security groups and network ACLs, rule by rule, as AWS documents it.

Sources: VPC User Guide, "Security group rules", "Network ACL rules"; EC2 API Reference, IpPermission, NetworkAclEntry.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from airgap.egress.facts import Item
from airgap.egress.interfaces import Address, holds
from airgap.egress.network import Network

TCP, UDP, ICMP, ICMP6, ANY = 6, 17, 1, 58, -1
_NUMBERS = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMP6, "all": ANY}


@dataclass(frozen=True)
class Packet:
    """One packet: addresses, protocol number, and destination port; for ICMP the port is type * 256 + code.

    No port stands for any port: what is asked is whether the protocol passes at all.
    """

    source: Address
    destination: Address
    protocol: int
    port: Optional[int] = None

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.destination.version


def number(protocol: Any) -> int:
    """Return the number of a protocol as EC2 writes it: a name, a number or -1."""
    text = str(protocol).lower()
    return _NUMBERS[text] if text in _NUMBERS else int(text)


def ports_match(protocol: int, low: Any, high: Any, packet: Packet) -> bool:
    """Tell whether a rule's ports, or ICMP type (low) and code (high), admit a packet of the rule's protocol.

    A malformed ICMP rule (any type, but a code) is read as all of ICMP: an allowance is never narrowed.
    """
    if packet.port is None or protocol in (ANY,) or packet.protocol not in (TCP, UDP, ICMP, ICMP6):
        return True
    if packet.protocol in (ICMP, ICMP6):
        kind, code = divmod(packet.port, 256)
        return low in (None, -1) or (int(low) == kind and (high in (None, -1) or int(high) == code))
    if low in (None, -1) and high in (None, -1):
        return True
    return (0 if low in (None, -1) else int(low)) <= packet.port <= (65535 if high in (None, -1) else int(high))


def group_rule(network: Network, groups: list[str], packet: Packet, peer: Address, outbound: bool) -> Optional[str]:
    """Return the security group whose rule admits a packet, None where none does.

    A rule on a prefix list or foreign group that is not recorded admits: an allowance is never narrowed.
    """
    for group_id in groups:
        group = network.group(group_id)
        if group is None:
            return group_id
        for one in group.get("IpPermissionsEgress" if outbound else "IpPermissions") or []:
            protocol = number(one.get("IpProtocol", "-1"))
            if protocol not in (ANY, packet.protocol):
                continue
            if ports_match(protocol, one.get("FromPort"), one.get("ToPort"), packet) and _peer(network, one, peer):
                return group_id
    return None


def rule_of(network: Network, group: str, packet: Packet, peer: Address, outbound: bool) -> str:
    """Return `` by rule ID`` for the rule of a group that admits a packet; nothing where its rules were not listed."""
    for one in network.facts.where("SecurityGroupRules", GroupId=group):
        protocol = number(one.get("IpProtocol", "-1"))
        told = {
            "IpRanges": [{"CidrIp": one.get("CidrIpv4")}],
            "Ipv6Ranges": [{"CidrIpv6": one.get("CidrIpv6")}],
            "PrefixListIds": [{"PrefixListId": one["PrefixListId"]}] if one.get("PrefixListId") else [],
            "UserIdGroupPairs": [one["ReferencedGroupInfo"]] if one.get("ReferencedGroupInfo") else [],
        }
        if bool(one.get("IsEgress")) != outbound or protocol not in (ANY, packet.protocol):
            continue
        if ports_match(protocol, one.get("FromPort"), one.get("ToPort"), packet) and _peer(network, told, peer):
            return f" by rule {one.get('SecurityGroupRuleId')}"
    return ""


def _peer(network: Network, rule: Mapping[str, Any], peer: Address) -> bool:
    """Tell whether a rule speaks of a peer's address, by range, prefix list or the groups of its interface."""
    blocks = [one.get("CidrIp") for one in rule.get("IpRanges") or []]
    blocks += [one.get("CidrIpv6") for one in rule.get("Ipv6Ranges") or []]
    if any(peer in ipaddress.ip_network(one, strict=False) for one in blocks if one):
        return True
    for one in rule.get("PrefixListIds") or []:
        ranges = network.prefix_list(str(one.get("PrefixListId")))
        if ranges is None or any(peer in each for each in ranges):
            return True
    return any(_member(network, str(one.get("GroupId")), peer) for one in rule.get("UserIdGroupPairs") or [])


def _member(network: Network, group_id: str, peer: Address) -> bool:
    if network.group(group_id) is None:
        return True
    return any(
        any(each.get("GroupId") == group_id for each in one.get("Groups") or []) and holds(one, peer)
        for one in network.interfaces.values()
    )


def acl_rule(acl: Optional[Item], packet: Packet, peer: Address, outbound: bool) -> tuple[Optional[bool], str]:
    """Return whether a network ACL admits a packet, and the number of the entry that decides, lowest first.

    ``peer`` is the destination of what goes out and the source of what comes in. None: an entry that may decide says
    something that is not known.
    """
    if acl is None:
        return True, "default"
    for one in entries(acl, outbound):
        block = one.get("CidrBlock") or one.get("Ipv6CidrBlock")
        if not block or one.get("RuleAction") not in ("allow", "deny") or "Egress" not in one:
            return None, str(one.get("RuleNumber"))
        if block and peer in ipaddress.ip_network(block, strict=False) and _entry(one, packet):
            return one.get("RuleAction") == "allow", str(one.get("RuleNumber"))
    return False, "*"


def entries(acl: Item, outbound: bool) -> Iterator[Item]:
    """Yield the entries of one direction in the order in which they are tried."""
    found = [one for one in acl.get("Entries") or [] if one.get("Egress", outbound) == outbound]
    yield from sorted(found, key=lambda one: int(one.get("RuleNumber", 32767)))


def _entry(entry: Item, packet: Packet) -> bool:
    protocol = number(entry.get("Protocol", "-1"))
    if protocol not in (ANY, packet.protocol):
        return False
    if packet.protocol in (ICMP, ICMP6):
        icmp = entry.get("IcmpTypeCode") or {}
        if entry.get("RuleAction") == "deny" and icmp.get("Type") in (None, -1) and icmp.get("Code") not in (None, -1):
            return protocol == ANY
        return ports_match(protocol, icmp.get("Type"), icmp.get("Code"), packet)
    between = entry.get("PortRange") or {}
    return ports_match(protocol, between.get("From"), between.get("To"), packet)
