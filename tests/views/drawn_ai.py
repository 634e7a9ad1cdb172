"""Pages of models, guardrail and test calls for the views: nothing of ours there, and all in place."""

from __future__ import annotations

import json
from typing import Any

from airgap.model.inference import models, personal, strengths
from airgap.model.intent import Intent

Pages = dict[tuple[str, str], Any]
ID, ARN = "abc123def456", "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
_AVAILABLE = {
    "agreementAvailability": {"status": "AVAILABLE"},
    "authorizationStatus": "AUTHORIZED",
    "entitlementAvailability": "AVAILABLE",
    "regionAvailability": "AVAILABLE",
}


def none(intent: Intent) -> Pages:
    """Bedrock was asked, offers the declared models, and has no guardrail to ask about."""
    pages: Pages = {
        ("bedrock:GetGuardrail", "{}"): None,
        ("bedrock:ListTagsForResource", "{}"): None,
        **{(f"trial:{one}", "{}"): None for one in ("Inference", "Embedding", "Transcription")},
    }
    for model in models(intent):
        pages["bedrock:GetFoundationModel", json.dumps({"modelIdentifier": model})] = {"modelDetails": {}}
        pages["bedrock:GetFoundationModelAvailability", json.dumps({"modelId": model})] = _AVAILABLE
    return pages


def deployed(intent: Intent) -> Pages:
    """The guardrail with a version, and a test call of each sort."""
    prompts, answers = strengths(intent)
    contents = {
        "contentPolicy": {
            "filters": [{"type": one, "inputStrength": prompts[one], "outputStrength": answers[one]} for one in prompts]
        },
        "sensitiveInformationPolicy": {
            "piiEntities": [{"type": one, "action": action} for one, action in personal(intent).items()]
        },
    }
    pages: Pages = {
        ("bedrock:ListFoundationModels", "{}"): {
            "modelSummaries": [
                {"modelId": one, "inferenceTypesSupported": ["ON_DEMAND"], "modelLifecycle": {"status": "ACTIVE"}}
                for one in models(intent)
            ]
        },
        ("bedrock:ListGuardrails", "{}"): {"guardrails": [{"id": ID, "arn": ARN, "version": "DRAFT"}]},
        ("bedrock:ListTagsForResource", json.dumps({"resourceARN": ARN})): {
            "tags": [{"key": "airgap:key", "value": "guardrail:app"}]
        },
    }
    for version in ("DRAFT", "1"):
        asked = {"guardrailIdentifier": ID, "guardrailVersion": version}
        pages["bedrock:GetGuardrail", json.dumps(asked)] = {"guardrailArn": ARN, "version": version, **contents}
    for one in ("Inference", "Embedding", "Transcription"):
        pages[f"trial:{one}", "{}"] = {
            "model": "m<1>",
            "by": "10.0.10.7",
            "requests": [{"call": "x:Y", "request_id": "r-1", "status": 200, "milliseconds": 12}],
            "sent": {"bytes": 10, "sha256": "0" * 64},
            "received": {"bytes": 20, "sha256": "1" * 64},
        }
    return pages
