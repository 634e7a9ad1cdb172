"""Endpoints: what each is for, what stops without it, and what its policy lets through."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airgap.checks import scope
from airgap.model.components import kind, service_name, stops_without, takes_policy
from airgap.model.derived import endpoint_facts, endpoint_services
from airgap.model.endpoint_policies import document
from airgap.model.requests import judge
from airgap.views.look import Look
from airgap.views.places import places
from airgap.views.table import LATER, STATUS, Code, Mark, Table

READS = (*scope.SUBNET_READS, "ec2:DescribeVpcEndpoints")


def live(look: Look) -> dict[str, list[dict[str, Any]]]:
    """Return the endpoints of the VPC by service name; raises ``NotObserved``."""
    ours = scope.vpc_ids(look.intent, look.estate)
    found: dict[str, list[dict[str, Any]]] = {}
    for one in look.every("ec2:DescribeVpcEndpoints", "VpcEndpoints"):
        if one["VpcId"] in ours and one.get("State", "").lower() not in ("deleted", "deleting"):
            found.setdefault(one["ServiceName"], []).append(one)
    return found


def endpoints(look: Look) -> Table:
    """Return every wanted endpoint with who needs it and what stands there of it, and every surplus one."""
    found = live(look)
    zones = {place.id: place.zone for place in places(look)}
    rows: list[tuple[Any, ...]] = []
    for service, who in endpoint_services(look.intent).items():
        there = found.pop(service_name(service, look.intent.region, look.intent.partition), [])
        state = tuple(Code(one["VpcEndpointId"]) for one in there) or LATER
        rows.append((service, kind(service), ", ".join(who), state, *_settings(look, service, there, zones)))
    for name, there in sorted(found.items()):
        head = (name, there[0].get("VpcEndpointType", "").lower(), Mark("nobody: surplus", "✗", "bad"))
        rows.append((*head, tuple(Code(one["VpcEndpointId"]) for one in there), *_settings(look, "", there, zones)))
    columns = ("service", "kind", "needed by", "endpoint", "reaches", "private DNS", "policy")
    return Table(f"Endpoints: {len(rows)}", columns, rows)


def _settings(look: Look, service: str, there: list[dict[str, Any]], zones: Mapping[str, str]) -> tuple[Any, Any, Any]:
    if not there:
        return "", "", ""
    one = there[0]
    if one.get("VpcEndpointType", "Gateway") == "Gateway":
        return f"{len(one.get('RouteTableIds', []))} route tables", "", _policy(look, service, one)
    missing = [
        zone for zone in look.intent.zones if zone not in {zones.get(subnet) for subnet in one.get("SubnetIds", [])}
    ]
    reaches = Mark(f"not in {', '.join(missing)}", "✗", "bad") if missing else "every zone"
    private = Mark("on", "✓", "good") if one.get("PrivateDnsEnabled") else Mark("off", "✗", "bad")
    return reaches, private, _policy(look, service, one)


def _policy(look: Look, service: str, endpoint: Mapping[str, Any]) -> Any:
    """What an endpoint's policy says, in a word: open to all, own organisation or account only, or none possible."""
    if service and not takes_policy(service):
        return "none possible"
    text = json.dumps(endpoint.get("PolicyDocument", ""))
    own = look.intent.organization or look.intent.account
    if own in text and "aws:Principal" in text:
        return Mark("own organisation" if look.intent.organization else "own account", "✓", "good")
    return Mark("not limited to what is ours", "✗", "bad")


def removal(look: Look) -> Table:
    """Return, for every endpoint, what stops without it and why: the removal test on paper."""
    rows = []
    for service in endpoint_services(look.intent):
        stopping = stops_without(look.intent.components, service)
        who, why = tuple(stopping) or ("nothing",), tuple(stopping.values()) or ("wanted by the params alone",)
        rows += [(service if number == 0 else "", *pair) for number, pair in enumerate(zip(who, why, strict=True))]
    return Table("What stops without an endpoint", ("without", "stops", "because"), rows)


def endpoint_policies(look: Look) -> Table:
    """Return the judgement of every endpoint policy over the requests that must and must not pass it."""
    found = live(look)
    facts = endpoint_facts(look.intent)
    rows: list[tuple[Any, ...]] = []
    for service in endpoint_services(look.intent):
        there = found.get(service_name(service, look.intent.region, look.intent.partition), [])
        if not takes_policy(service):
            rows.append((service, STATUS["not_applicable"], 0, "its endpoint takes no policy", ""))
            continue
        text = there[0].get("PolicyDocument") if there else json.dumps(document(service, facts))
        rows.append((service, *_judged(service, text, look), "as found" if there else LATER))
    columns = ("service", "judged", "requests tested", "what is wrong or undecided", "policy")
    return Table("Endpoint policies against requests", columns, rows)


def _judged(service: str, text: Any, look: Look) -> tuple[Any, ...]:
    judged = judge(text, service, endpoint_facts(look.intent))
    status = "fail" if judged.problems else "unknown" if judged.unknowns or not judged.tested else "pass"
    return STATUS[status], judged.tested, (*judged.problems, *judged.unknowns) or "nothing"
