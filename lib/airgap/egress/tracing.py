"""What-if: can this reach that? One packet from an interface, subnet, VPC, gateway or the internet, by the walker."""

from __future__ import annotations

import ipaddress
from typing import Optional

from airgap.egress.facts import Item
from airgap.egress.interfaces import Address, addresses, holds
from airgap.egress.journey import Interface, Trace, sender
from airgap.egress.network import Network, subnet_ranges
from airgap.egress.rules import ICMP, ICMP6, TCP, UDP, Packet
from airgap.egress.walker import Walker
from airgap.errors import UsageError

INTERNET = "internet"
PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMP6}
# RFC 5737 and RFC 3849 addresses: what stands for anybody, and for an IPv6 address that a subnet might be given.
ANYBODY = {4: "192.0.2.1", 6: "2001:db8::1"}
FREE = 10
"""The offset in a subnet of a hypothetical interface's address; AWS keeps the first four for itself."""


def ask(network: Network, origin: str, to: str, protocol: str, port: Optional[int] = None, source: str = "") -> Trace:
    """Walk one packet; an origin or address that makes no sense raises ``UsageError``."""
    destination = _address(to, "--to")
    number = _protocol(protocol, destination)
    if port is not None and not 0 <= port <= 65535:
        raise UsageError(f"--port {port} is no port", "anything", "0 to 65535; for ICMP type * 256 + code")
    given = _address(source, "--source") if source else None
    if given is not None and given.version != destination.version:
        raise UsageError(f"{given} and {destination} are of two families", "anything", "give two of one family")
    walker = Walker(network)
    if origin == INTERNET:
        return walker.from_internet(Packet(given or _anybody(destination), destination, number, port))
    interface = _interface(network, origin)
    if interface is not None:
        return _from_interface(walker, interface, given, destination, number, port)
    subnet = network.subnet(origin)
    if subnet is not None:
        own = given or hypothetical(subnet, destination.version)
        packet = Packet(own, destination, number, port)
        return walker.send(packet, Interface(str(subnet["VpcId"]), subnet))
    if network.vpc(origin) is not None:
        return walker.from_vpc(Packet(given or _anybody(destination), destination, number, port), origin)
    if not network.knows(origin):
        raise UsageError(
            f"{origin} is not recorded",
            "anything",
            "name an interface, subnet, VPC or gateway of the estate, or internet",
        )
    return walker.from_gateway(Packet(given or _anybody(destination), destination, number, port), origin)


def hypothetical(subnet: Item, version: int) -> Address:
    """Return an address that an interface of a subnet might be given."""
    for one in subnet_ranges(subnet):
        if one.version == version:
            return one[min(FREE, one.num_addresses - 1)]
    return ipaddress.ip_address(ANYBODY[version])


def _from_interface(
    walker: Walker, interface: Item, given: Optional[Address], destination: Address, number: int, port: Optional[int]
) -> Trace:
    own = [ipaddress.ip_address(one) for one in addresses(interface)]
    fitting = [one for one in own if one.version == destination.version]
    name = str(interface["NetworkInterfaceId"])
    if given is None and not fitting:
        raise UsageError(f"{name} has no IPv{destination.version} address", "anything", "give one with --source")
    source = given or fitting[0]
    packet = Packet(source, destination, number, port)
    if not holds(interface, source) and interface.get("SourceDestCheck") is not False:
        return walker.refused("source-dest-check", name)
    if not interface.get("SubnetId") or walker.network.subnet(str(interface["SubnetId"])) is None:
        return walker.unanswered("no-subnet-recorded", name)
    return walker.send(packet, sender(walker.network, interface, source))


def _interface(network: Network, origin: str) -> Optional[Item]:
    """Return the interface of an id, or an instance's first one."""
    found = network.interfaces.get(origin)
    if found is not None or not origin.startswith("i-"):
        return found
    owned = [one for one in network.interfaces.values() if (one.get("Attachment") or {}).get("InstanceId") == origin]
    return min(owned, key=lambda one: int((one.get("Attachment") or {}).get("DeviceIndex") or 0), default=None)


def _address(text: str, option: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is no address", "anything", "give an IPv4 or IPv6 address") from error


def _anybody(destination: Address) -> Address:
    return ipaddress.ip_address(ANYBODY[destination.version])


def _protocol(text: str, destination: Address) -> int:
    name = text.lower()
    if name == "icmp" and destination.version == 6:
        return ICMP6
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    if name.isdigit() and int(name) <= 255:
        return int(name)
    raise UsageError(f"--protocol {text!r} is no protocol", "anything", "tcp, udp, icmp, or a number from 0 to 255")
