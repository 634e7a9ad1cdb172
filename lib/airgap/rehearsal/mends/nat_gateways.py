"""NAT gateways: pending and deleting states, an address of the subnet, and a deletion that frees what it held."""

from __future__ import annotations

from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.nat_gateways import NatGateway

from airgap.rehearsal import settling
from airgap.rehearsal.hook import after, before
from airgap.rehearsal.mends.addresses import hold, release
from airgap.rehearsal.wire import Call, Refusal

NAT_GATEWAYS_PER_ZONE = 5
_create = EC2Backend.create_nat_gateway


def _create_gateway(self: Any, *positional: Any, **named: Any) -> NatGateway:
    gateway: Any = _create(self, *positional, **named)
    hold(gateway._eni, "nat_gateway", f"Interface for NAT Gateway {gateway.id}")
    gateway._eni._group_set = []
    return gateway


def _delete_gateway(self: Any, nat_gateway_id: str) -> NatGateway:
    gateway: Any = self.nat_gateways[nat_gateway_id]
    gateway.state = "deleted"
    gateway.gone_at = settling.due("ec2:DeleteNatGateway")
    return gateway


@before("ec2", "*")
def end_deletions(call: Call) -> None:
    """A deleted gateway gives back its interface and its public address when its deletion has ended."""
    backend = call.backend("ec2")
    for gateway in backend.nat_gateways.values():
        if settling.passed(getattr(gateway, "gone_at", float("inf"))) and gateway._eni.id in backend.enis:
            for address in [a for a in backend.addresses if a.eni is gateway._eni]:
                address.eni, address.association_id = None, None
            release(backend, gateway._eni.id)


@before("ec2", "CreateNatGateway")
def judge_creation(call: Call) -> None:
    """A public gateway needs a free address of the account and a VPC with an internet gateway."""
    backend = call.backend("ec2")
    if not call.get("SubnetId"):
        return
    subnet = backend.get_subnet(call.get("SubnetId"))
    zone = subnet.availability_zone
    live = [x for x in backend.nat_gateways.values() if x.state in ("pending", "available")]
    if len([x for x in live if backend.get_subnet(x.subnet_id).availability_zone == zone]) >= NAT_GATEWAYS_PER_ZONE:
        raise Refusal("NatGatewayLimitExceeded", f"Performing this operation would exceed the limit of {zone}")
    if call.get("ConnectivityType", "public") != "public":
        return
    allocation = call.get("AllocationId")
    if not allocation:
        raise Refusal("MissingParameter", "The request must contain the parameter AllocationId")
    address = next((x for x in backend.addresses if x.allocation_id == allocation), None)
    if address is None:
        message = f"Elastic IP address [{allocation}] could not be found"
        raise Refusal("InvalidElasticIpID.NotFound", message)
    if address.association_id:
        raise Refusal("Resource.AlreadyAssociated", f"Elastic IP address [{allocation}] is already associated")
    if not any(getattr(x.vpc, "id", None) == subnet.vpc_id for x in backend.internet_gateways.values()):
        raise Refusal("Gateway.NotAttached", f"Network {subnet.vpc_id} has no Internet gateway attached")


@before("ec2", "DeleteNatGateway", "DescribeNatGateways")
def known_gateways(call: Call) -> None:
    """EC2 names the gateway that is missing."""
    backend = call.backend("ec2")
    single = [call.get("NatGatewayId")] if call.get("NatGatewayId") else []
    for identifier in [*single, *call.get("NatGatewayIds", [])]:
        if identifier not in backend.nat_gateways:
            raise Refusal("NatGatewayNotFound", f"The Nat Gateway {identifier} was not found")


@after("ec2", "CreateNatGateway", "DescribeNatGateways")
def complete(call: Call, result: dict[str, Any]) -> None:
    """Members that moto leaves out."""
    for gateway in [*result.get("NatGateways", []), *([result["NatGateway"]] if "NatGateway" in result else [])]:
        gateway.setdefault("ConnectivityType", "public")
        gateway.setdefault("AvailabilityMode", "zonal")
        for address in gateway.get("NatGatewayAddresses", []):
            address.setdefault("IsPrimary", True)
            address.setdefault("Status", "succeeded")


EC2Backend.create_nat_gateway = _create_gateway
EC2Backend.delete_nat_gateway = _delete_gateway
NatGateway.state = settling.Settling(
    "state",
    {"available": ("pending", "ec2:CreateNatGateway"), "deleted": ("deleting", "ec2:DeleteNatGateway")},
)
