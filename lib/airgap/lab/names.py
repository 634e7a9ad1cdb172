"""What names mean inside the twin: each VPC's resolver with its DNS Firewall and private names, as plain data.

Source: Route 53 Developer Guide, "How Route 53 VPC Resolver DNS Firewall works"; VPC PrivateLink guide, "Private DNS".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from airgap.egress.facts import Item
from airgap.egress.interfaces import addresses
from airgap.egress.network import Network

PUBLIC = "198.51.100.53"
"""What the internet's name servers of the twin answer to every name that is nobody's else (RFC 5737)."""
ASSOCIATIONS = "route53resolver:ListFirewallRuleGroupAssociations"


def names(network: Network) -> dict[str, Any]:
    """Return each VPC's resolver, and what the world outside answers."""
    return {
        "vpcs": {str(one["VpcId"]): _vpc(network, str(one["VpcId"])) for one in network.facts.items("Vpcs")},
        "public": dict(_gateway_names(network)),
        "otherwise": PUBLIC,
    }


def _vpc(network: Network, vpc: str) -> dict[str, Any]:
    answers = [one.body for one in network.facts.asked("ec2:DescribeVpcAttribute") if one.body.get("VpcId") == vpc]
    off = any((one.get("EnableDnsSupport") or {}).get("Value") is False for one in answers)
    return {
        "answers": not off,
        "addresses": [str(block[2]) for block in network.ranges(vpc) if block.version == 4][:1] + ["169.254.169.253"],
        "rules": list(_rules(network, vpc)),
        "private": dict(_private(network, vpc)),
    }


def _rules(network: Network, vpc: str) -> Iterator[dict[str, Any]]:
    """Yield the DNS Firewall's rules in the order in which they are tried."""
    facts = network.facts
    links = [each for one in facts.asked(ASSOCIATIONS) for each in one.body.get("FirewallRuleGroupAssociations") or []]
    for link in sorted(links, key=lambda one: int(one.get("Priority", 0))):
        if link.get("VpcId") != vpc or link.get("Status") != "COMPLETE":
            continue
        rules = [each for one in facts.asked("route53resolver:ListFirewallRules")
                 for each in one.body.get("FirewallRules") or []
                 if each.get("FirewallRuleGroupId") == link.get("FirewallRuleGroupId")]  # fmt: skip
        for rule in sorted(rules, key=lambda one: int(one.get("Priority", 0))):
            listed = str(rule.get("FirewallDomainListId", ""))
            domains = [each for one in facts.asked("route53resolver:ListFirewallDomains")
                       if one.params.get("FirewallDomainListId") == listed
                       for each in one.body.get("Domains") or []]  # fmt: skip
            named = [str(one).rstrip(".") for one in domains]
            yield {"action": str(rule.get("Action")), "response": str(rule.get("BlockResponse", "NODATA")),
                   "type": str(rule.get("Qtype", "")), "domains": named}  # fmt: skip


def _private(network: Network, vpc: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the names that interface endpoints answer to inside their VPC."""
    for one in network.facts.where("VpcEndpoints", VpcId=vpc):
        held = [network.interfaces[each] for each in one.get("NetworkInterfaceIds") or [] if each in network.interfaces]
        own = sorted({each for interface in held for each in addresses(interface) if ":" not in each})
        for entry in one.get("DnsEntries") or [] if own else ():
            name = str(entry.get("DnsName", "")).rstrip(".")
            if name and (one.get("PrivateDnsEnabled") or ".vpce." in name):
                yield name, own


def _gateway_names(network: Network) -> Iterator[tuple[str, list[str]]]:
    """Yield the public names of services with gateway endpoints, at addresses of their prefix lists."""
    for one in network.facts.items("VpcEndpoints"):
        if one.get("VpcEndpointType") != "Gateway":
            continue
        where = _listed(network, one)
        if where:
            region, service = str(one.get("ServiceName")).split(".")[-2:]
            for name in (f"{service}.{region}.amazonaws.com", f"*.{service}.{region}.amazonaws.com"):
                yield name, [where]


def _listed(network: Network, endpoint: Item) -> str:
    """Return the first address of the prefix list by which a route leads to an endpoint."""
    for table in network.facts.items("RouteTables"):
        for route in table.get("Routes") or []:
            if route.get("GatewayId") == endpoint.get("VpcEndpointId"):
                blocks = network.destinations(route) or []
                first = next((one for one in blocks if isinstance(one, ipaddress.IPv4Network)), None)
                if first is not None:
                    return str(first[1])
    return ""


def matching(domain: str, name: str) -> bool:
    """Tell whether a domain of a list is of a name: ``*`` of every one, ``*.a`` of those below a."""
    domain, name = domain.lower(), name.lower().rstrip(".")
    if domain == "*":
        return True
    return name.endswith(domain[1:]) if domain.startswith("*.") else name == domain


def answer(data: dict[str, Any], vpc: str, name: str, kind: str = "A") -> tuple[str, list[str]]:
    """Return (code, addresses) that the resolver of a VPC gives: NOERROR, NXDOMAIN, or nothing at all.

    The DNS Firewall is asked first, before private names and before the world.
    """
    own = data["vpcs"][vpc]
    for rule in own["rules"]:
        if rule["type"] in ("", kind) and any(matching(one, name) for one in rule["domains"]):
            if rule["action"] == "BLOCK":
                return ("NXDOMAIN", []) if rule["response"] == "NXDOMAIN" else ("NOERROR", [])
            break
    for table in (own["private"], data["public"]):
        found = next((table[one] for one in sorted(table, key=len, reverse=True) if matching(one, name)), None)
        if found is not None:
            return "NOERROR", list(found) if kind == "A" else []
    return "NOERROR", [data["otherwise"]] if kind == "A" else []
