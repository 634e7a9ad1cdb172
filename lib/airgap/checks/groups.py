"""Security groups: outbound and inbound by named peers only, and an empty default group (NET-04, NET-05)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from airgap.checks.check import check
from airgap.checks.scope import VPC_READS, Item, Named, in_vpc, inside, tiers, vpc_ids
from airgap.model import edge
from airgap.model.components import GATEWAYS
from airgap.model.estate import Estate
from airgap.model.intent import Intent

READS = (
    *VPC_READS,
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSecurityGroupRules",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribePrefixLists",
)
DEFAULT = "default-security-group:main"


def groups(intent: Intent, estate: Estate) -> Named:
    """Return every security group of the VPC, declared or not."""
    found = in_vpc(intent, estate, "ec2:DescribeSecurityGroups", "SecurityGroups", "GroupId")
    return [(DEFAULT if one["GroupName"] == "default" else name, one) for name, one in found]


class Around(NamedTuple):
    """What a group's rules may name: the VPC's own groups, and AWS's prefix lists behind the gateway endpoints."""

    groups: frozenset[str]
    vpcs: frozenset[str]
    lists: frozenset[str]


class Group(NamedTuple):
    """A security group with its rules, its interfaces and what is around it."""

    item: Item
    inbound: list[Item]
    outbound: list[Item]
    interfaces: list[Item]
    around: Around


def ruled(intent: Intent, estate: Estate) -> list[tuple[str, Group]]:
    """Return every security group of the VPC with its rules and interfaces, each page being walked once."""
    by_group: dict[tuple[str, bool], list[Item]] = {}
    for rule in estate.items("ec2:DescribeSecurityGroupRules", "SecurityGroupRules"):
        by_group.setdefault((rule["GroupId"], bool(rule.get("IsEgress"))), []).append(rule)
    carried: dict[str, list[Item]] = {}
    for one in estate.items("ec2:DescribeNetworkInterfaces", "NetworkInterfaces"):
        for each in one.get("Groups", []):
            carried.setdefault(each["GroupId"], []).append(one)
    found = groups(intent, estate)
    own = frozenset(one["GroupId"] for _, one in found)
    around = Around(own, frozenset(vpc_ids(intent, estate)), _gateway_lists(intent, estate))
    return [(name, _group(one, by_group, carried, around)) for name, one in found]


def _group(
    item: Item, rules: dict[tuple[str, bool], list[Item]], carried: dict[str, list[Item]], around: Around
) -> Group:
    name = item["GroupId"]
    return Group(item, rules.get((name, False), []), rules.get((name, True), []), carried.get(name, []), around)


def text(rule: Item) -> str:
    """Return a rule as people write it: its id, protocol, ports and peer."""
    ports = "" if rule.get("FromPort") in (None, -1) else f" {rule['FromPort']}-{rule['ToPort']}"
    protocol = "all protocols" if rule.get("IpProtocol") == "-1" else str(rule.get("IpProtocol"))
    return f"{rule['SecurityGroupRuleId']} ({protocol}{ports}, {_peer(rule)})"


def _peer(rule: Item) -> str:
    group = (rule.get("ReferencedGroupInfo") or {}).get("GroupId")
    return str(rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule.get("PrefixListId") or group or "no known peer")


def _gateway_lists(intent: Intent, estate: Estate) -> frozenset[str]:
    names = tuple(f".{intent.region}.{one}" for one in GATEWAYS)
    lists = estate.items("ec2:DescribePrefixLists", "PrefixLists")
    return frozenset(one["PrefixListId"] for one in lists if one["PrefixListName"].endswith(names))


def beyond(rule: Item, around: Around, intent: Intent) -> bool:
    """Tell whether a rule's peer lies beyond the VPC, its gateway endpoints and its own groups."""
    if rule.get("CidrIpv4"):
        return not inside(rule["CidrIpv4"], [intent.network.vpc_cidr])
    if rule.get("PrefixListId"):
        return rule["PrefixListId"] not in around.lists
    peer = rule.get("ReferencedGroupInfo") or {}
    return peer.get("GroupId") not in around.groups or not {peer.get("VpcId")} <= around.vpcs | {None}


@check(
    "groups-egress-named",
    "Every outbound rule of the group leads to named peers: endpoints, groups of the VPC, gateway prefix lists",
    severity="critical",
    properties=("NET-04",),
    reads=READS,
    remedy="revoke the rule; name the peer group, the VPC's range or the gateway endpoint's prefix list instead",
    over=ruled,
)
def egress(group: Group, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each outbound rule whose peer is beyond the environment, or that opens every protocol to a range."""
    for rule in group.outbound:
        if beyond(rule, group.around, intent):
            yield f"outbound rule {text(rule)} leads beyond the environment"
        elif rule.get("IpProtocol") == "-1" and not rule.get("ReferencedGroupInfo"):
            yield f"outbound rule {text(rule)} opens every protocol and port"


@check(
    "groups-ingress-named",
    "Every inbound rule of the group admits named peers only",
    severity="high",
    properties=("NET-05",),
    reads=(*READS, "ec2:DescribeSubnets"),
    remedy="revoke the rule; only a load balancer of the declared public tier answers strangers, on 443 and 80",
    over=lambda intent, estate: [
        (name, (group, {placed.get(one.get("SubnetId", ""), "elsewhere") for one in group.interfaces}))
        for placed in [tiers(intent, estate)]
        for name, group in ruled(intent, estate)
    ],
)
def ingress(item: tuple[Group, set[str]], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each inbound rule whose peer is beyond the environment, save for the declared tiers' own entrances."""
    group, carried = item
    for rule in group.inbound:
        if beyond(rule, group.around, intent) and not _entrance(rule, carried, intent):
            yield f"inbound rule {text(rule)} admits peers beyond the environment"


def _entrance(rule: Item, carried: set[str], intent: Intent) -> bool:
    """Whether the rule is a declared tier's web entrance, and the group is on no interface of another tier."""
    web = rule.get("IpProtocol") == "tcp" and rule.get("FromPort") in (80, 443) and rule["FromPort"] == rule["ToPort"]
    cidr, tier = rule.get("CidrIpv4") or "::/0", edge.tier(intent)
    clients = cidr in edge.clients(intent) and carried <= {tier}
    from_home = inside(cidr, intent.network.on_premises_cidrs) and carried <= {"ingress"}
    return web and (clients or from_home)


@check(
    "groups-default-empty",
    "The VPC's default security group has no rules and serves nothing",
    severity="high",
    properties=("NET-05",),
    reads=READS,
    remedy="revoke its rules, and give what carries it a group of its own",
    over=lambda intent, estate: [one for one in ruled(intent, estate) if one[0] == DEFAULT],
)
def default_empty(group: Group, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each rule of the default group and each interface that carries it."""
    for side, rules in (("inbound", group.inbound), ("outbound", group.outbound)):
        yield from (f"it has the {side} rule {text(rule)}" for rule in rules)
    yield from (f"interface {one['NetworkInterfaceId']} carries it" for one in group.interfaces)


CHECKS = (egress, ingress, default_empty)
