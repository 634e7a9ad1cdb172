"""The load balancer: the only one, in its tier, behind narrow groups, with TLS or a redirect on every listener.

AWS: Application Load Balancers, "Listeners", "Security policies", "Edit attributes" (WEB-01, DAT-03, NET-05, LOG-02).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from airgap.checks.check import check
from airgap.checks.groups import READS as GROUP_READS
from airgap.checks.groups import Group, ruled, text
from airgap.checks.scope import SUBNET_READS, VPC_READS, Item, Named, every, tiers, vpc_ids, vpcs
from airgap.model import edge
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.names import bucket

LISTED, CLASSIC = "elbv2:DescribeLoadBalancers", "elb:DescribeLoadBalancers"
LISTENERS, RULES, POLICIES = "elbv2:DescribeListeners", "elbv2:DescribeRules", "elbv2:DescribeSSLPolicies"
TARGETS, ATTRIBUTES = "elbv2:DescribeTargetGroups", "elbv2:DescribeLoadBalancerAttributes"
READS = (*VPC_READS, LISTED)
APP = "load-balancer:app"
MODERN = frozenset({"TLSv1.2", "TLSv1.3"})
_PORTS = {edge.HTTPS: "listener:https", edge.REDIRECT: "listener:http"}
_SETTINGS = {
    "deletion_protection.enabled": (("true",), "one call deletes it"),
    "routing.http.drop_invalid_header_fields.enabled": (("true",), "malformed headers reach the pods"),
    "routing.http.desync_mitigation_mode": (("defensive", "strictest"), "ambiguous requests reach the pods"),
    "waf.fail_open.enabled": (("false",), "requests pass while WAF does not answer"),
}


def balancers(intent: Intent, estate: Estate) -> Named:
    """Return every load balancer of the VPC, declared or not, but classic ones."""
    ours = vpc_ids(intent, estate)
    found = [one for one in every(estate, LISTED, "LoadBalancers") if one.get("VpcId") in ours]
    return [(_name(one, intent), one) for one in found]


def _name(one: Item, intent: Intent) -> str:
    name = one.get("LoadBalancerName") or one["LoadBalancerArn"]
    return APP if name == edge.balancer(intent) else str(name)


def attributes(one: Item, estate: Estate) -> dict[str, str]:
    """Return the attributes of a load balancer; raises ``NotObserved``."""
    page = estate.page(ATTRIBUTES, LoadBalancerArn=one["LoadBalancerArn"]) or {}
    return {each["Key"]: each.get("Value", "") for each in page.get("Attributes", [])}


@check(
    "balancers-declared",
    "The VPC has the declared load balancer and no other",
    severity="high",
    properties=("WEB-01",),
    reads=(*READS, CLASSIC),
    remedy="delete the load balancer, after its owner has been asked what it serves",
    over=vpcs,
)
def declared(vpc: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each load balancer that nobody declared, and that the declared one is not there."""
    names = [name for name, _ in balancers(intent, estate)]
    if APP not in names:
        yield f"there is no load balancer {edge.balancer(intent)}"
    yield from (f"{name} is another entrance" for name in names if name != APP)
    for one in every(estate, CLASSIC, "LoadBalancerDescriptions"):
        if one.get("VPCId") == vpc["VpcId"]:
            yield f"{one['LoadBalancerName']} is a classic load balancer, which no web ACL can stand before"


