"""The web ACL before the load balancer: AWS's managed rules, a limit by address, and its log (REQUIREMENTS: edge).

Rules block and never only count. AWS: WAF Developer Guide, "Baseline rule groups", "Rate-based rule statement",
"Sending web ACL traffic logs to a CloudWatch Logs log group".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model import edge
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import FIXED, NEVER, Field, Reading
from airgap.resources.kind import Call, Fields, Kind, declares, tag_list
from airgap.resources.logs import LOG_GROUP, log_group
from airgap.resources.statements import named

SCOPE = "REGIONAL"
VENDOR = "AWS"
RATE = "rate-by-address"
WINDOW = 300
"""Seconds over which WAF counts the requests of an address."""
REDACTED: tuple[dict[str, Any], ...] = (
    {"QueryString": {}},
    {"SingleHeader": {"Name": "authorization"}},
    {"SingleHeader": {"Name": "cookie"}},
)
"""What of a request is not logged: where tokens and personal data stand."""
_GONE = ("WAFNonexistentItemException",)
# A new web ACL or load balancer is known to all of WAF some seconds, at times minutes, later.
_NOT_READY = ("WAFUnavailableEntityException",)
_ITSELF = {"ARN": "ARN"}
_GET = "wafv2:GetWebACL"
# Setting up a delivery to CloudWatch Logs takes rights there, of the caller.
_DELIVERY = named(
    "logs:CreateLogDelivery DeleteLogDelivery DescribeLogGroups DescribeResourcePolicies PutResourcePolicy"
)


def _acl(f: Fields) -> dict[str, Any]:
    settings = {"DefaultAction": f["default_action"], "Rules": f["rules"], "VisibilityConfig": f["metrics"]}
    return {"Name": f["name"], "Scope": SCOPE, **settings}


# WAF refuses the change where somebody else made one in between: the lock is the one of the survey.
_UPDATE = Call("wafv2:UpdateWebACL", lambda f: {**_acl(f), "Id": f["number"], "LockToken": f["lock"]}, retry=_NOT_READY)

WEB_ACL = Kind(
    "web-acl",
    "Web ACL",
    Reading(
        "wafv2:ListWebACLs",
        "WebACLs",
        "ARN",
        tags="wafv2:ListTagsForResource|ResourceARN=ARN|TagInfoForResource.TagList",
        attrs={"arn": "ARN", "number": "Id", "lock": "LockToken"},
        fields={
            "name": Field("Name", change=FIXED, why="a web ACL is its name"),
            "default_action": Field(
                "WebACL.DefaultAction", call=_GET, by=_ITSELF, risk="opens", why="what no rule speaks of"
            ),
            "rules": Field("WebACL.Rules", call=_GET, by=_ITSELF, form="set", risk="opens", why="what is blocked"),
            "metrics": Field("WebACL.VisibilityConfig", call=_GET, by=_ITSELF, risk="blinds", why="what is counted"),
        },
    ),
    create=(
        Call(
            "wafv2:CreateWebACL",
            lambda f: {**_acl(f), "Tags": tag_list(f)},
            result="Summary",
            actions=("wafv2:TagResource",),
        ),
    ),
    updates=dict.fromkeys(("default_action", "rules", "metrics"), (_UPDATE,)),
    delete=(
        Call(
            "wafv2:DeleteWebACL",
            lambda f: {"Name": f["name"], "Scope": SCOPE, "Id": f["number"], "LockToken": f["lock"]},
            ignore=_GONE,
            retry=("WAFAssociatedItemException", *_NOT_READY),
        ),
    ),
)

_ASSOCIATE = Call(
    "wafv2:AssociateWebACL",
    lambda f: {"WebACLArn": f["acl"], "ResourceArn": f["balancer"]},
    retry=_NOT_READY,
    actions=("elasticloadbalancing:SetWebAcl",),
)

ASSOCIATION = Kind(
    "web-acl-association",
    "Web ACL of the load balancer",
    Reading(
        # Read from the load balancer's side: what WAF would do for it, whoever has said so.
        "wafv2:GetWebACLForResource",
        "WebACL",
        "^.?.ResourceArn",
        owner="parent",
        tags="",
        natural=("balancer",),
        fields={
            "balancer": Field("^.?.ResourceArn", change=NEVER),
            "acl": Field("ARN", risk="opens", why="another web ACL, or none, would let other requests through"),
        },
    ),
    create=(_ASSOCIATE,),
    updates={"acl": (_ASSOCIATE,)},
    delete=(
        Call(
            "wafv2:DisassociateWebACL",
            lambda f: {"ResourceArn": f["balancer"]},
            ignore=_GONE,
            actions=("elasticloadbalancing:SetWebAcl",),
        ),
    ),
)

_LOG = Call(
    "wafv2:PutLoggingConfiguration",
    lambda f: {
        "LoggingConfiguration": {
            "ResourceArn": f["acl"],
            "LogDestinationConfigs": f["destinations"],
            "RedactedFields": f["redacted"],
        }
    },
    retry=(*_NOT_READY, "WAFLogDestinationPermissionIssueException"),
    actions=tuple(_DELIVERY),
)

LOGGING = Kind(
    "web-acl-logging",
    "Log of the web ACL",
    Reading(
        "wafv2:ListLoggingConfigurations",
        "LoggingConfigurations",
        "ResourceArn",
        owner="parent",
        tags="",
        natural=("acl",),
        fields={
            "acl": Field("ResourceArn", change=NEVER),
            "destinations": Field("LogDestinationConfigs", risk="blinds", why="the log would go elsewhere"),
            "redacted": Field("RedactedFields", form="set", risk="opens", why="tokens would stand in the log"),
            "filter": Field("LoggingFilter", form="present", absent=False, risk="blinds", why="requests are left out"),
        },
    ),
    create=(_LOG,),
    updates=dict.fromkeys(("destinations", "redacted", "filter"), (_LOG,)),
    delete=(
        Call(
            "wafv2:DeleteLoggingConfiguration",
            lambda f: {"ResourceArn": f["acl"]},
            ignore=_GONE,
            actions=tuple(_DELIVERY),
        ),
    ),
)


def _metric(name: str) -> dict[str, Any]:
    return {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": name}


def rules(intent: Intent) -> list[dict[str, Any]]:
    """Return the rules in the order in which WAF asks them: the limit first, which costs least, then AWS's groups."""
    limit = {"Limit": intent.edge.rate_limit, "EvaluationWindowSec": WINDOW, "AggregateKeyType": "IP"}
    by_address = {
        "Name": RATE,
        "Priority": 0,
        "Statement": {"RateBasedStatement": limit},
        "Action": {"Block": {}},
        "VisibilityConfig": _metric(RATE),
    }
    return [by_address, *(_managed(number, name) for number, name in enumerate(edge.MANAGED, 1))]


