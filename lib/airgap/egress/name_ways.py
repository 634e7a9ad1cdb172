"""Rules on names and on the EKS control plane: recursion, forwarding, foreign zones, public API, egress mode."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Optional

from airgap.egress.facts import Item
from airgap.egress.network import Range
from airgap.egress.ways import View, Way, alive

# Names whose authoritative servers are AWS's alone: nobody else learns what was asked.
_AWS_NAMES = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "api.aws",
    "api.amazonwebservices.com.cn",
    "ec2.internal",
    "compute.internal",
)
# Whoever holds a range holds the name servers of its reverse names: only these belong to nobody outside (RFC 6303).
_PRIVATE = tuple(
    map(ipaddress.ip_network, (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
        "fc00::/7", "fe80::/10",
    ))
)  # fmt: skip
_TRUSTS = "the DNS Firewall trusts whatever the names of rule"
_ROUTED = ("CUSTOMER_ROUTED", "CUSTOMER_ISOLATED")


def recursion(view: View) -> Iterator[Way]:
    """D1: the VPC's resolver recurses for all who ask, unless a firewall lets AWS's and own names through alone."""
    for vpc in view.vpcs():
        name = str(vpc["VpcId"])
        if _resolver_off(view, name):
            continue
        for what in _recursed(view, name):
            trusted = what.startswith(_TRUSTS)
            closes = "inspect redirections" if trusted else "end the DNS Firewall's rules with BLOCK *"
            yield Way(name, what, closes, name, decided=not trusted)


def _resolver_off(view: View, vpc: str) -> bool:
    attributes = [one for one in view.answers("ec2:DescribeVpcAttribute") if one.body.get("VpcId") == vpc]
    return any((one.body.get("EnableDnsSupport") or {}).get("Value") is False for one in attributes)


def _recursed(view: View, vpc: str) -> Iterator[str]:
    """Yield why names reach the internet; the rules of all groups stand in one order."""
    configs = [
        one.body["FirewallConfig"]
        for one in view.answers("route53resolver:GetFirewallConfig")
        if (one.body.get("FirewallConfig") or {}).get("ResourceId") == vpc
    ]
    if any(one.get("FirewallFailOpen") != "DISABLED" for one in configs):
        yield "the DNS Firewall lets every query through when it fails"
    for rule in _rules(view, vpc):
        domains = _domains(view, str(rule.get("FirewallDomainListId", "")))
        if rule.get("Action") == "BLOCK":
            if not rule.get("Qtype") and not rule.get("DnsThreatProtection") and set(domains) & {"*", "*."}:
                return
            continue
        open_ = [one for one in domains if not _ours(view, vpc, one)]
        if rule.get("FirewallDomainRedirectionAction") == "TRUST_REDIRECTION_DOMAIN" and not open_:
            yield f"{_TRUSTS} {rule.get('Name')} redirect to"
        if open_ or not domains:
            yield f"the DNS Firewall lets through {', '.join(open_[:3]) or 'an unread list'}"
    yield "no rule of a DNS Firewall blocks every other name: what is asked reaches anybody's name servers"


def _rules(view: View, vpc: str) -> Iterator[Item]:
    links = [
        one
        for one in view.items("route53resolver:ListFirewallRuleGroupAssociations", "FirewallRuleGroupAssociations")
        if one.get("VpcId") == vpc and alive(one)
    ]
    for link in sorted(links, key=lambda one: int(one.get("Priority", 0))):
        group = [
            one
            for one in view.items("route53resolver:ListFirewallRules", "FirewallRules")
            if one.get("FirewallRuleGroupId") == link.get("FirewallRuleGroupId")
        ]
        yield from sorted(group, key=lambda one: int(one.get("Priority", 0)))


def _domains(view: View, list_id: str) -> list[str]:
    found: list[str] = []
    for one in view.answers("route53resolver:ListFirewallDomains"):
        if one.params.get("FirewallDomainListId") == list_id:
            found += [str(each) for each in one.body.get("Domains") or []]
    return found


def _ours(view: View, vpc: str, domain: str) -> bool:
    name = domain.lower().rstrip(".").lstrip("*").lstrip(".")
    zones = [str(one.get("Name", "")) for one in view.items("route53:ListHostedZonesByVPC", "HostedZoneSummaries")]
    allowed = (*_AWS_NAMES, *view.boundary.domains, *(one.rstrip(".") for one in zones if one))
    known = bool(name) and any(name == one or name.endswith(f".{one}") for one in allowed)
    return known or _reverse(view, vpc, name)


def _reverse(view: View, vpc: str, name: str) -> bool:
    """Tell whether a reverse zone is of private ranges, or of ranges of the VPC or the boundary to the octet."""
    zone = _zone(name)
    if zone is None:
        return False
    declared = [ipaddress.ip_network(one) for one in view.boundary.ranges]
    near = [one for one in (*view.network.ranges(vpc), *declared) if one.version == zone.version]
    step, finest = (8, 24) if zone.version == 4 else (4, 124)
    # A range smaller than an octet's zone is served by the zone of that octet.
    close = [one for one in near if zone.overlaps(one) and zone.prefixlen >= min(one.prefixlen // step * step, finest)]
    return bool(close) or any(_within(zone, one) for one in _PRIVATE)


def _within(zone: Range, one: Range) -> bool:
    return zone.version == one.version and zone.overlaps(one) and zone.prefixlen >= one.prefixlen


def _zone(name: str) -> Optional[Range]:
    """Return the range of a reverse zone (RFC 1035, 3.5; RFC 3596, 2.5), None where a name is none."""
    stem, _, ending = name.rpartition(".arpa")[0].rpartition(".")
    parts = stem.split(".")[::-1]
    try:
        if ending == "in-addr" and len(parts) <= 4:
            return ipaddress.ip_network(f"{'.'.join([*parts, '0', '0', '0'][:4])}/{8 * len(parts)}")
        if ending == "ip6" and len(parts) <= 32:
            return ipaddress.IPv6Network((int("".join(parts), 16) << 4 * (32 - len(parts)), 4 * len(parts)))
    except ValueError:
        return None
    return None


def forwarding(view: View) -> Iterator[Way]:
    """D2: rules and outbound endpoints that send queries elsewhere, and DHCP options that name other servers."""
    service = "route53resolver"
    harmless = {str(one.get("Id")) for one in view.items(f"{service}:ListResolverRules", "ResolverRules")
                if one.get("RuleType") in ("SYSTEM", "RECURSIVE")}  # fmt: skip
    harmless.add("rslvr-autodefined-rr-internet-resolver")
    for one in view.items(f"{service}:ListResolverRuleAssociations", "ResolverRuleAssociations"):
        if one.get("ResolverRuleId") not in harmless and alive(one):
            name = str(one.get("ResolverRuleId"))
            yield Way(name, "a rule forwards queries", "disassociate the rule", str(one.get("VPCId", "")))
    for one in view.items(f"{service}:ListResolverEndpoints", "ResolverEndpoints"):
        if one.get("Direction") != "INBOUND" and alive(one):
            yield Way(str(one.get("Id")), "an endpoint sends queries out", "delete it", str(one.get("HostVPCId", "")))
    options = {str(one.get("DhcpOptionsId")): one for one in view.items("ec2:DescribeDhcpOptions", "DhcpOptions")}
    for vpc in view.vpcs():
        for entry in (options.get(str(vpc.get("DhcpOptionsId"))) or {}).get("DhcpConfigurations") or []:
            for server in entry.get("Values") or [] if entry.get("Key") == "domain-name-servers" else ():
                if server.get("Value") != "AmazonProvidedDNS":
                    what = f"DHCP names the server {server.get('Value')}"
                    yield Way(str(vpc["DhcpOptionsId"]), what, "name AmazonProvidedDNS", str(vpc["VpcId"]))


def zones(view: View) -> Iterator[Way]:
    """D3: zones of other accounts answer in the VPC, others' VPCs may use ours, and logs of queries go to others."""
    for answer in view.answers("route53:ListHostedZonesByVPC"):
        for one in answer.body.get("HostedZoneSummaries") or []:
            owner = (one.get("Owner") or {}).get("OwningAccount")
            if view.foreign(owner):
                vpc = str(answer.params.get("VPCId", ""))
                yield Way(str(one.get("HostedZoneId")), f"the zone belongs to account {owner}", "disassociate it", vpc)
    for one in view.items("route53resolver:ListResolverQueryLogConfigs", "ResolverQueryLogConfigs"):
        for stranger, decided in view.strangers(one.get("DestinationArn")):
            what = f"queries are logged to {stranger}"
            yield Way(str(one.get("Id")), what, "log to an own destination", decided=decided)


