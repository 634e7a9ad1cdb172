"""Health of targets by address: what the embedded AWS knows of a pod and of the way to it, in ELB's own reason codes.

A target is healthy where a ready pod of a live cluster has its address and port, and security groups, network ACLs and
the namespace's network policies let the load balancer in. No request is sent: whether an application answers, and with
which code, is what its pod declares of itself.
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from airgap.rehearsal import settling
from airgap.rehearsal.hook import after
from airgap.rehearsal.kubernetes import face
from airgap.rehearsal.kubernetes.controllers.pods import POD, ready
from airgap.rehearsal.kubernetes.kinds import core
from airgap.rehearsal.kubernetes.selecting import at, selects
from airgap.rehearsal.kubernetes.store import Object
from airgap.rehearsal.reach import Place, admitted, connects
from airgap.rehearsal.wire import Call

_POLICY = core("NetworkPolicy", "networking.k8s.io")
_DESCRIPTIONS = {
    "Target.NotInUse": "Target group is not configured to receive traffic from the load balancer",
    "Target.Timeout": "Request timed out",
    "Target.FailedHealthChecks": "Health checks failed",
    "Target.ResponseCodeMismatch": "Health checks failed with these codes: [404]",
    "Elb.RegistrationInProgress": "Target registration is in progress",
}
_since: dict[tuple[str, str, int], float] = {}


@after("elbv2", "DescribeTargetHealth")
def judge(call: Call, output: dict[str, Any]) -> None:
    """Give each target of a group of addresses the health that follows from its pod and the way to it."""
    group = call.backend("elbv2").target_groups.get(call.get("TargetGroupArn"))
    if group is None or group.target_type != "ip":
        return
    for one in output.get("TargetHealthDescriptions", []):
        target = one["Target"]
        state, reason = _health(call, group, target["Id"], int(target["Port"]))
        told = {"Reason": reason, "Description": _DESCRIPTIONS[reason]} if reason else {}
        one["TargetHealth"] = {"State": state, **told}


def _health(call: Call, group: Any, address: str, port: int) -> tuple[str, str]:
    balancers = [one for arn, one in call.backend("elbv2").load_balancers.items() if arn in group.load_balancer_arns]
    if not balancers:
        return "unused", "Target.NotInUse"
    due = _since.setdefault((group.arn, address, port), settling.due("elbv2:RegisterTargets"))
    if not settling.passed(due):
        return "initial", "Elb.RegistrationInProgress"
    pod, policies = _pod(address)
    if pod is None or not all(_reached(call, one, pod, address, port, policies) for one in balancers):
        return "unhealthy", "Target.Timeout"
    if not ready(pod) or port not in _ports(pod):
        return "unhealthy", "Target.FailedHealthChecks"
    if group.health_check_path not in _paths(pod, port):
        return "unhealthy", "Target.ResponseCodeMismatch"
    return "healthy", ""


def _pod(address: str) -> tuple[Object | None, list[Object]]:
    """Return the pod of a live cluster that has an address, and the network policies that select it."""
    for api in face.live():
        for pod in api.cluster.store.all(POD):
            if at(pod, "status.podIP") == address and at(pod, "status.phase") == "Running":
                own = api.cluster.store.all(_POLICY, pod["metadata"]["namespace"])
                labels = pod["metadata"].get("labels") or {}
                return pod, [one for one in own if selects(at(one, "spec.podSelector") or {}, labels)]
    return None, []


def _containers(pod: Object) -> Iterator[Object]:
    yield from pod["spec"]["containers"]


def _ports(pod: Object) -> set[int]:
    return {int(one["containerPort"]) for each in _containers(pod) for one in each.get("ports") or ()}


def _paths(pod: Object, port: int) -> set[str]:
    """The paths that a pod says it answers on a port: those of its probes."""
    found = set()
    for each in _containers(pod):
        names = {one.get("name"): one["containerPort"] for one in each.get("ports") or ()}
        for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
            asked = at(each, f"{probe}.httpGet") or {}
            if names.get(asked.get("port"), asked.get("port")) == port:
                found.add(asked.get("path", "/"))
    return found


def _reached(call: Call, balancer: Any, pod: Object, address: str, port: int, policies: list[Object]) -> bool:
    """Say whether every interface of a load balancer reaches a pod, through groups, ACLs and network policies."""
    ec2 = call.backend("ec2")
    host = next((one for one in ec2.enis.values() if one.private_ip_address == at(pod, "status.hostIP")), None)
    if host is None:
        return False
    behind = Place.of(host)
    target = Place(behind.subnet, address, behind.groups)
    sources = [Place.of(ec2.enis[eni]) for eni in balancer.interfaces.values()]
    return bool(sources) and all(
        connects(ec2, source, target, port)
        and admitted(ec2, source, target, port)
        and _let_in(policies, source.address, port)
        for source in sources
    )


def _let_in(policies: list[Object], address: str, port: int) -> bool:
    closing = [one for one in policies if "Ingress" in (at(one, "spec.policyTypes") or ["Ingress"])]
    rules = [rule for one in closing for rule in at(one, "spec.ingress") or ()]
    return not closing or any(_rule(rule, address, port) for rule in rules)


def _rule(rule: Object, address: str, port: int) -> bool:
    ports = [one.get("port") for one in rule.get("ports") or ()]
    blocks = [at(one, "ipBlock.cidr") for one in rule.get("from") or ()]
    inside = any(ipaddress.ip_address(address) in ipaddress.ip_network(one) for one in blocks if one)
    return (not ports or port in ports) and (not rule.get("from") or inside)
