"""Security groups, all created empty, and their rules, each a resource of its own (REQUIREMENTS: network).

Groups refer to each other, so every group exists before any rule, and each rule belongs to the step that needs it. A
rule that nobody declared, in a group of ours or in the VPC's default group, is planned as a deletion.
AWS: VPC User Guide, "Security groups"; a new group admits all outbound traffic until that rule is revoked.
"""

from __future__ import annotations

from collections.abc import Iterator

from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.kind import Call, Fields, Kind, declares, tag_specifications

INGRESS, EGRESS = "in", "out"
_OPEN = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
_NO_RULE = ("InvalidPermission.NotFound",)
_GONE = ("InvalidGroup.NotFound", "InvalidSecurityGroupRuleId.NotFound")

GROUPS = {
    "endpoints": "Interface endpoints",
    "cluster": "Control plane of the EKS cluster, beside the group that EKS makes",
    "nodes": "Worker nodes and their pods",
    "operations-host": "Operations host, reached by Session Manager only",
    "runner": "CI runner",
    "alb": "Application load balancer",
    "database": "PostgreSQL",
    "cache": "Cache",
    "rotation": "Secret rotation function",
    "bootstrap": "Function that prepares the database",
}
# The component without which a group would serve nobody; the others are there in every environment.
_COMPONENT = {"operations-host": "operations-host", "runner": "ci-runner", "rotation": "secret-rotation",
              "bootstrap": "database-bootstrap"}  # fmt: skip

# What a group is born with: this is revoked by the call that follows its creation.
CLOSE = Call("ec2:RevokeSecurityGroupEgress", lambda f: {"GroupId": f["id"], "IpPermissions": [_OPEN]}, ignore=_NO_RULE)


def _interfaces(f: Fields) -> dict[str, object]:
    """Ask for the interfaces of functions in a group."""
    wanted = {"group-id": f["id"], "interface-type": "lambda"}
    return {"Filters": [{"Name": name, "Values": [value]} for name, value in wanted.items()]}


SECURITY_GROUP = Kind(
    "security-group",
    "Security group",
    Reading(
        "ec2:DescribeSecurityGroups",
        "SecurityGroups",
        "GroupId",
        fields={
            "name": Field("GroupName", change=NEVER, why="a group's name cannot be changed"),
            "description": Field("Description", change=NEVER, why="a group's description cannot be changed"),
            "vpc": Field("VpcId", change=NEVER, why="a group stays in its VPC"),
        },
    ),
    create=(
        Call(
            "ec2:CreateSecurityGroup",
            lambda f: {
                "GroupName": f["name"],
                "Description": f["description"],
                "VpcId": f["vpc"],
                "TagSpecifications": tag_specifications("security-group")(f),
            },
        ),
        CLOSE,
    ),
    delete=(
        Call("ec2:DeleteSecurityGroup", lambda f: {"GroupId": f["id"]}, ignore=_GONE, retry=("DependencyViolation",)),
    ),
    # Lambda gives back the interfaces of a deleted function up to half an hour later.
    vacated=Call("ec2:DescribeNetworkInterfaces", _interfaces, result="NetworkInterfaces"),
    limit=2700.0,
)

DEFAULT_GROUP = Kind(
    "default-security-group",
    "Default security group of the VPC",
    Reading(
        "ec2:DescribeSecurityGroups",
        "SecurityGroups",
        "GroupId",
        owner="parent",
        natural=("vpc",),
        only=(("GroupName", "default"),),
        fields={"vpc": Field("VpcId", change=NEVER)},
    ),
    born=Call("ec2:DescribeSecurityGroups", lambda f: {"Filters": [{"Name": "vpc-id", "Values": [f["vpc"]]}]}),
    create=(
        CLOSE,
        Call(
            "ec2:RevokeSecurityGroupIngress",
            lambda f: {
                "GroupId": f["id"],
                "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": f["id"]}]}],
            },
            ignore=_NO_RULE,
        ),
    ),
)


def _permission(f: Fields) -> list[dict[str, object]]:
    described = {"Description": f["description"]} if f.get("description") else {}
    peers: dict[str, list[dict[str, str]]] = {}
    if f.get("cidr"):
        peers["IpRanges"] = [{"CidrIp": f["cidr"], **described}]
    if f.get("prefix_list"):
        peers["PrefixListIds"] = [{"PrefixListId": f["prefix_list"], **described}]
    if f.get("peer"):
        peers["UserIdGroupPairs"] = [{"GroupId": f["peer"], **described}]
    ports = {} if f["protocol"] == "-1" else {"FromPort": f["from_port"], "ToPort": f["to_port"]}
    return [{"IpProtocol": f["protocol"], **ports, **peers}]