def public_api(view: View) -> Iterator[Way]:
    """K1: the API server answers the internet."""
    for one in _clusters(view):
        config = one.get("resourcesVpcConfig") or {}
        if config.get("endpointPublicAccess") is not False:
            yield _cluster(one, "the API server answers the internet", "set endpointPublicAccess to false")


def control_plane(view: View) -> Iterator[Way]:
    """K2: by default the control plane reaches webhooks and identity providers over a network that AWS runs."""
    for one in _clusters(view):
        mode = (one.get("resourcesVpcConfig") or {}).get("controlPlaneEgressMode") or "AWS_MANAGED"
        if mode == "AWS_MANAGED":
            yield _cluster(one, "the control plane reaches the internet by AWS's own path", "choose CUSTOMER_ROUTED")
        elif mode not in _ROUTED:
            yield _cluster(one, f"its egress mode {mode} is not known", "")._replace(decided=False)


def attachments(view: View) -> Iterator[Way]:
    """K3: identity providers that the API server asks, hybrid nodes, and identities in other accounts."""
    for one in _clusters(view):
        if one.get("remoteNetworkConfig"):
            yield _cluster(one, "nodes outside AWS belong to it", "remove remoteNetworkConfig")
    for answer in view.answers("eks:ListIdentityProviderConfigs"):
        for one in answer.body.get("identityProviderConfigs") or []:
            yield Way(str(one.get("name")), "the API server asks this identity provider", "disassociate it")
    for answer in view.answers("eks:DescribePodIdentityAssociation"):
        for stranger, _ in view.strangers(answer.body.get("association") or {}):
            yield Way(stranger, "pods take on an identity of another account", "remove targetRoleArn")


def _clusters(view: View) -> Iterator[Item]:
    for answer in view.answers("eks:DescribeCluster"):
        if answer.body.get("cluster"):
            yield answer.body["cluster"]


def _cluster(one: Item, what: str, closes: str) -> Way:
    return Way(str(one.get("arn") or one.get("name")), what, closes)


RULES = {
    "D1": recursion,
    "D2": forwarding,
    "D3": zones,
    "K1": public_api,
    "K2": control_plane,
    "K3": attachments,
}
