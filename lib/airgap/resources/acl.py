"""Network ACLs: one per tier with exactly the entries that it needs; the default one emptied (REQUIREMENTS: network).

ACLs are stateless, so each way out has its way back. AWS: VPC User Guide, "Control subnet traffic with network access
control lists".
"""

from __future__ import annotations

from collections.abc import Iterator

from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.acl_entries import READS, Way, fits, numbered, quota, ranges, ways
from airgap.resources.kind import Call, Fields, Kind, declares, tag_specifications
from airgap.resources.vpc import subnets, tier_of

TCP, ALL = "6", "-1"
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


@declares(
    NETWORK_ACL,
    DEFAULT_ACL,
    ACL_ENTRY,
    reads=READS,
)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the ACL of every tier with its entries; raise ``Refused`` where they exceed the account's quota."""
    lists = {service: ranges(intent, facts, service) for service in ("s3", "dynamodb")}
    for tier in dict.fromkeys(map(tier_of, subnets(intent))):
        yield Desired("network-acl", tier, {"vpc": ref("vpc:main")}, why=f"the {tier} tier's own")
        admitted = list(ways(intent, tier, lists))
        for egress in (True, False):
            fits(tier, [way for way in admitted if way.egress is egress], quota(facts))
        for number, way in numbered(admitted):
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
