"""VPC Block Public Access: an exclusion for each declared public subnet, then the block for the whole account.

The block holds for every VPC of the account in the Region, so it is switched on only where the account holds nothing
else; under a declarative policy of the organisation it is the organisation's, and is verified alone.
AWS: VPC User Guide, "Block public access to VPCs and subnets".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.checks.scope import vpc_ids
from airgap.errors import Refused
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.kind import Call, Kind, declares, tag_specifications
from airgap.resources.vpc import subnets, tier_of

BLOCK, ALLOW = "block-bidirectional", "allow-bidirectional"
_GONE = ("InvalidVpcBlockPublicAccessExclusionId.NotFound",)
_EXCLUSIONS = "ec2:DescribeVpcBlockPublicAccessExclusions"
_OPTIONS = "ec2:DescribeVpcBlockPublicAccessOptions"
_UNCHANGED = "anything; nothing was written"

EXCLUSION = Kind(
    "bpa-exclusion",
    "Exclusion from Block Public Access",
    Reading(
        _EXCLUSIONS,
        "VpcBlockPublicAccessExclusions",
        "ExclusionId",
        unless=(("State", "delete-*"), ("State", "disable-*")),
        fields={
            "resource": Field("ResourceArn", change=NEVER, why="an exclusion stays with its subnet"),
            "mode": Field("InternetGatewayExclusionMode", risk="opens"),
        },
        state="State",
        settled=("create-complete", "update-complete"),
        failed=("create-failed", "update-failed"),
    ),
    create=(
        Call(
            "ec2:CreateVpcBlockPublicAccessExclusion",
            lambda f: {
                "SubnetId": f["resource"].rpartition("/")[2],
                "InternetGatewayExclusionMode": f["mode"],
                "TagSpecifications": tag_specifications("vpc-block-public-access-exclusion")(f),
            },
            result="VpcBlockPublicAccessExclusion",
        ),
    ),
    updates={
        "mode": (
            Call(
                "ec2:ModifyVpcBlockPublicAccessExclusion",
                lambda f: {"ExclusionId": f["id"], "InternetGatewayExclusionMode": f["mode"]},
            ),
        )
    },
    delete=(Call("ec2:DeleteVpcBlockPublicAccessExclusion", lambda f: {"ExclusionId": f["id"]}, ignore=_GONE),),
    poll=Call(_EXCLUSIONS, lambda f: {"ExclusionIds": [f["id"]]}, ignore=_GONE),
    seconds=120.0,
    limit=900.0,
)

OPTIONS = Kind(
    "bpa-options",
    "Block Public Access of the account",
    Reading(
        _OPTIONS,
        "VpcBlockPublicAccessOptions",
        "AwsAccountId+AwsRegion",
        owner="account",
        fields={
            "mode": Field("InternetGatewayBlockMode", risk="interrupts", why="internet gateways of the account stop"),
        },
        state="State",
        settled=("update-complete",),
    ),
    create=(),
    updates={
        "mode": (Call("ec2:ModifyVpcBlockPublicAccessOptions", lambda f: {"InternetGatewayBlockMode": f["mode"]}),)
    },
    poll=Call(_OPTIONS, lambda f: {}),
    seconds=120.0,
    limit=900.0,
    account_wide=True,
)


@declares(EXCLUSION, OPTIONS, reads=(_OPTIONS, _EXCLUSIONS, "ec2:DescribeVpcs", "ec2:DescribeInternetGateways"))
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the exclusions of the declared public subnets and, after them, the block of the account.

    Raises ``Refused`` where the account is not declared exclusive and the block is not set already, and where the
    organisation admits no exclusion of a declared public subnet.
    """
    page = facts.page(_OPTIONS) or {}
    options: dict[str, Any] = page["VpcBlockPublicAccessOptions"]
    public = [name for name in subnets(intent) if tier_of(name) == "public"]
    if public and options.get("ExclusionsAllowed") == "not-allowed":
        raise Refused(
            "The organisation's declarative policy admits no exclusion from VPC Block Public Access, and the params "
            f"declare public subnets ({', '.join(public)})",
            _UNCHANGED,
            "declare network.public_tier: none, or ask the organisation to allow exclusions",
        )
    for name in public:
        fields = {"resource": ref(f"subnet:{name}", "arn"), "mode": ALLOW}
        yield Desired("bpa-exclusion", name, fields, why=f"public_tier is {intent.network.public_tier}")
    yield _block(intent, facts, options, tuple(f"bpa-exclusion:{name}" for name in public))


def _block(intent: Intent, facts: Estate, options: dict[str, Any], needs: tuple[str, ...]) -> Desired:
    policed = options.get("ManagedBy") == "declarative-policy"
    losing = [] if options["InternetGatewayBlockMode"] == BLOCK or policed else losers(intent, facts)
    if not (policed or intent.exclusive_account or options["InternetGatewayBlockMode"] == BLOCK):
        others = ", ".join(losing) or "no other VPC today, and every later one"
        raise Refused(
            f"VPC Block Public Access is account-wide and would cut off the internet of {others}; the params do not "
            "declare the account exclusive",
            _UNCHANGED,
            "declare exclusive_account: true if the account holds nothing else; or let its owner set the block",
        )
    why = f"cuts off the internet of {', '.join(losing)} too" if losing else "no internet but the declared exclusions"
    adopted = f"{options['AwsAccountId']}|{options['AwsRegion']}" if policed else ""
    return Desired(
        "bpa-options", "account", {"mode": BLOCK}, needs=needs, why=why, label="account-wide", adopted=adopted
    )


def losers(intent: Intent, facts: Estate) -> list[str]:
    """Return the VPCs of the account, ours apart, that have an internet gateway and no exclusion of the whole VPC."""
    gateways = facts.items("ec2:DescribeInternetGateways", "InternetGateways")
    connected = {link["VpcId"] for one in gateways for link in one.get("Attachments", [])}
    excluded = {
        one["ResourceArn"].rpartition("/")[2]
        for one in facts.items(_EXCLUSIONS, "VpcBlockPublicAccessExclusions")
        if not one["State"].startswith("delete")
    }
    return sorted(connected - excluded - vpc_ids(intent, facts))
