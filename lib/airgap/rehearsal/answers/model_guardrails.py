"""Bedrock's guardrails: a draft that can be changed, and numbered versions of it that cannot.

https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-create.html and ``guardrails-deploy.html``
"""

from __future__ import annotations

import copy
from typing import Any

from airgap.rehearsal.hook import PassOn, answers
from airgap.rehearsal.store import Record, Store, new_id, now, store
from airgap.rehearsal.wire import Call, Refusal

GUARDRAIL = "guardrail"
VERSIONS = 20
"""Versions that a guardrail may have (Bedrock quotas)."""
# Member of the request -> member of the answer, and the list in each.
_POLICIES = {
    "contentPolicyConfig": ("contentPolicy", {"filtersConfig": "filters"}),
    "topicPolicyConfig": ("topicPolicy", {"topicsConfig": "topics"}),
    "wordPolicyConfig": ("wordPolicy", {"wordsConfig": "words", "managedWordListsConfig": "managedWordLists"}),
    "sensitiveInformationPolicyConfig": (
        "sensitiveInformationPolicy",
        {"piiEntitiesConfig": "piiEntities", "regexesConfig": "regexes"},
    ),
    "contextualGroundingPolicyConfig": ("contextualGroundingPolicy", {"filtersConfig": "filters"}),
}


def kept(call: Call) -> Store:
    """Return what the Region keeps of guardrails."""
    return store(call.account, call.region, "bedrock")


def find(call: Call, identifier: str | None, version: str | None = None) -> Record:
    """Return a guardrail by id or ARN, or one version of it; refuses one that does not exist."""
    name = (identifier or "").rpartition("/")[2]
    found = kept(call).get(GUARDRAIL, f"{name} {version or 'DRAFT'}")
    if found is None:
        raise Refusal("ResourceNotFoundException", "The provided guardrail identifier or version does not exist.")
    return found


def _policies(call: Call) -> Record:
    found: Record = {}
    for asked, (shown, lists) in _POLICIES.items():
        if call.get(asked):
            found[shown] = {
                to: copy.deepcopy(call.get(asked)[name]) for name, to in lists.items() if name in call.get(asked)
            }
    for one in found.get("contentPolicy", {}).get("filters", []):
        if one["type"] == "PROMPT_ATTACK" and one["outputStrength"] != "NONE":
            raise Refusal("ValidationException", "Output strength for PROMPT_ATTACK must be NONE")
    if not found:
        raise Refusal("ValidationException", "A guardrail must have at least one policy")
    return found


def _key(call: Call) -> str | None:
    wanted = call.get("kmsKeyId")
    if wanted is None:
        return None
    keys = call.backend("kms").keys
    key = keys.get(wanted.rpartition("/")[2])
    if key is None or key.key_state != "Enabled":
        raise Refusal("ValidationException", "The provided KMS key does not exist or is not enabled.")
    return str(key.arn)


def _configuration(call: Call) -> Record:
    members = {
        name: call.get(name) for name in ("name", "description", "blockedInputMessaging", "blockedOutputsMessaging")
    }
    key = _key(call)
    return {
        **{k: v for k, v in members.items() if v is not None},
        **_policies(call),
        **({"kmsKeyArn": key} if key else {}),
    }


@answers("bedrock", "CreateGuardrail")
def create(call: Call) -> dict[str, Any]:
    """Create a guardrail, whose name is its own in the Region."""
    if any(one["name"] == call.get("name") for one in kept(call).all(GUARDRAIL)):
        raise Refusal("ConflictException", "Another guardrail in your account already has this name.")
    name = new_id("", 12)
    record = {
        **_configuration(call),
        "guardrailId": name,
        "guardrailArn": call.arn(f"guardrail/{name}"),
        "version": "DRAFT",
        "status": "CREATING",
        "createdAt": now(),
        "updatedAt": now(),
    }
    kept(call).put(GUARDRAIL, f"{name} DRAFT", record)
    kept(call).later(GUARDRAIL, f"{name} DRAFT", "bedrock:CreateGuardrail", {"status": "READY"})
    kept(call).tags[record["guardrailArn"]] = {one["key"]: one["value"] for one in call.get("tags", [])}
    return record


