"""The trail: what it records, that it may write, and that nobody turns it off unseen."""

from __future__ import annotations

import dataclasses

from embedded import AWS, DEMO
from standins import keys

from airgap.model.components import derive
from airgap.model.intent import Endpoints, Logs
from airgap.resources import buckets, trail, vpc

PLACE = (keys, buckets.declare, trail.declare, vpc.declare)


def sources(intent: object) -> set[str]:
    """The event sources whose refused calls are recorded."""
    return {
        field["Equals"][0]
        for selector in trail.selectors(intent)
        for field in selector["FieldSelectors"]
        if field["Field"] == "eventSource"
    }


def test_refused_calls_of_every_endpoint_that_cloudtrail_can_record() -> None:
    assert {"ec2", "kms", "s3", "secretsmanager", "bedrock", "dynamodb"} <= {one.split(".")[0] for one in sources(DEMO)}
    expected = {trail.EVENT_SOURCES[one] for one in derive(DEMO.components) if one in trail.EVENT_SOURCES}
    assert sources(DEMO) == {f"{one}.amazonaws.com" for one in expected}
    more = dataclasses.replace(DEMO, endpoints=Endpoints(extra=("sqs",), unavailable=("kms",)))
    assert sources(more) - sources(DEMO) == {"sqs.amazonaws.com"}
    assert sources(DEMO) - sources(more) == {"kms.amazonaws.com"}


def test_a_selector_speaks_of_one_event_source_and_refusals_alone() -> None:
    management, *refused = trail.selectors(DEMO)
    assert management["FieldSelectors"] == [{"Field": "eventCategory", "Equals": ["Management"]}]
    for selector in refused:
        fields = {field["Field"]: field["Equals"] for field in selector["FieldSelectors"]}
        assert len(fields.pop("eventSource")) == 1
        assert fields == {"eventCategory": ["NetworkActivity"], "errorCode": ["VpceAccessDenied"]}


def test_bring_settle_remove_and_bring_again(aws: AWS) -> None:
    cloudtrail = aws.client("cloudtrail")
    for _ in range(2):
        aws.settled(*PLACE)
        assert cloudtrail.get_trail_status(Name=trail.name(DEMO))["IsLogging"] is True
        aws.destroy(*PLACE)
        assert cloudtrail.describe_trails()["trailList"] == []


def test_drift_field_by_field(aws: AWS) -> None:
    aws.settled(*PLACE)
    cloudtrail = aws.client("cloudtrail")
    cloudtrail.stop_logging(Name=trail.name(DEMO))
    cloudtrail.update_trail(Name=trail.name(DEMO), EnableLogFileValidation=False)
    cloudtrail.put_event_selectors(TrailName=trail.name(DEMO), AdvancedEventSelectors=trail.selectors(DEMO)[:1])
    (fields,) = aws.plan(*PLACE).changes.values()
    assert set(fields) == {"logging", "validation", "selectors"}
    aws.settled(*PLACE)


def test_the_organisations_trail_is_verified_and_not_changed(aws: AWS) -> None:
    aws.settled(*PLACE)
    arn = aws.plan(*PLACE).found.lives["trail:main"].id
    aws.change(logs=Logs(trail="adopted"), adopt={"trail:main": arn})
    aws.client("cloudtrail").stop_logging(Name=arn)
    planned = aws.plan(trail.declare)
    assert planned.changes == {}
    assert [(one.resource, one.field, one.before) for one in planned.plan.differing] == [
        ("trail:main", "logging", False)
    ]
    aws.destroy(trail.declare)
    assert len(aws.client("cloudtrail").describe_trails()["trailList"]) == 1
