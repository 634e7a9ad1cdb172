"""Network ACLs: what each tier admits, the quota, and the default ACL without entries."""

from __future__ import annotations

import pytest
from embedded import AWS, DEMO

from airgap.errors import Refused
from airgap.model.intent import Subnet
from airgap.resources import acl, vpc
from airgap.resources.acl_entries import EPHEMERAL, HTTPS, QUOTA_DEFAULT, READS, numbered, quota, ranges, ways

PLACE = (vpc.declare, acl.declare, vpc.declare_subnets, acl.associate)
OPEN = "0.0.0.0/0"


def test_the_sealed_tier_reaches_the_vpc_and_the_gateway_services_only(aws: AWS) -> None:
    facts = aws.estate(*READS)
    lists = {service: ranges(DEMO, facts, service) for service in ("s3", "dynamodb")}
    admitted = list(ways(DEMO, "private", lists))
    assert lists["s3"]
    assert lists["dynamodb"]
    outside = [way for way in admitted if way.cidr != DEMO.network.vpc_cidr]
    assert {way.cidr for way in outside} == {cidr for cidrs in lists.values() for cidr in cidrs}
    assert {way.ports for way in outside if way.egress} == {HTTPS}
    assert {way.ports for way in outside if not way.egress} == {EPHEMERAL}
    assert OPEN not in {way.cidr for way in admitted}


@pytest.mark.parametrize(
    ("tier", "inward", "outward"),
    [
        ("ingress", {(443, 443), (80, 80)}, {EPHEMERAL}),
        ("ingress-and-nat", {(443, 443), (80, 80), EPHEMERAL}, {EPHEMERAL, HTTPS}),
    ],
)
def test_the_public_tier_is_as_wide_as_declared(aws: AWS, tier: str, inward: set, outward: set) -> None:
    aws.network(public_tier=tier)
    admitted = [way for way in ways(aws.intent, "public", {}) if way.cidr == OPEN]
    assert {way.ports for way in admitted if not way.egress} == inward
    assert {way.ports for way in admitted if way.egress} == outward


def test_the_ingress_tier_admits_on_premises_clients(aws: AWS) -> None:
    aws.network(ingress_subnets=(Subnet("10.0.3.0/24", "us-east-1a"),), on_premises_cidrs=("172.31.0.0/16",))
    admitted = [way for way in ways(aws.intent, "ingress", {}) if way.cidr == "172.31.0.0/16"]
    assert {(way.egress, way.ports) for way in admitted} == {(False, HTTPS), (True, EPHEMERAL)}
    aws.settled(*PLACE)


def test_bring_settle_remove_and_bring_again(aws: AWS) -> None:
    ec2 = aws.client("ec2")
    for _ in range(2):
        aws.settled(*PLACE)
        acls = ec2.describe_network_acls()["NetworkAcls"]
        (default,) = [one for one in acls if one["IsDefault"]]
        assert default["Associations"] == []
        assert {entry["RuleNumber"] for entry in default["Entries"]} == {32767}
        aws.destroy(*PLACE)
        assert ec2.describe_network_acls()["NetworkAcls"] == []


def test_drift_of_entries_and_associations(aws: AWS) -> None:
    aws.settled(*PLACE)
    ec2, found = aws.client("ec2"), aws.plan(*PLACE).found
    private = found.lives["network-acl:private"].id
    default = found.lives["default-network-acl:main"].id
    entry = next(live for live in found.lives.values() if live.key.startswith("network-acl-entry:private-out-"))
    everything = {"Protocol": "-1", "RuleAction": "allow", "Egress": True, "CidrBlock": OPEN}
    ec2.create_network_acl_entry(NetworkAclId=private, RuleNumber=1, **everything)
    ec2.create_network_acl_entry(NetworkAclId=default, RuleNumber=1, **everything)
    ec2.delete_network_acl_entry(NetworkAclId=private, RuleNumber=entry.fields["number"], Egress=True)
    association = found.lives["network-acl-association:private-a"].id
    ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=default)
    changes = aws.plan(*PLACE).changes
    assert changes.pop("network-acl-association:private-a") == {
        "acl": ("update", "${default-network-acl:main.id}", "${network-acl:private.id}")
    }
    assert {op for op, _, _ in changes.pop(entry.key).values()} == {"create"}
    gone = {f"network-acl-entry:undeclared {one}|true|1" for one in (private, default)}
    assert {key: [op for op, _, _ in fields.values()] for key, fields in changes.items()} == {
        key: ["delete"] for key in gone
    }
    aws.settled(*PLACE)


def test_a_changed_prefix_list_renumbers_nothing(aws: AWS) -> None:
    lists = {"s3": ["52.216.0.0/15", "54.231.0.0/16"]}
    before = dict(numbered(ways(DEMO, "private", lists)))
    after = dict(numbered(ways(DEMO, "private", {"s3": ["3.5.0.0/19", *lists["s3"]]})))
    assert {number: way for number, way in after.items() if way.cidr != "3.5.0.0/19"} == before


def test_more_entries_than_the_quota_are_refused_before_any_write(aws: AWS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acl, "quota", lambda facts: 8)
    with pytest.raises(Refused, match="needs 8 entries in one direction; the quota of 8 admits 7") as refused:
        aws.plan(*PLACE)
    assert refused.value.exit_code == 4
    assert aws.memory.calls("write") == []


def test_the_quota_is_the_accounts_own(aws: AWS) -> None:
    assert quota(aws.estate(*READS)) == QUOTA_DEFAULT
    assert quota(aws.estate("sts:GetCallerIdentity")) == QUOTA_DEFAULT
