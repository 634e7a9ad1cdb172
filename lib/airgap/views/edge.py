"""The entrance: load balancer, listeners, web ACL, and the certificate with the record that it waits for."""

from __future__ import annotations

from typing import Any

from airgap.checks import balancers, certificates, web_acls
from airgap.model import edge
from airgap.model.canonical import dig
from airgap.model.names import bucket
from airgap.views.look import Look, attempt
from airgap.views.table import LATER, Code, Facts, Mark, Table, not_read

ENTRANCE_READS = (*balancers.READS, balancers.ATTRIBUTES, web_acls.LISTED, web_acls.STANDS)
LISTENER_READS = (*balancers.READS, balancers.LISTENERS, balancers.RULES, balancers.POLICIES)
FIREWALL_READS = (web_acls.LISTED, web_acls.READ, web_acls.LOGS)
CERTIFICATE_READS = (*balancers.READS, balancers.LISTENERS, *certificates.CERTIFICATE_READS)
_TONES = {"ISSUED": ("✓", "good"), "PENDING_VALIDATION": ("…", "unknown")}
_COUNTS, _BLOCKS = Mark("only counts", "✗", "bad"), Mark("blocks", "✓", "good")


def entrance(look: Look) -> Facts:
    """Return the load balancer: where it stands, who may reach it, what stands before it and where it logs."""
    intent = look.intent
    found = dict(balancers.balancers(intent, look.estate)).get(balancers.APP)
    known = attempt(lambda: balancers.attributes(found, look.estate), {}) if found else ({}, "")
    return Facts(
        "Entrance",
        [
            ("load balancer", Code(found["LoadBalancerArn"]) if found else LATER),
            ("asked at", (intent.edge.domain, Code(found["DNSName"]) if found else LATER)),
            ("scheme", f"{found.get('Scheme') if found else edge.scheme(intent)}, in the {edge.tier(intent)} tier"),
            ("clients", tuple(edge.clients(intent))),
            ("web ACL", _stands(look, found)),
            ("access logs", _logs(look, *known) if found else LATER),
            ("pods", f"port {intent.edge.target_port}, asked for {intent.edge.health_path}"),
        ],
        note="A person publishes the domain's name as an alias of the load balancer's own; the runbook has no zone.",
    )


def _stands(look: Look, found: dict[str, Any] | None) -> Any:
    if found is None:
        return LATER
    page, reason = attempt(lambda: look.estate.page(web_acls.STANDS, ResourceArn=found["LoadBalancerArn"]) or {})
    if reason:
        return not_read(reason)
    name = dig(page, "WebACL.Name")
    if name == edge.balancer(look.intent):
        return Mark(f"{name}, as WAF says of the load balancer itself", "✓", "good")
    return Mark(f"{name}, not the environment's" if name else "none", "✗", "bad")


def _logs(look: Look, held: dict[str, str], reason: str) -> Any:
    if reason:
        return not_read(reason)
    name, wanted = held.get("access_logs.s3.bucket", ""), bucket(look.intent, edge.LOGS)
    fine = held.get("access_logs.s3.enabled") == "true" and name == wanted
    return Mark(f"{name}, encrypted with S3's own keys", "✓", "good") if fine else Mark(name or "off", "✗", "bad")


def listeners(look: Look) -> Table:
    """Return every listener: what it speaks, by which policy and versions, and what becomes of a request."""
    policies, reason = attempt(lambda: look.every(balancers.POLICIES, "SslPolicies"), [])
    spoken = {one["Name"]: one.get("SslProtocols", []) for one in policies}
    rows = []
    for name, (item, rules) in balancers.listeners(look.intent, look.estate):
        policy = str(item.get("SslPolicy", ""))
        versions = not_read(reason) if reason and policy else ", ".join(spoken.get(policy, ())) or "none"
        more = tuple(f"rule {one.get('Priority')}: {_does(one.get('Actions', []))}" for one in rules)
        does = (_does(item.get("DefaultActions", [])), *more)
        rows.append((name, f"{item.get('Protocol')} on {item.get('Port')}", Code(policy or "–"), versions, does))
    return Table("Listeners", ("listener", "speaks", "policy", "versions of TLS", "does"), rows, note=_expected(look))


