"""The network as AWS documents it: what belongs to what, looked up in the facts; no decision about any packet.

Sources: VPC User Guide ("Route tables", "Network ACLs", "Security groups"), EC2 API Reference.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterator
from typing import Any, Optional, Union

from airgap.egress.facts import Facts, Item
from airgap.egress.interfaces import Address, addresses, holds, prefixes, public_addresses

Range = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

GATEWAYS = (
    "GatewayId",
    "NatGatewayId",
    "EgressOnlyInternetGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "NetworkInterfaceId",
    "InstanceId",
    "CarrierGatewayId",
    "LocalGatewayId",
    "CoreNetworkArn",
    "OdbNetworkArn",
    "IpAddress",
)
"""Members of a route that name its target, the one that decides first; EC2 gives an instance's interface as well."""
RECORDED = (
    ("InternetGateways", "InternetGatewayId"),
    ("VpnGateways", "VpnGatewayId"),
    ("TransitGateways", "TransitGatewayId"),
    ("VpcPeeringConnections", "VpcPeeringConnectionId"),
    ("NatGateways", "NatGatewayId"),
    ("VpcEndpoints", "VpcEndpointId"),
)
"""Kinds of gateways, and the member that holds the id."""
_PLAIN = {
    "DestinationCidrBlock",
    "DestinationIpv6CidrBlock",
    "DestinationPrefixListId",
    "InstanceOwnerId",
    "Origin",
    "State",
    *GATEWAYS,
}
_LIVE = ("available", "pending", "active", "associated", "attached", "modifying", "pendingAcceptance")


