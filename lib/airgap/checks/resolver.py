"""The VPC's resolver: Amazon's own, forwarding to nobody, answering with nobody else's zones (NET-10)."""

from __future__ import annotations

from collections.abc import Iterator

from airgap.checks.check import Undecided, check
from airgap.checks.scope import VPC_READS, Item, every, vpcs
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent

RESOLVER = "route53resolver"


@check(
    "names-not-forwarded",
    "No resolver rule, outbound endpoint or profile sends the VPC's queries elsewhere",
    severity="critical",
    properties=("NET-10",),
    reads=(
        *VPC_READS,
        f"{RESOLVER}:ListResolverRules",
        f"{RESOLVER}:ListResolverRuleAssociations",
        f"{RESOLVER}:ListResolverEndpoints",
        "route53profiles:ListProfileAssociations",
    ),
    remedy="disassociate the rule or profile, and delete the outbound endpoint",
    over=vpcs,
)
def not_forwarded(vpc: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield what sends queries to another resolver; rules of AWS's own system names forward nothing."""
    harmless = {one["Id"] for one in every(estate, f"{RESOLVER}:ListResolverRules", "ResolverRules") if _harmless(one)}
    for one in every(estate, f"{RESOLVER}:ListResolverRuleAssociations", "ResolverRuleAssociations"):
        if one.get("VPCId") == vpc["VpcId"] and one.get("ResolverRuleId") not in harmless:
            yield f"resolver rule {one.get('ResolverRuleId')} is associated"
    for one in every(estate, f"{RESOLVER}:ListResolverEndpoints", "ResolverEndpoints"):
        if one.get("HostVPCId") == vpc["VpcId"] and one.get("Direction") != "INBOUND":
            yield f"resolver endpoint {one['Id']} sends queries out"
    for one in every(estate, "route53profiles:ListProfileAssociations", "ProfileAssociations"):
        if one.get("ResourceId") == vpc["VpcId"]:
            yield f"the Route 53 profile {one.get('ProfileId')} is associated"


def _harmless(rule: Item) -> bool:
    """Whether a rule keeps queries at the VPC's own resolver."""
    return rule.get("RuleType") == "SYSTEM" or rule.get("Id") == "rslvr-autodefined-rr-internet-resolver"


@check(
    "names-zones-own",
    "Every private hosted zone that answers in the VPC belongs to an account in scope or to AWS",
    severity="high",
    properties=("NET-10",),
    reads=(*VPC_READS, "route53:ListHostedZonesByVPC"),
    remedy="disassociate the zone; whoever owns it decides what its names mean here",
    over=vpcs,
)
def zones_own(vpc: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each zone of a foreign account."""
    found = estate.items(
        "route53:ListHostedZonesByVPC", "HostedZoneSummaries", VPCId=vpc["VpcId"], VPCRegion=intent.region
    )
    for one in found:
        owner = one.get("Owner") or {}
        if not owner.get("OwningService") and owner.get("OwningAccount") not in intent.accounts:
            yield f"the zone {one.get('Name')} belongs to {owner.get('OwningAccount') or 'nobody known'}"


@check(
    "names-amazon-resolver",
    "The VPC asks Amazon's resolver and no other, with both DNS attributes on",
    severity="high",
    properties=("NET-10",),
    reads=(*VPC_READS, "ec2:DescribeDhcpOptions", "ec2:DescribeVpcAttribute"),
    remedy="associate DHCP options with domain-name-servers AmazonProvidedDNS, and switch the attributes on",
    over=vpcs,
)
def amazon_resolver(vpc: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each name server that is not Amazon's, and each DNS attribute that is off."""
    options = {one["DhcpOptionsId"]: one for one in estate.items("ec2:DescribeDhcpOptions", "DhcpOptions")}
    if vpc.get("DhcpOptionsId") not in options:
        raise Undecided(f"the DHCP options {vpc.get('DhcpOptionsId')} are not in the page")
    given = {one["Key"]: dig(one, "Values[].Value") for one in options[vpc["DhcpOptionsId"]]["DhcpConfigurations"]}
    for server in given.get("domain-name-servers", ["none"]):
        if server != "AmazonProvidedDNS":
            yield f"DHCP names the server {server}"
    for name in ("enableDnsSupport", "enableDnsHostnames"):
        body = estate.page("ec2:DescribeVpcAttribute", VpcId=vpc["VpcId"], Attribute=name) or {}
        if dig(body, f"{name[0].upper()}{name[1:]}.Value") is not True:
            yield f"{name} is off"


CHECKS = (not_forwarded, zones_own, amazon_resolver)
