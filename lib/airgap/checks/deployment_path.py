"""What keeps a connection from being made inside the VPC: groups, network ACLs, endpoints and their policies.

It explains what was seen to be broken; whether something is too open is for other checks to say. Each cause names the
resource that stands in the way and what to do. AWS: VPC User Guide, "Security group rules", "Network ACL rules";
"Private connectivity with Amazon ECR interface VPC endpoints".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Optional

from airgap.checks.scope import TABLE_READS, Item, all_subnets, endpoints, label, served
from airgap.egress.interfaces import Address
from airgap.egress.rules import TCP, Packet, acl_rule
from airgap.model.canonical import dig
from airgap.model.components import GATEWAYS, service_name, takes_policy
from airgap.model.derived import endpoint_facts
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.policy import DENY, FULL_ACCESS, evaluate, parse
from airgap.model.requests import must_pass

RULES, ACLS, LISTS = "ec2:DescribeSecurityGroupRules", "ec2:DescribeNetworkAcls", "ec2:DescribePrefixLists"
GROUPS, INTERFACES = "ec2:DescribeSecurityGroups", "ec2:DescribeNetworkInterfaces"
PATH_READS = (*TABLE_READS, "ec2:DescribeVpcEndpoints", RULES, ACLS, LISTS, GROUPS, INTERFACES)
EPHEMERAL = (32768, 60999)
"""The ports from which Linux connects, lowest and highest: answers come back to them."""


class Cause(NamedTuple):
    """Why a link is broken: the resource that stands in the way, what of it is so, and what to do."""

    resource: str
    what: str
    remedy: str

    @property
    def text(self) -> str:
        """The cause in one sentence."""
        return f"{self.resource}: {self.what}; {self.remedy}"


class Place(NamedTuple):
    """One end of a connection: its name, security groups, subnets, and the prefix list that stands for it."""

    name: str
    groups: tuple[str, ...]
    subnets: tuple[str, ...]
    prefix_list: str = ""
    ranges: tuple[str, ...] = ()


def place_of(name: str, interfaces: Iterable[Item]) -> Place:
    """Return the place of some network interfaces."""
    found = list(interfaces)
    groups = dict.fromkeys(each["GroupId"] for one in found for each in one.get("Groups") or [])
    return Place(name, tuple(groups), tuple(dict.fromkeys(one["SubnetId"] for one in found)))


def closed(source: Place, target: Place, port: int, intent: Intent, estate: Estate) -> Iterator[Cause]:
    """Yield each rule that is missing, and each network ACL that refuses, between two places on one TCP port."""
    named = {one["GroupId"]: label(one, "GroupId") for one in estate.items(GROUPS, "SecurityGroups")}
    for near, far, egress, way in ((source, target, True, "out to"), (target, source, False, "in from")):
        if near.groups and not _admitted(near, far, egress, port, estate):
            group = named.get(near.groups[0], near.groups[0])
            what = f"no rule lets TCP {port} {way} {far.name}"
            yield Cause(group, what, "apply the step that declares the rule; CloudTrail says who revoked it")
    yield from _refused(source, target, port, intent, estate)


def _admitted(near: Place, far: Place, egress: bool, port: int, estate: Estate) -> bool:
    ranges = far.ranges or _ranges(far, estate)
    return any(
        rule["GroupId"] in near.groups
        and bool(rule.get("IsEgress")) is egress
        and _covers(rule, port)
        and _names(rule, far, ranges)
        for rule in estate.items(RULES, "SecurityGroupRules")
    )


def _covers(rule: Item, port: int) -> bool:
    if rule.get("IpProtocol") == "-1":
        return True
    return rule.get("IpProtocol") in ("tcp", "6") and int(rule["FromPort"]) <= port <= int(rule["ToPort"])


def _names(rule: Item, far: Place, ranges: Iterable[str]) -> bool:
    """Tell whether a rule's peer is the far end: by group, by prefix list, or by a range that holds all of it."""
    if rule.get("CidrIpv4"):
        wide = ipaddress.IPv4Network(rule["CidrIpv4"], strict=False)
        return all(ipaddress.IPv4Network(one).subnet_of(wide) for one in ranges)
    listed = bool(far.prefix_list) and rule.get("PrefixListId") == far.prefix_list
    return listed or dig(rule, "ReferencedGroupInfo.GroupId") in far.groups


def _ranges(place: Place, estate: Estate) -> list[str]:
    subnets = estate.items("ec2:DescribeSubnets", "Subnets")
    return [one["CidrBlock"] for one in subnets if one["SubnetId"] in place.subnets]


