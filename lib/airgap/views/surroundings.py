"""What stands in and around the VPC: its exits, guards and endpoints, as the topology draws them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from airgap.checks import scope
from airgap.model import edge
from airgap.model.components import kind, service_name
from airgap.model.derived import endpoint_services
from airgap.views.look import Look, attempt
from airgap.views.network import allowed, target
from airgap.views.places import Place
from airgap.views.table import LATER

READS = (
    *scope.TABLE_READS,
    "ec2:DescribeInternetGateways",
    "ec2:DescribeEgressOnlyInternetGateways",
    "ec2:DescribeNatGateways",
    "ec2:DescribeVpnGateways",
    "ec2:DescribeTransitGatewayVpcAttachments",
    "ec2:DescribeVpcPeeringConnections",
    "ec2:DescribeCarrierGateways",
    "ec2:DescribeVpcBlockPublicAccessOptions",
    "ec2:DescribeVpcEndpoints",
    "elbv2:DescribeLoadBalancers",
    "route53resolver:GetFirewallConfig",
    "route53resolver:ListFirewallRuleGroupAssociations",
)


@dataclass(frozen=True)
class Exit:
    """One thing that joins the VPC to somewhere else."""

    title: str
    id: str
    names: frozenset[str]
    declared: bool


@dataclass(frozen=True)
class Guard:
    """One thing that keeps the VPC closed: its state in words, the tone of it, and the kinds of resources behind it."""

    title: str
    value: str
    tone: str
    kinds: str


@dataclass(frozen=True)
class Door:
    """One endpoint: the zones in which it stands, whether it is wanted, and the names by which findings call it."""

    service: str
    kind: str
    zones: frozenset[str]
    tables: int
    there: bool
    wanted: bool
    names: frozenset[str]
    unread: str = ""


@dataclass(frozen=True)
class Front:
    """A load balancer: its name, its scheme, the names of the subnets where it stands, and whether it is there."""

    name: str
    scheme: str
    places: frozenset[str]
    there: bool
    declared: bool
    names: frozenset[str]


# Title, call, list, id, and where in an item its VPC stands.
EXITS = (
    ("internet gateway", "ec2:DescribeInternetGateways", "InternetGateways", "InternetGatewayId", "Attachments"),
    ("egress-only gateway", "ec2:DescribeEgressOnlyInternetGateways", "EgressOnlyInternetGateways",
     "EgressOnlyInternetGatewayId", "Attachments"),
    ("VPN gateway", "ec2:DescribeVpnGateways", "VpnGateways", "VpnGatewayId", "VpcAttachments"),
    ("transit gateway", "ec2:DescribeTransitGatewayVpcAttachments", "TransitGatewayVpcAttachments",
     "TransitGatewayAttachmentId", ""),
    ("peering, asked by us", "ec2:DescribeVpcPeeringConnections", "VpcPeeringConnections", "VpcPeeringConnectionId",
     "RequesterVpcInfo"),
    ("peering, asked by others", "ec2:DescribeVpcPeeringConnections", "VpcPeeringConnections",
     "VpcPeeringConnectionId", "AccepterVpcInfo"),
    ("carrier gateway", "ec2:DescribeCarrierGateways", "CarrierGateways", "CarrierGatewayId", ""),
)  # fmt: skip
GONE = ("deleted", "deleting", "detached", "rejected", "failed", "expired")


def _holders(item: Mapping[str, Any], member: str) -> list[Mapping[str, Any]]:
    held = item.get(member, []) if member else item
    return held if isinstance(held, list) else [held]


def _state(item: Mapping[str, Any]) -> str:
    state = item.get("State") or item.get("Status") or ""
    return str(state.get("Code", "") if isinstance(state, Mapping) else state).lower()


def exits(look: Look, vpc: Mapping[str, Any] | None) -> tuple[list[Exit], list[str]]:
    """Return what joins the VPC to somewhere else, and the reasons for what could not be read."""
    found: list[Exit] = []
    reasons: list[str] = []
    public = look.intent.network.public_tier != "none"
    for title, call, path, name, member in EXITS if vpc else ():
        listed, reason = attempt(partial(look.every, call, path), [])
        reasons += [f"{title}: {reason}"] if reason else []
        for one in listed:
            joined = vpc is not None and any(each.get("VpcId") == vpc["VpcId"] for each in _holders(one, member))
            if joined and _state(one) not in GONE:
                names = frozenset({one[name], scope.label(one, name)})
                found.append(Exit(title, one[name], names, public and title == "internet gateway"))
    if vpc is None and public:
        found.append(Exit("internet gateway", "", frozenset({"internet-gateway:main"}), True))
    return found, list(dict.fromkeys(reasons))


def nat_gateways(look: Look, vpc: Mapping[str, Any] | None, listed: list[Place]) -> dict[str, str]:
    """Return the NAT gateway of each subnet by the subnet's name; '' before it exists, one without subnet under ''."""
    if vpc is None:
        declared = look.intent.network.public_tier == "ingress-and-nat"
        return {place.name: "" for place in listed if place.tier == "public" and declared}
    names = {place.id: place.name for place in listed if place.id}
    found, _ = attempt(lambda: look.every("ec2:DescribeNatGateways", "NatGateways"), [])
    mine = [one for one in found if one.get("VpcId") == vpc["VpcId"] and _state(one) not in GONE]
    return {names.get(one.get("SubnetId", ""), ""): one["NatGatewayId"] for one in mine}


