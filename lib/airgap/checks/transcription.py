"""Transcripts stay in the environment's own bucket under its own key; the organisation's word on AI training; trials.

AWS: Transcribe Developer Guide, "Data protection", "Opting out of using your data"; Organizations User Guide,
"AI services opt-out policies".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from airgap.checks.check import NotApplicable, check
from airgap.checks.keys import KEY_READS, own_keys
from airgap.checks.roles import READS, policies, roles
from airgap.checks.scope import Item, Named, every
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.inference import TRANSCRIBE, uses_models
from airgap.model.intent import Intent
from airgap.model.names import bucket

JOBS, JOB = "transcribe:ListTranscriptionJobs", "transcribe:GetTranscriptionJob"
_START = "transcribe:StartTranscriptionJob"
_OUTPUT, _KEY = "transcribe:OutputBucketName", "transcribe:OutputEncryptionKMSKeyId"
_ORGANIZATION, _EFFECTIVE = "organizations:DescribeOrganization", "organizations:DescribeEffectivePolicy"
INFERENCE, EMBEDDING, TRANSCRIPTION = "trial:Inference", "trial:Embedding", "trial:Transcription"
_NOTHING = "no component transcribes"


def _used(intent: Intent) -> bool:
    return bool(set(TRANSCRIBE) & set(intent.components))


def _jobs(intent: Intent, estate: Estate) -> Named:
    """Every job of the account in the Region, whoever started it."""
    if not _used(intent):
        raise NotApplicable(_NOTHING)
    found = every(estate, JOBS, "TranscriptionJobSummaries")
    if not found:
        raise NotApplicable("Transcribe keeps no job of this account: nothing was transcribed in the last 90 days")
    return [(f"transcription-job {one['TranscriptionJobName']}", one) for one in found]


@check(
    "transcripts-own-bucket",
    "The job writes its transcript to the environment's own bucket",
    severity="critical",
    properties=("NET-11",),
    reads=(JOBS, JOB),
    remedy="delete the job; name the output bucket in the call, as the application's role demands it",
    over=_jobs,
)
def own_bucket(job: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each bucket of somebody else, AWS's own among them, that a transcript was written to."""
    if job.get("OutputLocationType") == "SERVICE_BUCKET":
        yield "its transcript is in a bucket of AWS, behind a link that anybody may use"
        return
    told = (estate.page(JOB, TranscriptionJobName=job["TranscriptionJobName"]) or {}).get("TranscriptionJob", {})
    for name in ("TranscriptFileUri", "RedactedTranscriptFileUri"):
        where = dig(told, f"Transcript.{name}")
        if where and _bucket(where) != bucket(intent, "transcribe-out"):
            yield f"its transcript is in {_bucket(where)}"


def _bucket(uri: str) -> str:
    """The bucket of a URI, which names it in its path or, in the other style, in its host."""
    url = urlsplit(uri)
    host = url.netloc
    if url.scheme == "s3":
        return host
    return url.path.lstrip("/").partition("/")[0] if host.startswith("s3") else host.partition(".s3")[0]


def _transcribing(intent: Intent, estate: Estate) -> Named:
    """The environment's roles that may start a job."""
    if not _used(intent):
        raise NotApplicable(_NOTHING)
    found = [(name, role) for name, role in roles(intent, estate) if list(_starting(role, estate))]
    if not found:
        raise NotApplicable("no role of the environment may start a transcription")
    return found


def _starting(role: Item, estate: Estate) -> Iterator[tuple[str, dict[str, tuple[str, ...]]]]:
    """Yield (statement, what its conditions fix) for each statement that lets jobs be started."""
    for _, policy in policies(role, estate):
        for one in policy.statements:
            named = ("*",) if "Action" in one.negated else one.actions
            if one.effect == "Allow" and any(fnmatchcase(_START.lower(), each.lower()) for each in named):
                yield one.name, {key: wanted for op, key, wanted in one.conditions if op == "StringEquals"}