def _refused(source: Place, target: Place, port: int, intent: Intent, estate: Estate) -> Iterator[Cause]:
    """Yield each network ACL that refuses the connection or its answers, where it leaves a subnet or enters one."""
    there, back = (port, port), EPHEMERAL
    ways = (
        (source, target, ((True, there), (False, back))),
        (target, source, ((False, there), (True, back))),
    )
    seen = set()
    for near, far, directions in ways:
        for subnet in near.subnets:
            for egress, ports in directions:
                cause = _by_acl(subnet, far, egress, ports, estate)
                if cause is not None and cause not in seen:
                    seen.add(cause)
                    yield cause


def _by_acl(subnet: str, far: Place, egress: bool, ports: Iterable[int], estate: Estate) -> Optional[Cause]:
    acl = _acl(subnet, estate)
    for block in far.ranges or [one for one in _ranges(far, estate) if far.subnets != (subnet,)]:
        peer: Address = ipaddress.ip_network(block)[1]
        for port in ports:
            admitted, number = acl_rule(acl, Packet(peer, peer, TCP, port), peer, egress)
            if not admitted:
                way = "out to" if egress else "in from"
                what = f"entry {number} refuses TCP {port} {way} {block} ({far.name}), as seen from {subnet}"
                name = label(acl, "NetworkAclId") if acl else "network ACL"
                return Cause(name, what, "apply the step network, whose entries admit it")
    return None


def _acl(subnet: str, estate: Estate) -> Optional[Item]:
    acls = estate.items(ACLS, "NetworkAcls")
    found = [one for one in acls if any(each.get("SubnetId") == subnet for each in one.get("Associations") or [])]
    return found[0] if found else None


def unreached(
    service: str, source: Place, components: Iterable[str], intent: Intent, estate: Estate
) -> Iterator[Cause]:
    """Yield what keeps a place from an AWS service: its endpoint, the way there, and the endpoint's policy."""
    name = service_name(service, intent.region, intent.partition)
    key = f"vpc-endpoint:{service}"
    found = [one for _, one in endpoints(intent, estate) if one.get("ServiceName") == name]
    if not found:
        yield Cause(key, f"there is no endpoint for {name}, and no other way to it", "apply the step endpoints")
    for one in found:
        if str(one.get("State")).lower() != "available":
            yield Cause(key, f"{one['VpcEndpointId']} is {one.get('State')}", "wait, or find out who deletes it")
        elif service in GATEWAYS:
            yield from _by_gateway(key, one, source, intent, estate)
        else:
            yield from _by_interface(key, one, source, intent, estate)
        if takes_policy(service):
            yield from _by_policy(key, one, service, set(components), intent)


def _by_interface(key: str, one: Item, source: Place, intent: Intent, estate: Estate) -> Iterator[Cause]:
    if not one.get("PrivateDnsEnabled"):
        yield Cause(key, "its private DNS is off: the service's name leads outside", "apply the step endpoints")
    groups = tuple(each["GroupId"] for each in one.get("Groups") or [])
    yield from closed(source, Place(key, groups, tuple(one.get("SubnetIds") or ())), 443, intent, estate)


def _by_gateway(key: str, one: Item, source: Place, intent: Intent, estate: Estate) -> Iterator[Cause]:
    """Yield what keeps a place from a gateway endpoint: its route in each table, groups and ACLs by prefix list."""
    subnets = [(name, each) for name, each in all_subnets(intent, estate) if each["SubnetId"] in source.subnets]
    for name, (_, table) in served(subnets, estate):
        routes = (table or {}).get("Routes") or []
        if not any(route.get("GatewayId") == one["VpcEndpointId"] for route in routes):
            where = label(table, "RouteTableId") if table else name
            yield Cause(where, f"it has no route to {key}, and it serves {name}", "apply the step endpoints")
    lists = [each for each in estate.items(LISTS, "PrefixLists") if each["PrefixListName"] == one.get("ServiceName")]
    for each in lists:
        ranges = tuple(cidr for cidr in each.get("Cidrs") or [] if ":" not in cidr)
        yield from closed(source, Place(key, (), (), each["PrefixListId"], ranges), 443, intent, estate)


def _by_policy(key: str, one: Item, service: str, components: set[str], intent: Intent) -> Iterator[Cause]:
    """Yield each call of these components that the endpoint's policy refuses."""
    policy = parse(one.get("PolicyDocument") or FULL_ACCESS)
    refused = dict.fromkeys(
        f"{request.action} ({decision.reason})"
        for request in must_pass(service, endpoint_facts(intent))
        if request.label in components
        for decision in [evaluate(policy, request)]
        if decision.outcome == DENY
    )
    if refused:
        yield Cause(key, f"its policy refuses {', '.join(refused)}", "apply the step endpoints: its policy is derived")
