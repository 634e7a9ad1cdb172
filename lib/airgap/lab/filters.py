"""Security groups and network ACLs as nftables rules, one for each permission or entry, in AWS's order.

Sources: VPC User Guide, "Security group rules", "Network ACL rules"; EC2 API Reference, IpPermission, NetworkAclEntry.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airgap.egress.facts import Item
from airgap.egress.interfaces import addresses, prefixes
from airgap.egress.network import Network, Range
from airgap.lab.space import matches, verdict

NUMBERS = {"tcp": "6", "udp": "17", "icmp": "1", "icmpv6": "58", "all": "-1"}
PORTED = ("6", "17")
ICMPS = {"1": "icmp", "58": "icmpv6"}
STATEFUL = "ct state established,related"


def group_rules(network: Network, groups: Sequence[str], *, outbound: bool) -> Iterator[str]:
    """Yield a match for every packet that the groups admit in one direction; a group that is not recorded admits all.

    Ranges that are not known admit any address: an allowance is never narrowed.
    """
    member = "daddr" if outbound else "saddr"
    for group_id in groups:
        group = network.group(group_id)
        if group is None:
            yield ""
            continue
        for one in group.get("IpPermissionsEgress" if outbound else "IpPermissions") or []:
            what = _what(str(one.get("IpProtocol", "-1")), one.get("FromPort"), one.get("ToPort"))
            known = peers(network, one)
            for where in [""] if known is None else matches(member, known):
                yield f"{where} {what}".strip()


def acl_rules(acl: Item | None, subnet: str, *, outbound: bool) -> Iterator[str]:
    """Yield the rules of one direction of a network ACL: what is admitted returns, what is not is dropped.

    No recorded ACL is AWS's default one, which admits everything.
    """
    reason = "nacl-egress" if outbound else "nacl-ingress"
    denied = f"{verdict('dropped', reason, subnet)} drop"
    entries = [one for one in (acl or {}).get("Entries") or [] if bool(one.get("Egress")) == outbound]
    for one in sorted(entries, key=lambda each: int(each["RuleNumber"])):
        protocol = NUMBERS.get(str(one.get("Protocol")), str(one.get("Protocol", "-1")))
        if protocol in ICMPS:
            icmp = one.get("IcmpTypeCode") or {}
            low, high = icmp.get("Type"), icmp.get("Code")
            if one.get("RuleAction") == "deny" and low in (None, -1) and high not in (None, -1):
                continue  # A malformed entry (any type, one code) denies nothing: an allowance is never narrowed.
        else:
            ports = one.get("PortRange") or {}
            low, high = ports.get("From"), ports.get("To")
        block = one.get("CidrBlock") or one.get("Ipv6CidrBlock")
        where = matches("daddr" if outbound else "saddr", [ipaddress.ip_network(block, strict=False)])[0]
        end = "return" if one.get("RuleAction") == "allow" else denied
        yield f"{where} {_what(protocol, low, high)} {end}".replace("  ", " ")
    yield "return" if acl is None else denied


def _what(protocol: str, low: Any, high: Any) -> str:
    """Return the match of a protocol and its ports, or of ICMP's type (low) and code (high)."""
    number = NUMBERS.get(protocol, protocol)
    if number == "-1":
        return ""
    base = f"meta l4proto {number}"
    none = (None, -1)
    if number in ICMPS:
        kind = "" if low in none else f" {ICMPS[number]} type {low}"
        return base + kind + ("" if low in none or high in none else f" {ICMPS[number]} code {high}")
    if number not in PORTED or (low in none and high in none):
        return base
    return f"{base} th dport {0 if low in none else low}-{65535 if high in none else high}"


def peers(network: Network, rule: Mapping[str, Any]) -> list[Range] | None:
    """Return every range of which a permission speaks, None where one of them is not known."""
    blocks = [one.get("CidrIp") for one in rule.get("IpRanges") or []]
    blocks += [one.get("CidrIpv6") for one in rule.get("Ipv6Ranges") or []]
    found = [ipaddress.ip_network(one, strict=False) for one in blocks if one]
    for one in rule.get("PrefixListIds") or []:
        ranges = network.prefix_list(str(one.get("PrefixListId")))
        if ranges is None:
            return None
        found += ranges
    for one in rule.get("UserIdGroupPairs") or []:
        group = str(one.get("GroupId"))
        if network.group(group) is None:
            return None
        members = [each for each in network.interfaces.values() if group in _groups(each)]
        found += [ipaddress.ip_network(held) for each in members for held in (*addresses(each), *prefixes(each))]
    return found


def _groups(interface: Item) -> list[str]:
    return [str(one.get("GroupId")) for one in interface.get("Groups") or []]
