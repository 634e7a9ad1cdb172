"""The walker: one concrete packet through the recorded network, hop by hop; it shares no decision with the prover.

Where a page is missing it takes AWS's default for that kind and says so under ``assumed``.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace

from airgap.egress import routing
from airgap.egress.facts import Item
from airgap.egress.interfaces import Address, holds, public_addresses
from airgap.egress.journey import DELIVERED, DROPPED, EXITS, UNKNOWN, Interface, Trace, owner
from airgap.egress.network import Network, target
from airgap.egress.rules import ICMP, ICMP6, TCP, UDP, Packet, acl_rule, group_rule, rule_of

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
SOMEBODY = ipaddress.IPv4Address("192.0.2.1")
"""Stands for a public address of which nothing is recorded (RFC 5737)."""
MOST_HOPS = 32
"""Hops after which a packet goes in circles; AWS has no path of this length."""


class Walker:
    """Walks packets through one network; a walker is used for one packet."""

    def __init__(self, network: Network, prefer: str = "") -> None:
        """Of two routes that tie, ``prefer`` names the target that is taken."""
        self.network, self.trace, self._prefer = network, Trace(), prefer
        self._by_nat = False
        self._missing()

    def _missing(self) -> None:
        defaults = {
            "NetworkAcls": "the default network ACL, which admits everything",
            "VpcBlockPublicAccessOptions": "Block Public Access is off",
            "SecurityGroups": "security groups that admit everything",
            "NetworkInterfaces": "no interface beside those that instances show",
        }
        for kind, said in defaults.items():
            if not self.network.facts.has(kind):
                self.trace.assumed.append(f"{kind} is not recorded: {said}")

    def send(self, packet: Packet, origin: Interface) -> Trace:
        """Walk a packet from an interface in a subnet."""
        subnet = origin.subnet
        self._hop(str(subnet["SubnetId"]), f"sent by {origin.name}" if origin.name else "sent")
        if origin.groups:
            admitting = group_rule(self.network, origin.groups, packet, packet.destination, True)
            if admitting is None:
                return self._drop("sg-egress", origin.checked)
            said = rule_of(self.network, admitting, packet, packet.destination, True)
            self._hop(admitting, f"security group admits it out{said}")
        return self._onward(packet, subnet, origin.public)

    def _onward(self, packet: Packet, subnet: Item, public: bool) -> Trace:
        """Send on what stands in a subnet: within it passes neither its network ACL nor its routes."""
        vpc = str(subnet["VpcId"])
        at = self.network.subnet_of(vpc, packet.destination)
        if at is not None and at["SubnetId"] == subnet["SubnetId"]:
            return self._arrive(packet, vpc, at)
        if not self._acl(packet, subnet, packet.destination, True):
            return self.trace
        table = self.network.table(subnet)
        if table is None:
            return self._end(UNKNOWN, "no-route-table", str(subnet["SubnetId"]))
        return self._route(packet, table, subnet, public)

    def _route(self, packet: Packet, table: Item, subnet: Item, public: bool) -> Trace:
        """Follow the route of a packet that stands at a subnet's router."""
        if len(self.trace.hops) > MOST_HOPS:
            return self._end(UNKNOWN, "loop", str(table["RouteTableId"]))
        vpc, here = str(subnet["VpcId"]), str(subnet["SubnetId"])
        route, prefix = routing.best(self.network, table, packet.destination, self.trace.assumed, self._prefer)
        if route is None:
            return self._drop("no-route", here)
        self._hop(str(table["RouteTableId"]), f"route {prefix} to {target(route)[1]}")
        if route.get("State") == "blackhole":
            return self._drop("blackhole-route", here)
        member, value = target(route)
        if value == "local":
            return self._local(packet, vpc)
        kind = value.split("-")[0] if member == "GatewayId" else member
        step = _STEPS.get(kind)
        if step is None:
            self._out(value)
            return self._end(EXITS, "unknown-target", value)
        return step(self, packet, value, subnet, public)

    def _local(self, packet: Packet, vpc: str) -> Trace:
        subnet = self.network.subnet_of(vpc, packet.destination)
        if subnet is None:
            return self._drop("no-subnet", vpc)
        if not self._acl(packet, subnet, packet.source, False):
            return self.trace
        return self._arrive(packet, vpc, subnet)

    def _arrive(self, packet: Packet, vpc: str, subnet: Item) -> Trace:
        interface = self.network.interface_at(vpc, packet.destination)
        if interface is None:
            return self._drop("no-host", str(subnet["SubnetId"]))
        nat = self.network.nat_at(interface)
        if nat is not None:
            return self._drop("nat-no-session", nat)
        groups = [str(one.get("GroupId")) for one in interface.get("Groups") or []]
        if groups:
            admitting = group_rule(self.network, groups, packet, packet.source, False)
            if admitting is None:
                return self._drop("sg-ingress", owner(interface))
            said = rule_of(self.network, admitting, packet, packet.source, False)
            self._hop(admitting, f"security group admits it in{said}")
        self._hop(str(interface["NetworkInterfaceId"]), "delivered")
        return self._end(DELIVERED, "", owner(interface))

    def _acl(self, packet: Packet, subnet: Item, peer: Address, outbound: bool) -> bool:
        acl = self.network.acl(subnet)
        admitted, rule = acl_rule(acl, packet, peer, outbound)
        name = str((acl or {}).get("NetworkAclId", "default network ACL"))
        if admitted is None:
            self._end(UNKNOWN, "unread-entry", f"{name} {rule}")
            return False
        self._hop(name, f"rule {rule} {'admits' if admitted else 'denies'} it {'out' if outbound else 'in'}")
        if not admitted:
            self._drop("nacl-egress" if outbound else "nacl-ingress", str(subnet["SubnetId"]))
        return bool(admitted)

    def internet_gateway(self, packet: Packet, gateway: str, subnet: Item, public: bool) -> Trace:
        """Out through an internet gateway: for what has a public address, and where nothing blocks public access."""
        vpc = str(subnet["VpcId"])
        if not self.network.internet_gateway(gateway, vpc):
            return self._drop("gateway-detached", gateway)
        if not public:
            return self._drop("no-public-address", gateway)
        if routing.blocked(self.network, subnet, outbound=True, answers_only=self._by_nat):
            return self._drop("block-public-access", gateway)
        self._out(gateway)
        interface = self.network.interface_of_public(packet.destination)
        if interface is not None:
            return self._from_internet(self._as_seen(packet, vpc), interface)
        self.trace.boundary.append("internet")
        return self._end(EXITS, "", gateway)

    def _as_seen(self, packet: Packet, vpc: str) -> Packet:
        """Return a packet with the source that it has behind an internet gateway: the public one."""
        if packet.version == 6:
            return packet
        return replace(packet, source=self.network.public_of(vpc, packet.source) or SOMEBODY)

    def _from_internet(self, packet: Packet, interface: Item) -> Trace:
        """In through an internet gateway, to the private address behind a public one."""
        nat = self.network.nat_at(interface)
        if nat is not None:
            return self._drop("nat-no-session", nat)
        vpc, subnet = str(interface.get("VpcId")), self.network.subnet(str(interface.get("SubnetId")))
        gateway = self.network.gateway_of(vpc)
        if gateway is None or subnet is None:
            return self._drop("no-internet-gateway", vpc)
        self._hop(gateway, "from the internet")
        if routing.blocked(self.network, subnet, outbound=False):
            return self._drop("block-public-access", gateway)
        return self._enter(_translated(packet, interface), gateway, vpc)

    def _enter(self, packet: Packet, gateway: str, vpc: str) -> Trace:
        """In through a gateway: by the route table that is associated with it, else straight to the subnet."""
        table = self.network.edge_table(gateway)
        route, prefix = routing.best(self.network, table or {}, packet.destination, self.trace.assumed)
        if table is None or route is None:
            return self._local(packet, vpc)
        value = target(route)[1]
        self._hop(str(table["RouteTableId"]), f"route {prefix} to {value}")
        if route.get("State") == "blackhole":
            return self._drop("blackhole-route", gateway)
        # What an appliance makes of it is not recorded.
        return self._local(packet, vpc) if value == "local" else self._end(UNKNOWN, "appliance", value)

    def nat_gateway(self, packet: Packet, gateway: str, subnet: Item, public: bool) -> Trace:
        """Through a NAT gateway, which forwards TCP, UDP and ICMP only and sends on from its own subnet."""
        if packet.protocol not in (TCP, UDP, ICMP, ICMP6):
            return self._drop("nat-protocol", gateway)
        item = self.network.facts.find("NatGateways", "NatGatewayId", gateway)
        if item is None:
            self.trace.assumed.append(f"{gateway} is not recorded: a public NAT gateway")
            return self._beyond(gateway, "internet")
        if item.get("State") in ("deleting", "deleted", "failed"):
            return self._drop("nat-gone", gateway)
        self._hop(gateway, "translated")
        packet = _from_ipv6(packet)
        private = item.get("ConnectivityType") == "private"
        own = self.network.subnet(str(item.get("SubnetId")))
        if own is None:
            return self._regional(packet, item, subnet)
        if own["SubnetId"] != subnet["SubnetId"] and not self._acl(packet, own, packet.source, False):
            return self.trace
        self._by_nat = True
        return self._onward(_translated_by(packet, item), own, not private)

    def _regional(self, packet: Packet, item: Item, subnet: Item) -> Trace:
        """A regional NAT gateway stands in no subnet and has a route table of its own."""
        table = self.network.facts.find("RouteTables", "RouteTableId", str(item.get("RouteTableId")))
        if table is None:
            self.trace.assumed.append(f"the route table of {item['NatGatewayId']} is not recorded: a default route")
            return self._beyond(str(item["NatGatewayId"]), "internet")
        self._by_nat = True
        return self._route(_translated_by(packet, item), table, subnet, True)

    def egress_only(self, packet: Packet, gateway: str, subnet: Item, public: bool) -> Trace:
        """Out through an egress-only internet gateway."""
        if routing.blocked(self.network, subnet, outbound=True, answers_only=True):
            return self._drop("block-public-access", gateway)
        return self._beyond(gateway, "internet")

    def private_gateway(self, packet: Packet, gateway: str, subnet: Item, public: bool) -> Trace:
        """Out through a virtual private gateway; VPNs with static routes only forward what those name."""
        self._out(gateway)
        if not routing.vpn_forwards(self.network, gateway, packet.destination):
            return self._drop("vgw-no-route", gateway)
        self.trace.boundary.append("on-prem")
        return self._end(EXITS, "", gateway)

    def endpoint(self, packet: Packet, gateway: str, subnet: Item, public: bool) -> Trace:
        """To the service behind a gateway endpoint, or into whatever a Gateway Load Balancer endpoint leads to."""
        item = self.network.facts.find("VpcEndpoints", "VpcEndpointId", gateway)
        if item is not None and item.get("VpcEndpointType") == "GatewayLoadBalancer":
            return self._beyond(gateway, "inspection")
        self._out(gateway)
        self.trace.boundary.append("aws-service")
        return self._end(DELIVERED, "", gateway)

    def transit_gateway(self, packet: Packet, gateway: str, subnet: Item, public: bool) -> Trace:
        """Into a transit gateway, by the route table that the VPC's attachment is associated with."""
        attachment = routing.vpc_attachment(self.network, gateway, str(subnet["VpcId"]))
        if attachment is None and self.network.facts.has("TransitGatewayVpcAttachments"):
            return self._drop("no-tgw-attachment", gateway)
        if attachment is None:
            self._out(gateway)
            return self._end(EXITS, "", gateway)
        name = str(attachment["TransitGatewayAttachmentId"])
        stands = routing.attachment_subnet(self.network, name, str(subnet.get("AvailabilityZone", "")))
        if stands is not None and not self._acl(packet, stands, packet.source, False):
            return self.trace
        self._out(gateway)
        return self._transit(packet, gateway, name)

    def _transit(self, packet: Packet, gateway: str, came_by: str) -> Trace:
        if len(self.trace.hops) > MOST_HOPS:
            return self._end(UNKNOWN, "loop", gateway)
        next_hop = routing.transit(self.network, gateway, came_by, packet.destination)
        if next_hop is None:
            return self._drop("no-tgw-route", gateway)
        kind, resource, attachment = next_hop
        self._hop(gateway, f"to {kind} {resource}")
        if kind == routing.DYNAMIC:
            self.trace.assumed.append(f"{resource} may have announced any route to {gateway}")
        if kind == "blackhole":
            return self._drop("tgw-blackhole", gateway)
        if kind == "vpc" and self.network.vpc(resource) is not None:
            return self._attached(packet, resource, attachment)
        if kind == "peering" and routing.known_gateway(self.network, resource):
            return self._transit(packet, resource, attachment)
        self.trace.boundary.append("on-prem" if kind in ("vpn", "direct-connect-gateway") else kind)
        return self._end(EXITS, "", gateway)

    def _attached(self, packet: Packet, vpc: str, attachment: str) -> Trace:
        """Into a VPC by its transit gateway attachment, whose subnet routes and filters what goes on from there."""
        subnet = routing.attachment_subnet(self.network, attachment)
        return self._local(packet, vpc) if subnet is None else self._onward(packet, subnet, False)

    def peering(self, packet: Packet, connection: str, subnet: Item, public: bool) -> Trace:
        """Into a peer VPC, and no further."""
        item = self.network.facts.find("VpcPeeringConnections", "VpcPeeringConnectionId", connection)
        peer = routing.peer_of(item, str(subnet["VpcId"])) if item is not None else ""
        if item is not None and (item.get("Status") or {}).get("Code") != "active":
            return self._drop("peering-inactive", connection)
        self._out(connection)
        if not peer or self.network.vpc(peer) is None:
            self.trace.boundary.append("peer")
            return self._end(EXITS, "", connection)
        return self._local(packet, peer)

    def appliance(self, packet: Packet, value: str, subnet: Item, public: bool) -> Trace:
        """To an interface that is to forward; one that checks source and destination drops what is not its own."""
        interface = self.network.interfaces.get(value) or next(
            (one for one in self.network.interfaces.values() if owner(one) == value), None
        )
        if interface is not None and holds(interface, packet.destination):
            return self._arrive(packet, str(interface.get("VpcId")), subnet)
        if interface is not None and interface.get("SourceDestCheck") is True:
            return self._drop("source-dest-check", value)
        self._out(value)
        return self._end(EXITS, "appliance", value)

    def beyond(self, packet: Packet, value: str, subnet: Item, public: bool) -> Trace:
        """Out through a gateway behind which nothing is modelled."""
        return self._beyond(value, "outside")

    def from_internet(self, packet: Packet) -> Trace:
        """Walk a packet from the internet to a public address."""
        interface = self.network.interface_of_public(packet.destination)
        if interface is None:
            return self._drop("no-such-public-ip", "")
        return self._from_internet(packet, interface)

    def from_gateway(self, packet: Packet, gateway: str) -> Trace:
        """Walk a packet that comes into a VPC through one of its gateways."""
        vpc = routing.vpc_of(self.network, gateway, packet.destination)
        if not vpc:
            return self._drop("no-route", gateway)
        self._hop(gateway, "comes in")
        attachment = routing.vpc_attachment(self.network, gateway, vpc)
        if attachment is not None:
            return self._attached(packet, vpc, str(attachment["TransitGatewayAttachmentId"]))
        return self._enter(packet, gateway, vpc)

    def from_vpc(self, packet: Packet, vpc: str) -> Trace:
        """Walk a packet that stands at a VPC's router: it knows the way to the VPC's own addresses, and to no other."""
        if not any(packet.destination in one for one in self.network.ranges(vpc)):
            return self._drop("no-route", vpc)
        return self._local(packet, vpc)

    def refused(self, reason: str, at: str) -> Trace:
        """Return the trace of a packet that was never sent on."""
        return self._drop(reason, at)

    def unanswered(self, reason: str, at: str) -> Trace:
        """Return the trace of a packet of which nothing can be said."""
        return self._end(UNKNOWN, reason, at)

    def _beyond(self, gateway: str, what: str) -> Trace:
        self._out(gateway)
        self.trace.boundary.append(what)
        return self._end(EXITS, "", gateway)

    def _out(self, gateway: str) -> None:
        self.trace.leaves = True
        self.trace.boundary.append(gateway)
        self._hop(gateway, "leaves the VPC")

    def _hop(self, at: str, what: str) -> None:
        self.trace.hops.append({"at": at, "what": what})

    def _drop(self, reason: str, at: str) -> Trace:
        return self._end(DROPPED, reason, at)

    def _end(self, outcome: str, reason: str, at: str) -> Trace:
        self.trace.outcome, self.trace.reason, self.trace.at = outcome, reason, at
        return self.trace