@check(
    "transcription-bound",
    "Roles start transcriptions into the environment's own bucket and under its own key only",
    severity="high",
    properties=("IAM-01", "DAT-02"),
    reads=(*READS, *KEY_READS),
    remedy="bind the statement to the output bucket and the output key by StringEquals",
    over=_transcribing,
)
def bound(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each statement that leaves the output bucket or the output key open, or fixes strange ones."""
    for name, fixed in _starting(role, estate):
        if fixed.get(_OUTPUT) != (bucket(intent, "transcribe-out"),):
            yield f"{name!r} lets the transcript go to {', '.join(fixed.get(_OUTPUT, ('any bucket',)))}"
        keys = fixed.get(_KEY, ())
        if not keys or not set(keys) <= own_keys(intent, estate):
            yield f"{name!r} lets it lie under {', '.join(keys) or 'any key, or none'}"


def _opted(intent: Intent, estate: Estate) -> list[tuple[str, str]]:
    if not _used(intent):
        raise NotApplicable(_NOTHING)
    if estate.page(_ORGANIZATION) is None:
        raise NotApplicable("the account is in no organisation, and only an organisation can opt out of AI training")
    return [(f"account:{intent.account}", "transcribe")]


@check(
    "ai-opted-out",
    "The organisation has opted out of AWS's use of content for its AI services",
    severity="medium",
    properties=("NET-11",),
    reads=(_ORGANIZATION, _EFFECTIVE),
    remedy="have the organisation attach an AI services opt-out policy with the default optOut",
    over=_opted,
)
def opted_out(service: str, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that nothing, or the contrary, is in force for the service; Bedrock trains nothing on what it is asked."""
    page = estate.page(_EFFECTIVE, PolicyType="AISERVICES_OPT_OUT_POLICY")
    content: Any = json.loads(dig(page or {}, "EffectivePolicy.PolicyContent") or "{}")
    services = content.get("services", {})
    said = (services.get(service) or services.get("default") or {}).get("opt_out_policy")
    if said != "optOut":
        yield f"for {service} the policy in force says {said or 'nothing'}"


def _trials(intent: Intent, estate: Estate) -> list[tuple[str, str]]:
    wanted = [*((INFERENCE, EMBEDDING) if uses_models(intent) else ()), *((TRANSCRIPTION,) if _used(intent) else ())]
    if not wanted:
        raise NotApplicable("no component uses models or transcribes")
    return [(f"test call {one.partition(':')[2].lower()}", one) for one in wanted]


def _made(call: str, estate: Estate) -> dict[str, Any]:
    page = estate.page(call)
    if page is None:
        raise NotApplicable("no test call in this run: mode apply makes them, and a verification only reads")
    return page


@check(
    "trials-answered",
    "The test call was answered: by the model, behind the guardrail, under the environment's key",
    severity="medium",
    properties=(),
    reads=(INFERENCE, EMBEDDING, TRANSCRIPTION, *KEY_READS),
    remedy="read the refusal: it names the right, the model, the guardrail or the bucket that is missing",
    over=_trials,
)
def answered(call: str, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield what is wrong with an answer, as far as it was recorded: its content was not."""
    told = _made(call, estate)
    if call == INFERENCE and not told.get("guardrail"):
        yield "no guardrail stood before the model"
    if call == EMBEDDING and told.get("dimensions") != intent.data.embedding_dimensions:
        yield f"the vector has {told.get('dimensions')} dimensions, declared {intent.data.embedding_dimensions}"
    if call == TRANSCRIPTION:
        if told.get("status") != "COMPLETED":
            yield f"the transcription is {told.get('status')}"
        elif told.get("encryption_key") not in own_keys(intent, estate):
            yield f"the transcript was under {told.get('encryption_key') or 'no customer key'}"


@check(
    "trials-from-inside",
    "The test call was made from inside the VPC, where the endpoints are the only way",
    severity="medium",
    properties=("NET-08",),
    reads=(INFERENCE, EMBEDDING, TRANSCRIPTION),
    remedy="run the notebook inside the VPC, or where the operations host can be reached",
    over=_trials,
)
def from_inside(call: str, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that nothing says from where it was made; the embedded AWS has no inside."""
    told = _made(call, estate)
    if intent.embedded:
        raise NotApplicable("the embedded AWS answers on loopback: it shows that the call is right, not its way")
    if not told.get("by"):
        yield "where it was made from was not recorded"


CHECKS = (own_bucket, bound, opted_out, answered, from_inside)