@check(
    "balancer-placed",
    "The load balancer has the declared scheme, stands in its own tier, and answers by IPv4 alone",
    severity="critical",
    properties=("WEB-01", "NET-02"),
    reads=(*READS, *SUBNET_READS),
    remedy="destroy step edge and apply it again; a load balancer keeps its scheme",
    over=balancers,
)
def placed(one: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that it faces the wrong way, or stands where it must not."""
    if one.get("Scheme") != edge.scheme(intent):
        yield f"it is {one.get('Scheme')}, declared is {edge.scheme(intent)}"
    where = tiers(intent, estate)
    for zone in one.get("AvailabilityZones", []):
        found = where.get(zone["SubnetId"], "foreign")
        if found != edge.tier(intent):
            yield f"it stands in {zone['SubnetId']}, a {found} subnet"
    if one.get("IpAddressType") != "ipv4":
        yield f"its addresses are {one.get('IpAddressType')}"


@check(
    "balancer-hardened",
    "The load balancer drops malformed requests, fails closed, and one call cannot delete it",
    severity="medium",
    properties=("WEB-01",),
    reads=(*READS, ATTRIBUTES),
    remedy="apply the step edge",
    over=balancers,
)
def hardened(one: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each attribute that is off, and what that means."""
    held = attributes(one, estate)
    for name, (fine, why) in _SETTINGS.items():
        if held.get(name) not in fine:
            yield f"{name} is {held.get(name, 'not set')}, so {why}"


@check(
    "balancer-logged",
    "The load balancer writes every request to the environment's own bucket",
    severity="medium",
    properties=("LOG-02",),
    reads=(*READS, ATTRIBUTES, "s3:ListBuckets"),
    remedy="apply the step edge; requests of the time between are in the web ACL's log alone",
    over=balancers,
)
def logged(one: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that access logs are off, or go to another bucket or to one that is not the account's."""
    held = attributes(one, estate)
    name = held.get("access_logs.s3.bucket")
    if held.get("access_logs.s3.enabled") != "true":
        yield "access logs are off"
    elif name != bucket(intent, edge.LOGS):
        yield f"access logs go to {name}"
    elif name not in [each["Name"] for each in every(estate, "s3:ListBuckets", "Buckets")]:
        yield f"access logs go to {name}, which is none of the account's buckets"


class Listener(NamedTuple):
    """A listener with its rules beside the default one."""

    item: Item
    rules: list[Item]


def listeners(intent: Intent, estate: Estate) -> list[tuple[str, Listener]]:
    """Return every listener of every load balancer of the VPC, with its rules."""
    found: list[tuple[str, Listener]] = []
    for name, one in balancers(intent, estate):
        page = estate.page(LISTENERS, LoadBalancerArn=one["LoadBalancerArn"]) or {}
        for each in page.get("Listeners", []):
            rules = (estate.page(RULES, ListenerArn=each["ListenerArn"]) or {}).get("Rules", [])
            mine = _PORTS.get(each.get("Port", 0)) if name == APP else None
            more = [rule for rule in rules if not rule.get("IsDefault")]
            found.append((mine or f"listener:{name}-{each.get('Port')}", Listener(each, more)))
    return found


@check(
    "listeners-tls",
    "The listener speaks TLS 1.3 or 1.2 with a certificate, or does nothing but send clients to one that does",
    severity="critical",
    properties=("DAT-03",),
    reads=(*READS, LISTENERS, RULES, POLICIES),
    remedy="apply the step edge: HTTPS with the declared policy on 443, a redirect on 80, nothing else",
    over=listeners,
)
def tls(listener: Listener, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield what of a listener lets a request pass in the clear, or by a version of TLS that is broken."""
    item, rules = listener
    if item.get("Protocol") == "HTTPS":
        yield from _weak(str(item.get("SslPolicy")), estate)
        if not item.get("Certificates"):
            yield "it has no certificate"
        return
    if item.get("Protocol") != "HTTP":
        yield f"it speaks {item.get('Protocol')}"
    actions = [*item.get("DefaultActions", []), *(each for rule in rules for each in rule.get("Actions", []))]
    for action in actions:
        if not _sends_to_https(action):
            yield f"it does {action.get('Type')} without TLS"


def _weak(policy: str, estate: Estate) -> Iterator[str]:
    known = {one["Name"]: one for one in every(estate, POLICIES, "SslPolicies")}
    spoken = set(known.get(policy, {}).get("SslProtocols", []))
    if policy not in known:
        yield f"its policy {policy} is none that Elastic Load Balancing lists"
    elif "TLSv1.3" not in spoken:
        yield f"its policy {policy} has no TLS 1.3"
    if spoken - MODERN:
        yield f"its policy {policy} accepts {', '.join(sorted(spoken - MODERN))}"


def _sends_to_https(action: Item) -> bool:
    to: Any = action.get("RedirectConfig") or {}
    permanent = to.get("StatusCode") == "HTTP_301"
    return action.get("Type") == "redirect" and to.get("Protocol") == "HTTPS" and to.get("Port") == "443" and permanent


def _forwards(listener: Listener) -> set[str]:
    actions = [*listener.item.get("DefaultActions", []), *(a for rule in listener.rules for a in rule["Actions"])]
    named = {one["TargetGroupArn"] for one in actions if one.get("TargetGroupArn")}
    return named | {each for one in actions for each in dig(one, "ForwardConfig.TargetGroups[].TargetGroupArn") or []}


def target_groups(intent: Intent, estate: Estate) -> Named:
    """Return the declared target group, and every one that a listener of the VPC sends requests to."""
    reached = {one for _, listener in listeners(intent, estate) for one in _forwards(listener)}
    found: Named = []
    for one in every(estate, TARGETS, "TargetGroups"):
        if one["TargetGroupName"] == edge.balancer(intent):
            found.append(("target-group:app", one))
        elif one["TargetGroupArn"] in reached:
            found.append((str(one["TargetGroupName"]), one))
    return found


@check(
    "balancer-targets",
    "Requests go to the declared target group: pods by their addresses in the VPC, on the declared port",
    severity="high",
    properties=("WEB-01",),
    reads=(*READS, LISTENERS, RULES, TARGETS),
    remedy="apply the step edge; find in CloudTrail who sent requests elsewhere",
    over=target_groups,
)
def targets(group: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield how a target group differs from the one that is declared."""
    if group["TargetGroupName"] != edge.balancer(intent):
        yield "a listener sends requests to it, and it is not declared"
    if group.get("VpcId") not in vpc_ids(intent, estate):
        yield f"its targets are in {group.get('VpcId') or 'no VPC'}"
    wanted = {"TargetType": "ip", "Protocol": "HTTP", "Port": intent.edge.target_port}
    for name, value in wanted.items():
        if group.get(name) != value:
            yield f"{name} is {group.get(name)}, declared is {value}"


def _ids(name: str, intent: Intent, estate: Estate) -> set[str]:
    return {one.item["GroupId"] for key, one in ruled(intent, estate) if key == f"security-group:{name}"}


def balancer_groups(intent: Intent, estate: Estate) -> list[tuple[str, Group]]:
    """Return the security groups that the load balancers of the VPC carry."""
    carried = {each for _, one in balancers(intent, estate) for each in one.get("SecurityGroups", [])}
    return [(name, one) for name, one in ruled(intent, estate) if one.item["GroupId"] in carried]


@check(
    "balancer-group-narrow",
    "The load balancer's group admits declared clients on 443 and 80, and sends to the pods' port of the nodes alone",
    severity="high",
    properties=("NET-05", "NET-04"),
    reads=(*READS, *GROUP_READS),
    remedy="revoke the rule",
    over=balancer_groups,
)
def narrow(group: Group, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each rule beyond what the entrance needs."""
    admitted, nodes, port = set(edge.clients(intent)), _ids("nodes", intent, estate), intent.edge.target_port
    hosts = _ids("operations-host", intent, estate)
    for rule in group.inbound:
        web = rule.get("IpProtocol") == "tcp" and rule.get("FromPort") == rule.get("ToPort")
        known = rule.get("CidrIpv4") in admitted or _peer(rule) in hosts
        if not (web and rule.get("FromPort") in _PORTS and known):
            yield f"inbound rule {text(rule)} is more than the entrance"
    for rule in group.outbound:
        if not (_peer(rule) in nodes and _only(rule, port)):
            yield f"outbound rule {text(rule)} is more than the way to the pods"


@check(
    "nodes-admit-balancer",
    "Of what is not the cluster's own traffic the nodes admit the load balancer's group alone, on the pods' port",
    severity="high",
    properties=("NET-05",),
    reads=GROUP_READS,
    remedy="revoke the rule",
    over=lambda intent, estate: [one for one in ruled(intent, estate) if one[0] == "security-group:nodes"],
)
def nodes_admit(group: Group, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each inbound rule of the nodes' own group that admits another peer, or another port."""
    balancer, port = _ids("alb", intent, estate), intent.edge.target_port
    for rule in group.inbound:
        if not (_peer(rule) in balancer and _only(rule, port)):
            yield f"inbound rule {text(rule)} admits more than the load balancer"


def _peer(rule: Item) -> str:
    return str(dig(rule, "ReferencedGroupInfo.GroupId") or "")


def _only(rule: Item, port: int) -> bool:
    return rule.get("IpProtocol") == "tcp" and rule.get("FromPort") == rule.get("ToPort") == port


CHECKS = (declared, placed, hardened, logged, tls, targets, narrow, nodes_admit)
