"""Route 53 Resolver DNS Firewall: domain lists, rule groups with their rules, and the fail-open setting of a VPC.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-dns-firewall.html. Associations of rule groups with
VPCs are in ``dns_firewall_associations``. AWS keeps domain names with a trailing dot, and so does this.
"""

from __future__ import annotations

import re
from typing import Any

from moto.route53resolver.models import Route53ResolverBackend

from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Record, Store, new_id, now, store
from airgap.rehearsal.wire import Call, Refusal

SERVICE = "route53resolver"
LIST, GROUP, RULE, ASSOCIATION, CONFIG = "domain-list", "rule-group", "rule", "association", "config"
NAMES = {LIST: "FirewallDomainList", GROUP: "FirewallRuleGroup", ASSOCIATION: "FirewallRuleGroupAssociation"}
PREFIXES = {LIST: "rslvr-fdl-", GROUP: "rslvr-frg-", ASSOCIATION: "rslvr-frgassoc-"}
ARN_TYPES = {
    LIST: "firewall-domain-list",
    GROUP: "firewall-rule-group",
    ASSOCIATION: "firewall-rule-group-association",
}
DOMAINS_PER_REQUEST = 1000
_DOMAIN = re.compile(r"(\*|(\*\.?)?[A-Za-z0-9_.-]{1,255})\.?")
_QTYPE = re.compile(r"A|AAAA|CAA|CNAME|DS|MX|NAPTR|NS|PTR|SOA|SPF|SRV|TXT|TYPE[1-9][0-9]{0,4}")


def kept(call: Call) -> Store:
    """Return the firewall's state in the caller's account and Region."""
    return store(call.account, call.region, SERVICE)


def create(call: Call, kind: str, **fields: Any) -> dict[str, Any]:
    """Create a list, group or association with the fields that all of them have, and its tags."""
    identifier = new_id(PREFIXES[kind], 16)
    record = {
        "Id": identifier,
        "Arn": call.arn(f"{ARN_TYPES[kind]}/{identifier}"),
        "Name": call.get("Name"),
        "CreatorRequestId": call.get("CreatorRequestId"),
        "CreationTime": now(),
        "ModificationTime": now(),
        **fields,
    }
    kept(call).put(kind, identifier, record)
    call.backend("route53resolver").tagger.tag_resource(record["Arn"], call.get("Tags", []))
    return {NAMES[kind]: dict(record)}


def found(call: Call, kind: str) -> Record:
    """Return the list, group or association that the request names; refuse where there is none."""
    identifier = call.get(f"{NAMES[kind]}Id")
    record = kept(call).get(kind, identifier)
    if record is None:
        raise Refusal("ResourceNotFoundException", f"[RSLVR-02025] Can't find the resource with ID '{identifier}'")
    return record


def invalid(message: str) -> Refusal:
    """Return the refusal of a request that makes no sense."""
    return Refusal("ValidationException", message)


@answers(SERVICE, "CreateFirewallDomainList")
def create_list(call: Call) -> dict[str, Any]:
    """Create an empty domain list."""
    return create(call, LIST, DomainCount=0, Status="COMPLETE", Domains=[])


@answers(SERVICE, "CreateFirewallRuleGroup")
def create_group(call: Call) -> dict[str, Any]:
    """Create a rule group without rules."""
    return create(call, GROUP, RuleCount=0, Status="COMPLETE", OwnerId=call.account, ShareStatus="NOT_SHARED")


@answers(SERVICE, "GetFirewallDomainList")
def get_list(call: Call) -> dict[str, Any]:
    """Return one domain list, without its domains."""
    return {"FirewallDomainList": dict(found(call, LIST))}


@answers(SERVICE, "GetFirewallRuleGroup")
def get_group(call: Call) -> dict[str, Any]:
    """Return one rule group, without its rules."""
    return {"FirewallRuleGroup": dict(found(call, GROUP))}


@answers(SERVICE, "ListFirewallDomainLists")
def list_lists(call: Call) -> dict[str, Any]:
    """Return all domain lists of the account."""
    return {"FirewallDomainLists": kept(call).all(LIST)}


