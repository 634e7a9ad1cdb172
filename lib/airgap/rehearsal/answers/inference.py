"""Invocations of foundation models: judged as Bedrock judges them, answered in its form. No model runs here.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and ``API_runtime_InvokeModel.html``
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from airgap.rehearsal.answers.model_guardrails import find
from airgap.rehearsal.answers.models import GEOGRAPHIES, MODELS, Model
from airgap.rehearsal.hook import answers
from airgap.rehearsal.wire import Call, Refusal

DIMENSIONS = (256, 512, 1024)
"""Lengths of a vector that Titan Text Embeddings V2 gives."""


def _model(call: Call) -> Model:
    """Return the model that a request names, by its id, by its ARN or through a profile of the Region."""
    wanted = str(call.get("modelId", "")).rpartition("/")[2]
    prefix, _, rest = wanted.partition(".")
    through = prefix in GEOGRAPHIES and call.region in GEOGRAPHIES[prefix]
    model = next((one for one in MODELS if one.id == (rest if through else wanted)), None)
    if model is None:
        raise Refusal("ValidationException", "The provided model identifier is invalid.")
    if model.status != "ACTIVE":
        said = "Access denied. This Model is marked by provider as Legacy and you have not been actively using it."
        raise Refusal("ResourceNotFoundException", said, 404)
    if not (model.direct or through):
        said = f"Invocation of model ID {model.id} with on-demand throughput isn't supported. Retry your request with "
        raise Refusal("ValidationException", said + "the ID or ARN of an inference profile that contains this model.")
    return model


def _guarded(call: Call, identifier: str | None, version: str | None) -> None:
    if identifier is None:
        return
    try:
        found = find(call, identifier, version)
    except Refusal as error:
        raise Refusal("ValidationException", error.message) from error
    if found["status"] != "READY":
        raise Refusal("ConflictException", "The guardrail is not ready.")


@answers("bedrock-runtime", "Converse")
def converse(call: Call) -> dict[str, Any]:
    """Answer a conversation with one word."""
    model, guard = _model(call), call.get("guardrailConfig") or {}
    _guarded(call, guard.get("guardrailIdentifier"), guard.get("guardrailVersion"))
    if model.outputs != "TEXT":
        raise Refusal("ValidationException", "This action doesn't support the model that you provided.")
    asked = sum(len(str(part.get("text", ""))) for one in call.get("messages", []) for part in one["content"])
    tokens = {"inputTokens": max(1, asked // 4), "outputTokens": 1}
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": "rehearsed"}]}},
        "stopReason": "end_turn",
        "usage": {**tokens, "totalTokens": sum(tokens.values())},
        "metrics": {"latencyMs": 1},
    }


@answers("bedrock-runtime", "InvokeModel")
def invoke(call: Call) -> dict[str, Any]:
    """Answer an embedding model with a vector of the length that it was asked for."""
    model = _model(call)
    _guarded(call, call.get("guardrailIdentifier"), call.get("guardrailVersion"))
    try:
        asked = json.loads(call.body)
    except ValueError as error:
        raise Refusal("ValidationException", "Malformed input request, please reformat your input.") from error
    body = _embedded(model, asked) if model.outputs == "EMBEDDING" else {"output": "rehearsed"}
    return {"body": json.dumps(body).encode(), "contentType": "application/json"}


def _embedded(model: Model, asked: dict[str, Any]) -> dict[str, Any]:
    if model.provider == "Cohere":
        if not asked.get("texts") or "input_type" not in asked:
            raise Refusal("ValidationException", "Malformed input request: texts and input_type are required.")
        return {"embeddings": [_vector(text, 1024) for text in asked["texts"]], "response_type": "embeddings_floats"}
    text, length = asked.get("inputText"), asked.get("dimensions", 1024)
    if not text or length not in DIMENSIONS:
        raise Refusal("ValidationException", "Malformed input request: inputText or dimensions is not admitted.")
    return {"embedding": _vector(text, length), "inputTextTokenCount": max(1, len(text) // 4)}


def _vector(text: str, length: int) -> list[float]:
    seed = hashlib.sha256(base64.b64encode(text.encode())).digest()
    return [(seed[place % len(seed)] - 128) / 128 for place in range(length)]
