"""The two listeners of the load balancer: HTTPS to the pods, HTTP to HTTPS, and no rule beside (REQUIREMENTS: edge).

AWS: Application Load Balancers, "Listeners", "Redirect actions".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model import edge
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.edge_certificate import DESCRIBE, not_issued
from airgap.resources.kind import Call, Fields, Kind, declares, tag_list


def _listener(f: Fields) -> dict[str, Any]:
    action = {"Type": f["action"][0]}
    if f["target"]:
        action["TargetGroupArn"] = f["target"][0]
    if f["redirect"]:
        action["RedirectConfig"] = f["redirect"][0]
    return {
        "Port": f["port"],
        "Protocol": f["protocol"],
        "SslPolicy": f.get("tls_policy"),
        "Certificates": [{"CertificateArn": one} for one in f["certificates"]] or None,
        "DefaultActions": [action],
    }


_MODIFY = Call("elbv2:ModifyListener", lambda f: {"ListenerArn": f["id"], **_listener(f)})

LISTENER = Kind(
    "listener",
    "Listener",
    Reading(
        "elbv2:DescribeListeners",
        "Listeners",
        "ListenerArn",
        owner="parent",
        tags="",
        natural=("balancer", "port"),
        attrs={"arn": "ListenerArn"},
        fields={
            "balancer": Field("LoadBalancerArn", change=NEVER),
            "port": Field("Port", change=NEVER),
            "protocol": Field("Protocol", risk="opens", why="without TLS anybody on the way reads along"),
            "tls_policy": Field("SslPolicy", risk="opens", why="older versions of TLS can be broken"),
            "certificates": Field("Certificates[].CertificateArn", absent=(), risk="opens", why="who it says it is"),
            "action": Field("DefaultActions[].Type", risk="opens", why="what becomes of a request"),
            "target": Field("DefaultActions[].TargetGroupArn", risk="opens", why="who gets the requests"),
            "redirect": Field("DefaultActions[].RedirectConfig", risk="opens", why="where clients are sent"),
        },
    ),
    create=(
        Call(
            "elbv2:CreateListener",
            lambda f: {"LoadBalancerArn": f["balancer"], **_listener(f), "Tags": tag_list(f)},
            result="Listeners",
            actions=("elasticloadbalancing:AddTags",),
        ),
    ),
    updates=dict.fromkeys(("protocol", "tls_policy", "certificates", "action", "target", "redirect"), (_MODIFY,)),
    delete=(Call("elbv2:DeleteListener", lambda f: {"ListenerArn": f["id"]}, ignore=("ListenerNotFound",)),),
)

LISTENER_RULE = Kind(
    "listener-rule",
    "Rule of a listener",
    Reading(
        "elbv2:DescribeRules",
        "Rules",
        "RuleArn",
        owner="parent",
        tags="",
        natural=("listener", "priority"),
        unless=(("IsDefault", "true"),),
        fields={
            "listener": Field("^.?.ListenerArn", change=NEVER),
            "priority": Field("Priority", change=NEVER),
            "actions": Field("Actions[].Type"),
        },
    ),
    create=(),
    delete=(Call("elbv2:DeleteRule", lambda f: {"RuleArn": f["id"]}, ignore=("RuleNotFound",)),),
)

TO_HTTPS = {
    "Protocol": "HTTPS",
    "Port": str(edge.HTTPS),
    "Host": "#{host}",
    "Path": "/#{path}",
    "Query": "#{query}",
    "StatusCode": "HTTP_301",
}


@declares(LISTENER, LISTENER_RULE, reads=(DESCRIBE,))
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the two listeners, once the web ACL stands before them; a rule that anybody adds to them is removed."""
    guarded = ("web-acl-association:app",)
    common: dict[str, Any] = {"balancer": ref("load-balancer:app"), "certificates": [], "target": [], "redirect": []}
    https = {
        **common,
        "port": edge.HTTPS,
        "protocol": "HTTPS",
        "tls_policy": intent.edge.tls_policy,
        "certificates": [ref("certificate:app", "arn")],
        "action": ["forward"],
        "target": [ref("target-group:app", "arn")],
    }
    reason = not_issued(intent, facts)
    refused = {"certificates": reason} if reason else {}
    why = "requests reach the pods by TLS and through the web ACL only"
    yield Desired("listener", "https", https, needs=guarded, why=why, refused=refused)
    http = {**common, "port": edge.REDIRECT, "protocol": "HTTP", "action": ["redirect"], "redirect": [TO_HTTPS]}
    yield Desired("listener", "http", http, needs=guarded, why="clients that ask without TLS are sent to ask with it")
