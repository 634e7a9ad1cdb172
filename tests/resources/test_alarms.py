"""The alarm on break-glass on the embedded AWS: made, seen changed, removed, made again."""

from __future__ import annotations

import dataclasses

from embedded import AWS, DEMO

from airgap.model.cluster import alarm_name, alarm_queue
from airgap.resources import alarms

NAME = alarm_name(DEMO)


def test_the_alarm_comes_stays_and_goes_twice(aws: AWS) -> None:
    for _ in range(2):
        aws.apply(alarms.declare)
        aws.memory.lines.clear()
        aws.settled(alarms.declare)
        assert aws.memory.calls("write") == []
        targets = aws.client("events").list_targets_by_rule(Rule=NAME)["Targets"]
        assert [one["Arn"] for one in targets] == [alarm_queue(DEMO)]
        aws.destroy(alarms.declare)
        assert aws.client("events").list_rules()["Rules"] == []
        assert "QueueUrls" not in aws.client("sqs").list_queues()


def test_what_is_changed_behind_its_back_is_planned(aws: AWS) -> None:
    aws.apply(alarms.declare)
    aws.client("events").disable_rule(Name=NAME)
    aws.client("events").put_targets(Rule=NAME, Targets=[{"Id": "stranger", "Arn": DEMO.arn("sqs", "elsewhere")}])
    changes = aws.plan(alarms.declare).changes
    assert {(key, field): op for key, fields in changes.items() for field, (op, _, _) in fields.items()} == {
        ("event-rule:break-glass", "state"): "update",
        (f"event-target:undeclared {NAME}|stranger", ""): "delete",
    }


def test_whom_the_params_name_is_told_too(aws: AWS) -> None:
    listener = DEMO.arn("sqs", "siem")
    aws.change(identity=dataclasses.replace(DEMO.identity, alarm_listeners=(listener,)))
    told = [one.fields["target"] for one in aws.desired(alarms.declare) if one.kind == "event-target"]
    assert told == [alarm_queue(DEMO), listener]
