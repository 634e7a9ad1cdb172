"""A missing page is known to be missing; nothing is read that was not declared."""

from __future__ import annotations

from typing import Any

import pytest

from airgap.model import observation as obs
from airgap.model.canonical import canonical_bytes, digest
from airgap.model.estate import ANY, Estate
from airgap.model.observation import NotObserved, Observation

PAGES: dict[str, dict[str, Any]] = {}


def seen(call: str, body: dict[str, Any] | None, *, region: str = "us-east-1", **more: Any) -> Observation:
    page = ""
    if body is not None:
        data = canonical_bytes(body)
        page = digest(data)
        PAGES[page] = body
    status = more.pop("status", obs.OK if body is not None else obs.DENIED)
    return Observation(call, more.pop("params", {}), "1" * 12, region, "rehearsal", status, "t", page=page, **more)


def estate(*observations: Observation) -> Estate:
    return Estate(
        observations, PAGES.__getitem__, account="1" * 12, region="us-east-1", taken_at="2026-01-01T00:00:00Z"
    )


def test_pages_of_one_answer_are_joined() -> None:
    one = seen("ec2:DescribeVpcs", {"Vpcs": [{"VpcId": "a"}]}, number=1, last=False)
    two = seen("ec2:DescribeVpcs", {"Vpcs": [{"VpcId": "b"}]}, number=2)
    assert [vpc["VpcId"] for vpc in estate(one, two).items("ec2:DescribeVpcs", "Vpcs")] == ["a", "b"]


@pytest.mark.parametrize(
    ("observations", "why"),
    [
        ([], "no such call is recorded"),
        ([seen("ec2:DescribeVpcs", None, code="UnauthorizedOperation")], "denied .*needs the permission"),
        ([seen("ec2:DescribeVpcs", None, status=obs.FAILED, code="InternalError")], "failed"),
        ([seen("ec2:DescribeVpcs", None, status=obs.UNSUPPORTED, code="InvalidAction")], "not supported"),
        ([seen("ec2:DescribeVpcs", {"Vpcs": []}, number=1, last=False)], "not all pages"),
        ([seen("ec2:DescribeVpcs", {"Vpcs": []}, region="eu-west-1")], "no such call"),
        ([seen("ec2:DescribeVpcs", {"Vpcs": []}, params={"VpcIds": ["x"]})], "no such call"),
    ],
)
def test_what_was_not_read_is_not_observed(observations: list[Observation], why: str) -> None:
    with pytest.raises(NotObserved, match=why):
        estate(*observations).page("ec2:DescribeVpcs")


def test_a_lost_last_page_is_not_an_answer() -> None:
    first = seen("ec2:DescribeVpcs", {"Vpcs": []}, number=1, last=False)
    third = seen("ec2:DescribeVpcs", {"Vpcs": [{"VpcId": "c"}]}, number=3)
    with pytest.raises(NotObserved, match="not all pages"):
        estate(first, third).items("ec2:DescribeVpcs", "Vpcs")


def test_absent_is_an_answer_and_denied_is_none() -> None:
    absent = seen("s3:GetBucketPolicy", None, status=obs.ABSENT, params={"Bucket": "b"})
    assert estate(absent).page("s3:GetBucketPolicy", Bucket="b") is None


def test_global_services_are_found_from_any_region() -> None:
    assert estate(seen("iam:ListRoles", {"Roles": [{"RoleName": "r"}]}, region=obs.GLOBAL)).items(
        "iam:ListRoles", "Roles"
    )


def test_one_denied_follow_up_makes_all_of_its_call_unread() -> None:
    good = seen("kms:GetKeyPolicy", {"Policy": "{}"}, params={"KeyId": "a"})
    bad = seen("kms:GetKeyPolicy", None, params={"KeyId": "b"})
    assert estate(good, bad).page("kms:GetKeyPolicy", KeyId="a") == {"Policy": "{}"}
    with pytest.raises(NotObserved):
        estate(good, bad).pages("kms:GetKeyPolicy")


def test_a_view_answers_declared_calls_only_and_remembers_what_it_gave() -> None:
    whole = estate(seen("ec2:DescribeVpcs", {"Vpcs": []}), seen("ec2:DescribeSubnets", {"Subnets": []}))
    view = whole.reading(["ec2:DescribeVpcs"])
    assert view.touched == {}
    view.items("ec2:DescribeVpcs", "Vpcs")
    assert [one.call for one in view.touched.values()] == ["ec2:DescribeVpcs"]
    with pytest.raises(LookupError, match="not declared"):
        view.items("ec2:DescribeSubnets", "Subnets")
    for look in (view.observed, view.cite, view.pages):
        with pytest.raises(LookupError, match="not declared"):
            look("ec2:DescribeSubnets")
    assert {one.call for one in view.observations} == {"ec2:DescribeVpcs"}
    assert whole.reading([ANY]).items("ec2:DescribeSubnets", "Subnets") == []
    assert len(whole.reading([ANY]).observations) == 2


def test_the_newest_collection_wins() -> None:
    old = seen("ec2:DescribeVpcs", {"Vpcs": [{"VpcId": "old"}]})
    new = seen("ec2:DescribeVpcs", {"Vpcs": [{"VpcId": "new"}]})
    assert [vpc["VpcId"] for vpc in estate(old, new).items("ec2:DescribeVpcs", "Vpcs")] == ["new"]
