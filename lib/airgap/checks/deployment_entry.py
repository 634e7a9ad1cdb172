"""Why a pod is no healthy target, and what is missing between the internet and the target group.

AWS: Elastic Load Balancing User Guide for Application Load Balancers, "Health checks for target groups" (reason codes);
AWS WAF Developer Guide, "Associating a web ACL with an AWS resource".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Optional

from airgap.checks.deployment_causes import nodes
from airgap.checks.deployment_path import GROUPS, PATH_READS, RULES, Cause, Place, closed, unreached
from airgap.checks.deployment_subject import APPLICATION, binding, pods, target_group, targets
from airgap.checks.running import POLICIES, objects
from airgap.checks.scope import Item, every, inside, label
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent

BALANCERS, LISTENERS = "elbv2:DescribeLoadBalancers", "elbv2:DescribeListeners"
WEB_ACL, CERTIFICATE = "wafv2:GetWebACLForResource", "acm:DescribeCertificate"
SERVICES = "kubernetes:ListServices"
HEALTH_READS = (*PATH_READS, POLICIES, SERVICES, BALANCERS, LISTENERS)
ENTRY_READS = (BALANCERS, LISTENERS, WEB_ACL, CERTIFICATE, RULES, GROUPS)
_EDGE = "apply the step edge"
_AGAIN = "apply the step first_deployment"


def balancer(estate: Estate) -> Item:
    """Return the load balancer that the application's target group serves, empty where it serves none."""
    wanted = target_group(estate).get("LoadBalancerArns") or []
    found = [one for one in every(estate, BALANCERS, "LoadBalancers") if one["LoadBalancerArn"] in wanted]
    return found[0] if found else {}


def _place(one: Item) -> Place:
    subnets = tuple(each["SubnetId"] for each in one.get("AvailabilityZones") or [])
    return Place("the load balancer", tuple(one.get("SecurityGroups") or ()), subnets)


def not_healthy(intent: Intent, estate: Estate) -> Iterator[Cause]:
    """Yield what keeps the pods from being healthy targets, by what the load balancer says of them."""
    bound, group = binding(estate), target_group(estate)
    name = f"TargetGroupBinding {APPLICATION}/{dig(bound, 'metadata.name') or APPLICATION}"
    if not bound:
        yield Cause(name, "it does not exist, so nobody registers the pods", _AGAIN)
    elif not group:
        yield Cause(name, f"it names {dig(bound, 'spec.targetGroupARN')}, which does not exist", _EDGE)
    if not group:
        return
    yield from _by_service(name, bound, intent, estate)
    yield from _by_group(group, intent)
    held = targets(estate)
    ready = {str(dig(pod, "status.podIP")) for pod in pods(estate)}
    if not ready & {address for address, _ in held}:
        yield from _by_controller(intent, estate)
    reasons = {str(one.get("Reason")) for one in held.values() if one.get("State") != "healthy"}
    one = balancer(estate)
    if not one:
        yield Cause("target-group:app", "no load balancer sends to it", f"{_EDGE}: its listener forwards to the group")
    elif reasons & {"Target.Timeout", "Elb.InternalError", "None"}:
        port = intent.edge.target_port
        yield from closed(_place(one), nodes(intent, estate)._replace(name="the pods"), port, intent, estate)
        yield from _by_policies(one, port, estate)
    elif "Target.ResponseCodeMismatch" in reasons:
        what = f"it answers {intent.edge.health_path} with another code than {dig(group, 'Matcher.HttpCode')}"
        yield Cause("the application", what, "read its log, or correct edge.health_path")
    elif "Target.FailedHealthChecks" in reasons:
        what = f"nothing answers on port {intent.edge.target_port} in time, or the connection is refused"
        yield Cause("the application", what, "read its log; it must listen on the port that edge.target_port names")


def _by_service(name: str, bound: Item, intent: Intent, estate: Estate) -> Iterator[Cause]:
    wanted = dig(bound, "spec.serviceRef.name")
    found = [
        one
        for one in objects(estate, SERVICES)
        if (one["metadata"].get("namespace"), one["metadata"]["name"]) == (APPLICATION, wanted)
    ]
    if not found:
        yield Cause(name, f"it names the Service {wanted}, which does not exist", _AGAIN)
    for one in found:
        ports = [each.get(member) for each in dig(one, "spec.ports") or [] for member in ("port", "name")]
        port = dig(bound, "spec.serviceRef.port")
        if port not in ports:
            yield Cause(name, f"it names port {port}, which Service {wanted} does not have", _AGAIN)


def _by_group(group: Item, intent: Intent) -> Iterator[Cause]:
    wanted: dict[str, Any] = {"TargetType": "ip", "HealthCheckPath": intent.edge.health_path}
    for member, value in wanted.items():
        if group.get(member) != value:
            yield Cause("target-group:app", f"its {member} is {group.get(member)}, declared {value}", _EDGE)


