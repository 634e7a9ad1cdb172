"""A call that is made for each item of another's answer, and was left out for one of them, decides nothing."""

from __future__ import annotations

from typing import Any

import answer_keys
import pytest
from networks import ACCOUNT, ALLOW, REGION, answers, vpc

from airgap.egress.boundary import Boundary
from airgap.egress.channels import unanswered
from airgap.egress.facts import Document, Facts
from airgap.egress.network import Network
from airgap.egress.verdict import prove
from airgap.model.channels import CALLS
from airgap.model.follow_ups import FOLLOW_UPS

PLACES = {(ACCOUNT, REGION)}


def test_the_table_is_the_one_of_the_queries() -> None:
    source = answer_keys.FOLLOW_UPS.read_text()
    assert source == answer_keys.with_rows(source)
    assert len(FOLLOW_UPS) > 80
    assert set(FOLLOW_UPS) <= set(CALLS)


def nested(path: str, value: Any) -> Any:
    for member in reversed(path.split(".")):
        value = {member: value}
    return value


def listed(call: str, *names: str) -> Document:
    """The answer of the call before, which shows these items."""
    follows = FOLLOW_UPS[call]
    items: list[Any] = []
    for name in names:
        item: Any = {}
        for _, member in follows.bind:
            item = name if "@" in member else {**item, **nested(member, name)}
        items.append(item)
    return Document(ACCOUNT, REGION, {}, nested(follows.items, items), follows.before)


def asked(call: str, name: str) -> Document:
    return Document(ACCOUNT, REGION, {parameter: name for parameter, _ in FOLLOW_UPS[call].bind}, {}, call)


@pytest.mark.parametrize("call", FOLLOW_UPS)
def test_one_item_that_was_left_out(call: str) -> None:
    some = Facts([listed(call, "one", "two"), asked(call, "one")])
    assert "not asked for two" in str(unanswered(some, call, PLACES))
    assert unanswered(Facts([listed(call, "one", "two"), asked(call, "one"), asked(call, "two")]), call, PLACES) is None
    assert unanswered(Facts([listed(call), Document(ACCOUNT, REGION, {}, {}, call)]), call, PLACES) is None
    elsewhere = asked(call, "two")._replace(account="444455556666")
    assert unanswered(Facts([listed(call, "one", "two"), asked(call, "one"), elsewhere]), call, PLACES)


@pytest.mark.parametrize(
    ("call", "items", "needed"),
    [
        ("kms:GetKeyPolicy", [{"KeyId": "a", "KeyManager": "CUSTOMER"}], True),
        ("kms:ListGrants", [{"KeyId": "a", "KeyManager": "AWS"}], False),
        ("kms:GetKeyPolicy", [{"KeyId": "a"}], True),
        ("rds:DescribeDBSnapshotAttributes", [{"DBSnapshotIdentifier": "a", "SnapshotType": "automated"}], False),
        ("rds:DescribeDBSnapshotAttributes", [{"DBSnapshotIdentifier": "a", "SnapshotType": "manual"}], True),
        ("route53:ListResourceRecordSets", [{"HostedZoneId": "a", "Id": "a", "Config": {"PrivateZone": True}}], True),
        ("route53:ListResourceRecordSets", [{"HostedZoneId": "a", "Id": "a", "Config": {"PrivateZone": False}}], False),
        ("route53resolver:ListFirewallDomains", [{"Id": "a"}], True),
        ("route53resolver:ListFirewallDomains", [{"Id": "a", "ManagedOwnerName": "Route 53"}], False),
    ],
)
def test_only_items_that_tell_of_themselves_that_they_need_no_call_are_excused(
    call: str, items: list[Any], needed: bool
) -> None:
    follows = FOLLOW_UPS[call]
    body = items[0] if follows.items == "KeyMetadata" else items
    before = Document(ACCOUNT, REGION, {}, nested(follows.items, body), follows.before)
    told = unanswered(Facts([before, asked(call, "another")]), call, PLACES)
    assert (told is not None) is needed


def test_a_call_that_takes_a_list_is_made_for_each_that_it_names() -> None:
    projects = Document(ACCOUNT, REGION, {}, {"projects": ["a", "b"]}, "codebuild:ListProjects")
    both = Document(ACCOUNT, REGION, {"names": ["a", "b"]}, {}, "codebuild:BatchGetProjects")
    assert unanswered(Facts([projects, both]), both.call, PLACES) is None
    assert "not asked for b" in str(
        unanswered(Facts([projects, both._replace(params={"names": ["a"]})]), both.call, PLACES)
    )


def test_a_bucket_whose_policy_was_not_read_makes_unknown_and_says_which() -> None:
    buckets = Document(ACCOUNT, REGION, {}, {"Buckets": [{"Name": "a"}, {"Name": "b"}]}, "s3:ListBuckets")
    calls = [call for call, follows in FOLLOW_UPS.items() if follows.before == "s3:ListBuckets"]
    every = [Document(ACCOUNT, REGION, {"Bucket": name}, {}, call) for call in calls for name in ("a", "b")]
    whole = [one for one in answers(vpc([], ALLOW), [buckets, *every]) if one.params or one.call not in calls]
    assert prove(Network(Facts(whole)), Boundary()).verdict == "proven"
    some = [one for one in whole if (one.call, one.params.get("Bucket")) != ("s3:GetBucketPolicy", "b")]
    proof = prove(Network(Facts(some)), Boundary())
    assert proof.verdict == "unknown"
    assert {one.needs for one in proof.missing} == {"s3:GetBucketPolicy"}
    assert all(one.what.endswith("it was not asked for b") for one in proof.missing)


def test_what_a_file_without_parameters_names_was_asked() -> None:
    """Files of a plain folder do not tell what they were asked for: what they name themselves counts."""
    config = Document(
        ACCOUNT, REGION, {}, {"FirewallConfig": {"ResourceId": "one"}}, "route53resolver:GetFirewallConfig"
    )
    vpcs = listed(config.call, "one", "two")
    assert "not asked for two" in str(unanswered(Facts([vpcs, config]), config.call, PLACES))
    more = config._replace(body={"FirewallConfig": {"ResourceId": "two"}})
    assert unanswered(Facts([vpcs, config, more]), config.call, PLACES) is None
