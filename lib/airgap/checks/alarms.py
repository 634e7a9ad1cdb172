"""The alarm on break-glass: each use of the last resort's role is seen, kept and told of (EKS-08)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Optional

from airgap.checks.check import check
from airgap.checks.roles import DETAILS
from airgap.checks.scope import Item, every
from airgap.model.canonical import dig
from airgap.model.cluster import ALARMED_STATE, alarm_name, alarm_queue, alarm_targets, break_glass_pattern
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.policy import ALLOW, Request, evaluate, parse

RULES, TARGETS, QUEUES = "events:ListRules", "events:ListTargetsByRule", "sqs:GetQueueAttributes"


def _rules(intent: Intent, estate: Estate) -> list[tuple[str, Optional[Item]]]:
    """Return the rule on break-glass, and that there is none where there is none."""
    found = [one for one in every(estate, RULES, "Rules") if one["Name"] == alarm_name(intent)]
    return [("event-rule:break-glass", one) for one in found] or [("event-rule:break-glass", None)]


@check(
    "cluster-break-glass-alarmed",
    "Each use of the role of the last resort is seen, and everybody declared is told of it",
    severity="high",
    properties=("EKS-08",),
    reads=(RULES, TARGETS, QUEUES, DETAILS),
    remedy="apply the step cluster",
    over=_rules,
)
def alarmed(rule: Optional[Item], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the rule does not see every use, that somebody is not told, or that it is used where nobody looks."""
    if rule is None:
        yield "no rule sees it used"
        return
    if rule.get("State") != ALARMED_STATE:
        yield f"its state is {rule.get('State')}, in which a rule need not see who assumes a role"
    if json.loads(rule.get("EventPattern") or "{}") != break_glass_pattern(intent):
        yield "its pattern sees other events than the uses of the role"
    targets = estate.items(TARGETS, "Targets", Rule=rule["Name"], EventBusName=rule["EventBusName"])
    told = {one["Arn"] for one in targets}
    yield from (f"{one} is not told" for one in sorted({*alarm_targets(intent).values()} - told))
    yield from _unheard(rule, intent, estate)
    yield from _elsewhere(intent, estate)


def _unheard(rule: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the queue is gone, or that its policy does not let this rule send to it."""
    queues = [dig(body, "Attributes") or {} for _, body in estate.pages(QUEUES)]
    own = next((one for one in queues if one.get("QueueArn") == alarm_queue(intent)), None)
    if own is None:
        yield f"there is no queue {alarm_queue(intent)}"
        return
    context = {"aws:SourceArn": (rule["Arn"],), "aws:SecureTransport": ("true",)}
    sent = Request("sqs:SendMessage", own["QueueArn"], "events.amazonaws.com", "Service", context=context)
    decision = evaluate(parse(own["Policy"]), sent) if own.get("Policy") else None
    if decision is None or decision.outcome != ALLOW:
        yield f"the queue's policy does not let the rule send to it: {decision.reason if decision else 'it has none'}"


def _elsewhere(intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each way into the role from a Region whose events the rule does not see."""
    wanted = ("StringEquals", "aws:RequestedRegion", (intent.region,))
    for role in every(estate, DETAILS, "RoleDetailList"):
        if role["RoleName"] != intent.name("break-glass"):
            continue
        for statement in parse(role["AssumeRolePolicyDocument"]).statements:
            if statement.effect == "Allow" and wanted not in statement.conditions:
                yield f"the role may be assumed in Regions beside {intent.region}, whose events nobody watches"


CHECKS = (alarmed,)
