"""Functions: in sealed subnets, called by nobody else, sending nowhere, without variables (NET-11, KEY-02, DAT-02).

A function outside the VPC has the internet, whatever the VPC has. Judged are all of the account in the environment's
VPC, with its tags or with its prefix: an undeclared one is ours to answer for.
AWS: Lambda Developer Guide, "Giving Lambda functions access to resources in an Amazon VPC", "Lambda function URLs".
"""

from __future__ import annotations

from collections.abc import Iterator

from airgap.checks.check import NotApplicable, check
from airgap.checks.keys import KEY_READS, own_keys
from airgap.checks.scope import SUBNET_READS, VPC_READS, Item, Named, arn_account, every, tags, tiers, vpc_ids
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.policy import parse
from airgap.model.policy_lint import foreign_principals

LIST, TAGS = "lambda:ListFunctions", "lambda:ListTags"
READS = (*VPC_READS, LIST, TAGS)
URLS, DESTINATIONS = "lambda:ListFunctionUrlConfigs", "lambda:ListFunctionEventInvokeConfigs"
SOURCES, POLICY = "lambda:ListEventSourceMappings", "lambda:GetPolicy"


def functions(intent: Intent, estate: Estate) -> Named:
    """Return every function in the VPC, with the environment's tags or with its prefix."""
    ours = vpc_ids(intent, estate)
    found = []
    for one in every(estate, LIST, "Functions"):
        held = tags(estate.page(TAGS, Resource=one["FunctionArn"]) or {})
        mine = held.get("airgap:environment") == intent.environment or dig(one, "VpcConfig.VpcId") in ours
        if mine or one["FunctionName"].startswith(f"{intent.prefix}-"):
            found.append((held.get("airgap:key") or str(one["FunctionName"]), one))
    if not found:
        raise NotApplicable("the environment has no function")
    return found


@check(
    "functions-sealed",
    "The function stands in sealed subnets of the VPC alone, in its own security group",
    severity="critical",
    properties=("NET-11",),
    reads=(*SUBNET_READS, "ec2:DescribeSecurityGroups", LIST, TAGS),
    remedy="apply the step that declares it; find in CloudTrail since when it stood elsewhere, and what it ran",
    over=functions,
)
def sealed(function: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that it is outside the VPC, each subnet that is not sealed, and each group that is not ours."""
    subnets = dig(function, "VpcConfig.SubnetIds") or []
    if not subnets:
        yield "it stands in no VPC, and reaches the internet by Lambda's own network"
    known = tiers(intent, estate)
    yield from (f"{one} is {known.get(one, 'of no subnet of the VPC')}, not sealed" for one in subnets
                if known.get(one) != "private")  # fmt: skip
    groups = every(estate, "ec2:DescribeSecurityGroups", "SecurityGroups")
    own = {one["GroupId"] for one in groups if tags(one).get("airgap:environment") == intent.environment}
    yield from (f"{one} is no group of ours" for one in dig(function, "VpcConfig.SecurityGroupIds") or []
                if one not in own)  # fmt: skip


@check(
    "functions-lead-nowhere",
    "The function has no URL, layer, trace, dead-letter queue, destination or source of events",
    severity="critical",
    properties=("NET-11",),
    reads=(*READS, URLS, DESTINATIONS, SOURCES),
    remedy="remove what leads in or out of it; find in CloudTrail what has passed",
    over=functions,
)
def leads_nowhere(function: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each way by which an event comes in, or an answer goes out, beside a call of AWS's API."""
    name = function["FunctionName"]
    for one in estate.items(URLS, "FunctionUrlConfigs", FunctionName=name):
        yield f"it has the URL {one.get('FunctionUrl')} ({one.get('AuthType')})"
    yield from (f"it runs layer {one}" for one in dig(function, "Layers[].Arn") or [])
    if dig(function, "TracingConfig.Mode") == "Active":
        yield "it sends traces to X-Ray"
    if target := dig(function, "DeadLetterConfig.TargetArn"):
        yield f"events that fail go to {target}"
    for one in estate.items(DESTINATIONS, "FunctionEventInvokeConfigs", FunctionName=name):
        for event in ("OnSuccess", "OnFailure"):
            if target := dig(one, f"DestinationConfig.{event}.Destination"):
                yield f"its answers go to {target}"
    for one in every(estate, SOURCES, "EventSourceMappings"):
        if one.get("FunctionArn") == function["FunctionArn"]:
            yield f"events come to it from {one.get('EventSourceArn') or 'a stream outside AWS'}"


@check(
    "functions-own-callers",
    "Only the environment's own accounts, and services of AWS on their behalf, may call the function",
    severity="critical",
    properties=("IAM-01",),
    reads=(*READS, POLICY),
    remedy="remove the permission; find in CloudTrail who has called the function",
    over=functions,
)
def own_callers(function: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each foreign principal of its policy, each service that anybody may send, and a role of another account."""
    body = estate.page(POLICY, FunctionName=function["FunctionName"]) or {}
    if body.get("Policy"):
        admitted = foreign_principals(parse(body["Policy"]), intent.accounts, intent.organization)
        yield from (*admitted.foreign, *admitted.unresolved)
        yield from (f"{one} may call it on anybody's behalf" for one in _unbound(body["Policy"]))
    if arn_account(str(function.get("Role"))) != intent.account:
        yield f"it acts as {function.get('Role')}"


def _unbound(text: str) -> Iterator[str]:
    """Yield the services that a policy admits without saying for whose sake."""
    bound = ("aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid")
    for statement in parse(text).statements:
        keys = {key.lower() for _, key, _ in statement.conditions}
        services = (statement.principals or {}).get("Service", ())
        if statement.effect == "Allow" and not keys & set(bound):
            yield from services


@check(
    "functions-without-variables",
    "The function has no environment variables, and what Lambda keeps of it is under a key of the environment",
    severity="high",
    properties=("KEY-02", "DAT-02"),
    reads=(*READS, *KEY_READS),
    remedy="apply the step that declares it; rotate what stood in the variables",
    over=functions,
)
def without_variables(function: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield the names of its variables, whose values everybody reads who may read settings, and a foreign key."""
    names = sorted(dig(function, "Environment.Variables") or {})
    if names:
        yield f"it has the variables {', '.join(names)}"
    if function.get("KMSKeyArn") not in own_keys(intent, estate):
        yield f"its key is {function.get('KMSKeyArn') or 'AWS own one'}, none of ours"


CHECKS = (sealed, leads_nowhere, own_callers, without_variables)
