"""The test calls on the embedded AWS: made, recorded without their content, and cleaned up after."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from embedded import AWS, DEMO
from standins import keys

from airgap.model.canonical import dig
from airgap.model.names import alias, bucket
from airgap.model.observation import ABSENT, FAILED, OK, Observation
from airgap.run.trying import Trying

SOURCE, TARGET = bucket(DEMO, "transcribe-in"), bucket(DEMO, "transcribe-out")


def trying(aws: AWS, allowed: bool = True) -> Trying:
    """What makes the test calls, in mode apply or in another."""
    return Trying(aws.cloud, aws.intent, aws.memory.load, lambda: None, allowed)  # type: ignore[arg-type, return-value]


def page(aws: AWS, seen: Observation) -> dict[str, Any]:
    """What was recorded."""
    assert seen.status == OK, f"{seen.code}: {seen.message}"
    return aws.memory.load(seen.page)


@pytest.fixture
def furnished(aws: AWS) -> AWS:
    """Keys with their alias, and both buckets, versioned."""
    aws.apply(keys)
    kms, s3 = aws.client("kms"), aws.client("s3")
    key = next(
        one
        for one in kms.list_keys()["Keys"]
        if kms.describe_key(KeyId=one["KeyId"])["KeyMetadata"]["Description"] == "data"
    )
    kms.create_alias(AliasName=alias(DEMO, "data"), TargetKeyId=key["KeyId"])
    for name in (SOURCE, TARGET):
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return aws


def test_each_is_one_observation_of_a_test_without_a_word_of_its_content(furnished: AWS) -> None:
    aws = furnished
    aws.memory.lines.clear()
    seen = {name: trying(aws).read(f"trial:{name}") for name in ("Inference", "Embedding", "Transcription")}
    assert {(one.method, one.vantage) for one in seen.values()} == {("TEST", "vpc")}
    told = {name: page(aws, one) for name, one in seen.items()}
    assert told["Embedding"]["dimensions"] == DEMO.data.embedding_dimensions
    assert told["Transcription"]["status"] == "COMPLETED"
    assert told["Transcription"]["encryption_key"].startswith("arn:aws:kms:us-east-1:123456789012:key/")
    for name, one in told.items():
        assert set(one["received"]) == {"bytes", "sha256"}, name
        assert one["sent"]["bytes"] > 0
        assert one["requests"][-1]["request_id"] == seen[name].request_id
    kept = json.dumps([aws.memory.pages, aws.memory.lines])
    assert "rehearsed" not in kept
    assert "Answer with" not in kept
    assert aws.memory.calls("write") == []


def test_nothing_is_left_of_a_transcription(furnished: AWS) -> None:
    page(furnished, trying(furnished).read("trial:Transcription"))
    s3 = furnished.client("s3")
    assert furnished.client("transcribe").list_transcription_jobs()["TranscriptionJobSummaries"] == []
    for name in (SOURCE, TARGET):
        found = s3.list_object_versions(Bucket=name)
        assert (found.get("Versions", []), found.get("DeleteMarkers", [])) == ([], [])


def test_a_refusal_is_an_observation_with_its_code(aws: AWS) -> None:
    seen = trying(aws).read("trial:Transcription")
    assert (seen.status, seen.code) == (FAILED, "NoSuchBucket")
    aws.change(ai=dataclasses.replace(DEMO.ai, models=("amazon.titan-text-express-v1",)))
    seen = trying(aws).read("trial:Inference")
    assert (seen.status, seen.code) == (FAILED, "ResourceNotFoundException")


def test_no_other_mode_makes_one_and_none_is_made_for_what_is_not_used(aws: AWS) -> None:
    seen = trying(aws, allowed=False).read("trial:Inference")
    assert (seen.status, seen.message) == (ABSENT, "mode apply alone makes test calls")
    aws.change(components=("ecr-pull",))
    seen = trying(aws).read("trial:Transcription")
    assert (seen.status, dig(seen.as_data(), "page")) == (ABSENT, "")