class Network:
    """Lookups over the facts of all accounts and Regions."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._interfaces: Optional[dict[str, Item]] = None
        self._addresses: Optional[dict[tuple[str, str], Item]] = None
        self._public: Optional[dict[str, Item]] = None
        self._tables: Optional[dict[str, Item]] = None
        self._acls: Optional[dict[str, Item]] = None

    def subnet(self, subnet_id: str) -> Optional[Item]:
        """Return a subnet by its id."""
        return self.facts.find("Subnets", "SubnetId", subnet_id)

    def vpc(self, vpc_id: str) -> Optional[Item]:
        """Return a VPC by its id."""
        return self.facts.find("Vpcs", "VpcId", vpc_id)

    def ranges(self, vpc_id: str) -> list[Range]:
        """Return every range of a VPC, secondary and IPv6 ones included."""
        vpc = self.vpc(vpc_id) or {}
        sets = ("CidrBlockAssociationSet", "Ipv6CidrBlockAssociationSet")
        blocks = list(_associated(vpc, sets[0])) or [vpc.get("CidrBlock")]
        return [ipaddress.ip_network(one) for one in (*blocks, *_associated(vpc, sets[1])) if one]

    def subnet_of(self, vpc_id: str, address: Address) -> Optional[Item]:
        """Return the subnet of a VPC in whose range an address lies."""
        for one in self.facts.where("Subnets", VpcId=vpc_id):
            if any(address in found for found in subnet_ranges(one)):
                return one
        return None

    @property
    def interfaces(self) -> dict[str, Item]:
        """Every network interface by id; those that only an instance's description shows are included."""
        if self._interfaces is None:
            found = {one["NetworkInterfaceId"]: one for one in self.facts.items("NetworkInterfaces")}
            for reservation in self.facts.items("Reservations"):
                for instance in reservation.get("Instances") or []:
                    for one in instance.get("NetworkInterfaces") or []:
                        shown = {**one, "Attachment": {"InstanceId": instance.get("InstanceId")}}
                        found.setdefault(one["NetworkInterfaceId"], shown)
            self._interfaces = found
        return self._interfaces

    def interface_at(self, vpc_id: str, address: Address) -> Optional[Item]:
        """Return the interface of a VPC that has an address."""
        if self._addresses is None:
            self._addresses = {
                (str(one.get("VpcId")), str(each)): one for one in self.interfaces.values() for each in addresses(one)
            }
        found = self._addresses.get((vpc_id, str(address)))
        if found is None:
            mine = (one for one in self._delegated if str(one.get("VpcId")) == vpc_id)
            found = next((one for one in mine if holds(one, address)), None)
        return found

    @functools.cached_property
    def _delegated(self) -> list[Item]:
        """The interfaces with prefixes, whose addresses are not listed one by one."""
        return [one for one in self.interfaces.values() if any(prefixes(one))]

    def interface_of_public(self, address: Address) -> Optional[Item]:
        """Return the interface to which a public address belongs."""
        if self._public is None:
            self._public = {
                public: one for one in self.interfaces.values() for public in public_addresses(one).values()
            }
            for gateway in self.facts.items("NatGateways"):
                for each in gateway.get("NatGatewayAddresses") or []:
                    one = self.interfaces.get(str(each.get("NetworkInterfaceId")))
                    if one is not None and each.get("PublicIp"):
                        self._public[each["PublicIp"]] = one
        return self._public.get(str(address))

    def public_of(self, vpc_id: str, address: Address) -> Optional[Address]:
        """Return the public address by which an address of a VPC is known outside, a NAT gateway's own included."""
        known = public_addresses(self.interface_at(vpc_id, address) or {}).get(str(address))
        for gateway in self.facts.where("NatGateways", VpcId=vpc_id) if known is None else ():
            for one in gateway.get("NatGatewayAddresses") or []:
                if str(address) in (one.get("PrivateIp"), one.get("PublicIp")):
                    known = one.get("PublicIp")
        return ipaddress.ip_address(known) if known else None

    def table(self, subnet: Item) -> Optional[Item]:
        """Return the route table of a subnet: by explicit association, else its VPC's main table."""
        if self._tables is None:
            self._tables = {}
            for table in self.facts.items("RouteTables"):
                for link in table.get("Associations") or []:
                    if _gone(link.get("AssociationState")):
                        continue
                    if link.get("SubnetId"):
                        self._tables[link["SubnetId"]] = table
                    elif link.get("Main"):
                        self._tables[f"main {table['VpcId']}"] = table
        return self._tables.get(subnet["SubnetId"]) or self._tables.get(f"main {subnet['VpcId']}")

    def edge_table(self, gateway: str) -> Optional[Item]:
        """Return the route table that is associated with a gateway, for what comes in through it."""
        for table in self.facts.items("RouteTables"):
            for link in table.get("Associations") or []:
                if link.get("GatewayId") == gateway and not _gone(link.get("AssociationState")):
                    return table
        return None

    def acl(self, subnet: Item) -> Optional[Item]:
        """Return the network ACL of a subnet: by association, else its VPC's default one."""
        if self._acls is None:
            self._acls = {}
            for one in self.facts.items("NetworkAcls"):
                links = one.get("Associations") or []
                self._acls.update({link["SubnetId"]: one for link in links if "SubnetId" in link})
                if one.get("IsDefault"):
                    self._acls[f"default {one['VpcId']}"] = one
        return self._acls.get(subnet["SubnetId"]) or self._acls.get(f"default {subnet['VpcId']}")

    def group(self, group_id: str) -> Optional[Item]:
        """Return a security group by its id."""
        return self.facts.find("SecurityGroups", "GroupId", group_id)

    def prefix_list(self, list_id: str) -> Optional[list[Range]]:
        """Return the ranges of a prefix list, AWS's or a customer's; None where its entries were not recorded."""
        aws = self.facts.find("PrefixLists", "PrefixListId", list_id)
        if aws is not None:
            return [ipaddress.ip_network(one) for one in aws.get("Cidrs") or []]
        entries = self.facts.find("PrefixListEntries", "PrefixListId", list_id)
        pages = self.facts.asked("ec2:GetManagedPrefixListEntries")
        if entries is not None and not any(one.refused for one in pages if one.params.get("PrefixListId") == list_id):
            return [ipaddress.ip_network(one["Cidr"]) for one in entries.get("Entries") or []]
        return None

    def nat_at(self, interface: Item) -> Optional[str]:
        """Return the id of the NAT gateway whose interface this is."""
        for gateway in self.facts.items("NatGateways"):
            for one in gateway.get("NatGatewayAddresses") or []:
                if one.get("NetworkInterfaceId") == interface["NetworkInterfaceId"]:
                    return str(gateway["NatGatewayId"])
        return interface["NetworkInterfaceId"] if interface.get("InterfaceType") == "nat_gateway" else None

    def internet_gateway(self, gateway_id: str, vpc_id: str) -> bool:
        """Tell whether an internet gateway is attached to a VPC; one that is not recorded is taken to be."""
        one = self.facts.find("InternetGateways", "InternetGatewayId", gateway_id)
        if one is None:
            return True
        return any(link.get("VpcId") == vpc_id for link in one.get("Attachments") or [])

    def gateway_of(self, vpc_id: str) -> Optional[str]:
        """Return the id of the internet gateway that is attached to a VPC."""
        for one in self.facts.items("InternetGateways"):
            if any(link.get("VpcId") == vpc_id for link in one.get("Attachments") or []):
                return str(one["InternetGatewayId"])
        return None

    def knows(self, gateway: str) -> bool:
        """Tell whether a gateway is recorded, by itself or as the target of a route."""
        if any(self.facts.find(kind, member, gateway) for kind, member in RECORDED):
            return True
        routes = (each for table in self.facts.items("RouteTables") for each in table.get("Routes") or [])
        return any(target(each)[1] == gateway for each in routes)

    def destinations(self, route: Item) -> Optional[list[Range]]:
        """Return the ranges that a route is for; None where its prefix list is not known."""
        for member in ("DestinationCidrBlock", "DestinationIpv6CidrBlock"):
            if route.get(member):
                return [ipaddress.ip_network(str(route[member]))]
        return self.prefix_list(str(route.get("DestinationPrefixListId")))