@answers(SERVICE, "ListFirewallRuleGroups")
def list_groups(call: Call) -> dict[str, Any]:
    """Return all rule groups of the account."""
    return {"FirewallRuleGroups": kept(call).all(GROUP)}


@answers(SERVICE, "DeleteFirewallDomainList")
def delete_list(call: Call) -> dict[str, Any]:
    """Delete a domain list that no rule uses."""
    record = found(call, LIST)
    if any(rule["FirewallDomainListId"] == record["Id"] for rule in kept(call).all(RULE)):
        raise Refusal("ConflictException", f"The domain list {record['Id']} is used by a rule")
    kept(call).remove(LIST, record["Id"])
    return {"FirewallDomainList": dict(record, Status="DELETING")}


@answers(SERVICE, "DeleteFirewallRuleGroup")
def delete_group(call: Call) -> dict[str, Any]:
    """Delete a rule group that has no rules and is associated with no VPC."""
    record = found(call, GROUP)
    for kind, words in ((ASSOCIATION, "is associated with a VPC"), (RULE, "still has rules")):
        if any(x["FirewallRuleGroupId"] == record["Id"] for x in kept(call).all(kind)):
            raise Refusal("ConflictException", f"The rule group {record['Id']} {words}")
    kept(call).remove(GROUP, record["Id"])
    return {"FirewallRuleGroup": dict(record, Status="DELETING")}


@answers(SERVICE, "UpdateFirewallDomains")
def update_domains(call: Call) -> dict[str, Any]:
    """Add, remove or replace domains: at most 1,000 in one request, each with an optional leading asterisk."""
    record, operation, wanted = found(call, LIST), call.get("Operation"), call.get("Domains", [])
    if len(wanted) > DOMAINS_PER_REQUEST:
        raise invalid(f"A request holds at most {DOMAINS_PER_REQUEST} domains")
    wrong = [domain for domain in wanted if not _DOMAIN.fullmatch(domain)]
    if wrong:
        raise invalid(f"The domain specification '{wrong[0]}' is invalid")
    domains = dict.fromkeys([] if operation == "REPLACE" else record["Domains"])
    for domain in (f"{name.lower().rstrip('.')}." for name in wanted):
        if operation == "REMOVE":
            domains.pop(domain, None)
        else:
            domains[domain] = None
    record.update(Domains=list(domains), DomainCount=len(domains), Status="UPDATING", ModificationTime=now())
    kept(call).later(LIST, record["Id"], call.name, {"Status": "COMPLETE"})
    return dict(record)


@answers(SERVICE, "ListFirewallDomains")
def list_domains(call: Call) -> dict[str, Any]:
    """Return the domains of one list."""
    return {"Domains": list(found(call, LIST)["Domains"])}


def _rule_key(call: Call) -> str:
    parts = (call.get("FirewallRuleGroupId"), call.get("FirewallDomainListId"), call.get("Qtype", ""))
    return "/".join(str(part) for part in parts)


def _judge_rule(call: Call, rule: Record) -> None:
    others = [x for x in kept(call).all(RULE) if x["FirewallRuleGroupId"] == rule["FirewallRuleGroupId"]]
    if any(x["Priority"] == rule["Priority"] and x["Key"] != rule["Key"] for x in others):
        raise invalid(f"The priority {rule['Priority']} is used by another rule of the group")
    if (rule["Action"] == "BLOCK") != bool(rule.get("BlockResponse")):
        raise invalid("BlockResponse is required with the action BLOCK, and belongs to no other action")
    if rule.get("BlockResponse") == "OVERRIDE" and not rule.get("BlockOverrideDomain"):
        raise invalid("BlockOverrideDomain is required with the block response OVERRIDE")
    if rule.get("Qtype") and not _QTYPE.fullmatch(rule["Qtype"]):
        raise invalid(f"The query type '{rule['Qtype']}' is invalid")


def _count_rules(call: Call, group: Record) -> None:
    rules = [x for x in kept(call).all(RULE) if x["FirewallRuleGroupId"] == group["Id"]]
    group.update(RuleCount=len(rules), ModificationTime=now())


