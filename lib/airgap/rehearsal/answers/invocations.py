"""What the runbook's functions answer where none can run: each acted out by a rule of its own, without SQL.

A rule raises ``Failed`` with what the function would write into its log. The embedded AWS runs no code and sends no
packet; it shows that what a function needs is there: its state, its role's rights, its endpoint, its way to a server.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from airgap.rehearsal.eks.roles import lacking, role_of
from airgap.rehearsal.hook import answers
from airgap.rehearsal.wire import Call, Refusal

Rule = Callable[[Call, Any, dict[str, Any]], dict[str, Any]]
ACTED: dict[str, Rule] = {}
"""Handler, as ``functions.rotation.handler`` -> what it does, given the call, moto's function and the event."""


class Failed(Exception):
    """A function that raised; the text is what its log says."""


def acts(handler: str) -> Callable[[Rule], Rule]:
    """Register the rule of a handler."""

    def register(rule: Rule) -> Rule:
        ACTED[handler] = rule
        return rule

    return register


@answers("lambda", "Invoke")
def invoke(call: Call) -> dict[str, Any]:
    """Run a function: its answer, or the error that it raised, as Lambda gives either."""
    function = call.backend("lambda").get_function(call.get("FunctionName"))
    if function.get_configuration().get("State") == "Pending":
        raise Refusal("ResourceConflictException", "The function is currently in the following state: Pending", 409)
    event = json.loads(call.get("Payload") or b"{}")
    try:
        answer, error = run(call, function, event), {}
    except Failed as failure:
        answer, error = {"errorMessage": str(failure), "errorType": "Failed"}, {"FunctionError": "Unhandled"}
    return {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": json.dumps(answer).encode(), **error}


def run(call: Call, function: Any, event: dict[str, Any]) -> dict[str, Any]:
    """Return what a function answers to an event; its log tells of an error, which is raised again."""
    rule = ACTED.get(function.handler)
    try:
        if rule is None:
            raise Failed(f"the rehearsal cannot act {function.handler}")
        return rule(call, function, event)
    except Failed as failure:
        write_log(call, function, {"level": "ERROR", "message": str(failure)})
        raise


def write_log(call: Call, function: Any, line: dict[str, Any]) -> None:
    """Write a line into the function's log group, where there is one; its role may make none."""
    logs, group, stream = call.backend("logs"), _group(function), "rehearsal"
    if group not in logs.groups:
        return
    if stream not in logs.groups[group].streams:
        logs.create_log_stream(group, stream)
    event = {"timestamp": int(time.time() * 1000), "message": json.dumps(line, sort_keys=True)}
    logs.put_log_events(group, stream, [event])


def _group(function: Any) -> str:
    return str(function.get_configuration()["LoggingConfig"]["LogGroup"])


def need(call: Call, function: Any, *actions: str) -> None:
    """Raise ``Failed`` where the function's role may not do one of these actions at all."""
    role = role_of(call, function.role)
    missing = lacking(call, role, actions) if role is not None else list(actions)
    if missing:
        message = f"AccessDeniedException: {function.role} is not authorized to perform: {missing[0]}"
        raise Failed(message)


def reach_endpoint(call: Call, function: Any, service: str) -> None:
    """Raise ``Failed`` where no endpoint of a service serves the function's VPC, or its group lets nothing out to it.

    Names of AWS resolve everywhere; without an endpoint they are addresses to which no route leads.
    """
    name = f"com.amazonaws.{call.region}.{service}"
    vpc = (function.get_configuration().get("VpcConfig") or {}).get("VpcId")
    ec2 = call.backend("ec2")
    there = [one for one in ec2.vpc_end_points.values() if one.vpc_id == vpc and one.service_name.endswith(name)]
    if vpc and not any(_lets_through(call, function, set(one.security_group_ids), 443) for one in there):
        raise Failed(f"Connect timeout on endpoint URL: https://{service}.{call.region}.amazonaws.com/")


def reach_database(call: Call, function: Any, host: str, port: int) -> None:
    """Raise ``Failed`` where no database answers to a host's name, or the function's group has no way to it."""
    found = [one for one in call.backend("rds").databases.values() if one.address == host]
    if not found or found[0].status not in ("available", "backing-up", "modifying"):
        raise Failed(f"Can't create a connection to host {host} and port {port}: Name or service not known")
    if not _lets_through(call, function, set(found[0].vpc_security_group_ids), port):
        raise Failed(f"Can't create a connection to host {host} and port {port}: timed out")


def _lets_through(call: Call, function: Any, groups: set[str], port: int) -> bool:
    """Say whether one of the function's groups lets out to one of these, which lets it in or a range that has it."""
    own = set((function.get_configuration().get("VpcConfig") or {}).get("SecurityGroupIds") or ())
    ec2 = call.backend("ec2")
    out = {peer for one in own for peer in _peers(ec2.get_security_group_from_id(one).egress_rules, port)}
    within = {peer for one in groups for peer in _peers(ec2.get_security_group_from_id(one).ingress_rules, port)}
    return bool(out & groups) and bool(within & own or any("/" in peer for peer in within))


def _peers(rules: Any, port: int) -> Iterator[str]:
    for rule in rules:
        if str(rule.ip_protocol) == "-1" or int(rule.from_port) <= port <= int(rule.to_port):
            yield from (str(held.get("GroupId")) for held in [rule.source_group] if held)
            yield from (str(held["CidrIp"]) for held in [rule.ip_range] if held and held.get("CidrIp"))
