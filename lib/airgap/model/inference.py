"""Foundation models as an environment uses them: which, invoked how, and what the guardrail in front of them stops.

AWS: Amazon Bedrock User Guide, "Model lifecycle", "Increase throughput with cross-Region inference", "Components of a
guardrail".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airgap.model.canonical import dig
from airgap.model.intent import Intent

BEDROCK = ("bedrock-inference", "bedrock-verify")
"""The components for whose sake models, guardrail and invocation log are there."""
TRANSCRIBE = ("transcribe-batch",)
ON_DEMAND, PROFILE = "ON_DEMAND", "INFERENCE_PROFILE"

FILTERS = ("HATE", "INSULTS", "MISCONDUCT", "PROMPT_ATTACK", "SEXUAL", "VIOLENCE")
ONLY_IN_PROMPTS = ("PROMPT_ATTACK",)
"""Filters that AWS admits for what goes in alone."""
STRENGTHS = ("NONE", "LOW", "MEDIUM", "HIGH")
WORD_LISTS = ("PROFANITY",)
REFUSAL = "This request is not answered: it is against the rules of this environment."
"""What a caller reads instead of what was stopped."""


def uses_models(intent: Intent) -> bool:
    """Tell whether anything in the environment uses foundation models."""
    return bool(set(BEDROCK) & set(intent.components))


def models(intent: Intent) -> tuple[str, ...]:
    """Return the ids of the declared models, each once, the embedding model last."""
    return tuple(dict.fromkeys((*intent.ai.models, intent.ai.embedding_model)))


def regions(intent: Intent) -> tuple[str, ...]:
    """Return the Regions to which a prompt may go: the environment's own first."""
    return tuple(dict.fromkeys((intent.region, *intent.ai.inference_regions)))


def profiles_of(model: str, profiles: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return AWS's own inference profiles of a model."""
    return [one for one in profiles if one.get("type") != "APPLICATION" and model in _models(one)]


def _models(profile: Mapping[str, Any]) -> set[str]:
    return {str(arn).rpartition("/")[2] for arn in dig(profile, "models[].modelArn") or []}


def leads_to(profile: Mapping[str, Any]) -> list[str]:
    """Return the Regions to which an inference profile may send a prompt, sorted."""
    return sorted({str(arn).split(":")[3] for arn in dig(profile, "models[].modelArn") or []})


def hindrance(intent: Intent, model: str, types: Iterable[str], profiles: Iterable[Mapping[str, Any]]) -> str:
    """Return why a model cannot be invoked as declared; '' where it can.

    ``types`` are the ways in which Bedrock lets it be invoked, ``profiles`` the inference profiles of the Region.
    """
    if ON_DEMAND in types:
        return ""
    mine = profiles_of(model, profiles)
    if not mine:
        return f"{intent.region} lets it be invoked through {', '.join(sorted(types)) or 'nothing'} only"
    shown = "; ".join(f"{one['inferenceProfileId']} leads to {', '.join(leads_to(one))}" for one in mine)
    if not intent.ai.inference_regions:
        return f"it exists through cross-Region profiles only ({shown}), and ai.inference_regions is empty"
    allowed = set(regions(intent))
    if any(set(leads_to(one)) <= allowed for one in mine):
        return ""
    return f"no profile of it stays in the declared Regions {', '.join(sorted(allowed))} ({shown})"


def strengths(intent: Intent) -> tuple[dict[str, str], dict[str, str]]:
    """Return how strongly each content filter works on prompts, and on answers."""
    strong = intent.ai.filter_strength
    return (
        dict.fromkeys(FILTERS, strong),
        {one: "NONE" if one in ONLY_IN_PROMPTS else strong for one in FILTERS},
    )


def personal(intent: Intent) -> dict[str, str]:
    """Return what happens to each sort of personal information: BLOCK or ANONYMIZE."""
    return {**dict.fromkeys(intent.ai.masked, "ANONYMIZE"), **dict.fromkeys(intent.ai.blocked, "BLOCK")}
