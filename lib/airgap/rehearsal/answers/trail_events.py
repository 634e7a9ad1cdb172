"""CloudTrail's event history: LookupEvents over the calls that this server has answered.

Real histories lag by up to 15 minutes and hold management events only; here events are there at once (the latency of
``cloudtrail:LookupEvents`` delays them), and reads of objects and items are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from airgap.rehearsal import settling
from airgap.rehearsal.hook import answers
from airgap.rehearsal.identity import PEOPLE, role_id
from airgap.rehearsal.journal import JOURNAL, Entry
from airgap.rehearsal.wire import Call, Refusal

# Data events: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
DATA_EVENTS = {
    "s3": {"GetObject", "PutObject", "HeadObject", "DeleteObject", "ListObjectsV2", "ListObjects", "UploadPart"},
    "dynamodb": {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem"},
    "lambda": {"Invoke"},
    "sqs": {"SendMessage", "ReceiveMessage", "DeleteMessage"},
    "sns": {"Publish"},
}
_SOURCES = {"elbv2": "elasticloadbalancing", "cloudwatch": "monitoring", "resourcegroupstaggingapi": "tagging"}
_ATTRIBUTES: dict[str, Callable[[dict[str, Any]], str | None]] = {
    "EventId": lambda event: event["EventId"],
    "EventName": lambda event: event["EventName"],
    "ReadOnly": lambda event: event["ReadOnly"],
    "Username": lambda event: event["Username"],
    "EventSource": lambda event: event["EventSource"],
    "AccessKeyId": lambda event: event["AccessKeyId"],
    "ResourceType": lambda event: None,
    "ResourceName": lambda event: None,
}


@answers("cloudtrail", "LookupEvents")
def lookup(call: Call) -> dict[str, Any]:
    """Return the account's events in the Region, newest first, by time and by one attribute."""
    delay = timedelta(seconds=settling.seconds("cloudtrail:LookupEvents"))
    until = min(_moment(call.get("EndTime")) or datetime.now(UTC), datetime.now(UTC) - delay)
    since = _moment(call.get("StartTime")) or until - timedelta(days=90)
    if since > until and call.get("EndTime"):
        raise Refusal("InvalidTimeRangeException", "The start time is after the end time")
    events = [_event(entry) for entry in JOURNAL.entries() if _here(entry, call)]
    for attribute in call.get("LookupAttributes", []):
        pick = _ATTRIBUTES[attribute["AttributeKey"]]
        events = [event for event in events if pick(event) == attribute["AttributeValue"]]
    chosen = [event for event in events if since <= _moment(event["EventTime"]) <= until]
    return {"Events": chosen[::-1][:5000]}


def _moment(value: Any) -> Any:
    if value is None:
        return None
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _here(entry: Entry, call: Call) -> bool:
    service, _, operation = entry.operation.partition(":")
    where = _home(entry.region) if service in ("iam", "organizations", "route53") else entry.region
    return entry.account == call.account and where == call.region and operation not in DATA_EVENTS.get(service, set())


def _home(region: str) -> str:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html, "Global service events"."""
    homes = {"cn": "cn-north-1", "us-gov": "us-gov-west-1"}
    return next((home for start, home in homes.items() if region.startswith(f"{start}-")), "us-east-1")


def _event(entry: Entry) -> dict[str, Any]:
    service, _, operation = entry.operation.partition(":")
    source = f"{_SOURCES.get(service, service)}.amazonaws.com"
    fields = {
        "EventId": entry.event_id,
        "EventName": operation,
        "ReadOnly": str(not entry.write).lower(),
        "AccessKeyId": entry.access_key,
        "EventTime": entry.time,
        "EventSource": source,
        "Username": entry.session,
        "Resources": [],
    }
    return fields | {"CloudTrailEvent": json.dumps(_record(entry, source, operation))}


def _record(entry: Entry, source: str, operation: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html"""
    role = entry.principal.split("/")[1]
    identity = {
        "type": "AssumedRole",
        "principalId": f"{role_id(entry.account, role)}:{entry.session}",
        "arn": entry.principal,
        "accountId": entry.account,
        "accessKeyId": entry.access_key,
        "sessionContext": {"sessionIssuer": {"type": "Role", "userName": role, "accountId": entry.account}},
    }
    if entry.access_key in PEOPLE:
        identity["sessionContext"]["sourceIdentity"] = entry.session  # type: ignore[index]
    record = {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": entry.time[:19] + "Z",
        "eventSource": source,
        "eventName": operation,
        "awsRegion": entry.region,
        "sourceIPAddress": entry.address,
        "userAgent": entry.agent,
        "requestID": entry.request_id,
        "eventID": entry.event_id,
        "readOnly": not entry.write,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": entry.account,
        "eventCategory": "Management",
    }
    return record | ({"errorCode": entry.error} if entry.error else {})


@answers("cloudtrail", "ListPublicKeys")
def public_keys(_: Call) -> dict[str, Any]:
    """No digest file has been signed here, so there is no key that could have signed one."""
    return {"PublicKeyList": []}
