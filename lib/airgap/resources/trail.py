"""CloudTrail: every management event, and what the endpoints refused (REQUIREMENTS: network, trail).

A call that an endpoint's policy refuses is a network-activity event, which is evidence that the policy holds.
AWS: CloudTrail User Guide, "Logging network activity events".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model.components import derive
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources import names
from airgap.resources.kind import Call, Fields, Kind, declares, tag_list

# Endpoint service -> event source, of those that CloudTrail lists as sources of network-activity events.
EVENT_SOURCES = {
    "bedrock": "bedrock",
    "bedrock-runtime": "bedrock",
    "cloudformation": "cloudformation",
    "cloudtrail": "cloudtrail",
    "config": "config",
    "dynamodb": "dynamodb",
    "ec2": "ec2",
    "ecs": "ecs",
    "elasticfilesystem": "elasticfilesystem",
    "elasticloadbalancing": "elasticloadbalancing",
    "events": "events",
    "kinesis-firehose": "firehose",
    "kms": "kms",
    "lambda": "lambda",
    "monitoring": "monitoring",
    "rds": "rds",
    "s3": "s3",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
    "transcribe": "transcribe",
    "transcribestreaming": "transcribestreaming",
}
_GONE = ("TrailNotFoundException",)
# CloudTrail sees a new bucket policy or key policy a little later.
_LATER = ("InsufficientS3BucketPolicyException", "InsufficientEncryptionPolicyException")


def _trail(f: Fields) -> dict[str, Any]:
    return {
        "Name": f["name"],
        "S3BucketName": f["bucket"],
        "KmsKeyId": f["kms_key"],
        "IsMultiRegionTrail": f["multi_region"],
        "IncludeGlobalServiceEvents": f["global_events"],
        "EnableLogFileValidation": f["validation"],
    }


TRAIL = Kind(
    "trail",
    "CloudTrail trail",
    Reading(
        "cloudtrail:DescribeTrails",
        "trailList",
        "TrailARN",
        owner="name",
        natural=("name",),
        tags="cloudtrail:ListTags|ResourceIdList=[TrailARN]|ResourceTagList[].TagsList[]",
        fields={
            "name": Field("Name", change=NEVER, why="a trail keeps its name"),
            "bucket": Field("S3BucketName", why="what happened is written elsewhere"),
            "kms_key": Field("KmsKeyId", why="log files are encrypted with another key"),
            "multi_region": Field("IsMultiRegionTrail", risk="blinds", why="other Regions would not be recorded"),
            "global_events": Field(
                "IncludeGlobalServiceEvents", risk="blinds", why="IAM and STS would not be recorded"
            ),
            "validation": Field("LogFileValidationEnabled", risk="blinds", why="altered log files would not be found"),
            "selectors": Field(
                "AdvancedEventSelectors",
                call="cloudtrail:GetEventSelectors",
                by={"TrailName": "TrailARN"},
                risk="blinds",
                why="other events are recorded than declared",
            ),
            "logging": Field(
                "IsLogging",
                call="cloudtrail:GetTrailStatus",
                by={"Name": "TrailARN"},
                risk="blinds",
                why="nothing is recorded while it is off",
            ),
        },
    ),
    create=(Call("cloudtrail:CreateTrail", lambda f: {**_trail(f), "TagsList": tag_list(f)}, retry=_LATER),),
    later=("selectors", "logging"),
    updates={
        **dict.fromkeys(
            ("bucket", "kms_key", "multi_region", "global_events", "validation"),
            (Call("cloudtrail:UpdateTrail", _trail, retry=_LATER),),
        ),
        "selectors": (
            Call(
                "cloudtrail:PutEventSelectors",
                lambda f: {"TrailName": f["name"], "AdvancedEventSelectors": f["selectors"]},
            ),
        ),
        "logging": (Call("cloudtrail:StartLogging", lambda f: {"Name": f["name"]}),),
    },
    delete=(Call("cloudtrail:DeleteTrail", lambda f: {"Name": f["name"]}, ignore=_GONE),),
)


@declares(TRAIL)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the trail: our own, or what must hold of the organisation's, which ``adopt`` names by its ARN."""
    fields: dict[str, Any] = {
        "multi_region": True,
        "global_events": True,
        "validation": True,
        "logging": True,
        "selectors": selectors(intent),
    }
    if intent.logs.trail == "own":
        own = {"name": name(intent), "bucket": names.bucket(intent, "logs"), "kms_key": ref("kms-key:logs", "arn")}
        yield Desired("trail", "main", {**fields, **own}, needs=("bucket:logs",), why="who did what, unaltered")
    else:
        adopted = intent.adopt.get("trail:main", "")
        yield Desired("trail", "main", fields, why="the organisation's records it", adopted=adopted)


def name(intent: Intent) -> str:
    """Return the name of our own trail."""
    return intent.name("trail")


def arn(intent: Intent) -> str:
    """Return the ARN of our own trail."""
    return intent.arn("cloudtrail", f"trail/{name(intent)}")


def selectors(intent: Intent) -> list[dict[str, Any]]:
    """Return the advanced event selectors: all management events, and refused calls of each endpoint's service."""
    services = {*derive(intent.components), *intent.endpoints.extra} - set(intent.endpoints.unavailable)
    sources = sorted({EVENT_SOURCES[service] for service in services if service in EVENT_SOURCES})
    return [
        _selector("management", eventCategory="Management"),
        *(
            _selector(
                f"refused at an endpoint: {source}",
                eventCategory="NetworkActivity",
                eventSource=f"{source}.amazonaws.com",
                errorCode="VpceAccessDenied",
            )
            for source in sources
        ),
    ]


def _selector(title: str, **fields: str) -> dict[str, Any]:
    return {"Name": title, "FieldSelectors": [{"Field": field, "Equals": [value]} for field, value in fields.items()]}
