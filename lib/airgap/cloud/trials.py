"""Test calls: one inference, one embedding, one transcription, made inside the VPC and recorded without their content.

What is kept of each is which requests it took, how long they lasted, sizes and digests. A recording of a tone is made
for the transcription; it, the job and the transcript are removed again.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import struct
import time
import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airgap.cloud import failures
from airgap.cloud.inside import Inward, go
from airgap.cloud.session import Cloud
from airgap.errors import Unreachable
from airgap.model import observation as obs
from airgap.model.inference import hindrance, leads_to, profiles_of, regions
from airgap.model.intent import Intent
from airgap.model.names import alias, bucket
from airgap.model.observation import Observation

INFERENCE, EMBEDDING, TRANSCRIPTION = "trial:Inference", "trial:Embedding", "trial:Transcription"
PLACE = "airgap-trial"
"""Where in the buckets a trial keeps what it needs."""
SENTENCE = "Answer with the word ready."
RATE, SECONDS, TONE = 16_000, 1.0, 440.0
LIMIT = 600.0
"""Seconds after which a transcription is given up."""


@dataclass
class Trials:
    """The trials of one environment; ``way`` is None where the embedded AWS answers, which has no inside."""

    cloud: Cloud
    intent: Intent
    way: Inward | None = None
    _clients: dict[str, Any] = field(default_factory=dict)

    def make(self, call: str, guardrail: Mapping[str, Any]) -> Observation:
        """Make one trial and record it; what goes wrong is an observation too."""
        from botocore.exceptions import BotoCoreError, ClientError

        self.cloud.may_write()
        asked = {**self.cloud.asked(call, {}, "regional", "vpc"), "method": "TEST"}
        requests: list[dict[str, Any]] = []
        try:
            body = _TRIALS[call](self, requests, guardrail)
        except (BotoCoreError, ClientError) as error:
            return self.cloud.recorder.failure(asked, self.cloud.shown(failures.read(error, ())), 1)
        except Unreachable as cause:
            failure = failures.Failure(obs.FAILED, failures.UNREACHED, f"{cause.what}; next: {cause.action}")
            return self.cloud.recorder.failure(asked, failure, 1)
        told = {**body, "requests": requests, "by": self.way.by if self.way else "the embedded AWS"}
        return self.cloud.recorder.answered(asked, told, (), {}, requests[-1]["request_id"])

    def ask(self, requests: list[dict[str, Any]], call: str, **params: Any) -> dict[str, Any]:
        """Make one request of a trial, and note it."""
        from botocore import xform_name

        service, operation = call.split(":")
        began = time.perf_counter()
        answer: dict[str, Any] = getattr(self._client(service), xform_name(operation))(**params)
        requests.append(
            {
                "call": call,
                "request_id": failures.request_id(answer),
                "status": answer["ResponseMetadata"]["HTTPStatusCode"],
                "milliseconds": round((time.perf_counter() - began) * 1000),
            }
        )
        return answer

    def _client(self, service: str) -> Any:
        if self.way is None:
            return self.cloud.client(service)
        if service not in self._clients:
            self._clients[service] = self.cloud.new_client(service)
            go(self._clients[service], self.way)
        return self._clients[service]

    def close(self) -> None:
        """End the way inside."""
        if self.way is not None:
            self.way.close()

    def target(self, model: str) -> str:
        """Return what to name in order to invoke a model: itself, or its profile that stays in the declared Regions."""
        listed = self.cloud.client("bedrock")
        types = listed.get_foundation_model(modelIdentifier=model)["modelDetails"].get("inferenceTypesSupported", [])
        profiles = listed.list_inference_profiles()["inferenceProfileSummaries"] if "ON_DEMAND" not in types else []
        if not profiles or hindrance(self.intent, model, types, profiles):
            return model
        allowed = set(regions(self.intent))
        return next(
            str(one["inferenceProfileId"]) for one in profiles_of(model, profiles) if set(leads_to(one)) <= allowed
        )


def _digested(data: bytes) -> dict[str, Any]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _infer(trials: Trials, requests: list[dict[str, Any]], guardrail: Mapping[str, Any]) -> dict[str, Any]:
    model = trials.intent.ai.models[0]
    named = {"guardrailIdentifier": guardrail["id"], "guardrailVersion": guardrail["version"]} if guardrail else None
    answer = trials.ask(
        requests,
        "bedrock-runtime:Converse",
        modelId=trials.target(model),
        messages=[{"role": "user", "content": [{"text": SENTENCE}]}],
        inferenceConfig={"maxTokens": 10},
        **({"guardrailConfig": named} if named else {}),
    )
    parts = answer["output"]["message"]["content"]
    return {
        "model": model,
        "guardrail": f"{guardrail['id']}:{guardrail['version']}" if guardrail else "",
        "sent": _digested(SENTENCE.encode()),
        "received": _digested(json.dumps(parts, sort_keys=True).encode()),
        "stopped": answer["stopReason"],
        "counted": {name: answer["usage"][name] for name in ("inputTokens", "outputTokens")},
    }


def _embed(trials: Trials, requests: list[dict[str, Any]], guardrail: Mapping[str, Any]) -> dict[str, Any]:
    model, length = trials.intent.ai.embedding_model, trials.intent.data.embedding_dimensions
    if model.startswith("cohere."):
        asked: dict[str, Any] = {"texts": [SENTENCE], "input_type": "search_document"}
    else:
        asked = {"inputText": SENTENCE, **({"dimensions": length} if ":v2" in model or "-v2" in model else {})}
    sent = json.dumps(asked).encode()
    answer = trials.ask(requests, "bedrock-runtime:InvokeModel", modelId=trials.target(model), body=sent)
    received = answer["body"].read()
    body = json.loads(received)
    vector = body.get("embedding") or body["embeddings"][0]
    return {"model": model, "sent": _digested(sent), "received": _digested(received), "dimensions": len(vector)}


def _tone() -> bytes:
    """Return a second of a tone as a WAV file: speech of nobody."""
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        steps = range(int(RATE * SECONDS))
        sound.writeframes(b"".join(struct.pack("<h", int(8000 * math.sin(math.tau * TONE * n / RATE))) for n in steps))
    return written.getvalue()


def _transcribe(trials: Trials, requests: list[dict[str, Any]], guardrail: Mapping[str, Any]) -> dict[str, Any]:
    intent, sound = trials.intent, _tone()
    source, target = bucket(intent, "transcribe-in"), bucket(intent, "transcribe-out")
    name = f"{intent.name('trial')}-{round(trials.cloud.clock.now() * 1000)}"
    # Transcribe's own private name decides whether this is inside the VPC; S3 has none.
    trials.ask(requests, "transcribe:ListTranscriptionJobs", JobNameContains=name)
    put = trials.ask(requests, "s3:PutObject", Bucket=source, Key=f"{PLACE}/{name}.wav", Body=sound)
    try:
        return _transcribed(trials, requests, name, sound, target)
    finally:
        more = {"VersionId": put["VersionId"]} if put.get("VersionId") else {}
        trials.ask(requests, "s3:DeleteObject", Bucket=source, Key=f"{PLACE}/{name}.wav", **more)


def _transcribed(
    trials: Trials, requests: list[dict[str, Any]], name: str, sound: bytes, target: str
) -> dict[str, Any]:
    intent, written = trials.intent, f"{PLACE}/{name}.json"
    trials.ask(
        requests,
        "transcribe:StartTranscriptionJob",
        TranscriptionJobName=name,
        LanguageCode="en-US",
        MediaFormat="wav",
        Media={"MediaFileUri": f"s3://{bucket(intent, 'transcribe-in')}/{PLACE}/{name}.wav"},
        OutputBucketName=target,
        OutputKey=written,
        OutputEncryptionKMSKeyId=intent.arn("kms", alias(intent, "data")),
        Tags=[{"Key": key, "Value": value} for key, value in intent.tags.items()],
    )
    status = _ended(trials, requests, name)
    told: dict[str, Any] = {"job": name, "status": status, "bucket": target, "sent": _digested(sound)}
    if status == "COMPLETED":
        answer = trials.ask(requests, "s3:GetObject", Bucket=target, Key=written)
        told |= {"received": _digested(answer["Body"].read()), "encryption_key": answer.get("SSEKMSKeyId", "")}
        more = {"VersionId": answer["VersionId"]} if answer.get("VersionId") else {}
        trials.ask(requests, "s3:DeleteObject", Bucket=target, Key=written, **more)
    trials.ask(requests, "transcribe:DeleteTranscriptionJob", TranscriptionJobName=name)
    return told


def _ended(trials: Trials, requests: list[dict[str, Any]], name: str) -> str:
    """Return the status in which a job ended, or the last one that it was in."""
    waited, delay = 0.0, 0.1
    while True:
        seen: list[dict[str, Any]] = []
        job = trials.ask(seen, "transcribe:GetTranscriptionJob", TranscriptionJobName=name)["TranscriptionJob"]
        status = str(job["TranscriptionJobStatus"])
        if status in ("COMPLETED", "FAILED") or waited > LIMIT or trials.cloud.stop.is_set():
            requests.extend(seen)
            return status
        trials.cloud.clock.sleep(delay)
        waited, delay = waited + delay, min(delay * 1.5, 5.0)


_TRIALS: dict[str, Callable[[Trials, list[dict[str, Any]], Mapping[str, Any]], dict[str, Any]]] = {
    INFERENCE: _infer,
    EMBEDDING: _embed,
    TRANSCRIPTION: _transcribe,
}