def target(route: Item) -> tuple[str, str]:
    """Return (member, value) of a route's target; a member that EC2 has added since is one too."""
    for member in GATEWAYS:
        if route.get(member):
            return member, str(route[member])
    for member, value in route.items():
        if member not in _PLAIN and value:
            return member, str(value)
    return "", ""


def unread(route: Item) -> list[str]:
    """Return the members of a route that are not known, where a known one names its target as well."""
    named = any(route.get(member) for member in GATEWAYS)
    return [member for member, value in route.items() if named and member not in _PLAIN and value]


def rank(route: Item) -> int:
    """Return what decides between routes of one prefix length: static, by prefix list, propagated."""
    if route.get("Origin") == "EnableVgwRoutePropagation":
        return 2
    return 1 if route.get("DestinationPrefixListId") else 0


def propagated(route: Item) -> bool:
    """Tell whether a gateway has written a route: it never overrides the local one."""
    return bool(rank(route) == 2)


def subnet_ranges(subnet: Item) -> list[Range]:
    """Return the ranges of a subnet."""
    found = [subnet.get("CidrBlock"), *_associated(subnet, "Ipv6CidrBlockAssociationSet")]
    return [ipaddress.ip_network(one) for one in found if one]


def _associated(item: Item, member: str) -> Iterator[Any]:
    """Yield the blocks of a set of associations, without those that were taken away."""
    for one in item.get(member) or []:
        if not _gone(one.get("CidrBlockState") or one.get("Ipv6CidrBlockState")):
            yield one.get("CidrBlock") or one.get("Ipv6CidrBlock")


def _gone(state: Optional[Item]) -> bool:
    return (state or {}).get("State") in ("disassociated", "failed")


def live(item: Item) -> bool:
    """Tell whether an attachment or connection carries traffic, by its state."""
    state = item.get("State") or (item.get("Status") or {}).get("Code") or "available"
    return state in _LIVE
