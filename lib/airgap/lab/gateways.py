"""The gateways of a twin: what a route may lead to, each as a space of its own or as a sink that says why not."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from airgap.egress.facts import Item
from airgap.egress.interfaces import addresses, public_addresses
from airgap.egress.network import Network, Range, live, subnet_ranges, target
from airgap.lab import filters
from airgap.lab.space import LAST, Space, matches, verdict

if TYPE_CHECKING:
    from airgap.lab.twin import Builder

INTERNET = "internet"
SOMEBODY = "192.0.2.1"
"""The address of a NAT gateway of which none is recorded (RFC 5737)."""
_BLOCKS = {"block-bidirectional": (True, True), "block-ingress": (True, False)}
"""What Block Public Access closes by its mode: internet gateways, and what lets in nothing but answers."""


def way(builder: Builder, space: Space, subnet: Item, route: Item, block: Range) -> str:
    """Return the subnet's device that leads to a route's target, made where it is not there yet."""
    member, value = target(route)
    kind = value.split("-")[0] if member == "GatewayId" else member
    if kind == "igw":
        return _internet_gateway(builder, space, subnet, value)
    if kind in ("eigw", "EgressOnlyInternetGatewayId"):
        return _egress_only(builder, space, subnet, value)
    if kind == "NatGatewayId":
        return _nat(builder, space, subnet, value, block)
    if kind == "vgw":
        return _private(builder, space, subnet, value)
    if kind == "vpce":
        return _endpoint(builder, space, subnet, value)
    if kind == "TransitGatewayId":
        return builder.transit.way(space, subnet, value)
    if kind == "VpcPeeringConnectionId":
        return _peering(builder, space, subnet, value)
    if kind in ("NetworkInterfaceId", "InstanceId"):
        return _appliance(builder, space, subnet, value, block)
    known = kind in ("VpcLattice", "CarrierGatewayId", "LocalGatewayId", "CoreNetworkArn", "OdbNetworkArn")
    return outside(builder, space, subnet, value, "" if known else "unknown-target")


def name_of(text: str) -> str:
    """Return an id as a namespace can be called."""
    return re.sub(r"[^A-Za-z0-9-]+", "-", text)


def join(builder: Builder, space: Space, subnet: Item | None, other: Space) -> tuple[str, bool]:
    """Return the subnet's device towards a space, and whether the link is new; the way back is routed with it."""
    for one in builder.twin.links:
        if (one.near, one.far) == (space.name, other.name) and one.near_device.startswith("g"):
            return one.near_device, False
    near, far = builder.twin.link(space, "g", other, "f")
    for block in subnet_ranges(subnet) if subnet else ():
        other.route(block, far)
    return near, True


def outside(builder: Builder, space: Space, subnet: Item, value: str, reason: str = "", outcome: str = "exits") -> str:
    """Return the device to whatever lies beyond a gateway: it has every address, and says what came to it."""
    name = name_of(value)
    if not builder.has(name):
        there = builder.twin.space(name, "service" if outcome == "delivered" else "outside", f"beyond {value}")
        there.answers_all()
        there.rule("enter", f'iifname "f*" ct state new {verdict(outcome, reason, value)} accept')
    return join(builder, space, subnet, builder.of(name))[0]


def _closed(network: Network, subnet: Item, *, answers_only: bool) -> tuple[bool, bool]:
    """Tell whether Block Public Access closes a subnet's way out, and its way in."""
    home = network.facts.home(subnet)
    own = [one for one in network.facts.items("VpcBlockPublicAccessOptions") if network.facts.home(one) == home]
    mode = str(own[0].get("InternetGatewayBlockMode", "off")) if own else "off"
    if not _BLOCKS.get(mode, (mode != "off", mode != "off"))[answers_only]:
        return False, False
    modes = {
        str(one.get("InternetGatewayExclusionMode"))
        for one in network.facts.items("VpcBlockPublicAccessExclusions")
        if str(one.get("ResourceArn", "")).rpartition("/")[2] in (subnet["SubnetId"], subnet["VpcId"])
        and re.match("(create|update)-complete", str(one.get("State")))
    }
    return not modes & {"allow-egress", "allow-bidirectional"}, "allow-bidirectional" not in modes


def internet_of(builder: Builder) -> Space:
    """Return the internet, made where it is not there yet."""
    if not builder.has(INTERNET):
        there = builder.twin.space(INTERNET, "internet", "every address that is not one of ours")
        there.answers_all()
    return builder.of(INTERNET)


def _internet_gateway(builder: Builder, space: Space, subnet: Item, value: str) -> str:
    network = builder.network
    if not network.internet_gateway(value, str(subnet["VpcId"])):
        return space.sink("dropped", "gateway-detached", value)
    gateway = internet_gateway(builder, value, str(subnet["VpcId"]))
    device, new = join(builder, space, None, gateway)
    if new:
        there = builder.twin.links[-1].far_device
        if _closed(network, subnet, answers_only=False)[0]:
            # Blocking what comes in leaves open what lets in nothing but answers.
            nats = [one for _, one in builder.nats] if not _closed(network, subnet, answers_only=True)[0] else []
            others = f"ip saddr != {{ {', '.join(nats)} }} " if nats else ""
            gateway.rule("arrive", f'iifname "{there}" {others}{verdict("dropped", "block-public-access", value)} drop')
    return device


