"""Name resolution: only allow-listed names resolve, the firewall fails closed, queries are logged (NET-10).

The VPC's resolver recurses to the internet by a path that no route, group or ACL sees, so its configuration alone
decides this channel. AWS: Route 53 Developer Guide, "Resolver DNS Firewall".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from airgap.checks.check import NotApplicable, Undecided, check
from airgap.checks.scope import VPC_READS, Item, arn_account, every, vpcs
from airgap.model.estate import Estate
from airgap.model.intent import Intent

RESOLVER = "route53resolver"
GROUP_READS = (*VPC_READS, f"{RESOLVER}:ListFirewallRuleGroupAssociations")
RULE_READS = (*GROUP_READS, f"{RESOLVER}:ListFirewallRules", f"{RESOLVER}:ListFirewallDomains")
_REVERSE = ".in-addr.arpa"


def associations(vpc: Item, estate: Estate) -> list[Item]:
    """Return the rule groups that judge the VPC's queries, first to judge first."""
    found = estate.items(f"{RESOLVER}:ListFirewallRuleGroupAssociations", "FirewallRuleGroupAssociations")
    ours = [one for one in found if one.get("VpcId") == vpc["VpcId"] and one.get("Status") != "DELETING"]
    return sorted(ours, key=lambda one: int(one["Priority"]))


def rules(vpc: Item, estate: Estate) -> list[Item]:
    """Return the rules that judge the VPC's queries, in the order of their judgement, across rule groups."""
    found: list[Item] = []
    for one in associations(vpc, estate):
        group = one["FirewallRuleGroupId"]
        listed = estate.items(f"{RESOLVER}:ListFirewallRules", "FirewallRules", FirewallRuleGroupId=group)
        found += sorted(listed, key=lambda rule: int(rule["Priority"]))
    return found


def domains(rule: Item, estate: Estate) -> list[str]:
    """Return the names of a rule's list, without their last dot; raises ``NotObserved`` for a list of AWS's own."""
    listed = rule.get("FirewallDomainListId")
    if not listed:
        return []
    found = estate.page(f"{RESOLVER}:ListFirewallDomains", FirewallDomainListId=listed) or {}
    return [str(one).rstrip(".").lower() or "." for one in found.get("Domains", [])]


def admitted(domain: str, intent: Intent) -> bool:
    """Tell whether a name may be let resolve: AWS's of this Region, an internal one, a reverse one of own ranges, or a
    declared one; ``*.x`` stands for what is below x.

    Above the Region's own names anybody may hold one (a bucket, a queue, a database in another Region).
    """
    bare = domain[2:] if domain.startswith("*.") else domain
    suffix = "amazonaws.com.cn" if intent.partition == "aws-cn" else "amazonaws.com"
    stems = [f"{intent.region}.{suffix}", f"cache.{suffix}", "ec2.internal", f"{intent.region}.compute.internal"]
    stems += [f"{intent.region}.{service}.{suffix}" for service in ("rds", "elb", "eks", "vpce")]
    stems += [f"{intent.region}.{one}" for one in ("api.aws", "api.amazonwebservices.com.cn")]
    declared = [name.rstrip(".").lower() for name in intent.network.dns_allow]
    below = [*stems, *(name[2:] for name in declared if name.startswith("*."))]
    return domain in declared or any(f".{bare}".endswith(f".{one}") for one in below) or _reverse_of_own(bare, intent)


