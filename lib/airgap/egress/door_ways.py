"""The rule on endpoint policies: what they let through to somebody else's resources, or from somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.egress.ways import View, Way, alive
from airgap.model.components import takes_policy
from airgap.model.endpoint_policies import EndpointFacts
from airgap.model.policy import ALLOW, FULL_ACCESS, UNKNOWN, MalformedPolicy, evaluate, parse
from airgap.model.requests import must_fail


def endpoint_policies(view: View) -> Iterator[Way]:
    """N1: what an endpoint's policy lets through to somebody else's resources, or from somebody else."""
    for one in view.items("ec2:DescribeVpcEndpoints", "VpcEndpoints"):
        name, (account, region) = str(one.get("VpcEndpointId")), view.network.facts.home(one)
        service = service_of(str(one.get("ServiceName", "")), region)
        if not alive(one) or one.get("VpcEndpointType") not in ("Interface", "Gateway") or not takes_policy(service):
            continue
        facts = EndpointFacts(
            "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws",
            region, account or next(iter(sorted(view.own)), "000000000000"),
            buckets=("an-own-bucket",), repositories=("own",),
        )  # fmt: skip
        for what, decided in _let_through(one.get("PolicyDocument"), service, facts):
            yield Way(name, what, f"bound the policy of {name} to own principals and resources",
                      str(one.get("VpcId", "")), decided=decided)  # fmt: skip


def service_of(name: str, region: str) -> str:
    """Return the short name of an endpoint's service, such as ``ecr.dkr`` of ``com.amazonaws.eu-west-1.ecr.dkr``."""
    _, found, tail = name.partition(f".{region}.") if region else ("", "", "")
    parts = name.split(".")
    return tail if found else ".".join(parts[3:]) if len(parts) > 3 else parts[-1]


def _let_through(document: Any, service: str, facts: EndpointFacts) -> Iterator[tuple[str, bool]]:
    try:
        policy = parse(FULL_ACCESS if document is None else document)
    except MalformedPolicy as error:
        yield f"its policy cannot be read: {error}", False
        return
    asked: dict[str, tuple[str, bool]] = {}
    for request in must_fail(service, facts):
        outcome = evaluate(policy, request).outcome
        if outcome in (ALLOW, UNKNOWN):
            verb = "lets through" if outcome == ALLOW else "may let through"
            asked.setdefault(request.label, (f"{verb} {request.label}: {request.action}", outcome == ALLOW))
    yield from asked.values()


RULES = {"N1": endpoint_policies}
