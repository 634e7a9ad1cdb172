"""Name resolution: what may be resolved, what becomes of the rest, and whether the filter fails closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airgap.checks import scope
from airgap.views.look import Look, attempt
from airgap.views.places import vpc
from airgap.views.table import LATER, STATUS, Code, Group, Mark, Table, not_read

READS = (
    *scope.VPC_READS,
    "route53resolver:ListFirewallRuleGroupAssociations",
    "route53resolver:ListFirewallRules",
    "route53resolver:ListFirewallDomainLists",
    "route53resolver:ListFirewallDomains",
    "route53resolver:GetFirewallConfig",
    "route53resolver:ListResolverQueryLogConfigAssociations",
)


def dns(look: Look) -> Table:
    """Return the DNS Firewall's rules in the order in which they are tried, with their names and the fail mode."""
    ours = vpc(look)
    rows: list[Any] = [Group("what holds for the whole VPC"), _fail_mode(look, ours), _query_log(look, ours)]
    associations, reason = attempt(lambda: _associations(look, ours), [])
    if reason:
        rows.append((not_read(reason), "", "", ""))
    for one in associations:
        protected = one.get("MutationProtection", "")
        rows.append(
            Group(f"rule group {one['FirewallRuleGroupId']} · priority {one['Priority']} · protection {protected}")
        )
        rows += _rules(look, one["FirewallRuleGroupId"])
    if not associations and not reason:
        rows += _declared(look)
    return Table("Names that resolve", ("rule", "action", "names", "judged"), rows)


def _associations(look: Look, ours: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    call, path = "route53resolver:ListFirewallRuleGroupAssociations", "FirewallRuleGroupAssociations"
    found = [one for one in look.every(call, path) if ours and one["VpcId"] == ours["VpcId"]]
    return sorted(found, key=lambda one: one["Priority"])


def _fail_mode(look: Look, ours: Mapping[str, Any] | None) -> tuple[Any, ...]:
    if ours is None:
        return "when the firewall does not answer", LATER, "", ""
    call = "route53resolver:GetFirewallConfig"
    page, reason = attempt(lambda: look.estate.page(call, ResourceId=ours["VpcId"]))
    if reason:
        return "when the firewall does not answer", not_read(reason), "", ""
    mode = ((page or {}).get("FirewallConfig") or {}).get("FirewallFailOpen", "")
    closed = mode == "DISABLED"
    judged = STATUS["pass"] if closed else STATUS["fail"]
    return (
        "when the firewall does not answer",
        "names fail (closed)" if closed else f"names resolve ({mode})",
        "",
        judged,
    )


def _query_log(look: Look, ours: Mapping[str, Any] | None) -> tuple[Any, ...]:
    call, path = "route53resolver:ListResolverQueryLogConfigAssociations", "ResolverQueryLogConfigAssociations"
    found, reason = attempt(lambda: look.every(call, path), [])
    if reason:
        return "query log", not_read(reason), "", ""
    if ours is None:
        return "query log", LATER, "", ""
    active = [one for one in found if one.get("ResourceId") == ours["VpcId"]]
    judged = STATUS["pass"] if active else STATUS["fail"]
    return "query log", active[0].get("Status", "") if active else "none", "", judged


def _rules(look: Look, group: str) -> list[tuple[Any, ...]]:
    call = "route53resolver:ListFirewallRules"
    rules, reason = attempt(lambda: look.items(call, "FirewallRules", FirewallRuleGroupId=group), [])
    if reason:
        return [(not_read(reason), "", "", "")]
    ordered = sorted(rules, key=lambda one: one["Priority"])
    return [
        (
            f"{one['Priority']} {one.get('Name', '')}",
            _action(one),
            _names(look, one.get("FirewallDomainListId", "")),
            "",
        )
        for one in ordered
    ]


def _action(rule: Mapping[str, Any]) -> Mark | str:
    blocked = rule.get("BlockResponse", "")
    marks = {"ALLOW": Mark("allow", "✓", "good"), "BLOCK": Mark(f"block {blocked}".strip(), "✗", "change")}
    return marks.get(rule.get("Action", ""), str(rule.get("Action", "")))


def _names(look: Look, domain_list: str) -> Any:
    call = "route53resolver:ListFirewallDomains"
    if not domain_list:
        return "advanced rule"
    names, reason = attempt(lambda: _domains(look, call, domain_list), [])
    return not_read(reason) if reason else tuple(Code(one) for one in sorted(names))


def _domains(look: Look, call: str, domain_list: str) -> list[str]:
    return list((look.estate.page(call, FirewallDomainListId=domain_list) or {}).get("Domains", []))


def _declared(look: Look) -> list[Any]:
    lists = {f"firewall-domain-list:{one.name}": one.fields for one in look.wanted("firewall-domain-list")}
    rows: list[Any] = [Group(f"rules · {LATER.word}")]
    for one in sorted(look.wanted("firewall-rule"), key=lambda one: int(one.fields["priority"])):
        held = next((fields for key, fields in lists.items() if key in str(one.fields.get("list"))), {})
        names = tuple(Code(str(name)) for name in held.get("domains", ()))
        shown = {"Action": one.fields.get("action"), "BlockResponse": one.fields.get("block_response", "")}
        rows.append((f"{one.fields['priority']} {one.name}", _action(shown), names, ""))
    return rows if len(rows) > 1 else [(LATER, "", tuple(Code(name) for name in look.intent.network.dns_allow), "")]
