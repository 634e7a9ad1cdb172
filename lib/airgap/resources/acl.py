"""Network ACLs: one per tier with exactly the entries that it needs; the default one emptied (REQUIREMENTS: network).

Entries take CIDRs only, so the ways to S3 and DynamoDB are their prefix lists' ranges, read again at every plan; being
stateless, each has its way back. AWS: VPC User Guide, "Control subnet traffic with network access control lists".
"""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from airgap.errors import Refused
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.observation import NotObserved
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.kind import Call, Fields, Kind, declares, tag_specifications
from airgap.resources.vpc import subnets, tier_of

ANYWHERE = "0.0.0.0/0"
TCP, ALL = "6", "-1"
HTTPS, EPHEMERAL = (443, 443), (1024, 65535)
QUOTA = "L-2AEEBF1A"  # VPC: rules per network ACL, per direction, the implicit last one included
QUOTA_DEFAULT = 20
_GONE = ("InvalidNetworkAclID.NotFound", "InvalidNetworkAclEntry.NotFound")

NETWORK_ACL = Kind(
    "network-acl",
    "Network ACL",
    Reading(
        "ec2:DescribeNetworkAcls",
        "NetworkAcls",
        "NetworkAclId",
        fields={"vpc": Field("VpcId", change=NEVER, why="a network ACL stays in its VPC")},
    ),
    create=(
        Call(
            "ec2:CreateNetworkAcl",
            lambda f: {"VpcId": f["vpc"], "TagSpecifications": tag_specifications("network-acl")(f)},
            result="NetworkAcl",
        ),
    ),
    delete=(
        Call("ec2:DeleteNetworkAcl", lambda f: {"NetworkAclId": f["id"]}, ignore=_GONE, retry=("DependencyViolation",)),
    ),
)


def _entry(f: Fields) -> dict[str, object]:
    ports = {"From": f["from_port"], "To": f["to_port"]} if f.get("from_port") is not None else None
    return {
        "NetworkAclId": f["acl"],
        "Egress": f["egress"],
        "RuleNumber": f["number"],
        "Protocol": f["protocol"],
        "RuleAction": f["action"],
        "CidrBlock": f["cidr"],
        "PortRange": ports,
    }


_ENTRY = ("protocol", "action", "cidr", "from_port", "to_port")

ACL_ENTRY = Kind(
    "network-acl-entry",
    "Network ACL entry",
    Reading(
        "ec2:DescribeNetworkAcls",
        "NetworkAcls.Entries",
        "^.NetworkAclId+Egress+RuleNumber",
        owner="parent",
        natural=("acl", "egress", "number"),
        # The last word of every ACL, for IPv4 and for IPv6: deny all. It cannot be changed.
        unless=(("RuleNumber", "32767"), ("RuleNumber", "32768")),
        fields={
            "acl": Field("^.NetworkAclId", change=NEVER),
            "egress": Field("Egress", change=NEVER),
            "number": Field("RuleNumber", change=NEVER),
            "protocol": Field("Protocol", risk="opens"),
            "action": Field("RuleAction", risk="opens"),
            "cidr": Field("CidrBlock", risk="opens"),
            "from_port": Field("PortRange.From", risk="opens"),
            "to_port": Field("PortRange.To", risk="opens"),
        },
    ),
    create=(Call("ec2:CreateNetworkAclEntry", _entry),),
    updates=dict.fromkeys(_ENTRY, (Call("ec2:ReplaceNetworkAclEntry", _entry),)),
    delete=(
        Call(
            "ec2:DeleteNetworkAclEntry",
            lambda f: {"NetworkAclId": f["acl"], "Egress": f["egress"], "RuleNumber": f["number"]},
            ignore=_GONE,
        ),
    ),
)

_REPLACE = Call("ec2:ReplaceNetworkAclAssociation", lambda f: {"AssociationId": f["id"], "NetworkAclId": f["acl"]})

