"""Security groups: outbound and inbound by named peers only, and an empty default group (NET-04, NET-05)."""

from __future__ import annotations

from collections.abc import Iterator

from airgap.checks.check import check
from airgap.checks.scope import (
    INTERFACE_READS,
    VPC_READS,
    Item,
    Named,
    in_vpc,
    inside,
    tiers,
    vpc_ids,
)
from airgap.model.components import GATEWAYS
from airgap.model.estate import Estate
from airgap.model.intent import Intent

GROUP_READS = (*VPC_READS, "ec2:DescribeSecurityGroups")
RULE_READS = (*GROUP_READS, "ec2:DescribeSecurityGroupRules")
LIST_READS = ("ec2:DescribePrefixLists",)
_WEB = ("80", "443")


def groups(intent: Intent, estate: Estate) -> Named:
    """Return every security group of the VPC, declared or not."""
    return in_vpc(intent, estate, "ec2:DescribeSecurityGroups", "SecurityGroups", "GroupId")


def rules(estate: Estate, group: Item, *, egress: bool) -> list[Item]:
    """Return the rules of a group in one direction."""
    found = estate.items("ec2:DescribeSecurityGroupRules", "SecurityGroupRules")
    return [one for one in found if one["GroupId"] == group["GroupId"] and bool(one.get("IsEgress")) is egress]


def text(rule: Item) -> str:
    """Return a rule as people write it: its id, protocol, ports and peer."""
    ports = "" if rule.get("FromPort") in (None, -1) else f" {rule['FromPort']}-{rule['ToPort']}"
    protocol = "all protocols" if rule.get("IpProtocol") == "-1" else str(rule.get("IpProtocol"))
    return f"{rule['SecurityGroupRuleId']} ({protocol}{ports}, {_peer(rule)})"


def _peer(rule: Item) -> str:
    group = (rule.get("ReferencedGroupInfo") or {}).get("GroupId")
    return str(rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule.get("PrefixListId") or group or "no known peer")


def _foreign_group(rule: Item, intent: Intent, estate: Estate) -> bool:
    """Whether the rule's peer is a group of another account or of another VPC."""
    peer = rule.get("ReferencedGroupInfo") or {}
    own = {group["GroupId"] for _, group in groups(intent, estate)}
    ours = vpc_ids(intent, estate)
    return peer.get("GroupId") not in own or peer.get("VpcId", next(iter(ours))) not in ours


def _gateway_lists(intent: Intent, estate: Estate) -> set[str]:
    """The ids of AWS's prefix lists behind the gateway endpoints."""
    names = {f"com.amazonaws.{intent.region}.{one}" for one in GATEWAYS}
    lists = estate.items("ec2:DescribePrefixLists", "PrefixLists")
    return {one["PrefixListId"] for one in lists if one["PrefixListName"].replace("cn.com.", "com.") in names}


def beyond(rule: Item, intent: Intent, estate: Estate) -> bool:
    """Tell whether a rule's peer lies beyond the VPC, its gateway endpoints and its own groups."""
    if rule.get("CidrIpv4"):
        return not inside(rule["CidrIpv4"], [intent.network.vpc_cidr])
    if rule.get("PrefixListId"):
        return rule["PrefixListId"] not in _gateway_lists(intent, estate)
    return _foreign_group(rule, intent, estate) if rule.get("ReferencedGroupInfo") else True


@check(
    "groups-egress-named",
    "Every outbound rule of the group leads to named peers: endpoints, groups of the VPC, gateway prefix lists",
    severity="critical",
    properties=("NET-04",),
    reads=(*RULE_READS, *LIST_READS),
    remedy="revoke the rule; name the peer group, the VPC's range or the gateway endpoint's prefix list instead",
    over=groups,
)
def egress(group: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each outbound rule whose peer is beyond the environment, or that opens every protocol to a range."""
    for rule in rules(estate, group, egress=True):
        if beyond(rule, intent, estate):
            yield f"outbound rule {text(rule)} leads beyond the environment"
        elif rule.get("IpProtocol") == "-1" and not rule.get("ReferencedGroupInfo"):
            yield f"outbound rule {text(rule)} opens every protocol and port"


@check(
    "groups-ingress-named",
    "Every inbound rule of the group admits named peers only",
    severity="high",
    properties=("NET-05",),
    reads=(*RULE_READS, *LIST_READS, *INTERFACE_READS),
    remedy="revoke the rule; only a load balancer of the declared public tier answers strangers, on 443 and 80",
    over=groups,
)
def ingress(group: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each inbound rule whose peer is beyond the environment, save for the declared tiers' own entrances."""
    for rule in rules(estate, group, egress=False):
        if beyond(rule, intent, estate) and not _entrance(rule, group, intent, estate):
            yield f"inbound rule {text(rule)} admits peers beyond the environment"


def _entrance(rule: Item, group: Item, intent: Intent, estate: Estate) -> bool:
    """Whether the rule is a declared tier's web entrance, and the group is on no interface of a sealed subnet."""
    web = rule.get("IpProtocol") == "tcp" and str(rule.get("FromPort")) in _WEB and rule["FromPort"] == rule["ToPort"]
    from_home = inside(rule.get("CidrIpv4") or "::/0", intent.network.on_premises_cidrs)
    open_tier = intent.network.public_tier != "none" and rule.get("CidrIpv4") == "0.0.0.0/0"
    carried = {
        tiers(intent, estate).get(one.get("SubnetId", ""), "elsewhere")
        for one in estate.items("ec2:DescribeNetworkInterfaces", "NetworkInterfaces")
        if any(each["GroupId"] == group["GroupId"] for each in one.get("Groups", []))
    }
    return web and (open_tier or from_home) and carried <= ({"public"} if open_tier else {"ingress"})


@check(
    "groups-default-empty",
    "The VPC's default security group has no rules and serves nothing",
    severity="high",
    properties=("NET-05",),
    reads=(*RULE_READS, "ec2:DescribeNetworkInterfaces"),
    remedy="revoke its rules, and give what carries it a group of its own",
    over=lambda intent, estate: [
        (f"default group {name}", one) for name, one in groups(intent, estate) if one["GroupName"] == "default"
    ],
)
def default_empty(group: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each rule of the default group and each interface that carries it."""
    for egress_side in (False, True):
        for rule in rules(estate, group, egress=egress_side):
            yield f"it has the {'outbound' if egress_side else 'inbound'} rule {text(rule)}"
    for one in estate.items("ec2:DescribeNetworkInterfaces", "NetworkInterfaces"):
        if any(each["GroupId"] == group["GroupId"] for each in one.get("Groups", [])):
            yield f"interface {one['NetworkInterfaceId']} carries it"


CHECKS = (egress, ingress, default_empty)
