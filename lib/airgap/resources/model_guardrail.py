"""The guardrail in front of the models, and the version of it that applications name.

What is edited is the draft; a version is a copy of it that nobody can change, so it is known by what it contains, and
a changed draft asks for a new one. AWS: Bedrock User Guide, "Create a guardrail", "Deploy your guardrail".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model.estate import Estate
from airgap.model.inference import REFUSAL, WORD_LISTS, personal, strengths, uses_models
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.kind import WHOLE, Call, Fields, Kind, declares

_GET = "bedrock:GetGuardrail"
_GONE = ("ResourceNotFoundException",)
_WEAKER = "what it stops and what it lets through"


def _contents(change: str) -> dict[str, Field]:
    """The fields that a draft and its versions share."""
    return {
        "prompts": Field("contentPolicy.filters", form="pairs:type:inputStrength", change=change, why=_WEAKER,
                         risk="opens", absent={}),
        "answers": Field("contentPolicy.filters", form="pairs:type:outputStrength", change=change, why=_WEAKER,
                         risk="opens", absent={}),
        "stops_prompts": Field("contentPolicy.filters", form="pairs:type:inputAction", change=change, why=_WEAKER,
                               risk="opens", absent={}),
        "stops_answers": Field("contentPolicy.filters", form="pairs:type:outputAction", change=change, why=_WEAKER,
                               risk="opens", absent={}),
        "personal": Field("sensitiveInformationPolicy.piiEntities", form="pairs:type:action", change=change,
                          why="which personal information it stops or masks", risk="opens", absent={}),
        "words": Field("wordPolicy.managedWordLists[].type", form="set", change=change, why=_WEAKER, risk="opens",
                       absent=[]),
    }  # fmt: skip


def _configuration(f: Fields) -> dict[str, Any]:
    """A guardrail is always written as a whole."""
    filters = [
        {
            "type": one,
            "inputStrength": strength,
            "outputStrength": f["answers"][one],
            "inputAction": f["stops_prompts"][one],
            "outputAction": f["stops_answers"][one],
        }
        for one, strength in sorted(f["prompts"].items())
    ]
    return {
        "name": f["name"],
        "blockedInputMessaging": f["refusal"],
        "blockedOutputsMessaging": f["refusal"],
        "contentPolicyConfig": {"filtersConfig": filters},
        "sensitiveInformationPolicyConfig": {
            "piiEntitiesConfig": [{"type": one, "action": action} for one, action in sorted(f["personal"].items())]
        },
        "wordPolicyConfig": {"managedWordListsConfig": [{"type": one} for one in f["words"]]},
        "kmsKeyId": f["kms_key"],
    }


def _tags(f: Fields) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in sorted(f["tags"].items())]


_UPDATE = (Call("bedrock:UpdateGuardrail", lambda f: {"guardrailIdentifier": f["id"], **_configuration(f)}),)
_USED = ("kms:CreateGrant", "kms:DescribeKey")

GUARDRAIL = Kind(
    "guardrail",
    "Guardrail of the models",
    Reading(
        _GET,
        "",
        "guardrailId",
        tags="bedrock:ListTagsForResource|resourceARN=guardrailArn|tags",
        only=(("version", "DRAFT"),),
        attrs={"arn": "guardrailArn"},
        fields={**_contents("in-place"), "kms_key": Field("kmsKeyArn", why="what it says is kept under it")},
        state="status",
        settled=("READY",),
        failed=("FAILED",),
    ),
    create=(
        Call(
            "bedrock:CreateGuardrail",
            lambda f: {**_configuration(f), "tags": _tags(f)},
            actions=("bedrock:TagResource", *_USED),
        ),
    ),
    updates=dict.fromkeys((*_contents(""), "kms_key"), _UPDATE),
    # The versions go with it.
    delete=(Call("bedrock:DeleteGuardrail", lambda f: {"guardrailIdentifier": f["id"]}, ignore=_GONE),),
    poll=Call(_GET, lambda f: {"guardrailIdentifier": f["id"], "guardrailVersion": "DRAFT"}, WHOLE, ignore=_GONE),
    seconds=5,
    gone=True,
)

VERSION = Kind(
    "guardrail-version",
    "Version of the guardrail",
    Reading(
        _GET,
        "",
        "guardrailId+version",
        owner="parent",
        natural=("guardrail", *_contents("")),
        unless=(("version", "DRAFT"),),
        attrs={"version": "version"},
        fields={"guardrail": Field("guardrailId", change=NEVER), **_contents(NEVER)},
        state="status",
        settled=("READY",),
        failed=("FAILED",),
    ),
    create=(
        Call(
            "bedrock:CreateGuardrailVersion",
            lambda f: {"guardrailIdentifier": f["guardrail"]},
            # A draft that was changed a moment ago is not ready to be copied.
            retry=("ConflictException",),
            actions=_USED,
        ),
    ),
    delete=(
        Call(
            "bedrock:DeleteGuardrail",
            lambda f: {"guardrailIdentifier": f["guardrail"], "guardrailVersion": f["version"]},
            ignore=_GONE,
        ),
    ),
    poll=Call(_GET, lambda f: {"guardrailIdentifier": f["guardrail"], "guardrailVersion": f["version"]}, ignore=_GONE),
    seconds=5,
)


@declares(GUARDRAIL, VERSION)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the guardrail and the version of it that applications name."""
    if not uses_models(intent):
        return
    prompts, answers = strengths(intent)
    stops = dict.fromkeys(prompts, "BLOCK")
    contents = {
        "prompts": prompts,
        "answers": answers,
        "stops_prompts": stops,
        "stops_answers": stops,
        "personal": personal(intent),
        "words": sorted(WORD_LISTS),
    }
    own = {"name": intent.name("guardrail"), "refusal": REFUSAL, "kms_key": ref("kms-key:data", "arn")}
    yield Desired("guardrail", "app", {**contents, **own}, why="what goes into the models and comes out is looked at")
    version = {"guardrail": ref("guardrail:app"), **contents}
    yield Desired("guardrail-version", "app", version, why="applications name a version, which nobody can change")
