"""VPC Block Public Access: on in both directions, with the declared public subnets as its only exclusions (NET-07).

AWS: VPC User Guide, "Block public access to VPCs and subnets". A declarative policy of the organisation may set it;
then the mode in effect is what counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from airgap.checks.check import Undecided, check
from airgap.checks.scope import SUBNET_READS, Item, account_row, all_subnets, tier, vpcs
from airgap.model.estate import Estate
from airgap.model.intent import Intent

MODE = "block-bidirectional"


@check(
    "public-access-blocked",
    "VPC Block Public Access blocks both directions",
    severity="critical",
    properties=("NET-07",),
    reads=("ec2:DescribeVpcBlockPublicAccessOptions",),
    remedy="set it to block-bidirectional; where the account is shared, register an exception that names its owner",
    over=account_row,
)
def blocked(_: None, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield why the internet is not blocked in both directions, whoever manages the setting."""
    body = estate.page("ec2:DescribeVpcBlockPublicAccessOptions") or {}
    options = body.get("VpcBlockPublicAccessOptions") or {}
    mode, manager = options.get("InternetGatewayBlockMode", "off"), options.get("ManagedBy", "account")
    if mode != MODE:
        yield f"the mode is {mode} (managed by {manager})"
    elif options.get("State") == "update-in-progress":
        raise Undecided(f"the mode {MODE} is being put into effect; verify again when it is")


@check(
    "public-access-exclusions",
    "The exclusions from Block Public Access are exactly the declared public subnets",
    severity="critical",
    properties=("NET-07",),
    reads=(*SUBNET_READS, "ec2:DescribeVpcBlockPublicAccessExclusions"),
    remedy="delete the exclusion, or declare the subnet as public",
    over=vpcs,
)
def exclusions(vpc: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each exclusion of the VPC or its subnets that is not declared, and each declared one that is missing."""
    subnets = {one["SubnetId"]: (name, tier(one, intent)) for name, one in all_subnets(intent, estate)}
    excluded = set()
    for one in estate.items("ec2:DescribeVpcBlockPublicAccessExclusions", "VpcBlockPublicAccessExclusions"):
        if one.get("State") in ("delete-complete", "create-failed", "disable-complete"):
            continue
        place = one.get("ResourceArn", "").rpartition("/")[2]
        excluded.add(place)
        if place == vpc["VpcId"]:
            yield f"the whole VPC is excluded ({one['ExclusionId']})"
        elif place in subnets and subnets[place][1] != "public":
            yield f"{subnets[place][0]} is excluded ({one['ExclusionId']}) and is not a declared public subnet"
    for place, (name, where) in subnets.items():
        if where == "public" and place not in excluded:
            yield f"{name} is declared public and not excluded"


CHECKS = (blocked, exclusions)
