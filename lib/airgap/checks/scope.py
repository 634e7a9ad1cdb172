"""What the checks of an environment speak of: its VPC, its tiers, its resources, found in the recorded pages."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent

VPC_READS = ("ec2:DescribeVpcs",)
SUBNET_READS = ("ec2:DescribeVpcs", "ec2:DescribeSubnets")
TABLE_READS = (*SUBNET_READS, "ec2:DescribeRouteTables")


def tags(item: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of an item of a page, whatever form the service gives them."""
    found = item.get("Tags") or item.get("TagSet") or item.get("tags") or []
    if isinstance(found, Mapping):
        return dict(found)
    return {one.get("Key", one.get("TagKey", "")): one.get("Value", one.get("TagValue", "")) for one in found}


def label(item: Mapping[str, Any], id_path: str) -> str:
    """Return the logical key of an item that is ours, else its id."""
    return tags(item).get("airgap:key") or str(dig(item, id_path))


def is_ours(item: Mapping[str, Any], intent: Intent) -> bool:
    """Tell whether an item carries this environment's ownership tag."""
    return tags(item).get("airgap:environment") == intent.environment


def vpcs(intent: Intent, estate: Estate) -> list[tuple[str, dict[str, Any]]]:
    """Return the environment's VPC: the adopted one, or the one with our ownership tags."""
    adopted = intent.adopt.get("vpc:main")
    return [
        (label(vpc, "VpcId") if not adopted else "vpc:main", vpc)
        for vpc in estate.items("ec2:DescribeVpcs", "Vpcs")
        if (vpc["VpcId"] == adopted if adopted else tags(vpc).get("airgap:key") == "vpc:main" and is_ours(vpc, intent))
    ]


def vpc_ids(intent: Intent, estate: Estate) -> set[str]:
    """Return the ids of the environment's VPC."""
    return {vpc["VpcId"] for _, vpc in vpcs(intent, estate)}


def all_subnets(intent: Intent, estate: Estate) -> list[tuple[str, dict[str, Any]]]:
    """Return every subnet of the environment's VPC, declared or not."""
    ours = vpc_ids(intent, estate)
    found = estate.items("ec2:DescribeSubnets", "Subnets")
    return [(label(one, "SubnetId"), one) for one in found if one["VpcId"] in ours]


def tier(subnet: Mapping[str, Any], intent: Intent) -> str:
    """Return the tier of a subnet by its declared range: public, ingress, or private for every other.

    A subnet that nobody declared is judged as sealed, so that adding one never escapes a check.
    """
    declared = {"public": intent.network.public_subnets, "ingress": intent.network.ingress_subnets}
    for name, members in declared.items():
        if any(ipaddress.ip_network(one.cidr) == ipaddress.ip_network(subnet["CidrBlock"]) for one in members):
            return name
    return "private"


def sealed_subnets(intent: Intent, estate: Estate) -> list[tuple[str, dict[str, Any]]]:
    """Return the sealed subnets: all of the VPC that are not declared public or ingress."""
    return [(name, one) for name, one in all_subnets(intent, estate) if tier(one, intent) == "private"]


def tables_of(subnets: Iterable[tuple[str, Mapping[str, Any]]], estate: Estate) -> list[tuple[str, dict[str, Any]]]:
    """Return the route tables that serve subnets: by explicit association, else their VPC's main table."""
    tables = estate.items("ec2:DescribeRouteTables", "RouteTables")
    explicit = {link.get("SubnetId"): table for table in tables for link in table.get("Associations", [])}
    main = {
        table["VpcId"]: table for table in tables if any(link.get("Main") for link in table.get("Associations", []))
    }
    serving = {}
    for _, subnet in subnets:
        table = explicit.get(subnet["SubnetId"]) or main.get(subnet["VpcId"])
        if table is not None:
            serving[label(table, "RouteTableId")] = table
    return sorted(serving.items())


def sealed_tables(intent: Intent, estate: Estate) -> list[tuple[str, dict[str, Any]]]:
    """Return the route tables that serve sealed subnets."""
    return tables_of(sealed_subnets(intent, estate), estate)
