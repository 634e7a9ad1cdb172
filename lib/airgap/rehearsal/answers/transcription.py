"""Transcribe's batch jobs: they read a recording and write a transcript, and are refused where they could not.

No speech is recognised here: the transcript is empty. Times count from StartTranscriptionJob (``settling``).
https://docs.aws.amazon.com/transcribe/latest/APIReference/API_StartTranscriptionJob.html
"""

from __future__ import annotations

import json
from typing import Any

from airgap.rehearsal import settling
from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Record, Store, now, store
from airgap.rehearsal.wire import Call, Refusal

JOB = "transcription job"
_ENDED = ("COMPLETED", "FAILED")
_SHOWN = (
    "TranscriptionJobName",
    "CreationTime",
    "StartTime",
    "CompletionTime",
    "LanguageCode",
    "TranscriptionJobStatus",
)


def _kept(call: Call) -> Store:
    return store(call.account, call.region, "transcribe")


def _place(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _key(call: Call, wanted: str) -> str | None:
    """Return the ARN of a key by its id, its ARN, an alias or an alias's ARN; None where there is none."""
    kms, name = call.backend("kms"), wanted.rpartition(":")[2].removeprefix("key/")
    found = kms.keys.get(kms.get_key_id_from_alias(name) if name.startswith("alias/") else name)
    return str(found.arn) if found is not None else None


def _judge(call: Call) -> None:
    buckets = call.backend("s3").buckets
    bucket, key = _place(call.get("Media", {}).get("MediaFileUri", ""))
    if bucket not in buckets or key not in buckets[bucket].keys:
        said = "The S3 URI that you provided can't be accessed. Make sure that you have read permission and try again."
        raise Refusal("BadRequestException", said)
    output, wanted = call.get("OutputBucketName"), call.get("OutputEncryptionKMSKeyId")
    if output is not None and output not in buckets:
        raise Refusal("BadRequestException", "The specified S3 bucket can't be accessed. Make sure that it exists.")
    if wanted is not None and _key(call, wanted) is None:
        raise Refusal("BadRequestException", "The KMS key that you specified can't be accessed.")
    if call.get("LanguageCode") is None and not call.get("IdentifyLanguage"):
        raise Refusal("BadRequestException", "Specify a language code, or enable language identification.")


@answers("transcribe", "StartTranscriptionJob")
def start(call: Call) -> dict[str, Any]:
    """Start a job of a name that none has."""
    _judge(call)
    name = call.get("TranscriptionJobName")
    if _kept(call).get(JOB, name) is not None:
        raise Refusal("ConflictException", "The requested job name already exists. Use a different job name.")
    members = ("LanguageCode", "MediaFormat", "MediaSampleRateHertz", "Media", "Tags")
    record: Record = {
        **{member: call.get(member) for member in members if call.get(member) is not None},
        "TranscriptionJobName": name,
        "TranscriptionJobStatus": "IN_PROGRESS",
        "CreationTime": now(),
        "StartTime": now(),
        "bucket": call.get("OutputBucketName"),
        "path": call.get("OutputKey") or f"{name}.json",
        "key": call.get("OutputEncryptionKMSKeyId"),
        "due": settling.due("transcribe:StartTranscriptionJob"),
    }
    _kept(call).put(JOB, name, record)
    return {"TranscriptionJob": _shown(call, record)}


def _advance(call: Call, record: Record) -> None:
    """Write the transcript when its time has come."""
    if record["TranscriptionJobStatus"] in _ENDED or not settling.passed(record["due"]):
        return
    record.update(TranscriptionJobStatus="COMPLETED", CompletionTime=now())
    if record["bucket"] is None:
        return
    results: dict[str, Any] = {"transcripts": [{"transcript": ""}], "items": []}
    told = {"jobName": record["TranscriptionJobName"], "accountId": call.account, "status": "COMPLETED"}
    text = json.dumps({**told, "results": results}).encode()
    more = {"encryption": "aws:kms", "kms_key_id": _key(call, record["key"])} if record["key"] else {}
    call.backend("s3").put_object(record["bucket"], record["path"], text, **more)


def _shown(call: Call, record: Record) -> dict[str, Any]:
    held = {name: value for name, value in record.items() if name[0].isupper()}
    if record["TranscriptionJobStatus"] != "COMPLETED":
        return held
    own = f"{record['bucket']}/{record['path']}"
    strange = f"aws-transcribe-{call.region}-prod/{call.account}/{record['path']}"
    return {
        **held,
        "Transcript": {
            "TranscriptFileUri": f"https://s3.{call.region}.amazonaws.com/{own if record['bucket'] else strange}"
        },
    }


def _find(call: Call) -> Record:
    record = _kept(call).get(JOB, call.get("TranscriptionJobName"))
    if record is None:
        raise Refusal("NotFoundException", "The requested job couldn't be found. Check the job name and try again.")
    return record


@answers("transcribe", "GetTranscriptionJob")
def get(call: Call) -> dict[str, Any]:
    """Return a job, with where its transcript is once it is done."""
    record = _find(call)
    _advance(call, record)
    return {"TranscriptionJob": _shown(call, record)}


@answers("transcribe", "ListTranscriptionJobs")
def listing(call: Call) -> dict[str, Any]:
    """Return the jobs, newest first, by status or by what their names hold."""
    found = []
    for name in reversed([one["TranscriptionJobName"] for one in _kept(call).all(JOB)]):
        record = _kept(call).get(JOB, name)
        if record is not None:
            _advance(call, record)
            kind = "CUSTOMER_BUCKET" if record["bucket"] else "SERVICE_BUCKET"
            found.append({**{one: record[one] for one in _SHOWN if one in record}, "OutputLocationType": kind})
    if call.get("Status"):
        found = [one for one in found if one["TranscriptionJobStatus"] == call.get("Status")]
    if call.get("JobNameContains"):
        found = [one for one in found if call.get("JobNameContains") in one["TranscriptionJobName"]]
    return {"TranscriptionJobSummaries": found}


@answers("transcribe", "DeleteTranscriptionJob")
def delete(call: Call) -> dict[str, Any]:
    """Forget a job; its transcript stays where it was written."""
    _find(call)
    _kept(call).remove(JOB, call.get("TranscriptionJobName"))
    return {}
