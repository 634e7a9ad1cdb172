"""The alarm on break-glass: whoever becomes the last resort's role is told of within seconds (REQUIREMENTS: operators).

A rule of EventBridge sees each use of the role in the trail's events of this Region, where alone it may be assumed. It
tells a queue of the environment, and whom the params name beside it: a topic, function or queue of the account.
AWS: EventBridge User Guide, "AWS service events via AWS CloudTrail" (read-only events need a state of their own) and
"Using resource-based policies".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model.canonical import encode, plain
from airgap.model.cluster import ALARMED_STATE, alarm_name, alarm_queue, alarm_targets, break_glass_pattern
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.kind import Call, Fields, Kind, declares, tag_list
from airgap.resources.statements import allow, document

BUS = "default"
_GONE = ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "ResourceNotFoundException")
KEPT = 14 * 24 * 3600
"""Seconds for which the queue keeps what nobody fetched: the most that SQS offers."""


def _attribute(path: str, **how: Any) -> Field:
    return Field(
        f"Attributes.{path}", call="sqs:GetQueueAttributes", by={"QueueUrl": "@", "AttributeNames": "[=All]"}, **how
    )


def _attributes(f: Fields) -> dict[str, str]:
    return {
        "Policy": encode(plain(f["policy"])),
        "SqsManagedSseEnabled": f["encrypted"],
        "MessageRetentionPeriod": f["retention"],
    }


QUEUE = Kind(
    "queue",
    "SQS queue",
    Reading(
        "sqs:ListQueues",
        "QueueUrls",
        "@",
        owner="name",
        natural=("arn",),
        tags="sqs:ListQueueTags|QueueUrl=@|Tags",
        fields={
            "arn": _attribute("QueueArn", change=NEVER, why="a queue keeps its name"),
            "policy": _attribute("Policy", form="policy", risk="opens", why="it says who may send and receive"),
            "encrypted": _attribute("SqsManagedSseEnabled", form="text", why="messages rest encrypted"),
            "retention": _attribute("MessageRetentionPeriod", form="text", why="what is not fetched in time is lost"),
        },
    ),
    create=(
        Call(
            "sqs:CreateQueue",
            lambda f: {"QueueName": f["arn"].rpartition(":")[2], "Attributes": _attributes(f), "tags": dict(f["tags"])},
            # A queue of that name was deleted less than a minute ago.
            retry=("QueueDeletedRecently",),
            actions=("sqs:TagQueue",),
        ),
    ),
    updates=dict.fromkeys(
        ("policy", "encrypted", "retention"),
        (Call("sqs:SetQueueAttributes", lambda f: {"QueueUrl": f["id"], "Attributes": _attributes(f)}),),
    ),
    delete=(Call("sqs:DeleteQueue", lambda f: {"QueueUrl": f["id"]}, ignore=_GONE),),
)


def _rule(f: Fields) -> dict[str, Any]:
    return {"Name": f["name"], "EventPattern": encode(plain(f["pattern"])), "State": f["state"]}


EVENT_RULE = Kind(
    "event-rule",
    "EventBridge rule",
    Reading(
        "events:ListRules",
        "Rules",
        "Name",
        owner="name",
        natural=("name",),
        only=(("EventBusName", BUS),),
        tags="events:ListTagsForResource|ResourceARN=Arn|Tags",
        attrs={"arn": "Arn"},
        fields={
            "name": Field("Name", change=NEVER, why="a rule keeps its name"),
            "pattern": Field("EventPattern", form="json", risk="blinds", why="other events are seen than declared"),
            "state": Field("State", risk="blinds", why="nobody would be told"),
        },
    ),
    create=(Call("events:PutRule", lambda f: {**_rule(f), "Tags": tag_list(f)}, actions=("events:TagResource",)),),
    updates=dict.fromkeys(("pattern", "state"), (Call("events:PutRule", _rule),)),
    delete=(Call("events:DeleteRule", lambda f: {"Name": f["id"]}, ignore=_GONE),),
)

EVENT_TARGET = Kind(
    "event-target",
    "Target of an EventBridge rule",
    Reading(
        "events:ListTargetsByRule",
        "Targets",
        "^.?.Rule+Id",
        owner="parent",
        natural=("rule", "id_in_rule"),
        fields={
            "rule": Field("^.?.Rule", change=NEVER, why="a target is a part of its rule"),
            "id_in_rule": Field("Id", change=NEVER, why="a target keeps its name"),
            "target": Field("Arn", risk="blinds", why="somebody else would be told"),
        },
    ),
    create=(
        _PUT := Call(
            "events:PutTargets",
            lambda f: {"Rule": f["rule"], "Targets": [{"Id": f["id_in_rule"], "Arn": f["target"]}]},
        ),
    ),
    updates={"target": (_PUT,)},
    delete=(Call("events:RemoveTargets", lambda f: {"Rule": f["rule"], "Ids": [f["id_in_rule"]]}, ignore=_GONE),),
)


@declares(QUEUE, EVENT_RULE, EVENT_TARGET)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the rule that sees the role used, the queue that keeps what it saw, and who else is told."""
    why = "each use of the last resort's role is told of"
    queue = {
        "arn": alarm_queue(intent),
        "policy": _queue_policy(intent),
        "encrypted": "true",
        "retention": str(KEPT),
    }
    yield Desired("queue", "break-glass", queue, why=why)
    rule = {"name": alarm_name(intent), "pattern": break_glass_pattern(intent), "state": ALARMED_STATE}
    yield Desired("event-rule", "break-glass", rule, why=why)
    for name, target in alarm_targets(intent).items():
        told = {"rule": ref("event-rule:break-glass"), "id_in_rule": name, "target": target}
        needs = ("queue:break-glass",) if target == alarm_queue(intent) else ()
        yield Desired("event-target", f"break-glass-{name}", told, needs=needs, why="it is told")


def _queue_policy(intent: Intent) -> dict[str, Any]:
    """The rule alone sends, over TLS; who receives is said by IAM in the account."""
    queue = alarm_queue(intent)
    rule = {"ArnEquals": {"aws:SourceArn": intent.arn("events", f"rule/{alarm_name(intent)}")}}
    plain_text = {"Bool": {"aws:SecureTransport": "false"}}
    return document(
        allow("TheRule", "sqs:SendMessage", queue, rule, {"Service": "events.amazonaws.com"}),
        {**allow("TlsOnly", ["sqs:*"], queue, plain_text, {"AWS": "*"}), "Effect": "Deny"},
    )