def internet_gateway(builder: Builder, value: str, vpc: str) -> Space:
    """Return the space of an internet gateway, between the internet and its VPC."""
    if builder.has(value):
        return builder.of(value)
    builder.gateways[value] = vpc
    gateway, internet = builder.twin.space(value, "gateway", "internet gateway"), internet_of(builder)
    there, here = builder.twin.link(internet, "g", gateway, "net")
    internet.rule("enter", f'iifname "{there}" ct state new {verdict("exits", "", value)} accept')
    for every in ("0.0.0.0/0", "::/0"):
        gateway.route(every, here, metric=LAST)
    _, core = builder.twin.link(builder.of(vpc), "igw", gateway, "core")
    for block in builder.network.ranges(vpc):
        gateway.route(block, core)
        if block.version == 6:
            internet.route(block, there)
    return gateway


def public_side(builder: Builder) -> None:
    """Give every internet gateway its table of public addresses, and the internet its routes to them."""
    for item in builder.network.facts.items("InternetGateways"):
        for link in item.get("Attachments") or []:
            if builder.has(str(link.get("VpcId"))):
                internet_gateway(builder, str(item["InternetGatewayId"]), str(link["VpcId"]))
    for gateway, vpc in builder.gateways.items():
        _translating(builder, builder.of(gateway), vpc)
        _closed_inward(builder, builder.of(gateway))
        for (home, private), nat in builder.nats.items():
            said = f"ct state new {verdict('dropped', 'nat-no-session', nat)} drop"
            if home == vpc:
                builder.of(gateway).chains.setdefault("pass", []).insert(0, f'iifname "net0" ip daddr {private} {said}')
    _routes_inward(builder)


def _translating(builder: Builder, gateway: Space, vpc: str) -> None:
    """Let out what has a public address of this VPC, under that address, and in again by it."""
    none = f"{verdict('dropped', 'no-public-address', gateway.name)} drop"
    held = {private: public for (home, private), public in sorted(builder.public.items()) if home == vpc}
    own6 = [one for one in matches("saddr", builder.network.ranges(vpc)) if one.startswith("ip6")]
    known = f"ip saddr != {{ {', '.join(held)} }}" if held else "meta nfproto ipv4"
    if builder.network.edge_table(gateway.name) is not None:
        gateway.rule("pass", f'iifname "net0" ct state new {verdict("unknown", "edge-table", gateway.name)} drop')
    gateway.rule("arrive", f'iifname "f*" {known} {none}')
    gateway.rule(
        "arrive", f'iifname "f*" {own6[0].replace("saddr", "saddr !=") if own6 else "meta nfproto ipv6"} {none}'
    )
    if held:
        there = ", ".join(f"{one} : {public}" for one, public in held.items())
        back = ", ".join(f"{public} : {one}" for one, public in held.items())
        gateway.rule("conceal", f'oifname "net0" snat ip to ip saddr map {{ {there} }}')
        gateway.rule("translate", f'iifname "net0" dnat ip to ip daddr map {{ {back} }}')


def _closed_inward(builder: Builder, gateway: Space) -> None:
    for subnet in builder.network.facts.items("Subnets"):
        if _closed(builder.network, subnet, answers_only=False)[1]:
            for one in matches("daddr", subnet_ranges(subnet)):
                said = verdict("dropped", "block-public-access", gateway.name)
                gateway.rule("pass", f'iifname "net0" {one} ct state new {said} drop')


def _routes_inward(builder: Builder) -> None:
    """Route each public address to the gateway of its interface's VPC; without a gateway nothing comes in."""
    if not builder.has(INTERNET):
        return
    internet, network = builder.of(INTERNET), builder.network
    ways = {one.far: one.near_device for one in builder.twin.links if one.near == INTERNET}
    for (vpc, _), public in sorted(builder.public.items()):
        device = ways.get(network.gateway_of(vpc) or "")
        internet.route(f"{public}/32", device or internet.sink("dropped", "no-internet-gateway", vpc))
    for public in builder.nobodys:
        internet.route(f"{public}/32", internet.sink("unknown", "no-private-address", public))


def _egress_only(builder: Builder, space: Space, subnet: Item, value: str) -> str:
    if _closed(builder.network, subnet, answers_only=True)[0]:
        return space.sink("dropped", "block-public-access", value)
    return outside(builder, space, subnet, value)