def _authorize(direction: str, egress: bool) -> Call:
    return Call(
        f"ec2:AuthorizeSecurityGroup{direction}",
        lambda f: {
            "GroupId": f["group"],
            "IpPermissions": _permission(f),
            "TagSpecifications": tag_specifications("security-group-rule")(f),
        },
        result="SecurityGroupRules",
        retry=("InvalidGroup.NotFound",),
        # AWS made it together with the group.
        ignore=("InvalidPermission.Duplicate",),
        when=lambda f: bool(f["egress"]) is egress,
    )


def _revoke(direction: str, egress: bool) -> Call:
    return Call(
        f"ec2:RevokeSecurityGroup{direction}",
        lambda f: {"GroupId": f["group"], "SecurityGroupRuleIds": [f["id"]]},
        ignore=(*_GONE, *_NO_RULE),
        when=lambda f: bool(f["egress"]) is egress,
    )


def _describe(direction: str, egress: bool) -> Call:
    return Call(
        f"ec2:UpdateSecurityGroupRuleDescriptions{direction}",
        lambda f: {
            "GroupId": f["group"],
            "IpPermissions": _permission(f),
        },
        when=lambda f: bool(f["egress"]) is egress,
    )


_BOTH = (("Ingress", False), ("Egress", True))

RULE = Kind(
    "security-group-rule",
    "Security group rule",
    Reading(
        "ec2:DescribeSecurityGroupRules",
        "SecurityGroupRules",
        "SecurityGroupRuleId",
        owner="parent",
        natural=("group", "egress", "protocol", "from_port", "to_port", "cidr", "cidr6", "prefix_list", "peer"),
        fields={
            "group": Field("GroupId", change=NEVER),
            "egress": Field("IsEgress", change=NEVER),
            "protocol": Field("IpProtocol", change=NEVER),
            "from_port": Field("FromPort", change=NEVER),
            "to_port": Field("ToPort", change=NEVER),
            "cidr": Field("CidrIpv4", change=NEVER),
            "cidr6": Field("CidrIpv6", change=NEVER),
            "prefix_list": Field("PrefixListId", change=NEVER),
            "peer": Field("ReferencedGroupInfo.GroupId", change=NEVER),
            "description": Field("Description", why="the rule's own reason"),
        },
    ),
    create=tuple(_authorize(*one) for one in _BOTH),
    updates={"description": tuple(_describe(*one) for one in _BOTH)},
    delete=tuple(_revoke(*one) for one in _BOTH),
)


@declares(SECURITY_GROUP, DEFAULT_GROUP, RULE)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the groups that the chosen components need, all empty, and the VPC's default group, emptied."""
    yield Desired("default-security-group", "main", {"vpc": ref("vpc:main")}, why="what lands in it is cut off")
    for name in groups(intent):
        fields = {"name": intent.name(name), "description": GROUPS[name], "vpc": ref("vpc:main")}
        yield Desired("security-group", name, fields, why="born empty; each step adds the rules that it needs")


def groups(intent: Intent) -> list[str]:
    """Return the names of the security groups that an environment has."""
    return [name for name in GROUPS if _COMPONENT.get(name) in (None, *intent.components)]


def group(name: str) -> str:
    """Return the reference to a security group by its name, or the reference itself (for groups of other kinds)."""
    return name if name.startswith("${") else ref(f"security-group:{name}")


def rule(
    group_name: str,
    direction: str,
    protocol: str,
    from_port: int,
    to_port: int,
    *,
    cidr: str = "",
    peer: str = "",
    prefix_list: str = "",
    why: str,
) -> Desired:
    """Return one rule of a group, with ``why`` as its description: to or from exactly one range, group or prefix list.

    ``group_name`` and ``peer`` are names of groups, or references to groups of other kinds; ``direction`` is ``in`` or
    ``out``; ``protocol`` is ``tcp``, ``udp``, ``icmp``, or ``-1`` with ports -1.
    """
    if sum(map(bool, (cidr, peer, prefix_list))) != 1:
        raise ValueError("a rule has exactly one of cidr, peer and prefix_list")
    ports = "all" if protocol == "-1" else f"{protocol}-{from_port}" + (f"-{to_port}" if to_port != from_port else "")
    other = _word(peer) or prefix_list or cidr.replace(".", "-").replace("/", "-")
    fields = {
        "group": group(group_name),
        "egress": direction == EGRESS,
        "protocol": protocol,
        "from_port": from_port,
        "to_port": to_port,
        "description": why,
    }
    target = {"cidr": cidr} if cidr else {"prefix_list": prefix_list} if prefix_list else {"peer": group(peer)}
    return Desired(
        "security-group-rule", f"{_word(group_name)}-{direction}-{ports}-{other}", {**fields, **target}, why=why
    )


def _word(name: str) -> str:
    """Return a group's name as a part of a rule's name: of a reference, the name in its key."""
    return name.removeprefix("${").split(".")[0].replace(":", "-") if name.startswith("${") else name