def _reverse_of_own(name: str, intent: Intent) -> bool:
    """Whether a reverse zone lies within the environment's own ranges, to the octet (RFC 1035, 3.5)."""
    octets = name[: -len(_REVERSE)].split(".")[::-1] if name.endswith(_REVERSE) else []
    if not octets or len(octets) > 4 or not all(one.isdigit() and int(one) < 256 for one in octets):
        return False
    zone = ipaddress.ip_network(f"{'.'.join([*octets, '0', '0', '0', '0'][:4])}/{8 * len(octets)}")
    own = [ipaddress.ip_network(one) for one in (intent.network.vpc_cidr, *intent.network.on_premises_cidrs)]
    # A range smaller than an octet's zone is served by the zone of that octet.
    return any(zone.overlaps(one) and zone.prefixlen >= min(one.prefixlen // 8 * 8, 24) for one in own)


@check(
    "names-firewall-associated",
    "A DNS firewall judges the VPC's queries and is protected against removal",
    severity="critical",
    properties=("NET-10",),
    reads=GROUP_READS,
    remedy="associate the rule group with the VPC, with mutation protection",
    over=vpcs,
)
def associated(vpc: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that no rule group is associated, or that one can be removed by a single call."""
    found = associations(vpc, estate)
    if not found:
        yield "no DNS firewall rule group is associated"
    for one in found:
        if one.get("Status") == "UPDATING":
            raise Undecided(f"the association {one['Id']} is being updated; verify again when it is complete")
        if one.get("MutationProtection") != "ENABLED":
            yield f"the association {one['Id']} has no mutation protection"


@check(
    "names-last-blocked",
    "The firewall's last rule answers every other name with NXDOMAIN",
    severity="critical",
    properties=("NET-10",),
    reads=RULE_READS,
    remedy="make the last rule block * with NXDOMAIN, for every query type",
    over=vpcs,
)
def last_blocked(vpc: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield why a name on no list would be resolved."""
    found = rules(vpc, estate)
    last = found[-1] if found else {}
    if not found:
        yield "the firewall has no rules, so every name resolves"
    elif last.get("Action") != "BLOCK":
        yield f"the last rule {last.get('Name')} does not block: {last.get('Action')}"
    elif "*" not in domains(last, estate):
        yield f"the last rule {last.get('Name')} does not block every name"
    elif last.get("BlockResponse") != "NXDOMAIN":
        yield f"the last rule {last.get('Name')} answers {last.get('BlockResponse')}"
    if last.get("Qtype"):
        yield f"the last rule {last.get('Name')} blocks queries of type {last['Qtype']} only"


@check(
    "names-allowed-narrow",
    "Every name that the firewall lets resolve is AWS's in this Region, internal, or declared",
    severity="critical",
    properties=("NET-10",),
    reads=RULE_READS,
    remedy="take the name off the list; declare it under network.dns_allow where it is needed",
    over=vpcs,
)
def allowed_narrow(vpc: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each name that a rule lets pass beyond the admitted ones; ALERT lets pass as ALLOW does."""
    found = rules(vpc, estate)
    if not found:
        raise NotApplicable("no rule judges the VPC's queries, so the firewall lets nothing pass and stops nothing")
    for rule in found:
        if rule.get("Action") == "BLOCK":
            continue
        if rule.get("Action") != "ALLOW":
            yield f"rule {rule.get('Name')} lets names pass with action {rule.get('Action')}"
        if rule.get("FirewallDomainRedirectionAction") != "INSPECT_REDIRECTION_DOMAIN":
            yield f"rule {rule.get('Name')} trusts whatever an admitted name redirects to"
        for name in domains(rule, estate):
            if not admitted(name, intent):
                yield f"rule {rule.get('Name')} lets {name} resolve"


@check(
    "names-fail-closed",
    "The firewall blocks queries when it cannot judge them",
    severity="high",
    properties=("NET-10",),
    reads=(*VPC_READS, f"{RESOLVER}:GetFirewallConfig"),
    remedy="switch FirewallFailOpen off",
    over=vpcs,
)
def fail_closed(vpc: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that queries pass while the firewall is impaired."""
    body = estate.page(f"{RESOLVER}:GetFirewallConfig", ResourceId=vpc["VpcId"]) or {}
    mode = (body.get("FirewallConfig") or {}).get("FirewallFailOpen")
    if mode != "DISABLED":
        yield f"FirewallFailOpen is {mode or 'not set'}"


@check(
    "names-logged",
    "Every query of the VPC is logged, in an account in scope",
    severity="medium",
    properties=("NET-10",),
    reads=(
        *VPC_READS,
        f"{RESOLVER}:ListResolverQueryLogConfigs",
        f"{RESOLVER}:ListResolverQueryLogConfigAssociations",
        "s3:ListBuckets",
    ),
    remedy="associate a query log configuration with the VPC",
    over=vpcs,
)
def logged(vpc: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that queries are not logged, or logged elsewhere."""
    configs = {one["Id"]: one for one in every(estate, f"{RESOLVER}:ListResolverQueryLogConfigs", _CONFIGS)}
    links = every(estate, f"{RESOLVER}:ListResolverQueryLogConfigAssociations", f"{_CONFIGS[:-1]}Associations")
    ours = [one for one in links if one.get("ResourceId") == vpc["VpcId"]]
    active = [one for one in ours if one.get("Status") == "ACTIVE"]
    if not active:
        yield f"no query log is active (associations: {', '.join(str(one.get('Status')) for one in ours) or 'none'})"
    for one in active:
        where = configs.get(one["ResolverQueryLogConfigId"], {}).get("DestinationArn", "")
        if not where:
            raise Undecided(f"the destination of {one['ResolverQueryLogConfigId']} is not in the pages")
        if arn_account(where) not in intent.accounts and not _own_bucket(where, estate):
            yield f"queries are logged to {where}, which is in no account in scope"


def _own_bucket(arn: str, estate: Estate) -> bool:
    """Whether an ARN is that of a bucket of the account; a bucket's ARN names no account."""
    name = arn.rpartition(":")[2].partition("/")[0]
    return ":s3:" in arn and name in {one["Name"] for one in every(estate, "s3:ListBuckets", "Buckets")}


_CONFIGS = "ResolverQueryLogConfigs"


CHECKS = (associated, last_blocked, allowed_narrow, fail_closed, logged)