def _from_ipv6(packet: Packet) -> Packet:
    """Return an IPv6 packet to NAT64's prefix (RFC 6052) as the IPv4 packet that a NAT gateway makes of it."""
    if packet.version == 6 and packet.destination in NAT64:
        there = ipaddress.IPv4Address(int(packet.destination) & 0xFFFFFFFF)
        return Packet(SOMEBODY, there, packet.protocol, packet.port)
    return packet


def _translated_by(packet: Packet, gateway: Item) -> Packet:
    """Return a packet with the source that a NAT gateway gives it: its private address, a regional one's public."""
    own = (gateway.get("NatGatewayAddresses") or [{}])[0]
    given = own.get("PrivateIp") or own.get("PublicIp")
    if packet.version == 6:
        return packet
    return replace(packet, source=ipaddress.ip_address(given) if given else SOMEBODY)


def _translated(packet: Packet, interface: Item) -> Packet:
    """Return a packet to a public address as it stands behind the internet gateway."""
    public = {value: key for key, value in public_addresses(interface).items()}
    private = public.get(str(packet.destination))
    if private is None:
        return packet
    return replace(packet, destination=ipaddress.ip_address(private))


_STEPS = {
    "igw": Walker.internet_gateway,
    "vgw": Walker.private_gateway,
    "vpce": Walker.endpoint,
    "VpcLattice": Walker.beyond,
    "eigw": Walker.egress_only,
    "NatGatewayId": Walker.nat_gateway,
    "EgressOnlyInternetGatewayId": Walker.egress_only,
    "TransitGatewayId": Walker.transit_gateway,
    "VpcPeeringConnectionId": Walker.peering,
    "NetworkInterfaceId": Walker.appliance,
    "InstanceId": Walker.appliance,
    "CarrierGatewayId": Walker.beyond,
    "LocalGatewayId": Walker.beyond,
    "CoreNetworkArn": Walker.beyond,
    "OdbNetworkArn": Walker.beyond,
}