def nat_gateways(builder: Builder) -> None:
    """Stand each NAT gateway in its subnet, with its own address there and a public one where it has or needs one."""
    for item in builder.network.facts.items("NatGateways"):
        name, subnet = str(item["NatGatewayId"]), builder.network.subnet(str(item.get("SubnetId")))
        if subnet is None or not builder.has(str(subnet["SubnetId"])):
            builder.twin.missing.append(f"{name}: a NAT gateway that stands in no recorded subnet")
            continue
        held = item.get("NatGatewayAddresses") or []
        interfaces = [one for one in builder.network.interfaces.values() if builder.network.nat_at(one) == name]
        own = [str(one["PrivateIp"]) for one in held if one.get("PrivateIp")]
        own += [each for one in interfaces for each in addresses(one) if each not in own]
        own = own or [SOMEBODY]
        space = builder.twin.space(name, "gateway", "NAT gateway")
        near = builder.attach(subnet, space, own)
        builder.of(str(subnet["SubnetId"])).rule("pass", f'oifname "{near}" accept')
        space.rule("enter", f'iifname "eth0" ct state new {verdict("dropped", "nat-no-session", name)} drop')
        forwarded = "meta l4proto != { 1, 6, 17, 58 }"
        space.rule("arrive", f'iifname "f*" {forwarded} {verdict("dropped", "nat-protocol", name)} drop')
        space.chains["acl_in"] = list(filters.acl_rules(builder.network.acl(subnet), str(subnet["SubnetId"]),
                                                        outbound=False))  # fmt: skip
        space.rule("conceal", f'oifname "eth0" snat ip to {own[0]}')
        known = {one.get("PrivateIp"): one.get("PublicIp") for one in held}
        for one in interfaces:
            known.update(public_addresses(one))
        builder.nats[str(subnet["VpcId"]), own[0]] = name
        if item.get("ConnectivityType") != "private":
            builder.public[str(subnet["VpcId"]), own[0]] = known.get(own[0]) or builder.give_public()


def _nat(builder: Builder, space: Space, subnet: Item, value: str, block: Range) -> str:
    if block.version == 6:
        return space.sink("unknown", "nat64", value)
    item = builder.network.facts.find("NatGateways", "NatGatewayId", value)
    if item is None:
        return outside(builder, space, subnet, value)
    if item.get("State") in ("deleting", "deleted", "failed"):
        return space.sink("dropped", "nat-gone", value)
    if not builder.has(value):
        return space.sink("unknown", "regional", value)
    device, new = join(builder, space, subnet, builder.of(value))
    if new and item.get("SubnetId") != subnet["SubnetId"]:
        builder.of(value).rule("arrive", f'iifname "{builder.twin.links[-1].far_device}" jump acl_in')
    return device


def _private(builder: Builder, space: Space, subnet: Item, value: str) -> str:
    """To the other side of VPNs; where all of them have static routes alone, nothing else is forwarded."""
    fresh = not builder.has(value)
    device = outside(builder, space, subnet, value)
    there = builder.of(value)
    vpns = [one for one in builder.network.facts.where("VpnConnections", VpnGatewayId=value) if live(one)]
    if fresh and vpns and all((one.get("Options") or {}).get("StaticRoutesOnly") for one in vpns):
        there.ip = [one for one in there.ip if "route add local" not in one]
        routes = {each["DestinationCidrBlock"] for one in vpns for each in one.get("Routes") or []}
        there.ip += [f"route add local {one} dev lo table 254" for one in sorted(routes)]
        for one in ("0.0.0.0/0", "::/0"):
            there.route(one, there.sink("dropped", "vgw-no-route", value), metric=LAST)
    return device


def _endpoint(builder: Builder, space: Space, subnet: Item, value: str) -> str:
    item = builder.network.facts.find("VpcEndpoints", "VpcEndpointId", value)
    inspects = item is not None and item.get("VpcEndpointType") == "GatewayLoadBalancer"
    return outside(builder, space, subnet, value, outcome="exits" if inspects else "delivered")


def _peering(builder: Builder, space: Space, subnet: Item, value: str) -> str:
    item = builder.network.facts.find("VpcPeeringConnections", "VpcPeeringConnectionId", value)
    if item is not None and (item.get("Status") or {}).get("Code") != "active":
        return space.sink("dropped", "peering-inactive", value)
    ends = [str(((item or {}).get(end) or {}).get("VpcId", "")) for end in ("AccepterVpcInfo", "RequesterVpcInfo")]
    peer = next((one for one in ends if one != subnet["VpcId"]), "")
    if not peer or not builder.has(peer):
        return outside(builder, space, subnet, value)
    return join(builder, space, None, builder.of(peer))[0]


def _appliance(builder: Builder, space: Space, subnet: Item, value: str, block: Range) -> str:
    held = _named(builder, value)
    if held and held[0].get("SourceDestCheck") is True:
        return space.sink("dropped", "source-dest-check", value)
    return outside(builder, space, subnet, value, "appliance")


def to_itself(builder: Builder, route: Item, block: Range) -> list[Range]:
    """Return the addresses in a route's range that are of the very interface to which it leads."""
    member, value = target(route)
    if member not in ("NetworkInterfaceId", "InstanceId"):
        return []
    own = [ipaddress.ip_network(each) for one in _named(builder, value) for each in addresses(one)]
    return [one for one in own if one.version == block.version and one.network_address in block]


def _named(builder: Builder, value: str) -> list[Item]:
    return [one for one in builder.network.interfaces.values()
            if value in (one["NetworkInterfaceId"], (one.get("Attachment") or {}).get("InstanceId"))]  # fmt: skip
