"""Bedrock's catalogue: foundation models with their life cycle, and the cross-Region inference profiles.

Ids and ends of life are second-hand (November 2026); a runbook reads ``modelLifecycle`` when it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airgap.rehearsal.hook import answers
from airgap.rehearsal.wire import Call, Refusal


@dataclass(frozen=True)
class Model:
    """One foundation model; ``direct`` says that it can be invoked without an inference profile."""

    id: str
    name: str
    provider: str
    outputs: str = "TEXT"
    direct: bool = True
    status: str = "ACTIVE"
    end: str | None = None
    inputs: str = "TEXT"


MODELS = (
    Model("amazon.nova-micro-v1:0", "Nova Micro", "Amazon"),
    Model("amazon.nova-lite-v1:0", "Nova Lite", "Amazon", inputs="TEXT IMAGE"),
    Model("amazon.nova-pro-v1:0", "Nova Pro", "Amazon", inputs="TEXT IMAGE"),
    Model("amazon.titan-embed-text-v2:0", "Titan Text Embeddings V2", "Amazon", "EMBEDDING"),
    Model("amazon.titan-text-express-v1", "Titan Text G1 - Express", "Amazon", status="LEGACY", end="2027-01-31"),
    Model("anthropic.claude-3-haiku-20240307-v1:0", "Claude 3 Haiku", "Anthropic", status="LEGACY", end="2027-03-10"),
    Model("anthropic.claude-haiku-4-5-20251001-v1:0", "Claude Haiku 4.5", "Anthropic", direct=False),
    Model("anthropic.claude-sonnet-4-5-20250929-v1:0", "Claude Sonnet 4.5", "Anthropic", direct=False),
    Model("cohere.embed-multilingual-v3", "Embed Multilingual", "Cohere", "EMBEDDING"),
    Model("meta.llama3-3-70b-instruct-v1:0", "Llama 3.3 70B Instruct", "Meta", direct=False),
)
# geography: (Regions whose profiles bear the prefix, Regions to which a profile may send prompts)
GEOGRAPHIES = {
    "us": ("us-east-1", "us-east-2", "us-west-2"),
    "eu": ("eu-central-1", "eu-north-1", "eu-west-1", "eu-west-3"),
    "apac": ("ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
}


def _arn(model: Model, call: Call, region: str) -> str:
    return f"arn:{call.partition}:bedrock:{region}::foundation-model/{model.id}"


def _summary(model: Model, call: Call) -> dict[str, Any]:
    lifecycle: dict[str, Any] = {"status": model.status}
    if model.end:
        lifecycle["endOfLifeTime"] = f"{model.end}T00:00:00Z"
    return {
        "modelArn": _arn(model, call, call.region),
        "modelId": model.id,
        "modelName": model.name,
        "providerName": model.provider,
        "inputModalities": model.inputs.split(),
        "outputModalities": [model.outputs],
        "responseStreamingSupported": model.outputs == "TEXT",
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"] if model.direct else ["INFERENCE_PROFILE"],
        "modelLifecycle": lifecycle,
    }


def _model(call: Call, identifier: str) -> Model:
    wanted = identifier.rpartition("/")[2]
    for model in MODELS:
        if model.id == wanted:
            return model
    raise Refusal(
        "ResourceNotFoundException", f"Could not resolve the foundation model from the model identifier {wanted}"
    )


@answers("bedrock", "ListFoundationModels")
def list_models(call: Call) -> dict[str, Any]:
    """Return the models, by provider, output modality or inference type."""
    models = [_summary(model, call) for model in MODELS]
    tests: dict[str, Callable[[dict[str, Any], str], bool]] = {
        "byProvider": lambda x, wanted: x["providerName"].lower() == wanted.lower(),
        "byOutputModality": lambda x, wanted: wanted in x["outputModalities"],
        "byInferenceType": lambda x, wanted: wanted in x["inferenceTypesSupported"],
        "byCustomizationType": lambda x, wanted: wanted in x["customizationsSupported"],
    }
    for name, test in tests.items():
        if call.get(name) is not None:
            models = [x for x in models if test(x, call.get(name))]
    return {"modelSummaries": models}


@answers("bedrock", "GetFoundationModel")
def get_model(call: Call) -> dict[str, Any]:
    """Return one model."""
    return {"modelDetails": _summary(_model(call, call.get("modelIdentifier")), call)}


@answers("bedrock", "GetFoundationModelAvailability")
def availability(call: Call) -> dict[str, Any]:
    """Every model here has its agreement, authorization and entitlement."""
    model = _model(call, call.get("modelId"))
    return {
        "modelId": model.id,
        "agreementAvailability": {"status": "AVAILABLE"},
        "authorizationStatus": "AUTHORIZED",
        "entitlementAvailability": "AVAILABLE",
        "regionAvailability": "AVAILABLE",
    }


def _profiles(call: Call) -> list[dict[str, Any]]:
    found = ((prefix, regions) for prefix, regions in GEOGRAPHIES.items() if call.region in regions)
    return [
        {
            "inferenceProfileName": f"{prefix.upper()} {model.name}",
            "inferenceProfileArn": call.arn(f"inference-profile/{prefix}.{model.id}"),
            "inferenceProfileId": f"{prefix}.{model.id}",
            "models": [{"modelArn": _arn(model, call, region)} for region in regions],
            "status": "ACTIVE",
            "type": "SYSTEM_DEFINED",
        }
        for prefix, regions in found
        for model in MODELS
        if model.outputs == "TEXT" and model.status == "ACTIVE"
    ]


@answers("bedrock", "ListInferenceProfiles")
def list_profiles(call: Call) -> dict[str, Any]:
    """Return the profiles of the Region's geography, with every Region that each may send prompts to."""
    wanted = call.get("typeEquals", "SYSTEM_DEFINED")
    return {"inferenceProfileSummaries": [x for x in _profiles(call) if x["type"] == wanted]}


@answers("bedrock", "GetInferenceProfile")
def get_profile(call: Call) -> dict[str, Any]:
    """Return one profile."""
    wanted = call.get("inferenceProfileIdentifier", "").rpartition("/")[2]
    for profile in _profiles(call):
        if profile["inferenceProfileId"] == wanted:
            return profile
    raise Refusal("ResourceNotFoundException", f"The inference profile {wanted} does not exist")