ACL_ASSOCIATION = Kind(
    "network-acl-association",
    "Association of a network ACL with a subnet",
    Reading(
        "ec2:DescribeNetworkAcls",
        "NetworkAcls.Associations",
        "NetworkAclAssociationId",
        owner="parent",
        natural=("subnet",),
        fields={
            "subnet": Field("SubnetId", change=NEVER),
            "acl": Field("NetworkAclId", risk="opens", why="another ACL judges the subnet's traffic"),
        },
    ),
    # Every subnet is born into the default ACL; to associate is to replace.
    born=Call(
        "ec2:DescribeNetworkAcls",
        lambda f: {"Filters": [{"Name": "association.subnet-id", "Values": [f["subnet"]]}]},
    ),
    create=(_REPLACE,),
    updates={"acl": (_REPLACE,)},
)


def _born_with(egress: bool) -> Call:
    return Call(
        "ec2:DeleteNetworkAclEntry",
        lambda f: {"NetworkAclId": f["id"], "Egress": egress, "RuleNumber": 100},
        ignore=_GONE,
    )


DEFAULT_ACL = Kind(
    "default-network-acl",
    "Default network ACL of the VPC",
    Reading(
        "ec2:DescribeNetworkAcls",
        "NetworkAcls",
        "NetworkAclId",
        owner="parent",
        natural=("vpc",),
        only=(("IsDefault", "true"),),
        fields={"vpc": Field("VpcId", change=NEVER)},
    ),
    born=Call(
        "ec2:DescribeNetworkAcls",
        lambda f: {"Filters": [{"Name": "vpc-id", "Values": [f["vpc"]]}, {"Name": "default", "Values": ["true"]}]},
    ),
    create=(_born_with(True), _born_with(False)),
)


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


@declares(
    NETWORK_ACL,
    DEFAULT_ACL,
    ACL_ENTRY,
    reads=("ec2:DescribePrefixLists", "ec2:GetManagedPrefixListEntries", "service-quotas:ListServiceQuotas"),
)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the ACL of every tier with its entries; raise ``Refused`` where they exceed the account's quota."""
    lists = {service: ranges(intent, facts, service) for service in ("s3", "dynamodb")}
    for tier in dict.fromkeys(map(tier_of, subnets(intent))):
        yield Desired("network-acl", tier, {"vpc": ref("vpc:main")}, why=f"the {tier} tier's own")
        admitted = list(ways(intent, tier, lists))
        for egress in (True, False):
            _fits(tier, [way for way in admitted if way.egress is egress], quota(facts))
        for number, way in _numbered(admitted):
            yield _desired(tier, number, way)


@declares(ACL_ASSOCIATION, DEFAULT_ACL)
def associate(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield each subnet's association with its tier's ACL and, after them all, the default ACL without entries."""
    for name in subnets(intent):
        entries = {"subnet": ref(f"subnet:{name}"), "acl": ref(f"network-acl:{tier_of(name)}")}
        yield Desired("network-acl-association", name, entries, why="no subnet is left to the default ACL")
    associated = tuple(f"network-acl-association:{name}" for name in subnets(intent))
    why = "holds no entry, so what it would serve is cut off"
    yield Desired("default-network-acl", "main", {"vpc": ref("vpc:main")}, needs=associated, why=why)


def _desired(tier: str, number: int, way: Way) -> Desired:
    fields = {
        "acl": ref(f"network-acl:{tier}"),
        "egress": way.egress,
        "number": number,
        "protocol": TCP if way.ports else ALL,
        "action": "allow",
        "cidr": way.cidr,
    }
    if way.ports:
        fields |= {"from_port": way.ports[0], "to_port": way.ports[1]}
    return Desired("network-acl-entry", f"{tier}-{'out' if way.egress else 'in'}-{number}", fields, why=way.why)


def _numbered(admitted: Iterable[Way]) -> Iterator[tuple[int, Way]]:
    """Number entries by what they admit, so that a range that AWS adds or drops renumbers no other."""
    taken: set[tuple[bool, int]] = set()
    for way in sorted(admitted, key=lambda way: (way.egress, way.cidr, way.ports or ())):
        number = 100 + zlib.crc32(f"{way.cidr} {way.ports}".encode()) % 32000
        while (way.egress, number) in taken:
            number += 1
        taken.add((way.egress, number))
        yield number, way


def _fits(tier: str, entries: list[Way], limit: int) -> None:
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
