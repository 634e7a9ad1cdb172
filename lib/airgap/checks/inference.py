"""Foundation models: alive, by name, in the declared Regions, behind a guardrail, and every invocation logged.

AWS: Bedrock User Guide, "Model lifecycle", "Access foundation models", "Cross-Region inference", "Guardrails".
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from airgap.checks.check import NotApplicable, check
from airgap.checks.keys import KEY_READS, own_keys
from airgap.checks.roles import READS, allowed, roles
from airgap.checks.scope import Item, Named, account_row, every
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.inference import hindrance, leads_to, models, personal, regions, strengths, uses_models
from airgap.model.intent import Intent
from airgap.model.names import log_group

LISTED, PROFILES = "bedrock:ListFoundationModels", "bedrock:ListInferenceProfiles"
MODEL, AVAILABLE = "bedrock:GetFoundationModel", "bedrock:GetFoundationModelAvailability"
GUARDRAILS, GUARDRAIL, TAGS = "bedrock:ListGuardrails", "bedrock:GetGuardrail", "bedrock:ListTagsForResource"
LOGGING = "bedrock:GetModelInvocationLoggingConfiguration"
_NOTHING = "no component uses foundation models"
_INVOKE = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")


def declared(intent: Intent, estate: Estate) -> list[tuple[str, str]]:
    """Return the declared models."""
    if not uses_models(intent):
        raise NotApplicable(_NOTHING)
    return [(f"foundation-model:{one}", one) for one in models(intent)]


@check(
    "models-active",
    "The model is active today and this account may invoke it here",
    severity="high",
    properties=(),
    reads=(LISTED, MODEL, AVAILABLE),
    remedy="declare an active model, or have the account's agreement and entitlement to it settled",
    over=declared,
)
def active(model: str, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the model is gone or going, and what this account lacks to invoke it."""
    if model not in [one["modelId"] for one in estate.items(LISTED, "modelSummaries")]:
        yield f"{intent.region} does not offer it"
        return
    cycle = dig(estate.page(MODEL, modelIdentifier=model) or {}, "modelDetails.modelLifecycle") or {}
    end = str(cycle.get("endOfLifeTime", ""))[:10]
    if cycle.get("status") != "ACTIVE":
        yield f"it is {cycle.get('status', 'unknown to Bedrock')}{f' and ends on {end}' if end else ''}"
    elif end and end <= estate.taken_at[:10]:
        yield f"it ended on {end}"
    may = estate.page(AVAILABLE, modelId=model) or {}
    for path, word in (
        ("agreementAvailability.status", "AVAILABLE"),
        ("authorizationStatus", "AUTHORIZED"),
        ("entitlementAvailability", "AVAILABLE"),
        ("regionAvailability", "AVAILABLE"),
    ):
        if dig(may, path) != word:
            yield f"{path.partition('.')[0]} is {dig(may, path) or 'not told'}"


