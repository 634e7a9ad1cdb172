"""The web ACL: before the load balancer itself, blocking and not only counting, with its log (WEB-01).

AWS: WAF Developer Guide, "Overriding rule group actions", "Rate-based rule statement", "Logging".
"""

from __future__ import annotations

from collections.abc import Iterator

from airgap.checks.balancers import READS, balancers
from airgap.checks.check import check
from airgap.checks.scope import Item, Named, every
from airgap.model import edge
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent

LISTED, READ, STANDS, LOGS = (
    "wafv2:ListWebACLs", "wafv2:GetWebACL", "wafv2:GetWebACLForResource", "wafv2:ListLoggingConfigurations",
)  # fmt: skip
REDACTED = frozenset({"authorization", "cookie"})
"""Headers that must not stand in a log."""


def own_acls(intent: Intent, estate: Estate) -> Named:
    """Return the environment's web ACL, by its name."""
    found = every(estate, LISTED, "WebACLs")
    return [("web-acl:app", one) for one in found if one["Name"] == edge.balancer(intent)]


@check(
    "waf-associated",
    "The environment's web ACL stands before the load balancer, as WAF says of the load balancer itself",
    severity="critical",
    properties=("WEB-01",),
    reads=(*READS, LISTED, STANDS),
    remedy="apply the step edge; look for what associates another one, as a controller or Firewall Manager",
    over=balancers,
)
def associated(balancer: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that no web ACL, or another one, is asked before a request passes."""
    arn = dig(estate.page(STANDS, ResourceArn=balancer["LoadBalancerArn"]) or {}, "WebACL.ARN")
    if arn is None:
        yield "no web ACL stands before it"
    elif arn not in [one["ARN"] for _, one in own_acls(intent, estate)]:
        yield f"{arn} stands before it, none of the environment's"


@check(
    "waf-rules-block",
    "The web ACL blocks by AWS's common rules, known bad inputs and a limit by address, with no exception among them",
    severity="high",
    properties=("WEB-01",),
    reads=(LISTED, READ),
    remedy="apply the step edge; an exception that the application needs is a declared one, with an end",
    over=own_acls,
)
def blocks(acl: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield what is missing of the rules, only counts, or is let past them."""
    whole = dig(estate.page(READ, ARN=acl["ARN"]) or {}, "WebACL") or {}
    rules = whole.get("Rules") or []
    if "Allow" not in (whole.get("DefaultAction") or {}):
        yield "its default action is not the declared one (Allow)"
    groups = {dig(one, "Statement.ManagedRuleGroupStatement.Name"): one for one in rules}
    for name in edge.MANAGED:
        if name not in groups:
            yield f"{name} is not among its rules"
        else:
            yield from (f"{name} {what}" for what in _weakened(groups[name]))
    limits = [one for one in rules if dig(one, "Statement.RateBasedStatement")]
    if not any(_limits(one, intent.edge.rate_limit) for one in limits):
        yield f"no rule blocks an address after {intent.edge.rate_limit} requests"
    yield from (f"rule {one['Name']} lets requests past the rules after it" for one in rules if _passes(one))


def _weakened(rule: Item) -> Iterator[str]:
    group = dig(rule, "Statement.ManagedRuleGroupStatement") or {}
    if "Count" in (rule.get("OverrideAction") or {}):
        yield "only counts"
    if group.get("ExcludedRules"):
        yield f"leaves out {', '.join(one['Name'] for one in group['ExcludedRules'])}"
    for one in group.get("RuleActionOverrides") or []:
        if not {"Block", "Challenge", "Captcha"} & set(one.get("ActionToUse") or {}):
            yield f"does not block by {one.get('Name')}"
    if group.get("ScopeDownStatement"):
        yield "is asked of some requests only"
    if group.get("Version"):
        yield f"is held at {group['Version']}, which AWS does not renew"


def _limits(rule: Item, most: int) -> bool:
    found = dig(rule, "Statement.RateBasedStatement") or {}
    everybody = found.get("AggregateKeyType") == "IP" and not found.get("ScopeDownStatement")
    return everybody and found.get("Limit", most + 1) <= most and "Block" in (rule.get("Action") or {})


def _passes(rule: Item) -> bool:
    return "Allow" in (rule.get("Action") or {})


@check(
    "waf-logged",
    "The web ACL writes every request to its own log group, without tokens and cookies",
    severity="high",
    properties=("WEB-01",),
    reads=(LISTED, LOGS),
    remedy="apply the step edge",
    over=own_acls,
)
def logged(acl: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that nothing is logged, that it goes elsewhere, or that requests are left out."""
    found = [one for one in every(estate, LOGS, "LoggingConfigurations") if one["ResourceArn"] == acl["ARN"]]
    if not found:
        yield "nothing is logged"
        return
    wanted = intent.arn("logs", f"log-group:{edge.firewall_log(intent)}")
    for one in found[0].get("LogDestinationConfigs", []):
        if one not in (wanted, f"{wanted}:*"):
            yield f"its log goes to {one}"
    if dig(found[0], "LoggingFilter.Filters"):
        yield "a filter leaves requests out of its log"
    hidden = {str(name).lower() for name in dig(found[0], "RedactedFields[].SingleHeader.Name") or []}
    if REDACTED - hidden:
        yield f"{', '.join(sorted(REDACTED - hidden))} of each request stands in its log"


CHECKS = (associated, blocks, logged)
