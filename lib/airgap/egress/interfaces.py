"""Network interfaces: the addresses, prefixes and public addresses that are theirs, as EC2 describes them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any, Union

from airgap.egress.facts import Item

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


def addresses(interface: Item) -> Iterator[str]:
    """Yield every private and IPv6 address of an interface."""
    if interface.get("PrivateIpAddress"):
        yield interface["PrivateIpAddress"]
    for one in interface.get("PrivateIpAddresses") or []:
        yield one["PrivateIpAddress"]
    for one in interface.get("Ipv6Addresses") or []:
        yield one["Ipv6Address"]


def prefixes(interface: Item) -> Iterator[str]:
    """Yield every prefix that is delegated to an interface: all of its addresses are the interface's."""
    for one in interface.get("Ipv4Prefixes") or []:
        yield one["Ipv4Prefix"]
    for one in interface.get("Ipv6Prefixes") or []:
        yield one["Ipv6Prefix"]


def holds(interface: Item, address: Address) -> bool:
    """Tell whether an address is an interface's, by itself or in a prefix."""
    return str(address) in addresses(interface) or any(
        address in ipaddress.ip_network(one) for one in prefixes(interface)
    )


def public_addresses(interface: Item) -> dict[str, str]:
    """Return the public address of each private address that has one."""
    found: dict[str, Any] = {}
    if (interface.get("Association") or {}).get("PublicIp"):
        found[str(interface.get("PrivateIpAddress"))] = interface["Association"]["PublicIp"]
    for one in interface.get("PrivateIpAddresses") or []:
        if (one.get("Association") or {}).get("PublicIp"):
            found[one["PrivateIpAddress"]] = one["Association"]["PublicIp"]
    return found