def _managed(priority: int, name: str) -> dict[str, Any]:
    group = {"VendorName": VENDOR, "Name": name}
    return {
        "Name": name,
        "Priority": priority,
        "Statement": {"ManagedRuleGroupStatement": group},
        "OverrideAction": {"None": {}},
        "VisibilityConfig": _metric(name),
    }


@declares(LOG_GROUP, WEB_ACL, ASSOCIATION, LOGGING)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the log group, the web ACL, its log, and that it stands before the load balancer."""
    name = edge.firewall_log(intent)
    yield log_group("waf", name, intent.logs.retention_days, why="which requests were let through, and which not")
    acl = {
        "name": edge.balancer(intent),
        "default_action": {"Allow": {}},
        "rules": rules(intent),
        "metrics": _metric(edge.balancer(intent)),
    }
    yield Desired("web-acl", "app", acl, why="attacks that AWS knows, and floods, end before the pods")
    bound = {"balancer": ref("load-balancer:app", "arn"), "acl": ref("web-acl:app", "arn")}
    yield Desired("web-acl-association", "app", bound, why="the web ACL stands before every listener")
    logged = {
        "acl": ref("web-acl:app", "arn"),
        "destinations": [intent.arn("logs", f"log-group:{name}")],
        "redacted": list(REDACTED),
        "filter": False,
    }
    why = "every request with its verdict, without tokens and cookies"
    yield Desired("web-acl-logging", "app", logged, needs=("log-group:waf",), why=why)