@check(
    "models-stay-in-regions",
    "The model is invoked in the declared Regions alone",
    severity="critical",
    properties=("NET-11",),
    reads=(LISTED, PROFILES),
    remedy="declare a model that is invoked on demand, or the Regions of its profile under ai.inference_regions",
    over=declared,
)
def in_regions(model: str, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield why the model cannot be invoked without its prompts going to a Region that nobody declared."""
    found = {one["modelId"]: one for one in estate.items(LISTED, "modelSummaries")}.get(model, {})
    if reason := hindrance(intent, model, found.get("inferenceTypesSupported", []), _profiles(estate)):
        yield reason


def _profiles(estate: Estate) -> list[Item]:
    return every(estate, PROFILES, "inferenceProfileSummaries")


def _made_profiles(intent: Intent, estate: Estate) -> Named:
    """Inference profiles that somebody of the account has made."""
    if not uses_models(intent):
        raise NotApplicable(_NOTHING)
    made = [one for one in _profiles(estate) if one.get("type") == "APPLICATION"]
    if not made:
        raise NotApplicable("nobody of the account has made an inference profile")
    return [(f"inference-profile {one['inferenceProfileId']}", one) for one in made]


@check(
    "profiles-stay-in-regions",
    "Inference profiles of the account lead to declared Regions alone",
    severity="critical",
    properties=("NET-11",),
    reads=(PROFILES,),
    remedy="delete the profile; find in CloudTrail what was invoked through it",
    over=_made_profiles,
)
def profiles_in_regions(profile: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each Region beyond the declared ones."""
    for region in sorted(set(leads_to(profile)) - set(regions(intent))):
        yield f"it sends prompts to {region}"


def _invoking(intent: Intent, estate: Estate) -> Named:
    """The environment's roles that may invoke any model."""
    found = [(name, role) for name, role in roles(intent, estate) if any(_invoked(role, estate))]
    if not found:
        raise NotApplicable("no role of the environment may invoke a model")
    return found


def _invoked(role: Item, estate: Estate) -> Iterator[str]:
    for grant in allowed(role, estate):
        if any(fnmatchcase(one.lower(), grant.action.lower()) for one in _INVOKE):
            yield grant.resource


@check(
    "models-by-name",
    "Roles may invoke the declared models by name, in the declared Regions, and no other",
    severity="high",
    properties=("IAM-01",),
    reads=READS,
    remedy="name each model's ARN in the role's policy",
    over=_invoking,
)
def by_name(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each resource of a right to invoke that is not a declared model, or a profile of one where declared."""
    named = {
        intent.arn("bedrock", f"foundation-model/{model}", region=region, account="")
        for region in regions(intent)
        for model in models(intent)
    }
    if intent.ai.inference_regions:
        named |= {intent.arn("bedrock", f"inference-profile/*.{model}") for model in models(intent)}
    for resource in _invoked(role, estate):
        if resource not in named:
            yield f"it may invoke {resource}"


def _guardrails(intent: Intent, estate: Estate) -> list[tuple[str, Item]]:
    """The environment's guardrail, or its absence, which is judged as well."""
    if not uses_models(intent):
        raise NotApplicable(_NOTHING)
    for one in every(estate, GUARDRAILS, "guardrails"):
        tags = {tag["key"]: tag["value"] for tag in estate.items(TAGS, "tags", resourceARN=one["arn"])}
        if (tags.get("airgap:key"), tags.get("airgap:environment")) == ("guardrail:app", intent.environment):
            return [("guardrail:app", one)]
    return [("guardrail:app", {})]


def _weaknesses(told: Item, intent: Intent) -> Iterator[str]:
    """Yield where a guardrail, or a version of it, does less than declared."""
    prompts, answers = strengths(intent)
    filters = {one["type"]: one for one in dig(told, "contentPolicy.filters") or []}
    for name in prompts:
        found: dict[str, Any] = filters.get(name, {})
        for side, wanted in (("input", prompts[name]), ("output", answers[name])):
            strength = found.get(f"{side}Strength", "NONE")
            if strength != wanted:
                yield f"{name} of the {side} is filtered with strength {strength}, declared {wanted}"
            elif wanted != "NONE" and (found.get(f"{side}Action") == "NONE" or found.get(f"{side}Enabled") is False):
                yield f"{name} of the {side} is seen and let through"
    held = {one["type"]: one.get("action") for one in dig(told, "sensitiveInformationPolicy.piiEntities") or []}
    for name, action in sorted(personal(intent).items()):
        if held.get(name) != action:
            yield f"{name} is not handled as declared ({held.get(name, 'nothing')} instead of {action})"


@check(
    "guardrail-stands",
    "The guardrail and its newest version stop and mask what is declared, under the environment's key",
    severity="high",
    properties=("DAT-02",),
    reads=(GUARDRAILS, TAGS, GUARDRAIL, *KEY_READS),
    remedy="apply the step ai; applications name its newest version",
    over=_guardrails,
)
def guardrail(one: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that there is no guardrail or no version of it, and what either lets through."""
    if not one:
        yield "there is no guardrail"
        return
    listed = estate.items(GUARDRAILS, "guardrails", guardrailIdentifier=one["id"])
    numbers = sorted(int(each["version"]) for each in listed if each["version"].isdigit())
    for version in ("DRAFT", *map(str, numbers[-1:])):
        told = estate.page(GUARDRAIL, guardrailIdentifier=one["id"], guardrailVersion=version) or {}
        yield from (f"{version}: {sentence}" for sentence in _weaknesses(told, intent))
        if version == "DRAFT" and told.get("kmsKeyArn") not in own_keys(intent, estate):
            yield f"its key is {told.get('kmsKeyArn') or 'AWS own one'}, none of the environment's"
    if not numbers:
        yield "it has no version, and a draft changes under the applications that use it"


def _logging(intent: Intent, estate: Estate) -> list[tuple[str, None]]:
    if not uses_models(intent):
        raise NotApplicable(_NOTHING)
    return account_row(intent, estate)


@check(
    "invocations-logged",
    "Every invocation of a model is logged, prompts and answers with it, within the account",
    severity="high",
    properties=("LOG-02",),
    reads=(LOGGING, "s3:ListBuckets"),
    remedy="apply the step ai, or have the setting's owner log to this account",
    over=_logging,
)
def logged(account: None, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that nothing is logged, that text is left out, or that it goes to another place."""
    told = (estate.page(LOGGING) or {}).get("loggingConfig") or {}
    group, bucket = dig(told, "cloudWatchConfig.logGroupName"), dig(told, "s3Config.bucketName")
    if not group and not bucket:
        yield "nothing is logged"
        return
    if not told.get("textDataDeliveryEnabled"):
        yield "prompts and answers are left out"
    adopted = "invocation-logging:account" in intent.adopt or not intent.exclusive_account
    if group != log_group(intent, "bedrock") and not adopted:
        yield f"they are written to {group or 'no log group'}"
    large = dig(told, "cloudWatchConfig.largeDataDeliveryS3Config.bucketName")
    own = {one["Name"] for one in every(estate, "s3:ListBuckets", "Buckets")}
    for name in sorted({bucket, large} - own - {None, ""}):
        yield f"they are written to the bucket {name}, which is not this account's"


CHECKS = (active, in_regions, profiles_in_regions, by_name, guardrail, logged)
