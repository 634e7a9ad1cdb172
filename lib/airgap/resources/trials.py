"""What the deployer needs for the test calls of step ``ai``: these models, this place in these buckets, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model.inference import TRANSCRIBE, models, uses_models
from airgap.model.intent import Intent
from airgap.resources.key_policies import suffix
from airgap.resources.rights import bucket_arn
from airgap.resources.statements import allow
from airgap.resources.workloads import model_arns

PLACE = "airgap-trial"
"""Where in the buckets the test calls keep what they need; ``cloud.trials`` names it too."""


def statements(intent: Intent) -> Iterator[dict[str, Any]]:
    """Yield the statements by which the test calls are made, behind the environment's own guardrail."""
    if uses_models(intent):
        profiles = [intent.arn("bedrock", f"inference-profile/*.{model}") for model in models(intent)]
        arns = [*model_arns(intent), *(profiles if intent.ai.inference_regions else ())]
        yield allow("TrialModels", "bedrock:InvokeModel", arns)
        ours = {"StringEquals": {"aws:ResourceTag/airgap:environment": intent.environment}}
        yield allow("TrialGuardrail", "bedrock:ApplyGuardrail", intent.arn("bedrock", "guardrail/*"), ours)
    if set(TRANSCRIBE) & set(intent.components):
        output = {"StringEquals": {"transcribe:OutputBucketName": bucket_arn(intent, "transcribe-out").split(":")[-1]}}
        job = intent.arn("transcribe", f"transcription-job/{intent.name('trial')}-*")
        yield allow("TrialJobs", "transcribe:StartTranscriptionJob", condition=output)
        yield allow("TrialJobsGone", "transcribe:DeleteTranscriptionJob GetTranscriptionJob TagResource", job)
        places = [bucket_arn(intent, one, f"/{PLACE}/*") for one in ("transcribe-in", "transcribe-out")]
        yield allow("TrialRecordings", "s3:DeleteObject DeleteObjectVersion GetObject PutObject", places)
        via = {"kms:ViaService": [f"{one}.{intent.region}.{suffix(intent)}" for one in ("s3", "transcribe", "bedrock")]}
        tagged = {"aws:ResourceTag/airgap:environment": intent.environment}
        key = intent.arn("kms", "key/*")
        yield allow("TrialKey", "kms:Decrypt GenerateDataKey", key, {"StringEquals": {**via, **tagged}})
