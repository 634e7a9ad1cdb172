"""Addresses: nothing translates or answers to a public one beyond the declared tier, and there is no IPv6 (NET-02)."""

from __future__ import annotations

from collections.abc import Iterator

from airgap.checks.check import check
from airgap.checks.scope import (
    INTERFACE_READS,
    SUBNET_READS,
    Item,
    Named,
    Populated,
    account_row,
    all_subnets,
    every,
    is_ours,
    label,
    sealed_subnets,
    tier,
    tiers,
    vpcs,
    with_interfaces,
)
from airgap.model.estate import Estate
from airgap.model.intent import Intent

_PUBLIC = ("PublicIp", "CarrierIp", "CustomerOwnedIp")


@check(
    "addresses-nat",
    "NAT gateways stand only in declared public subnets, and only where the tier has them",
    severity="critical",
    properties=("NET-02",),
    reads=(*SUBNET_READS, "ec2:DescribeNatGateways"),
    remedy="delete the NAT gateway, or declare public_tier: ingress-and-nat",
    over=vpcs,
)
def nat_gateways(vpc: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each NAT gateway of the VPC that is regional, misplaced or not declared."""
    placed = tiers(intent, estate)
    for one in every(estate, "ec2:DescribeNatGateways", "NatGateways"):
        if one.get("VpcId") != vpc["VpcId"] or one.get("State") in ("deleted", "failed"):
            continue
        name = label(one, "NatGatewayId")
        if intent.network.public_tier != "ingress-and-nat":
            yield f"{name} exists, and public_tier is {intent.network.public_tier}"
        if not one.get("SubnetId"):
            yield f"{name} is regional, so it serves every subnet's zone"
        elif placed.get(one["SubnetId"]) != "public":
            yield f"{name} stands in {one['SubnetId']}, which is not a declared public subnet"


def _outside_public(intent: Intent, estate: Estate) -> Named:
    return [(name, one) for name, one in all_subnets(intent, estate) if tier(one, intent) != "public"]


@check(
    "addresses-public",
    "No network interface outside the public tier has a public address",
    severity="critical",
    properties=("NET-02",),
    reads=INTERFACE_READS,
    remedy="disassociate the address; move what needs one to a declared public subnet",
    over=with_interfaces(_outside_public),
)
def public_addresses(place: Populated, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each public, carrier or customer-owned address on an interface of the subnet."""
    for one in place.interfaces:
        held = [one.get("Association"), *(each.get("Association") for each in one.get("PrivateIpAddresses", []))]
        found = {link[name] for link in held if link for name in _PUBLIC if link.get(name)}
        if found:
            yield f"interface {one['NetworkInterfaceId']} has {', '.join(sorted(found))}"


@check(
    "addresses-elastic",
    "Every elastic address is in use, in the declared public tier",
    severity="high",
    properties=("NET-02",),
    reads=(*INTERFACE_READS, "ec2:DescribeAddresses"),
    remedy="release the address, or associate it in a declared public subnet",
    over=account_row,
)
def elastic(_: None, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each elastic address of ours, or on an interface of our VPC, that stands outside the public tier."""
    placed = tiers(intent, estate)
    every_interface = estate.items("ec2:DescribeNetworkInterfaces", "NetworkInterfaces")
    subnet_of = {one["NetworkInterfaceId"]: one.get("SubnetId", "") for one in every_interface}
    for one in estate.items("ec2:DescribeAddresses", "Addresses"):
        subnet = subnet_of.get(one.get("NetworkInterfaceId", ""), "")
        if subnet in placed and placed[subnet] != "public":
            yield f"{one['PublicIp']} is associated in {subnet}, which is not a declared public subnet"
        elif not one.get("AssociationId") and (is_ours(one, intent) or intent.exclusive_account):
            yield f"{one['PublicIp']} is allocated and serves nothing"


@check(
    "addresses-not-mapped",
    "The subnet gives no public address to what is launched in it",
    severity="high",
    properties=("NET-02",),
    reads=SUBNET_READS,
    remedy="switch the subnet's address attributes off",
    over=all_subnets,
)
def not_mapped(subnet: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each attribute by which the subnet would give addresses from outside."""
    for name in ("MapPublicIpOnLaunch", "MapCustomerOwnedIpOnLaunch", "AssignIpv6AddressOnCreation"):
        if subnet.get(name):
            yield f"{name} is on"


@check(
    "addresses-no-ipv6",
    "The VPC, the subnet and its interfaces have no IPv6",
    severity="high",
    properties=("NET-02", "NET-03"),
    reads=INTERFACE_READS,
    remedy="disassociate the IPv6 ranges; nothing in the environment needs one",
    over=lambda intent, estate: [
        *((name, Populated(one, [])) for name, one in vpcs(intent, estate)),
        *with_interfaces(all_subnets)(intent, estate),
    ],
)
def no_ipv6(place: Populated, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each IPv6 range and each IPv6 address, and that a subnet translates to IPv6."""
    for link in place.subnet.get("Ipv6CidrBlockAssociationSet", []):
        state = (link.get("Ipv6CidrBlockState") or {}).get("State", "associated")
        if state not in ("disassociated", "failed"):
            yield f"it has the IPv6 range {link['Ipv6CidrBlock']}"
    if place.subnet.get("EnableDns64"):
        yield "it answers names with translated IPv6 addresses (DNS64)"
    for one in place.interfaces:
        if one.get("Ipv6Addresses") or one.get("Ipv6Prefixes"):
            yield f"interface {one['NetworkInterfaceId']} has an IPv6 address"


@check(
    "interfaces-not-forwarding",
    "No interface of the sealed subnet forwards traffic that is not its own",
    severity="high",
    properties=("NET-03",),
    reads=INTERFACE_READS,
    remedy="switch the source/destination check on",
    over=with_interfaces(sealed_subnets),
)
def not_forwarding(place: Populated, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each interface without source/destination check; those of AWS's own services pass nothing on."""
    for one in place.interfaces:
        if one.get("SourceDestCheck") is False and not one.get("RequesterManaged"):
            yield f"interface {one['NetworkInterfaceId']} has no source/destination check"


CHECKS = (nat_gateways, public_addresses, elastic, not_mapped, no_ipv6, not_forwarding)
