"""Buckets: how they are born, what their policies refuse, what drifts, and that destroy empties them."""

from __future__ import annotations

import dataclasses
import json

import pytest
from embedded import AWS, DEMO
from standins import keys

from airgap.errors import Refused
from airgap.model.intent import Logs
from airgap.model.policy import Request, evaluate
from airgap.model.policy_document import parse
from airgap.resources import buckets, vpc
from airgap.resources.bucket_policies import bucket_policy
from airgap.resources.names import bucket as name_of

PLACE = (keys, vpc.declare, buckets.declare)
APPLICATION = name_of(DEMO, "application")
OURS = {"aws:PrincipalAccount": ("123456789012",), "aws:SecureTransport": ("true",), "s3:TlsVersion": ("1.3",)}
INSIDE = {**OURS, "aws:SourceVpc": ("vpc-1",), "aws:PrincipalIsAWSService": ("false",), "aws:ViaAWSService": ("false",)}


def refused_by(purpose: str, action: str, **changes: tuple[str, ...] | None) -> str | None:
    """The statement of a bucket's policy that refuses a request, which is ours and inside but for the changes."""
    document = json.loads(json.dumps(bucket_policy(DEMO, purpose)).replace("${vpc:main.id}", "vpc-1"))
    context = {**INSIDE, **{name.replace("_", ":", 1): value for name, value in changes.items()}}
    given = {name: value for name, value in context.items() if value is not None}
    asked = Request(
        f"s3:{action}",
        f"arn:aws:s3:::{name_of(DEMO, purpose)}/key",
        "arn:aws:iam::123456789012:role/app",
        account="123456789012",
        context=given,
    )
    return evaluate(parse(document), asked).statement


@pytest.mark.parametrize("purpose", buckets.PURPOSES)
def test_what_comes_from_inside_is_not_refused(purpose: str) -> None:
    assert {refused_by(purpose, action) for action in ("GetObject", "PutObject", "DeleteObject")} == {None}


@pytest.mark.parametrize("purpose", buckets.PURPOSES)
def test_plain_http_old_tls_and_strangers_are_refused_everywhere(purpose: str) -> None:
    assert refused_by(purpose, "GetObject", aws_SecureTransport=("false",)) == "TlsOnly"
    assert refused_by(purpose, "GetObject", s3_TlsVersion=("1.1",)) == "ModernTlsOnly"
    assert refused_by(purpose, "GetObject", aws_PrincipalAccount=("210987654321",)) == "OursOnly"
    assert refused_by(purpose, "PutObject", aws_PrincipalAccount=None) == "OursOnly"


@pytest.mark.parametrize("purpose", ["application", "transcribe-in", "transcribe-out"])
def test_data_moves_through_the_vpc_or_by_aws_itself(purpose: str) -> None:
    outside = {"aws_SourceVpc": None}
    assert refused_by(purpose, "GetObject", **outside) == "ThroughEndpointsOnly"
    assert refused_by(purpose, "PutObject", aws_SourceVpc=("vpc-2",)) == "ThroughEndpointsOnly"
    assert refused_by(purpose, "PutObject", **outside, aws_ViaAWSService=("true",)) is None
    assert refused_by(purpose, "PutObject", **outside, aws_PrincipalIsAWSService=("true",)) is None
    linked = ("arn:aws:iam::123456789012:role/aws-service-role/transcribe.amazonaws.com/AWSServiceRoleForTranscribe",)
    assert refused_by(purpose, "GetObject", **outside, aws_PrincipalArn=linked) is None
    # A destroy empties the bucket from where the runbook is.
    assert refused_by(purpose, "DeleteObject", **outside) is None


def test_the_organisation_stands_for_its_accounts_where_there_is_one() -> None:
    intent = dataclasses.replace(DEMO, organization="o-a1b2c3d4e5")
    (ours,) = [one for one in bucket_policy(intent, "evidence")["Statement"] if one["Sid"] == "OursOnly"]
    assert ours["Condition"]["StringNotEqualsIfExists"] == {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}


