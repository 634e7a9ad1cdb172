"""Fetching CloudTrail's files of a run's time from its bucket, on the embedded AWS, with digests that a test signed."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from cloudtrail import ACCOUNT, BUCKET, Writer, event

from airgap.cloud.trail_files import Window, trail_files
from airgap.errors import AirgapError
from airgap.evidence.bundle.trail import Trail
from airgap.rehearsal import environment, serving

ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/fintech-trail"
DURING = Window("2026-11-23T09:10:00Z", "2026-11-23T10:20:00Z", ("us-east-1",))


@pytest.fixture(scope="module")
def written() -> Iterator[tuple[Writer, Any]]:
    """A bucket with the hours from 8 to 12, and its client."""
    with serving() as url, pytest.MonkeyPatch.context() as patch:
        for name, value in environment(url).items():
            patch.setenv(name, value)
        s3 = boto3.session.Session(region_name="us-east-1").client("s3")
        s3.create_bucket(Bucket=BUCKET)
        made = Writer()
        for hour in range(8, 12):
            made.hour(hour, [event(f"r-{hour}")])
        for key, raw in made.objects.items():
            s3.put_object(Bucket=BUCKET, Key=key, Body=raw, Metadata={"signature": made.signatures.get(key, "")})
        yield made, s3


class CloudTrail:
    """The two calls that are made of CloudTrail; the embedded AWS signs nothing, so it has no key to list."""

    def __init__(self, writer: Writer, **told: Any) -> None:
        self.writer, self.asked = writer, {}
        self.told = {"TrailARN": ARN, "S3BucketName": BUCKET, "LogFileValidationEnabled": True, **told}

    def describe_trails(self, **_: Any) -> dict[str, Any]:
        return {"trailList": [self.told] if self.told["TrailARN"] else []}

    def get_paginator(self, name: str) -> Any:
        assert name == "list_public_keys"
        public = self.writer.public
        one = {"Fingerprint": public["fingerprint"], "Value": base64.b64decode(public["value"])}
        return SimpleNamespace(paginate=lambda **asked: self.asked.update(asked) or [{"PublicKeyList": [one]}])


def fetched(written: tuple[Writer, Any], window: Window = DURING, **told: Any) -> dict[str, bytes]:
    writer, s3 = written
    trail = CloudTrail(writer, **told)
    return trail_files(ARN, ACCOUNT, window, lambda service, _: s3 if service == "s3" else trail)


def test_the_hours_that_meet_the_run_come_with_their_logs_keys_and_signatures(written: tuple[Writer, Any]) -> None:
    files = fetched(written)
    trail = Trail({f"cloudtrail/{name}": raw for name, raw in files.items()})
    assert list(trail.faults(ACCOUNT)) == []
    assert trail.covered("us-east-1") == ("2026-11-23T09:00:00Z", "2026-11-23T11:00:00Z")
    assert sorted(one["requestID"] for one in trail.events()) == ["r-10", "r-9"]
    assert json.loads(files["index.json"])["trail"] == ARN


def test_what_cloudtrail_has_yet_to_write_is_said_and_nothing_is_kept(written: tuple[Writer, Any]) -> None:
    late = Window("2026-11-23T11:10:00Z", "2026-11-23T12:20:00Z", ("us-east-1",))
    with pytest.raises(AirgapError, match="reach to 2026-11-23T12:00:00Z") as said:
        fetched(written, late)
    assert "ask again in an hour" in said.value.action
    with pytest.raises(AirgapError, match="of eu-west-1 do not reach it"):
        fetched(written, Window(DURING.began, DURING.ended, ("us-east-1", "eu-west-1")))


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"LogFileValidationEnabled": False}, "does not write digest files"),
        ({"TrailARN": ""}, "is not there"),
        ({"S3BucketName": "nobodys"}, "NoSuchBucket"),
    ],
)
def test_a_trail_without_digests_or_bucket_is_said(written: tuple[Writer, Any], told: Any, says: str) -> None:
    with pytest.raises(AirgapError, match=says):
        fetched(written, **told)


def test_days_reach_over_midnight() -> None:
    assert list(Window("2026-12-31T23:50:00Z", "2027-01-01T00:10:00Z", ()).days) == [
        "2026/12/31", "2027/01/01", "2027/01/02",
    ]  # fmt: skip