def _expected(look: Look) -> str:
    return f"Declared: HTTPS on {edge.HTTPS} with {look.intent.edge.tls_policy}, a redirect on {edge.REDIRECT}."


def _does(actions: list[dict[str, Any]]) -> str:
    return "; ".join(_action(one) for one in actions) or "nothing"


def _action(one: dict[str, Any]) -> str:
    if one.get("Type") == "redirect":
        to = one.get("RedirectConfig") or {}
        return f"redirect to {to.get('Protocol')} {to.get('Port')} ({to.get('StatusCode')})"
    if one.get("TargetGroupArn"):
        return f"forward to {str(one['TargetGroupArn']).split('/')[1]}"
    return str(one.get("Type"))


def firewall(look: Look) -> Table:
    """Return the rules of the web ACL, in the order in which they are asked, with whether they block."""
    rows: list[Any] = []
    capacity: Any = 0
    for _, acl in web_acls.own_acls(look.intent, look.estate):
        whole = dig(look.estate.page(web_acls.READ, ARN=acl["ARN"]) or {}, "WebACL") or {}
        capacity = whole.get("Capacity", 0)
        for one in sorted(whole.get("Rules") or [], key=lambda each: int(each["Priority"])):
            rows.append((one["Priority"], one["Name"], _asks(one), _verdict(one)))
    logged, reason = attempt(lambda: look.every(web_acls.LOGS, "LoggingConfigurations"), [])
    places = ", ".join(each for one in logged for each in one.get("LogDestinationConfigs", []))
    note = f"{capacity} of 5000 capacity units; what no rule stops passes. Log: {reason or places or 'none yet'}"
    return Table("Web ACL", ("order", "rule", "asks", "does"), rows, note=note)


def _asks(rule: dict[str, Any]) -> str:
    limit = dig(rule, "Statement.RateBasedStatement")
    if limit:
        return f"more than {limit.get('Limit')} requests of an address in {limit.get('EvaluationWindowSec', 300)} s"
    group = dig(rule, "Statement.ManagedRuleGroupStatement") or {}
    return f"{group.get('VendorName')}'s rules {group.get('Name')}" if group else "a rule of its own"


def _verdict(rule: dict[str, Any]) -> Mark:
    if "OverrideAction" in rule:
        return _COUNTS if "Count" in rule["OverrideAction"] else _BLOCKS
    name = next(iter(rule.get("Action") or {}), "nothing")
    return _BLOCKS if name == "Block" else Mark(name.lower(), "✗", "bad")


def certificate(look: Look) -> Table:
    """Return the certificates: for which names, of which state, until when, and what a person must publish."""
    rows = []
    for name, one in certificates.certificates(look.intent, look.estate):
        arn = one["CertificateArn"]
        page, reason = attempt(lambda arn=arn: look.estate.page(certificates.DESCRIBED, CertificateArn=arn) or {})  # type: ignore[misc]
        found = dig(page, "Certificate") or {}
        status = str(found.get("Status", ""))
        sign, tone = _TONES.get(status, ("✗", "bad"))
        names = tuple(dict.fromkeys([str(found.get("DomainName")), *found.get("SubjectAlternativeNames", [])]))
        state = not_read(reason) if reason else Mark(status, sign, tone)
        ends = str(found.get("NotAfter", ""))[:10] or "–"
        rows.append((name, names, state, ends, tuple(_record(each) for each in _records(found)) or "–"))
    said = "" if not look.intent.embedded else " The embedded AWS issues by itself: there nobody publishes."
    note = f"ACM looks for the record in the domain's public zone, from outside, and renews by it.{said}"
    return Table(
        "Certificates", ("certificate", "names", "state", "ends", "record in the public zone"), rows, note=note
    )


def _records(found: dict[str, Any]) -> list[dict[str, str]]:
    return list(dig(found, "DomainValidationOptions[].ResourceRecord") or [])


def _record(one: dict[str, str]) -> Code:
    return Code(f"{one.get('Name')} {one.get('Type')} {one.get('Value')}")
