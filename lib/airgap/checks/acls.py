"""Network ACLs: the stateless second layer, one per tier, and a default one that serves and admits nothing (NET-06)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from airgap.checks.check import Undecided, check
from airgap.checks.scope import SUBNET_READS, VPC_READS, Item, Named, all_subnets, in_vpc, inside, tiers
from airgap.model.components import GATEWAYS
from airgap.model.estate import Estate
from airgap.model.intent import Intent

READS = (*SUBNET_READS, "ec2:DescribeNetworkAcls")
LISTS = ("ec2:DescribePrefixLists", "ec2:GetManagedPrefixListEntries")
TCP = "6"
DEFAULT = "default-network-acl:main"


def acls(intent: Intent, estate: Estate) -> Named:
    """Return every network ACL of the VPC."""
    found = in_vpc(intent, estate, "ec2:DescribeNetworkAcls", "NetworkAcls", "NetworkAclId")
    return [(DEFAULT if one.get("IsDefault") else name, one) for name, one in found]


def serving(acl: Item, intent: Intent, estate: Estate) -> set[str]:
    """Return the tiers that an ACL serves."""
    placed = tiers(intent, estate)
    return {placed.get(link["SubnetId"], "private") for link in acl.get("Associations", []) if link.get("SubnetId")}


def sealed_acls(intent: Intent, estate: Estate) -> Named:
    """Return the ACLs that serve a sealed subnet."""
    return [(name, one) for name, one in acls(intent, estate) if "private" in serving(one, intent, estate)]


def gateway_ranges(intent: Intent, estate: Estate) -> list[str]:
    """Return the ranges of S3 and DynamoDB in the Region, adjacent ones joined."""
    found: list[ipaddress.IPv4Network] = []
    for one in estate.items("ec2:DescribePrefixLists", "PrefixLists"):
        if any(one["PrefixListName"].endswith(f".{intent.region}.{service}") for service in GATEWAYS):
            entries = estate.items("ec2:GetManagedPrefixListEntries", "Entries", PrefixListId=one["PrefixListId"])
            found += [ipaddress.IPv4Network(each["Cidr"]) for each in entries if ":" not in each["Cidr"]]
    return [str(one) for one in ipaddress.collapse_addresses(found)]


def _admits(entry: Item, intent: Intent, ranges: list[str]) -> bool:
    """Whether an entry that allows stays within the VPC, or goes to gateway endpoints by HTTPS and its answers."""
    cidr = entry.get("CidrBlock")
    if not cidr or inside(cidr, [intent.network.vpc_cidr]):
        return bool(cidr)
    ports = entry.get("PortRange") or {}
    least, most = ports.get("From", 0), ports.get("To", 65535)
    right = (least, most) == (443, 443) if entry.get("Egress") else least >= 1024
    return entry.get("Protocol") == TCP and right and inside(cidr, ranges)


@check(
    "acls-sealed",
    "The sealed tier's network ACL admits the VPC, and S3 and DynamoDB by HTTPS, and nothing else",
    severity="high",
    properties=("NET-06",),
    reads=(*READS, *LISTS),
    remedy="remove the entry; ranges of gateway endpoints are read again at every plan",
    over=sealed_acls,
)
def sealed(acl: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each entry that allows what lies beyond; an earlier denial does not excuse a wide entry."""
    ranges = gateway_ranges(intent, estate)
    for entry in acl.get("Entries", []):
        if entry.get("RuleAction") == "allow" and not _admits(entry, intent, ranges):
            side = "outbound to" if entry.get("Egress") else "inbound from"
            peer = entry.get("CidrBlock") or entry.get("Ipv6CidrBlock")
            ports = entry.get("PortRange") or {}
            what = f"ports {ports.get('From')}-{ports.get('To')}" if ports else "all ports"
            yield f"entry {entry['RuleNumber']} allows {side} {peer}, protocol {entry.get('Protocol')}, {what}"


@check(
    "acls-own",
    "The subnet has the network ACL of its own tier, not the VPC's default one",
    severity="medium",
    properties=("NET-06",),
    reads=READS,
    remedy="associate the subnet with its tier's ACL",
    over=all_subnets,
)
def own(subnet: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield why the subnet's ACL is not its tier's alone."""
    holders = [
        (name, acl)
        for name, acl in acls(intent, estate)
        if any(link.get("SubnetId") == subnet["SubnetId"] for link in acl.get("Associations", []))
    ]
    if not holders:
        raise Undecided(f"no network ACL of {subnet['SubnetId']} is recorded")
    for name, acl in holders:
        if acl.get("IsDefault"):
            yield f"it has the VPC's default ACL {name}"
        others = serving(acl, intent, estate) - {tiers(intent, estate)[subnet["SubnetId"]]}
        if others:
            yield f"its ACL {name} also serves the {', '.join(sorted(others))} tier"


@check(
    "acls-default-empty",
    "The VPC's default network ACL admits nothing",
    severity="medium",
    properties=("NET-06",),
    reads=(*VPC_READS, "ec2:DescribeNetworkAcls"),
    remedy="delete the entries of the default ACL",
    over=lambda intent, estate: [one for one in acls(intent, estate) if one[0] == DEFAULT],
)
def default_empty(acl: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each entry of the default ACL that allows something."""
    for entry in acl.get("Entries", []):
        if entry.get("RuleAction") == "allow":
            side = "outbound to" if entry.get("Egress") else "inbound from"
            yield f"entry {entry['RuleNumber']} allows {side} {entry.get('CidrBlock') or entry.get('Ipv6CidrBlock')}"


CHECKS = (sealed, own, default_empty)