@answers("bedrock", "UpdateGuardrail")
def update(call: Call) -> dict[str, Any]:
    """Write the draft anew: what the request leaves out is gone."""
    record = find(call, call.get("guardrailIdentifier"))
    _ready(record)
    written = _configuration(call)
    for member in [shown for shown, _ in _POLICIES.values()] + ["description", "kmsKeyArn"]:
        record.pop(member, None)
    record.update(written, status="UPDATING", updatedAt=now())
    kept(call).later(GUARDRAIL, f"{record['guardrailId']} DRAFT", "bedrock:UpdateGuardrail", {"status": "READY"})
    return record


def _ready(record: Record) -> None:
    if record["status"] != "READY":
        raise Refusal(
            "ConflictException", f"The guardrail is in status {record['status']}; try again when it is READY."
        )


@answers("bedrock", "CreateGuardrailVersion")
def version(call: Call) -> dict[str, Any]:
    """Copy the draft into the next version."""
    draft = find(call, call.get("guardrailIdentifier"))
    _ready(draft)
    name = draft["guardrailId"]
    numbers = [int(one["version"]) for one in _of(call, name) if one["version"] != "DRAFT"]
    if len(numbers) >= VERSIONS:
        raise Refusal("ServiceQuotaExceededException", f"A guardrail has at most {VERSIONS} versions.")
    draft["next"] = draft.get("next", 0) + 1
    number = str(draft["next"])
    record = {**copy.deepcopy(draft), "version": number, "status": "VERSIONING", "createdAt": now(), "updatedAt": now()}
    record["description"] = call.get("description", draft.get("description", ""))
    kept(call).put(GUARDRAIL, f"{name} {number}", record)
    kept(call).later(GUARDRAIL, f"{name} {number}", "bedrock:CreateGuardrailVersion", {"status": "READY"})
    return {"guardrailId": name, "version": number}


def _of(call: Call, name: str) -> list[Record]:
    return [one for one in kept(call).all(GUARDRAIL) if one["guardrailId"] == name]


@answers("bedrock", "GetGuardrail")
def get(call: Call) -> dict[str, Any]:
    """Return the draft or a version."""
    return find(call, call.get("guardrailIdentifier"), call.get("guardrailVersion"))


@answers("bedrock", "ListGuardrails")
def listing(call: Call) -> dict[str, Any]:
    """Return the drafts of all guardrails or, of one that is named, draft and versions."""
    wanted = call.get("guardrailIdentifier")
    found = kept(call).all(GUARDRAIL)
    if wanted is not None:
        found = _of(call, find(call, wanted)["guardrailId"])
    else:
        found = [one for one in found if one["version"] == "DRAFT"]
    shown = ("status", "name", "description", "version", "createdAt", "updatedAt")
    summaries = [
        {"id": one["guardrailId"], "arn": one["guardrailArn"], **{name: one[name] for name in shown if name in one}}
        for one in found
    ]
    return {"guardrails": summaries}


@answers("bedrock", "DeleteGuardrail")
def delete(call: Call) -> dict[str, Any]:
    """Remove one version, or the guardrail with all that it has."""
    wanted = call.get("guardrailVersion")
    found = find(call, call.get("guardrailIdentifier"), wanted)
    gone = [found] if wanted else _of(call, found["guardrailId"])
    for one in gone:
        kept(call).remove(GUARDRAIL, f"{one['guardrailId']} {one['version']}")
    if not wanted:
        kept(call).tags.pop(found["guardrailArn"], None)
    return {}


def _tagged(call: Call) -> str:
    arn = str(call.get("resourceARN", ""))
    if ":guardrail/" in arn:
        find(call, arn)
        return arn
    return ""


@answers("bedrock", "ListTagsForResource")
def tags(call: Call) -> dict[str, Any] | PassOn:
    """Return the tags of a guardrail; those of custom models are moto's."""
    arn = _tagged(call)
    if not arn:
        return PassOn.TO_MOTO
    return {"tags": [{"key": key, "value": value} for key, value in kept(call).tags.get(arn, {}).items()]}


@answers("bedrock", "TagResource", "UntagResource")
def retag(call: Call) -> dict[str, Any] | PassOn:
    """Set or take away tags of a guardrail."""
    arn = _tagged(call)
    if not arn:
        return PassOn.TO_MOTO
    held = kept(call).tags.setdefault(arn, {})
    held.update({one["key"]: one["value"] for one in call.get("tags", [])})
    for name in call.get("tagKeys", []):
        held.pop(name, None)
    return {}
