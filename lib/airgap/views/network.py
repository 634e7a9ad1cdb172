"""The network as it is routed and filtered: effective routes, security groups, network ACLs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airgap.checks import scope
from airgap.egress.network import GATEWAYS as TARGETS
from airgap.views.look import Look, attempt
from airgap.views.places import Place, places, vpc
from airgap.views.table import LATER, Code, Group, Mark, Table, not_read

AS_DECLARED = Mark("as declared", "✓", "good")
BEYOND = Mark("beyond its tier", "✗", "bad")
PLANNED = Mark("declared", "…", "quiet")

ROUTE_READS = scope.TABLE_READS
GROUP_READS = (*scope.VPC_READS, "ec2:DescribeSecurityGroups", "ec2:DescribeSecurityGroupRules")
ACL_READS = (*scope.SUBNET_READS, "ec2:DescribeNetworkAcls")


def target(route: Mapping[str, Any]) -> str:
    """Return where a route leads; a route whose target this code does not know says so."""
    return next((str(route[name]) for name in TARGETS if route.get(name)), "unknown target")


def destination(route: Mapping[str, Any]) -> str:
    """Return what a route is for: a range, or a prefix list."""
    names = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    return next((str(route[name]) for name in names if route.get(name)), "unknown destination")


def allowed(route: Mapping[str, Any], tier: str) -> bool:
    """Tell whether a tier may hold a route: the local one, a gateway endpoint's, and a public tier's way out and in."""
    leads = target(route)
    gateway = leads.startswith("vpce-") and destination(route).startswith("pl-")
    return leads == "local" or gateway or (tier == "public" and leads.startswith("igw-"))


def routes(look: Look) -> Table:
    """Return the effective routes of every subnet, judged by what its tier may hold."""
    rows: list[Any] = []
    for place in places(look):
        served = scope.tables_of([(place.name, place.live)], look.estate) if place.live else []
        name = served[0][0] if served else LATER.word
        rows.append(Group(f"{place.name} · {place.tier} · {place.zone} · {place.cidr} · table {name}"))
        rows += [_route(route, place) for _, table in served for route in table.get("Routes", [])]
        rows += [] if served else [(Code(what), to, "", PLANNED) for what, to in _declared_routes(look, place)]
    return Table("Effective routes", ("destination", "leads to", "state", "judged"), rows)


def _route(route: Mapping[str, Any], place: Place) -> tuple[Any, ...]:
    judged = AS_DECLARED if allowed(route, place.tier) else BEYOND
    return Code(destination(route)), Code(target(route)), route.get("State", ""), judged


def _declared_routes(look: Look, place: Place) -> list[tuple[str, str]]:
    found = [(look.intent.network.vpc_cidr, "local")]
    if place.tier == "public" and look.intent.network.public_tier != "none":
        found.append(("0.0.0.0/0", "internet gateway"))
    if place.tier == "private":
        found += [("prefix list of S3", "gateway endpoint"), ("prefix list of DynamoDB", "gateway endpoint")]
    return found


def security_groups(look: Look) -> Table:
    """Return every rule of every security group of the VPC, each under its group."""
    ours = vpc(look)
    groups = [
        one
        for one in look.every("ec2:DescribeSecurityGroups", "SecurityGroups")
        if ours and one["VpcId"] == ours["VpcId"]
    ]
    rules, reason = attempt(lambda: look.every("ec2:DescribeSecurityGroupRules", "SecurityGroupRules"), [])
    names = {one["GroupId"]: scope.label(one, "GroupName") for one in groups}
    rows: list[Any] = []
    for group in sorted(groups, key=lambda one: names[one["GroupId"]]):
        rows.append(Group(f"{names[group['GroupId']]} · {group['GroupId']} · {group.get('Description', '')}"))
        own = [one for one in rules if one["GroupId"] == group["GroupId"]]
        rows += [_rule(one, names) for one in sorted(own, key=lambda one: (one["IsEgress"], one.get("FromPort", -1)))]
        rows += [] if own else [(not_read(reason) if reason else "no rule: nothing passes", "", "", "")]
    rows += _declared_groups(look, set(names.values()))
    return Table("Security groups", ("direction", "peer", "ports", "reason"), rows)


def _rule(rule: Mapping[str, Any], names: Mapping[str, str]) -> tuple[Any, ...]:
    peer = (rule.get("ReferencedGroupInfo") or {}).get("GroupId", "")
    other = names.get(peer) or peer or rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule.get("PrefixListId") or "?"
    open_out = rule["IsEgress"] and other in ("0.0.0.0/0", "::/0")
    way = "out" if rule["IsEgress"] else "in"
    shown = Mark(other, "✗", "bad") if open_out else Code(other)
    return way, shown, ports(rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort")), rule.get("Description", "")


def _declared_groups(look: Look, there: set[str]) -> list[Any]:
    rows: list[Any] = []
    for one in look.wanted("security-group"):
        if one.key in there:
            continue
        rows.append(Group(f"{one.key} · {LATER.word} · {one.fields.get('description', '')}"))
        rules = [rule for rule in look.wanted("security-group-rule") if one.key in str(rule.fields.get("group"))]
        rows += [_declared_rule(rule.fields) for rule in rules] or [(PLANNED, "no rule in this step", "", "")]
    return rows


def _declared_rule(fields: Mapping[str, Any]) -> tuple[Any, ...]:
    other = fields.get("cidr") or fields.get("cidr6") or fields.get("prefix_list") or fields.get("peer") or "?"
    span = ports(str(fields.get("protocol")), fields.get("from_port"), fields.get("to_port"))
    plain = str(other).removeprefix("${").removesuffix(".id}")
    return "out" if fields.get("egress") else "in", Code(plain), span, fields.get("description", "")


def ports(protocol: str, first: Any, last: Any) -> str:
    """Return protocol and ports in words, as ``tcp 443``; numbers of protocols are IANA's."""
    names = {"-1": "everything", "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
    name = names.get(protocol, protocol)
    if name == "everything" or first is None or first == -1:
        return name
    return f"{name} {first}" if first == last else f"{name} {first}–{last}"


def acls(look: Look) -> Table:
    """Return the entries of every network ACL of the VPC in the order in which they are tried."""
    ours = vpc(look)
    found = [
        one for one in look.every("ec2:DescribeNetworkAcls", "NetworkAcls") if ours and one["VpcId"] == ours["VpcId"]
    ]
    subnets = {place.id: place.name for place in places(look) if place.id}
    rows: list[Any] = []
    for one in sorted(found, key=lambda one: (one.get("IsDefault", False), scope.label(one, "NetworkAclId"))):
        serves = [subnets.get(link["SubnetId"], link["SubnetId"]) for link in one.get("Associations", [])]
        default = " · default" if one.get("IsDefault") else ""
        rows.append(
            Group(f"{scope.label(one, 'NetworkAclId')}{default} · serves {', '.join(sorted(serves)) or 'nothing'}")
        )
        rows += [_entry(entry) for entry in _ordered(one.get("Entries", []))]
    if not found:
        wanted = sorted(
            look.wanted("network-acl-entry"), key=lambda one: (str(one.fields["acl"]), _place_of(one.fields))
        )
        rows += [_declared_entry(one.name, one.fields) for one in wanted]
    return Table("Network ACLs", ("direction", "number", "action", "range", "ports"), rows or [(LATER, "", "", "", "")])


def _place_of(fields: Mapping[str, Any]) -> tuple[bool, int]:
    return bool(fields["egress"]), int(fields["number"])


def _ordered(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(entries, key=lambda one: (one["Egress"], one["RuleNumber"]))


def _entry(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    number = "*" if entry["RuleNumber"] == 32767 else entry["RuleNumber"]
    span = entry.get("PortRange") or {}
    block = entry.get("CidrBlock") or entry.get("Ipv6CidrBlock", "")
    reach = ports(entry["Protocol"], span.get("From"), span.get("To"))
    return "out" if entry["Egress"] else "in", number, entry["RuleAction"], Code(block), reach


def _declared_entry(name: str, fields: Mapping[str, Any]) -> tuple[Any, ...]:
    way = "out" if fields.get("egress") else "in"
    reach = ports(str(fields.get("protocol")), fields.get("from_port"), fields.get("to_port"))
    acl = name.split("-")[0]
    return f"{acl}, {way}", fields.get("number", ""), fields.get("action", ""), Code(str(fields.get("cidr", ""))), reach
