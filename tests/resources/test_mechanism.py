"""What the mechanism does for resources that have no id, no tags, or that AWS makes by itself."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from embedded import AWS, DEMO

from airgap.errors import Unreadable, Unsettled
from airgap.model.difference import removal
from airgap.model.estate import Estate
from airgap.model.observation import DENIED, OK, Observation
from airgap.model.plan import Desired
from airgap.model.reading import Field, Reading, identity, items, shaped
from airgap.model.survey import survey
from airgap.resources import gateways, security_groups, vpc
from airgap.resources.buckets import BUCKET
from airgap.resources.kind import Kind, declares
from airgap.resources.security_groups import DEFAULT_GROUP


def estate(*answers: tuple[str, dict[str, Any], dict[str, Any] | None]) -> Estate:
    """An estate of these answers; None is a call that was denied."""
    pages = {str(number): body or {} for number, (_, _, body) in enumerate(answers)}
    seen = [
        Observation(
            call, params, DEMO.account, DEMO.region, "rehearsal", DENIED if body is None else OK, "", page=str(number)
        )
        for number, (call, params, body) in enumerate(answers)
    ]
    return Estate(seen, pages.__getitem__, account=DEMO.account, region=DEMO.region, taken_at="")


def test_several_paths_make_one_id() -> None:
    item = {"Cidr": "10.0.0.0/16", "Number": 7, "Egress": True, "^": {"Id": "rtb-1"}}
    assert identity(item, "^.Id+Cidr") == "rtb-1|10.0.0.0/16"
    assert identity(item, "Egress+Number+Missing") == "true|7|"
    assert identity(item, "=s3+Number") == "s3|7"


def test_a_pattern_over_several_paths_passes_over_only_what_matches_all() -> None:
    reading = Reading("x:List", "Routes", "", unless=(("List+Gateway", "pl-*|vpce-*"),))
    routes = [{"List": "pl-1", "Gateway": "vpce-1"}, {"List": "pl-1", "Gateway": "tgw-1"}, {"Gateway": "vpce-2"}]
    left = [one["Gateway"] for one in items(reading, estate(("x:List", {}, {"Routes": routes})))]
    assert left == ["tgw-1", "vpce-2"]


def test_domains_have_no_case_no_order_and_always_their_last_dot() -> None:
    spec = Field("Domains", form="domains")
    assert shaped(spec, ["B.example.", "a.example"]) == shaped(spec, ["a.EXAMPLE.", "b.example"])
    assert shaped(spec, ["*"]) == ["*."]


def test_a_locked_bucket_of_somebody_else_makes_nothing_unreadable() -> None:
    names = {"Buckets": [{"Name": "theirs"}, {"Name": "ours"}]}
    tags = {"TagSet": [{"Key": "airgap:environment", "Value": "demo"}, {"Key": "airgap:key", "Value": "bucket:logs"}]}
    calls = {spec.call for spec in BUCKET.reading.fields.values() if spec.call}
    configuration = [(call, {"Bucket": name}, {}) for call in calls for name in ("theirs", "ours")]
    seen = estate(
        ("s3:ListBuckets", {}, names),
        ("s3:GetBucketTagging", {"Bucket": "theirs"}, None),
        ("s3:GetBucketTagging", {"Bucket": "ours"}, tags),
        *configuration,
    )
    found = survey("demo", {"bucket": BUCKET.reading}, [Desired("bucket", "logs", {"name": "ours"})], seen)
    assert found.unreadable == {}
    assert {live.id for live in found.lives.values()} == {"ours"}
    assert found.orphans == []


def test_what_aws_makes_is_found_and_shaped_in_the_same_run(aws: AWS) -> None:
    place = (vpc.declare, security_groups.declare)
    aws.apply(*place)
    assert "default-security-group:main" in {key for key, text in aws.reports if text == "done"}
    assert aws.client("ec2").describe_security_group_rules()["SecurityGroupRules"] == []


def test_what_never_appears_ends_in_an_error_and_not_in_silence(aws: AWS) -> None:
    never = Kind(
        "never",
        "Never there",
        Reading(**{**DEFAULT_GROUP.reading.__dict__, "only": (("GroupName", "nobody"),)}),
        create=(),
        born=DEFAULT_GROUP.born,
        limit=0.2,
    )

    @declares(never)
    def declare(intent: Any, facts: Any) -> Any:
        yield Desired("never", "main", {"vpc": "${vpc:main.id}"})

    with pytest.raises(Unsettled, match="never:main did not appear"):
        aws.apply(vpc.declare, declare)


def fault(aws: AWS, **fields: Any) -> None:
    """Let an operation of the embedded AWS fail."""
    body = json.dumps({"times": None, **fields}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{aws.url}/rehearsal/faults", body, method="POST")) as answer:
        assert answer.status == 200


def test_a_resource_that_cannot_be_read_is_not_taken_for_gone(aws: AWS) -> None:
    place = (vpc.declare, vpc.declare_subnets, gateways.declare)
    aws.apply(*place)
    planned, live = aws.plan(*place), aws.plan(*place).found.lives["nat-gateway:public-a"]
    planned.plan = removal("test", [live], planned.found)
    fault(aws, operation="ec2:DescribeNatGateways", error="AccessDenied")
    with pytest.raises(Unreadable, match="nat-gateway:public-a cannot be read"):
        aws.run(planned, *place)
    assert ("nat-gateway:public-a", "removed") not in aws.reports


def test_a_failed_read_is_asked_again_before_anything_is_concluded(aws: AWS) -> None:
    place = (vpc.declare, vpc.declare_subnets, gateways.declare)
    planned = aws.plan(*place)
    fault(aws, operation="ec2:DescribeNatGateways", error="InternalError", times=8)
    aws.run(planned, *place)
    assert ("nat-gateway:public-a", "done") in aws.reports
