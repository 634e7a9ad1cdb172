"""Foundation models: AWS's own, so nothing is made; a plan says which cannot be had as declared, and is then refused.

A model exists in a Region, is active or legacy, and is invoked directly or through an inference profile that sends
prompts to other Regions. AWS: Bedrock User Guide, "Model lifecycle", "Supported Regions and models".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airgap.model.estate import Estate
from airgap.model.inference import ON_DEMAND, hindrance, models, uses_models
from airgap.model.intent import Intent
from airgap.model.plan import Desired
from airgap.model.reading import FIXED, NEVER, Field, Reading
from airgap.resources.kind import Kind, declares

LISTED, PROFILES = "bedrock:ListFoundationModels", "bedrock:ListInferenceProfiles"

FOUNDATION_MODEL = Kind(
    "foundation-model",
    "Foundation model",
    Reading(
        LISTED,
        "modelSummaries",
        "modelId",
        owner="name",
        natural=("model",),
        # AWS's own: nobody tags them, and what is not declared is none of ours.
        tags="",
        fields={
            "model": Field("modelId", change=NEVER, why="a model is its id"),
            "status": Field("modelLifecycle.status", change=FIXED, why="declare a model that is active"),
            "invoked": Field("inferenceTypesSupported", form="set", change=FIXED, why="AWS says how"),
        },
    ),
    create=(),
)


@declares(FOUNDATION_MODEL, reads=(LISTED, PROFILES))
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield every declared model; one that the Region lacks, or has through strange Regions only, cannot be had."""
    if not uses_models(intent):
        return
    offered = {one["modelId"]: one for one in facts.items(LISTED, "modelSummaries")}
    profiles = [one for _, page in facts.pages(PROFILES) for one in page.get("inferenceProfileSummaries", [])]
    for model in models(intent):
        yield _desired(intent, model, offered.get(model), profiles)


def _desired(intent: Intent, model: str, found: Mapping[str, Any] | None, profiles: list[dict[str, Any]]) -> Desired:
    types = sorted((found or {}).get("inferenceTypesSupported", [ON_DEMAND]))
    reason = hindrance(intent, model, types, profiles) if found else ""
    refused = {"invoked": reason} if reason else {}
    if found is None:
        refused["model"] = f"{intent.region} does not offer it"
    # What keeps a model from being invoked stands as a difference in the plan, where its reason is read.
    invoked = sorted({*types, ON_DEMAND}) if reason else types
    fields = {"model": model, "status": "ACTIVE", "invoked": invoked}
    why = "embeddings" if model == intent.ai.embedding_model else "inference"
    return Desired("foundation-model", model, fields, why=f"{why}; AWS's own, read and never changed", refused=refused)
