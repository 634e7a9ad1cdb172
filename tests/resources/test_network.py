"""The network step with the identity that it rests on: applied, empty the second time, destroyed, nothing left."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

import pytest
from embedded import AWS, DEMO

from airgap.model.intent import Intent, Subnet
from airgap.resources import acl
from airgap.resources.identity import IDENTITY
from airgap.resources.network import NETWORK

BOTH = (*IDENTITY, *NETWORK)
GOLDEN = Path(__file__).parent / "cases" / "network_keys.txt"


def moved(intent: Intent, partition: str, region: str) -> Intent:
    """The same environment in another Region."""

    def there(subnets: tuple[Subnet, ...]) -> tuple[Subnet, ...]:
        return tuple(Subnet(one.cidr, region + one.zone[-1]) for one in subnets)

    tiers = ("private_subnets", "public_subnets", "ingress_subnets")
    network = dataclasses.replace(intent.network, **{tier: there(getattr(intent.network, tier)) for tier in tiers})
    return dataclasses.replace(intent, partition=partition, region=region, network=network)


def test_the_network_comes_stays_and_goes(aws: AWS) -> None:
    assert aws.apply(*BOTH).changes
    again = aws.plan(*BOTH)
    assert (list(again.changes), again.plan.unknowns, again.found.orphans) == ([], (), [])
    aws.destroy(*BOTH)
    left = aws.plan(*BOTH).found
    stays = {"service-linked-role", "ebs-default", "bpa-options", "s3-account-block"}
    assert {key.split(":")[0] for key in left.lives} <= stays
    assert left.orphans == []


def test_what_the_reference_environment_declares(aws: AWS) -> None:
    """Entries to AWS's own ranges are counted: their number is AWS's, and their names follow from the ranges."""
    wanted = [one.key for one in aws.desired(*NETWORK)]
    named = sorted(key for key in wanted if not key.startswith("network-acl-entry:"))
    assert named == GOLDEN.read_text().split("\n")[:-1]
    entries = Counter(key.rpartition("-")[0] for key in wanted if key.startswith("network-acl-entry:"))
    assert set(entries) == {
        f"network-acl-entry:{tier}-{way}" for tier in ("private", "public") for way in ("in", "out")
    }
    assert entries["network-acl-entry:private-in"] == entries["network-acl-entry:private-out"] < 20


def test_every_declaration_says_why_and_names_are_unique(aws: AWS) -> None:
    wanted = aws.desired(*NETWORK)
    assert [one.key for one in wanted if not one.why] == []
    assert [key for key, times in Counter(one.key for one in wanted).items() if times > 1] == []


def test_no_declared_field_is_of_another_place(aws: AWS) -> None:
    """What a Region, partition, account or environment is called stands in the params alone.

    The ACLs are left out: they read the Region's own prefix lists, and the embedded Region is another one.
    """
    facts = aws.estate(*(call for one in NETWORK for call in one.reads))
    there = dataclasses.replace(
        moved(DEMO, "aws-cn", "cn-north-1"), account="111122223333", prefix="acme", environment="prod"
    )
    declared = [one.as_data() for each in NETWORK if each is not acl.declare for one in each(there, facts)]
    for word in ("us-east-1", "123456789012", "arn:aws:", "fintech", "demo"):
        assert word not in json.dumps(declared), word


@pytest.mark.parametrize(
    "network",
    [
        {"public_tier": "none", "public_subnets": ()},
        {"public_tier": "ingress"},
        {
            "public_tier": "none",
            "public_subnets": (),
            "ingress_subnets": (Subnet("10.0.3.0/24", "us-east-1a"), Subnet("10.0.4.0/24", "us-east-1b")),
            "on_premises_cidrs": ("172.31.0.0/16",),
        },
    ],
    ids=["none", "ingress", "none with an ingress tier"],
)
def test_other_tiers_settle_and_go(aws: AWS, network: dict) -> None:
    aws.network(**network)
    aws.settled(*BOTH)
    aws.destroy(*BOTH)
    assert aws.client("ec2").describe_vpcs()["Vpcs"] == []


def test_a_tier_that_is_given_up_goes(aws: AWS) -> None:
    aws.settled(*BOTH)
    aws.network(public_tier="none", public_subnets=())
    aws.settled(*BOTH)
    ec2 = aws.client("ec2")
    assert ec2.describe_internet_gateways()["InternetGateways"] == ec2.describe_addresses()["Addresses"] == []
    assert {one["CidrBlock"] for one in ec2.describe_subnets()["Subnets"]} == {
        one.cidr for one in DEMO.network.private_subnets
    }