def test_only_the_trails_bucket_admits_cloudtrail() -> None:
    sids = {purpose: {one["Sid"] for one in bucket_policy(DEMO, purpose)["Statement"]} for purpose in buckets.PURPOSES}
    assert {purpose for purpose, found in sids.items() if "TrailWrites" in found} == {"logs"}


def test_buckets_follow_the_components(aws: AWS) -> None:
    aws.change(components=())
    found = {one.key for one in aws.desired(buckets.declare) if one.kind == "bucket"}
    assert found == {"bucket:artifacts", "bucket:logs", "bucket:evidence"}


def test_bring_settle_fill_remove_and_bring_again(aws: AWS) -> None:
    s3 = aws.client("s3")
    for _ in range(2):
        aws.settled(*PLACE)
        for body in (b"one", b"two"):
            s3.put_object(Bucket=APPLICATION, Key="kept", Body=body)
        s3.delete_object(Bucket=APPLICATION, Key="kept")
        aws.destroy(*PLACE)
        assert s3.list_buckets()["Buckets"] == []


def test_drift_field_by_field(aws: AWS) -> None:
    aws.settled(*PLACE)
    s3 = aws.client("s3")
    s3.put_bucket_versioning(Bucket=APPLICATION, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_bucket_policy(Bucket=APPLICATION)
    s3.delete_public_access_block(Bucket=APPLICATION)
    s3.delete_bucket_encryption(Bucket=APPLICATION)
    s3.delete_bucket_lifecycle(Bucket=APPLICATION)
    s3.delete_bucket_ownership_controls(Bucket=APPLICATION)
    changes = aws.plan(*PLACE).changes
    assert set(changes) == {"bucket:application"}
    assert set(changes["bucket:application"]) == {
        "bucket_key",
        "key_id",
        "lifecycle",
        "ownership",
        "policy",
        "public_access",
        "versioning",
    }
    aws.settled(*PLACE)


def test_a_bucket_of_our_name_that_is_not_ours_is_left_alone(aws: AWS) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=APPLICATION)
    planned = aws.plan(*PLACE)
    assert [key for key, _ in planned.plan.unknowns] == ["bucket:application"]
    aws.destroy(*PLACE)
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == [APPLICATION]


def test_object_lock_on_the_evidence_bucket_keeps_it(aws: AWS) -> None:
    aws.change(logs=Logs(evidence_lock_days=30))
    aws.settled(*PLACE)
    s3, evidence = aws.client("s3"), name_of(DEMO, "evidence")
    retention = s3.get_object_lock_configuration(Bucket=evidence)["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert (retention["Mode"], retention["Days"]) == ("COMPLIANCE", 30)
    s3.put_object(Bucket=evidence, Key="bundle", Body=b"signed")
    aws.destroy(*PLACE)
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == [evidence]


def test_what_object_lock_retains_is_said_and_not_lost(aws: AWS) -> None:
    aws.change(logs=Logs(evidence_lock_days=30))
    aws.apply(*PLACE)
    live = aws.plan(*PLACE).found.lives["bucket:evidence"]
    aws.client("s3").put_object(Bucket=live.id, Key="bundle", Body=b"signed")
    with pytest.raises(Refused, match=r"not everything in it can be deleted: .*\(bundle\)"):
        buckets.BUCKET.empty(aws.cloud, live)


def test_the_accounts_block_is_its_own_singleton(aws: AWS) -> None:
    aws.settled(*PLACE)
    aws.destroy(*PLACE)
    block = aws.client("s3control").get_public_access_block(AccountId="123456789012")
    assert set(block["PublicAccessBlockConfiguration"].values()) == {True}
    aws.change(exclusive_account=False)
    assert "s3-account-block:account" not in {one.key for one in aws.desired(buckets.declare)}


def test_a_name_that_s3_does_not_take_is_refused(aws: AWS) -> None:
    aws.change(prefix="a-prefix-that-is-much-too-long-for-s3", region="us-gov-west-1")
    with pytest.raises(Refused, match="S3 takes 63"):
        aws.desired(buckets.declare)