@answers(SERVICE, "CreateFirewallRule")
def create_rule(call: Call) -> dict[str, Any]:
    """Add a rule to a group: one per domain list and query type, each with a priority of its own."""
    group, key = found(call, GROUP), _rule_key(call)
    found(call, LIST)
    if kept(call).get(RULE, key) is not None:
        raise invalid("The group has a rule for this domain list and query type")
    times = {"CreationTime": now(), "ModificationTime": now()}
    rule = {"FirewallDomainRedirectionAction": "INSPECT_REDIRECTION_DOMAIN", **call.params, **times, "Key": key}
    _judge_rule(call, rule)
    kept(call).put(RULE, key, rule)
    _count_rules(call, group)
    return {"FirewallRule": dict(rule)}


def _rule(call: Call) -> Record:
    rule = kept(call).get(RULE, _rule_key(call))
    if rule is None:
        raise Refusal("ResourceNotFoundException", "There is no such rule")
    return rule


@answers(SERVICE, "UpdateFirewallRule")
def update_rule(call: Call) -> dict[str, Any]:
    """Change a rule; leaving BLOCK drops the block response."""
    rule = _rule(call)
    changed = {**rule, **call.params}
    if changed["Action"] != "BLOCK" and "BlockResponse" not in call.params:
        changed.pop("BlockResponse", None)
    _judge_rule(call, changed)
    rule.clear()
    rule.update(changed, ModificationTime=now())
    return {"FirewallRule": dict(rule)}


@answers(SERVICE, "DeleteFirewallRule")
def delete_rule(call: Call) -> dict[str, Any]:
    """Take a rule out of its group."""
    rule = _rule(call)
    kept(call).remove(RULE, rule["Key"])
    _count_rules(call, found(call, GROUP))
    return {"FirewallRule": dict(rule)}


@answers(SERVICE, "ListFirewallRules")
def list_rules(call: Call) -> dict[str, Any]:
    """Return the rules of one group in their order."""
    group = found(call, GROUP)
    rules = [x for x in kept(call).all(RULE) if x["FirewallRuleGroupId"] == group["Id"]]
    for member in ("Priority", "Action"):
        if call.get(member) is not None:
            rules = [x for x in rules if x[member] == call.get(member)]
    return {"FirewallRules": sorted(rules, key=lambda rule: rule["Priority"])}


def _config(call: Call, vpc: str) -> Record:
    if vpc not in call.backend("ec2").vpcs:
        raise Refusal("ResourceNotFoundException", f"The VPC '{vpc}' does not exist")
    fields = {"Id": new_id("rslvr-fc-", 16), "ResourceId": vpc, "OwnerId": call.account, "FirewallFailOpen": "DISABLED"}
    return kept(call).get(CONFIG, vpc) or kept(call).put(CONFIG, vpc, fields)


@answers(SERVICE, "GetFirewallConfig")
def get_config(call: Call) -> dict[str, Any]:
    """Return whether a VPC's firewall fails open; it fails closed until somebody says otherwise."""
    return {"FirewallConfig": dict(_config(call, call.get("ResourceId")))}


@answers(SERVICE, "UpdateFirewallConfig")
def update_config(call: Call) -> dict[str, Any]:
    """Set whether a VPC's firewall fails open."""
    config = _config(call, call.get("ResourceId"))
    config["FirewallFailOpen"] = call.get("FirewallFailOpen")
    return {"FirewallConfig": dict(config)}


@answers(SERVICE, "ListFirewallConfigs")
def list_configs(call: Call) -> dict[str, Any]:
    """Return the setting of every VPC of the account."""
    return {"FirewallConfigs": [dict(_config(call, vpc)) for vpc in call.backend("ec2").vpcs]}


def _with_firewall_arns() -> None:
    """moto's tagging operations refuse ARNs that they do not know; the firewall and query logs have tags too."""
    known = Route53ResolverBackend._matched_arn

    def matched(self: Route53ResolverBackend, arn: str) -> None:
        state = store(self.account_id, self.region_name, SERVICE)
        firewall = (record["Arn"] for kind in NAMES for record in state.all(kind))
        if arn not in {*firewall, *(config.arn for config in self.resolver_query_log_configs.values())}:
            known(self, arn)

    Route53ResolverBackend._matched_arn = matched


_with_firewall_arns()