def _by_controller(intent: Intent, estate: Estate) -> Iterator[Cause]:
    """Yield why nobody has registered the pods: the controller, or its way to Elastic Load Balancing."""
    name = "aws-load-balancer-controller"
    deployed = [one for one in objects(estate, "kubernetes:ListDeployments") if one["metadata"]["name"] == name]
    if not any(dig(one, "status.readyReplicas") for one in deployed):
        what = "no pod of it is ready, so nobody registers the application's pods"
        yield Cause(f"Deployment kube-system/{name}", what, "apply the step controllers")
    source = nodes(intent, estate)
    yield from unreached("elasticloadbalancing", source, ("load-balancer-controller",), intent, estate)


def _by_policies(one: Item, port: int, estate: Estate) -> Iterator[Cause]:
    """Yield that no network policy of the namespace admits the load balancer's subnets on the pods' port."""
    subnets = [str(each["SubnetId"]) for each in one.get("AvailabilityZones") or []]
    ranges = {
        each["SubnetId"]: each["CidrBlock"]
        for each in estate.items("ec2:DescribeSubnets", "Subnets")
        if each["SubnetId"] in subnets
    }
    own = [each for each in objects(estate, POLICIES) if each["metadata"].get("namespace") == APPLICATION]
    for subnet, block in ranges.items():
        if own and not any(_lets_in(each, block, port) for each in own):
            what = f"no policy lets TCP {port} in from {block} ({subnet}), whence the load balancer asks"
            yield Cause(f"namespace {APPLICATION}", what, "apply the step controllers: allow-load-balancer")


def _lets_in(policy: Item, block: str, port: int) -> bool:
    for rule in dig(policy, "spec.ingress") or []:
        ports = [each.get("port") for each in rule.get("ports") or []]
        blocks = [str(dig(each, "ipBlock.cidr")) for each in rule.get("from") or [] if dig(each, "ipBlock.cidr")]
        if (not ports or port in ports) and (not rule.get("from") or inside(block, blocks)):
            return True
    return False


def not_entered(intent: Intent, estate: Estate) -> Iterator[Cause]:
    """Yield what is missing between a client and the target group: balancer, listener, certificate, group, web ACL."""
    one = balancer(estate)
    if not one:
        yield Cause("load-balancer:app", "no load balancer sends to the application's target group", _EDGE)
        return
    if dig(one, "State.Code") != "active":
        yield Cause("load-balancer:app", f"it is {dig(one, 'State.Code')}", "wait until it is active, or look at it")
    listener = _listener(one, estate)
    if listener is None:
        yield Cause("listener:https", "no HTTPS listener on 443 forwards to the application's target group", _EDGE)
    else:
        yield from _by_certificate(listener, estate)
    yield from _by_group_rules(one, estate)
    page = estate.page(WEB_ACL, ResourceArn=one["LoadBalancerArn"]) or {}
    if not page.get("WebACL"):
        what = "no web ACL is associated with the load balancer: it serves unfiltered"
        yield Cause("web-acl:app", what, f"{_EDGE}, and find in CloudTrail who disassociated it")


def _listener(one: Item, estate: Estate) -> Optional[Item]:
    page = estate.page(LISTENERS, LoadBalancerArn=one["LoadBalancerArn"]) or {}
    group = target_group(estate)["TargetGroupArn"]
    for each in page.get("Listeners") or []:
        if (each.get("Protocol"), each.get("Port")) == ("HTTPS", 443) and group in _forwards(each):
            return dict(each)
    return None


def _forwards(listener: Mapping[str, Any]) -> set[str]:
    found = set()
    for action in listener.get("DefaultActions") or []:
        found |= {action.get("TargetGroupArn")} if action.get("Type") == "forward" else set()
        found |= {each.get("TargetGroupArn") for each in dig(action, "ForwardConfig.TargetGroups") or []}
    return {str(one) for one in found if one}


def _by_certificate(listener: Item, estate: Estate) -> Iterator[Cause]:
    for each in listener.get("Certificates") or []:
        arn = each["CertificateArn"]
        told = dig(estate.page(CERTIFICATE, CertificateArn=arn) or {}, "Certificate") or {}
        if told.get("Status") != "ISSUED":
            yield Cause("certificate:app", f"{arn} is {told.get('Status', 'not there')}", "renew or import it")
        elif str(told.get("NotAfter", "9")) < estate.taken_at:
            yield Cause("certificate:app", f"{arn} expired on {told['NotAfter']}", "renew or import it")


def _by_group_rules(one: Item, estate: Estate) -> Iterator[Cause]:
    groups = one.get("SecurityGroups") or []
    rules = estate.items(RULES, "SecurityGroupRules")
    admits = any(
        rule["GroupId"] in groups
        and not rule.get("IsEgress")
        and rule.get("IpProtocol") in ("tcp", "-1")
        and (rule.get("FromPort") in (-1, None) or int(rule["FromPort"]) <= 443 <= int(rule["ToPort"]))
        for rule in rules
    )
    if not admits:
        named = {each["GroupId"]: label(each, "GroupId") for each in estate.items(GROUPS, "SecurityGroups")}
        first = groups[0] if groups else "load-balancer:app"
        yield Cause(named.get(first, first), "no rule of it lets clients in on 443", _EDGE)
