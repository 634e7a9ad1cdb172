"""What the checks of an environment speak of: its VPC, its tiers, its resources, found in the recorded pages."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Callable, NamedTuple, Optional, Union

from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent

Item = dict[str, Any]
Named = list[tuple[str, Item]]
Served = tuple[Mapping[str, Any], Optional[Item]]
"""A subnet, and the route table that serves it where one is recorded."""

VPC_READS = ("ec2:DescribeVpcs",)
SUBNET_READS = ("ec2:DescribeVpcs", "ec2:DescribeSubnets")
TABLE_READS = (*SUBNET_READS, "ec2:DescribeRouteTables")
INTERFACE_READS = (*SUBNET_READS, "ec2:DescribeNetworkInterfaces")
ENDPOINT_READS = (*VPC_READS, "ec2:DescribeVpcEndpoints")


_TAGS = ("Tags", "TagSet", "tags", "TagsList", "TagList")


def tags(item: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of an item of a page, whatever form the service gives them."""
    found: Any = next((item[name] for name in _TAGS if item.get(name)), [])
    if isinstance(found, Mapping):
        return dict(found)
    return dict(_pair(one) for one in found)


_SPELLED = (("Key", "Value"), ("TagKey", "TagValue"), ("key", "value"))


def _pair(tag: Mapping[str, Any]) -> tuple[str, str]:
    """The name and the value of a tag, under the first of the names by which services spell them."""
    for name, value in _SPELLED:
        if name in tag:
            return str(tag[name]), str(tag.get(value, ""))
    return "", ""


def label(item: Mapping[str, Any], id_path: str) -> str:
    """Return the logical key of an item that is ours, else its id."""
    return tags(item).get("airgap:key") or str(dig(item, id_path))


def is_ours(item: Mapping[str, Any], intent: Intent) -> bool:
    """Tell whether an item carries this environment's ownership tag."""
    return tags(item).get("airgap:environment") == intent.environment


def every(estate: Estate, call: str, path: str) -> list[Item]:
    """Return the lists at a path of all answers of a call; raises ``NotObserved`` where any is missing."""
    return [item for _, body in estate.pages(call) for item in dig(body, f"{path}[]") or []]


def account_row(intent: Intent, estate: Estate) -> list[tuple[str, None]]:
    """Return the population of what is judged once: the account itself."""
    return [(f"account:{intent.account}", None)]


def vpcs(intent: Intent, estate: Estate) -> Named:
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


def in_vpc(intent: Intent, estate: Estate, call: str, path: str, id_path: str) -> Named:
    """Return what a call lists of the environment's VPC, declared or not, each with its name."""
    ours = vpc_ids(intent, estate)
    return [(label(one, id_path), one) for one in estate.items(call, path) if one.get("VpcId") in ours]


def all_subnets(intent: Intent, estate: Estate) -> Named:
    """Return every subnet of the environment's VPC, declared or not."""
    return in_vpc(intent, estate, "ec2:DescribeSubnets", "Subnets", "SubnetId")


def tier(subnet: Mapping[str, Any], intent: Intent) -> str:
    """Return the tier of a subnet by its declared range: public, ingress, or private for every other.

    A subnet that nobody declared is judged as sealed, so that adding one never escapes a check.
    """
    declared = {"public": intent.network.public_subnets, "ingress": intent.network.ingress_subnets}
    for name, members in declared.items():
        if any(ipaddress.ip_network(one.cidr) == ipaddress.ip_network(subnet["CidrBlock"]) for one in members):
            return name
    return "private"


def tiers(intent: Intent, estate: Estate) -> dict[str, str]:
    """Return the tier of each subnet of the VPC, by its id."""
    return {one["SubnetId"]: tier(one, intent) for _, one in all_subnets(intent, estate)}


def sealed_subnets(intent: Intent, estate: Estate) -> Named:
    """Return the sealed subnets: all of the VPC that are not declared public or ingress."""
    return [(name, one) for name, one in all_subnets(intent, estate) if tier(one, intent) == "private"]


def served(subnets: Iterable[tuple[str, Mapping[str, Any]]], estate: Estate) -> list[tuple[str, Served]]:
    """Return each subnet with the route table that serves it: by explicit association, else its VPC's main table."""
    tables = estate.items("ec2:DescribeRouteTables", "RouteTables")
    explicit = {link["SubnetId"]: table for table in tables for link in links(table) if link.get("SubnetId")}
    main = {table["VpcId"]: table for table in tables if is_main(table)}
    return [(name, (one, explicit.get(one["SubnetId"]) or main.get(one["VpcId"]))) for name, one in subnets]


def tables_of(subnets: Iterable[tuple[str, Mapping[str, Any]]], estate: Estate) -> Named:
    """Return the route tables that serve subnets."""
    found = [table for _, (_, table) in served(subnets, estate)]
    serving = {table["RouteTableId"]: (label(table, "RouteTableId"), table) for table in found if table}
    return sorted(serving.values(), key=lambda one: one[0])


def links(table: Mapping[str, Any]) -> list[Item]:
    """Return the associations of a route table that stand."""
    found = table.get("Associations", [])
    return [one for one in found if dig(one, "AssociationState.State") not in ("disassociating", "disassociated")]


def is_main(table: Mapping[str, Any]) -> bool:
    """Tell whether a route table is its VPC's main one."""
    return any(link.get("Main") for link in links(table))


def sealed_tables(intent: Intent, estate: Estate) -> Named:
    """Return the route tables that serve sealed subnets."""
    return tables_of(sealed_subnets(intent, estate), estate)


class Populated(NamedTuple):
    """A subnet with the network interfaces in it, whoever owns them."""

    subnet: Item
    interfaces: list[Item]


def with_interfaces(
    subnets: Callable[[Intent, Estate], Named],
) -> Callable[[Intent, Estate], list[tuple[str, Populated]]]:
    """Return a population: each of these subnets with its interfaces, the list of them being walked once."""

    def find(intent: Intent, estate: Estate) -> list[tuple[str, Populated]]:
        held: dict[str, list[Item]] = {}
        for one in estate.items("ec2:DescribeNetworkInterfaces", "NetworkInterfaces"):
            held.setdefault(one.get("SubnetId", ""), []).append(one)
        return [(name, Populated(one, held.get(one["SubnetId"], []))) for name, one in subnets(intent, estate)]

    return find


def endpoints(intent: Intent, estate: Estate) -> Named:
    """Return the VPC endpoints of the VPC that stand, of every type and service."""
    found = in_vpc(intent, estate, "ec2:DescribeVpcEndpoints", "VpcEndpoints", "VpcEndpointId")
    return [(name, one) for name, one in found if one.get("State", "").lower() not in ("deleted", "deleting")]


def inside(cidr: str, ranges: Iterable[str]) -> bool:
    """Tell whether an address range lies within one of others; ranges of the other family never do."""
    network = ipaddress.ip_network(cidr, strict=False)
    return any(_within(network, ipaddress.ip_network(one)) for one in ranges)


_Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


def _within(network: _Network, wide: _Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network) and isinstance(wide, ipaddress.IPv4Network):
        return network.subnet_of(wide)
    if isinstance(network, ipaddress.IPv6Network) and isinstance(wide, ipaddress.IPv6Network):
        return network.subnet_of(wide)
    return False


def strings(value: Any) -> Iterator[str]:
    """Yield every string of nested data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from strings(one)


def arn_account(arn: str) -> str:
    """Return the account of an ARN; empty where it names none."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 else ""
