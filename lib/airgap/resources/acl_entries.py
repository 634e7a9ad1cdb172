"""What the network ACL of each tier admits: entries take CIDRs only, so prefix lists are expanded at every plan."""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from airgap.errors import Refused
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.observation import NotObserved

ANYWHERE = "0.0.0.0/0"
HTTPS, EPHEMERAL = (443, 443), (1024, 65535)
QUOTA = "L-2AEEBF1A"  # VPC: rules per network ACL, per direction, the implicit last one included
QUOTA_DEFAULT = 20
READS = ("ec2:DescribePrefixLists", "ec2:GetManagedPrefixListEntries", "service-quotas:ListServiceQuotas")


@dataclass(frozen=True)
class Way:
    """Traffic that a tier admits in one direction: from or to a range, all of it or some TCP ports."""

    egress: bool
    cidr: str
    ports: tuple[int, int] | None
    why: str


def ways(intent: Intent, tier: str, lists: dict[str, list[str]]) -> Iterator[Way]:
    """Yield what a tier's ACL admits; everything else is denied by the ACL's last entry."""
    for egress in (False, True):
        yield Way(egress, intent.network.vpc_cidr, None, "everything inside the VPC, which security groups narrow")
    if tier == "private":
        for service, cidrs in lists.items():
            for cidr in cidrs:
                yield Way(True, cidr, HTTPS, f"to {service} through its gateway endpoint")
                yield Way(False, cidr, EPHEMERAL, f"answers of {service}")
    if tier == "public":
        for port, why in ((443, "clients of the load balancer"), (80, "its redirect to HTTPS")):
            yield Way(False, ANYWHERE, (port, port), why)
        yield Way(True, ANYWHERE, EPHEMERAL, "answers of the load balancer")
    if tier == "public" and intent.network.public_tier == "ingress-and-nat":
        yield Way(True, ANYWHERE, HTTPS, "public-subnet resources through the NAT gateways")
        yield Way(False, ANYWHERE, EPHEMERAL, "answers to them")
    if tier == "ingress":
        for cidr in intent.network.on_premises_cidrs:
            yield Way(False, cidr, HTTPS, "on-premises clients of the internal load balancer")
            yield Way(True, cidr, EPHEMERAL, "answers to them")


def numbered(admitted: Iterable[Way]) -> Iterator[tuple[int, Way]]:
    """Number entries by what they admit, so that a range that AWS adds or drops renumbers no other."""
    taken: set[tuple[bool, int]] = set()
    for way in sorted(admitted, key=lambda way: (way.egress, way.cidr, way.ports or ())):
        number = 100 + zlib.crc32(f"{way.cidr} {way.ports}".encode()) % 32000
        while (way.egress, number) in taken:
            number += 1
        taken.add((way.egress, number))
        yield number, way


def fits(tier: str, entries: list[Way], limit: int) -> None:
    """Raise ``Refused`` when a direction has more entries than the quota admits beside the last one."""
    if len(entries) >= limit:
        raise Refused(
            f"The {tier} tier's network ACL needs {len(entries)} entries in one direction; the quota of {limit} admits "
            f"{limit - 1} beside the last one that denies all",
            "anything; nothing was written",
            f"ask AWS to raise VPC quota {QUOTA} (rules per network ACL; 40 at most), or declare fewer ranges",
        )


def quota(facts: Estate) -> int:
    """Return the account's quota of rules per network ACL and direction; AWS's default where it was not answered."""
    try:
        listed = facts.items("service-quotas:ListServiceQuotas", "Quotas", ServiceCode="vpc")
    except NotObserved:
        return QUOTA_DEFAULT
    return int(next((one["Value"] for one in listed if one["QuotaCode"] == QUOTA), QUOTA_DEFAULT))


def prefix_list(intent: Intent, facts: Estate, service: str) -> str:
    """Return the id of AWS's IPv4 prefix list of a gateway service; raise ``Refused`` where the Region has none."""
    for one in facts.items("ec2:DescribePrefixLists", "PrefixLists"):
        if one["PrefixListName"].endswith(f".{intent.region}.{service}"):
            return str(one["PrefixListId"])
    raise Refused(
        f"{intent.region} has no prefix list of {service}",
        "anything; nothing was written",
        "deploy in a Region that offers the gateway endpoints of S3 and DynamoDB",
    )


def ranges(intent: Intent, facts: Estate, service: str) -> list[str]:
    """Return the IPv4 ranges of a gateway service, adjacent ones joined, none wider than what AWS lists."""
    entries = facts.items(
        "ec2:GetManagedPrefixListEntries", "Entries", PrefixListId=prefix_list(intent, facts, service)
    )
    networks = [ipaddress.IPv4Network(one["Cidr"]) for one in entries]
    return [str(one) for one in ipaddress.collapse_addresses(networks)]
