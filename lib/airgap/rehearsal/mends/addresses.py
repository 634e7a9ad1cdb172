"""Network interfaces: addresses inside the subnet and unique in it, and interfaces that AWS services manage.

moto picks addresses at random, outside of the subnet for endpoints and NAT gateways, and several times the same.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import Any

import moto.ec2.models.nat_gateways
from moto.ec2.models import EC2Backend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.subnets import Subnet

from airgap.rehearsal.hook import before
from airgap.rehearsal.store import new_id
from airgap.rehearsal.wire import Call, Refusal

_create = EC2Backend.create_network_interface
_delete = EC2Backend.delete_network_interface
_filter_value = NetworkInterface.get_filter_value


def taken(backend: Any, subnet: Any) -> set[str]:
    """Return the IPv4 addresses of a subnet that interfaces hold."""
    held = (eni.private_ip_addresses for eni in backend.enis.values() if eni.subnet.id == subnet.id)
    return {address["PrivateIpAddress"] for addresses in held for address in addresses}


def free(backend: Any, subnet: Any) -> Iterator[str]:
    """Yield free addresses of a subnet; the first four and the last belong to AWS. Refuses when there is none left."""
    used = taken(backend, subnet) | set(subnet._subnet_ips)
    for number in range(4, subnet.cidr.num_addresses - 1):
        address = str(subnet.cidr[number])
        if address not in used:
            yield address
    message = f"The specified subnet does not have enough free addresses: {subnet.id}"
    raise Refusal("InsufficientFreeAddressesInSubnet", message)


def _addresses(backend: Any, subnet: Any, primary: Any, others: Any, secondary: int) -> list[dict[str, Any]]:
    """Return the address records of a new interface: as requested, where the request names any."""
    named = [item if isinstance(item, dict) else {"PrivateIpAddress": item} for item in others or []]
    primary = primary[0] if isinstance(primary, list) and primary else primary or None
    chosen = [item["PrivateIpAddress"] for item in named if item.get("PrivateIpAddress")]
    first = next((item["PrivateIpAddress"] for item in named if str(item.get("Primary")).lower() == "true"), None)
    first = primary or first or (chosen[0] if chosen else None)
    stock = free(backend, subnet)
    first = first or next(stock)
    rest = [address for address in chosen if address != first]
    rest += [next(stock) for _ in range(secondary)]
    used = taken(backend, subnet)
    for address in (first, *rest):
        if ipaddress.ip_address(address) not in subnet.cidr:
            raise Refusal(
                "InvalidParameterValue", f"Address does not fall within the subnet's address range: {address}"
            )
        if address in used:
            raise Refusal("InvalidIPAddress.InUse", f"Address {address} is in use.")
    records = [{"Primary": True, "PrivateIpAddress": first}]
    return records + [{"Primary": False, "PrivateIpAddress": address} for address in rest]


def _create_interface(
    self: Any, subnet: Any, private_ip_address: Any, private_ip_addresses: Any = None, *more: Any, **rest: Any
) -> NetworkInterface:
    subnet = self.get_subnet(subnet) if isinstance(subnet, str) else subnet
    secondary = int(rest.pop("secondary_ips_count", None) or 0)
    records = _addresses(self, subnet, private_ip_address, private_ip_addresses, secondary)
    created: NetworkInterface = _create(self, subnet, records[0]["PrivateIpAddress"], records, *more, **rest)
    return created


def _delete_interface(self: Any, eni_id: str) -> None:
    eni = self.enis.get(eni_id)
    if eni is not None and eni.requester_managed:
        message = f"You do not have permission to access the specified resource: {eni_id}"
        raise Refusal("OperationNotPermitted", message)
    if eni is not None and eni.attachment:
        raise Refusal("InvalidParameterValue", f"Network interface '{eni_id}' is currently in use.")
    _delete(self, eni_id)


def managed_interface(backend: Any, subnet_id: str, kind: str, description: str, groups: list[str]) -> NetworkInterface:
    """Create an interface that an AWS service manages and holds; a NAT gateway's has no security group."""
    eni = backend.create_network_interface(subnet_id, None, group_ids=groups, description=description)
    hold(eni, kind, description)
    if not groups:
        eni._group_set = []
    return eni


def hold(eni: Any, kind: str, description: str) -> None:
    """Make an interface one that AWS manages and holds: in use, not to be deleted or detached by the account."""
    eni.requester_managed, eni.status, eni.interface_type, eni.description = True, "in-use", kind, description
    eni.requester_id = "amazon-elb" if kind == "load_balancer" else eni.owner_id
    eni.managed_attachment = {
        "AttachmentId": new_id("ela-attach-"),
        "DeleteOnTermination": False,
        "DeviceIndex": 1,
        "InstanceOwnerId": "amazon-aws",
        "Status": "attached",
    }


def release(backend: Any, eni_id: str) -> None:
    """Take away an interface that AWS manages, with its address."""
    backend.enis.pop(eni_id, None)


def _attachment(self: Any) -> Any:
    managed = self.__dict__.get("managed_attachment")
    return managed or _own_attachment(self)


def _filter(self: Any, filter_name: str, method_name: str | None = None) -> Any:
    known: dict[str, Callable[[], Any]] = {
        "status": lambda: self.status,
        "requester-managed": lambda: str(self.requester_managed).lower(),
        "requester-id": lambda: self.requester_id,
        "interface-type": lambda: self.interface_type,
        "owner-id": lambda: self.owner_id,
        "private-ip-address": lambda: [item["PrivateIpAddress"] for item in self.private_ip_addresses],
        "addresses.private-ip-address": lambda: [item["PrivateIpAddress"] for item in self.private_ip_addresses],
        "group-id": lambda: [group.id for group in self.group_set],
        "mac-address": lambda: self.mac_address,
        "association.public-ip": lambda: self.public_ip,
    }
    return known[filter_name]() if filter_name in known else _filter_value(self, filter_name, method_name)


def _subnet_address(self: Any, instance: Any) -> str:
    address = next(free(self.ec2_backend, self))
    self._subnet_ips[address] = instance
    return address


@before("ec2", "DetachNetworkInterface")
def keep_managed(call: Call) -> None:
    """An interface that AWS holds cannot be detached by the account."""
    if call.get("AttachmentId", "").startswith("ela-attach-"):
        raise Refusal("OperationNotPermitted", "You are not allowed to manage 'ela-attach' attachments.")


_own_attachment = NetworkInterface.attachment.fget
NetworkInterface.attachment = property(_attachment)
NetworkInterface.get_filter_value = _filter
EC2Backend.create_network_interface = _create_interface
EC2Backend.delete_network_interface = _delete_interface
Subnet.get_available_subnet_ip = _subnet_address
moto.ec2.models.nat_gateways.random_private_ip = lambda *_: None
