"""Bedrock and Transcribe of the embedded AWS: what they refuse, what they answer, and what they keep."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from emulated import Account, refused

NOVA, TITAN = "amazon.nova-pro-v1:0", "amazon.titan-embed-text-v2:0"
ASKED: dict[str, Any] = {"modelId": NOVA, "messages": [{"role": "user", "content": [{"text": "ready?"}]}]}
FILTER = {"type": "HATE", "inputStrength": "HIGH", "outputStrength": "HIGH"}
GUARD: dict[str, Any] = {
    "name": "guard",
    "blockedInputMessaging": "no",
    "blockedOutputsMessaging": "no",
    "contentPolicyConfig": {"filtersConfig": [FILTER]},
}


def ready(bedrock: Any, name: str, version: str = "DRAFT") -> dict[str, Any]:
    """The guardrail, as soon as it is ready."""
    for _ in range(50):
        found: dict[str, Any] = bedrock.get_guardrail(guardrailIdentifier=name, guardrailVersion=version)
        if found["status"] == "READY":
            return found
        time.sleep(0.02)
    raise AssertionError(found["status"])


def test_a_guardrail_has_a_draft_and_versions_that_stay_what_they_are(aws: Account) -> None:
    bedrock = aws.client("bedrock")
    name = bedrock.create_guardrail(**GUARD, tags=[{"key": "a", "value": "b"}])["guardrailId"]
    refused("ConflictException", bedrock.create_guardrail, **GUARD)
    refused("ConflictException", bedrock.create_guardrail_version, guardrailIdentifier=name)
    arn = ready(bedrock, name)["guardrailArn"]
    assert bedrock.list_tags_for_resource(resourceARN=arn)["tags"] == [{"key": "a", "value": "b"}]
    assert bedrock.create_guardrail_version(guardrailIdentifier=name)["version"] == "1"
    ready(bedrock, name, "1")
    weaker = {"filtersConfig": [{**FILTER, "inputStrength": "LOW"}]}
    bedrock.update_guardrail(guardrailIdentifier=arn, **{**GUARD, "contentPolicyConfig": weaker})
    assert ready(bedrock, name)["contentPolicy"]["filters"][0]["inputStrength"] == "LOW"
    assert ready(bedrock, name, "1")["contentPolicy"]["filters"][0]["inputStrength"] == "HIGH"
    listed = bedrock.list_guardrails(guardrailIdentifier=name)["guardrails"]
    assert {one["version"] for one in listed} == {"DRAFT", "1"}
    assert [one["version"] for one in bedrock.list_guardrails()["guardrails"]] == ["DRAFT"]
    bedrock.delete_guardrail(guardrailIdentifier=name)
    assert bedrock.list_guardrails()["guardrails"] == []
    refused("ResourceNotFoundException", bedrock.get_guardrail, guardrailIdentifier=name)


@pytest.mark.parametrize(
    "wrong",
    [
        {"contentPolicyConfig": {"filtersConfig": [{**FILTER, "type": "PROMPT_ATTACK"}]}},
        {"kmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/none"},
    ],
)
def test_a_guardrail_that_aws_would_not_take_is_refused(aws: Account, wrong: dict[str, Any]) -> None:
    refused("ValidationException", aws.client("bedrock").create_guardrail, **{**GUARD, **wrong})


def test_models_answer_in_form_and_refuse_as_bedrock_does(aws: Account) -> None:
    runtime, bedrock = aws.client("bedrock-runtime"), aws.client("bedrock")
    assert runtime.converse(**ASKED)["usage"]["outputTokens"] == 1
    asked = json.dumps({"inputText": "ready", "dimensions": 512})
    vector = json.loads(runtime.invoke_model(modelId=TITAN, body=asked)["body"].read())["embedding"]
    assert len(vector) == 512
    refused("ValidationException", runtime.invoke_model, modelId=TITAN, body=json.dumps({"dimensions": 3}))
    refused("ValidationException", runtime.converse, **{**ASKED, "modelId": "no.such-model"})
    refused("ValidationException", runtime.converse, **{**ASKED, "modelId": TITAN})
    refused("ResourceNotFoundException", runtime.converse, **{**ASKED, "modelId": "amazon.titan-text-express-v1"})
    claude = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    refused("ValidationException", runtime.converse, **{**ASKED, "modelId": claude})
    assert runtime.converse(**{**ASKED, "modelId": f"us.{claude}"})["stopReason"] == "end_turn"
    guarded = {"guardrailIdentifier": "none", "guardrailVersion": "1"}
    refused("ValidationException", runtime.converse, **ASKED, guardrailConfig=guarded)
    name = bedrock.create_guardrail(**GUARD)["guardrailId"]
    ready(bedrock, name)
    guarded = {"guardrailIdentifier": name, "guardrailVersion": "DRAFT"}
    assert runtime.converse(**ASKED, guardrailConfig=guarded)["stopReason"] == "end_turn"


def test_the_log_of_invocations_needs_somewhere_to_write(aws: Account) -> None:
    bedrock = aws.client("bedrock")
    assert "loggingConfig" not in bedrock.get_model_invocation_logging_configuration()
    group = {"logGroupName": "none", "roleArn": "arn:aws:iam::123456789012:role/none"}
    put = bedrock.put_model_invocation_logging_configuration
    refused("ValidationException", put, loggingConfig={"cloudWatchConfig": group})
    refused("ValidationException", put, loggingConfig={"s3Config": {"bucketName": "none"}})
    refused("ValidationException", put, loggingConfig={"textDataDeliveryEnabled": True})


def test_a_transcription_reads_a_recording_and_writes_a_transcript(aws: Account) -> None:
    transcribe, s3 = aws.client("transcribe"), aws.client("s3")
    s3.create_bucket(Bucket="heard")
    s3.create_bucket(Bucket="written")
    job: dict[str, Any] = {
        "TranscriptionJobName": "one",
        "LanguageCode": "en-US",
        "Media": {"MediaFileUri": "s3://heard/a.wav"},
        "OutputBucketName": "written",
    }
    refused("BadRequestException", transcribe.start_transcription_job, **job)
    s3.put_object(Bucket="heard", Key="a.wav", Body=b"RIFF")
    refused("BadRequestException", transcribe.start_transcription_job, **{**job, "OutputBucketName": "none"})
    transcribe.start_transcription_job(**job)
    refused("ConflictException", transcribe.start_transcription_job, **job)
    assert [one["OutputLocationType"] for one in transcribe.list_transcription_jobs()["TranscriptionJobSummaries"]] == [
        "CUSTOMER_BUCKET"
    ]
    for _ in range(100):
        found = transcribe.get_transcription_job(TranscriptionJobName="one")["TranscriptionJob"]
        if found["TranscriptionJobStatus"] == "COMPLETED":
            break
        time.sleep(0.02)
    assert found["Transcript"]["TranscriptFileUri"].endswith("/written/one.json")
    assert json.loads(s3.get_object(Bucket="written", Key="one.json")["Body"].read())["status"] == "COMPLETED"
    transcribe.delete_transcription_job(TranscriptionJobName="one")
    refused("NotFoundException", transcribe.get_transcription_job, TranscriptionJobName="one")
