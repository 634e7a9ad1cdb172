"""Web ACLs: a while until WAF knows them everywhere, their capacity, what holds them, and where they may log.

https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html
"""

from __future__ import annotations

from typing import Any

from airgap.rehearsal import settling
from airgap.rehearsal.hook import after, answers, before
from airgap.rehearsal.wire import Call, Refusal

# Capacity units of AWS's own groups (WAF Developer Guide, "AWS Managed Rules rule groups list").
CAPACITY = {
    "AWSManagedRulesAdminProtectionRuleSet": 100,
    "AWSManagedRulesAmazonIpReputationList": 25,
    "AWSManagedRulesAnonymousIpList": 50,
    "AWSManagedRulesCommonRuleSet": 700,
    "AWSManagedRulesKnownBadInputsRuleSet": 200,
    "AWSManagedRulesLinuxRuleSet": 200,
    "AWSManagedRulesSQLiRuleSet": 200,
    "AWSManagedRulesUnixRuleSet": 100,
}
LIMIT = 5000
PREFIX = "aws-waf-logs-"
_UNAVAILABLE = "AWS WAF couldn\u2019t retrieve the resource that you requested. Retry your request."


def _used(rules: list[dict[str, Any]]) -> int:
    used = 0
    for rule in rules:
        statement = rule.get("Statement", {})
        group = statement.get("ManagedRuleGroupStatement")
        if group is None:
            used += 2 if "RateBasedStatement" in statement else 1
            continue
        if group["Name"] not in CAPACITY:
            message = "Error reason: The parameter contains a managed rule group that does not exist, field: RULE"
            raise Refusal("WAFInvalidParameterException", message)
        used += CAPACITY[group["Name"]]
    return used


@before("wafv2", "CreateWebACL", "UpdateWebACL")
def judge(call: Call) -> None:
    """Rules have priorities of their own, a group of rules an override and a rule an action, within the capacity."""
    rules = call.get("Rules", [])
    if len({one["Priority"] for one in rules}) < len(rules):
        raise Refusal("WAFInvalidParameterException", "Error reason: The priority must be unique, field: RULE")
    for one in rules:
        is_group = bool({"ManagedRuleGroupStatement", "RuleGroupReferenceStatement"} & set(one.get("Statement", {})))
        if is_group != ("OverrideAction" in one) or is_group == ("Action" in one):
            message = "Error reason: A rule group takes OverrideAction, every other rule Action, field: RULE"
            raise Refusal("WAFInvalidParameterException", message)
    if _used(rules) > LIMIT:
        raise Refusal("WAFLimitsExceededException", f"The web ACL would use more than {LIMIT} capacity units.")


@after("wafv2", "CreateWebACL")
def begin(call: Call, result: dict[str, Any]) -> None:
    """A new web ACL is known to all of WAF a little later."""
    acl = call.backend("wafv2").wacls[result["Summary"]["ARN"]]
    acl.known_at = settling.due("wafv2:CreateWebACL")


@before("wafv2", "AssociateWebACL")
def judge_association(call: Call) -> None:
    """Web ACL and load balancer exist, and WAF knows both by now."""
    acl = call.backend("wafv2").wacls.get(call.get("WebACLArn"))
    arn = call.get("ResourceArn")
    balancer = call.backend("elbv2").load_balancers.get(arn)
    if acl is None or (balancer is None and ":loadbalancer/app/" in arn):
        message = "AWS WAF couldn\u2019t perform the operation because your resource doesn\u2019t exist."
        raise Refusal("WAFNonexistentItemException", message)
    new = not settling.passed(getattr(acl, "known_at", 0.0))
    if new or (balancer is not None and balancer.state == "provisioning"):
        raise Refusal("WAFUnavailableEntityException", _UNAVAILABLE)


@before("wafv2", "DeleteWebACL")
def judge_deletion(call: Call) -> None:
    """A web ACL that stands before something stays."""
    for acl in call.backend("wafv2").wacls.values():
        if acl.id == call.get("Id") and acl.associated_resources:
            message = (
                "AWS WAF couldn\u2019t perform the operation because your resource is being used by another resource."
            )
            raise Refusal("WAFAssociatedItemException", message)


@answers("wafv2", "ListResourcesForWebACL")
def resources(call: Call) -> dict[str, Any]:
    """Return what a web ACL stands before."""
    acl = call.backend("wafv2").wacls.get(call.get("WebACLArn"))
    if acl is None:
        raise Refusal("WAFNonexistentItemException", "AWS WAF couldn\u2019t find the web ACL.")
    return {"ResourceArns": list(acl.associated_resources)}


@before("wafv2", "PutLoggingConfiguration")
def judge_logging(call: Call) -> None:
    """One destination, whose name begins as WAF wants it, and which exists."""
    wanted = call.get("LoggingConfiguration", {})
    destinations = wanted.get("LogDestinationConfigs", [])
    names = [one.partition(":log-group:")[2] or one.rpartition(":")[2].rpartition("/")[2] for one in destinations]
    if len(destinations) != 1 or not names[0].startswith(PREFIX):
        message = "Error reason: The ARN isn't valid. A valid ARN begins with arn: and includes other information "
        raise Refusal(
            "WAFInvalidParameterException", f"{message}separated by colons or slashes., field: LOG_DESTINATION"
        )
    if ":log-group:" in destinations[0] and names[0].removesuffix(":*") not in call.backend("logs").groups:
        message = "The log destination doesn't exist, or its resource policy doesn't let WAF write to it."
        raise Refusal("WAFLogDestinationPermissionIssueException", message)


@after("wafv2", "GetWebACL", "GetWebACLForResource")
def show_capacity(call: Call, result: dict[str, Any]) -> None:
    """The capacity that the rules use."""
    if result.get("WebACL"):
        result["WebACL"]["Capacity"] = _used(result["WebACL"].get("Rules", []))