def fronts(look: Look, vpc: Mapping[str, Any] | None, listed: list[Place]) -> tuple[list[Front], str]:
    """Return the declared load balancer, there or not, and every other one of the VPC; and why none could be read."""
    intent, app = look.intent, frozenset({"load-balancer:app"})
    wanted = edge.balancer(intent)
    meant = frozenset(one.name for one in listed if one.tier == edge.tier(intent) and one.declared)
    later = Front(wanted, edge.scheme(intent), meant, False, True, app)
    if vpc is None:
        return [later], ""
    found, reason = attempt(lambda: look.every("elbv2:DescribeLoadBalancers", "LoadBalancers"), [])
    names = {one.id: one.name for one in listed if one.id}
    shown = []
    for one in found:
        if one.get("VpcId") == vpc["VpcId"]:
            name, scheme = str(one["LoadBalancerName"]), str(one.get("Scheme"))
            where = frozenset(names.get(zone.get("SubnetId", ""), "") for zone in one.get("AvailabilityZones", []))
            fine = name == wanted and scheme == edge.scheme(intent)
            called = {name, str(one["LoadBalancerArn"]), *(app if name == wanted else ())}
            shown.append(Front(name, scheme, where, True, fine, frozenset(called)))
    missing = [] if reason or any(one.name == wanted for one in shown) else [later]
    return [*shown, *missing], reason


def guards(look: Look, vpc: Mapping[str, Any] | None) -> list[Guard]:
    """Return what keeps the VPC closed beside routes: Block Public Access and the DNS Firewall."""
    return [
        Guard("Block Public Access", *_block_public_access(look, vpc), "bpa-"),
        Guard("DNS Firewall", *_dns_firewall(look, vpc), "firewall-"),
    ]


def _block_public_access(look: Look, vpc: Mapping[str, Any] | None) -> tuple[str, str]:
    page, reason = attempt(lambda: look.estate.page("ec2:DescribeVpcBlockPublicAccessOptions"))
    if reason:
        return "not read", "unknown"
    mode = ((page or {}).get("VpcBlockPublicAccessOptions") or {}).get("InternetGatewayBlockMode", "off")
    if mode == "block-bidirectional":
        return mode, "good"
    return (mode, "bad") if vpc else (f"{mode} until apply", "quiet")


def _dns_firewall(look: Look, vpc: Mapping[str, Any] | None) -> tuple[str, str]:
    if vpc is None:
        return LATER.word, "quiet"
    call = "route53resolver:ListFirewallRuleGroupAssociations"
    found, reason = attempt(lambda: look.every(call, "FirewallRuleGroupAssociations"), [])
    page, unread = attempt(lambda: look.estate.page("route53resolver:GetFirewallConfig", ResourceId=vpc["VpcId"]))
    if reason or unread:
        return "not read", "unknown"
    if not any(one["VpcId"] == vpc["VpcId"] for one in found):
        return "not associated", "bad"
    closed = ((page or {}).get("FirewallConfig") or {}).get("FirewallFailOpen") == "DISABLED"
    return ("fails closed", "good") if closed else ("fails open", "bad")


def doors(look: Look, vpc: Mapping[str, Any] | None, listed: list[Place]) -> list[Door]:
    """Return every wanted endpoint and every surplus one of the VPC, wanted ones in the order of their names."""
    zones = {place.id: place.zone for place in listed if place.id}
    found, reason = attempt(lambda: look.every("ec2:DescribeVpcEndpoints", "VpcEndpoints"), [])
    there = {
        one["ServiceName"]: one for one in found if vpc and one["VpcId"] == vpc["VpcId"] and _state(one) not in GONE
    }
    shown = []
    for service in endpoint_services(look.intent):
        one = there.pop(service_name(service, look.intent.region, look.intent.partition), None)
        shown.append(_door(service, kind(service), one, zones, wanted=True, unread=reason))
    for name, one in sorted(there.items()):
        form = "gateway" if one.get("VpcEndpointType", "Gateway") == "Gateway" else "interface"
        shown.append(_door(name.split(".", 3)[-1], form, one, zones, wanted=False))
    return shown


def _door(service: str, form: str, one: Mapping[str, Any] | None, zones: Mapping[str, str], *, wanted: bool,
          unread: str = "") -> Door:  # fmt: skip
    held = one or {}
    reached = frozenset(zones.get(subnet, "") for subnet in held.get("SubnetIds", []))
    names = {
        f"vpc-endpoint:{service}",
        service,
        *([held["VpcEndpointId"], scope.label(held, "VpcEndpointId")] if held else []),
    }
    tables = len(held.get("RouteTableIds", []))
    return Door(service, form, reached, tables, one is not None, wanted, frozenset(names), unread)


def ways(look: Look, place: Place, shown: Iterable[Door] = ()) -> tuple[list[str], bool | None, frozenset[str]]:
    """Return where a subnet's routes lead, whether its tier may hold them all, and its table's names.

    Routes beyond the tier come first. None is for routes that were not read.
    """
    if place.live is None:
        more = {"public": ["internet gateway"], "private": ["s3", "dynamodb"]}.get(place.tier, [])
        return ["local", *more], True, frozenset()
    served = [(place.name, place.live)]
    tables, reason = attempt(lambda: scope.tables_of(served, look.estate), [])
    if reason or not tables:
        return ["not read"], None, frozenset()
    name, table = tables[0]
    services = {name: door.service for door in shown for name in door.names}
    ranked = sorted(table.get("Routes", []), key=lambda one: allowed(one, place.tier))
    leads = dict.fromkeys(services.get(target(one)) or _said(one) for one in ranked)
    return list(leads), all(allowed(one, place.tier) for one in ranked), frozenset({name, table["RouteTableId"]})


def _said(route: Mapping[str, Any]) -> str:
    leads = target(route)
    words = {"igw": "internet gateway", "vpce": "gateway endpoint", "nat": "NAT gateway", "tgw": "transit gateway"}
    return words.get(leads.split("-")[0], leads)
