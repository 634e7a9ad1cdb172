"""Whether an interface in a VPC reaches an AWS service or another interface, by routes, groups and endpoints.

This is the part of the network that AWS's own services depend on when they act: a node that cannot reach them never
joins, an agent that cannot reach them never shows. Network ACLs are not followed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from airgap.rehearsal.answers.block_public_access import mode_for

# An address of AWS's public endpoints, for rules that name ranges.
PUBLIC = "52.94.0.22"
HTTPS = 443
EPHEMERAL = (32768, 60999)
"""The ports to which answers come back, lowest and highest, on Linux."""


@dataclass(frozen=True)
class Place:
    """Where something stands: its subnet (moto's), private address, and the ids of its security groups."""

    subnet: Any
    address: str
    groups: frozenset[str]
    public: bool = False

    @classmethod
    def of(cls, interface: Any) -> Place:
        """Return the place of a network interface."""
        groups = frozenset(group.id for group in interface.group_set)
        return cls(interface.subnet, interface.private_ip_address, groups, bool(interface.public_ip))


def _rules(backend: Any, groups: Iterable[str], outward: bool) -> list[Any]:
    found = [backend.get_security_group_from_id(identifier) for identifier in groups]
    return [rule for x in found if x is not None for rule in (x.egress_rules if outward else x.ingress_rules)]


def _admits(rules: list[Any], port: int, address: str, groups: frozenset[str], prefix_list: str = "") -> bool:
    for rule in rules:
        open_port = rule.ip_protocol == "-1" or (rule.ip_protocol == "tcp" and rule.from_port <= port <= rule.to_port)
        cidr = (rule.ip_range or {}).get("CidrIp")
        peer = (
            (cidr is not None and ipaddress.ip_address(address) in ipaddress.ip_network(cidr, strict=False))
            or (rule.source_group or {}).get("GroupId") in groups
            or bool(prefix_list and prefix_list == rule.prefix_list_id)
        )
        if open_port and peer:
            return True
    return False


def connects(backend: Any, source: Place, target: Place, port: int = HTTPS) -> bool:
    """Say whether the groups on both sides admit a TCP connection inside the VPC."""
    out = _admits(_rules(backend, source.groups, True), port, target.address, target.groups)
    return out and _admits(_rules(backend, target.groups, False), port, source.address, source.groups)


def admitted(backend: Any, source: Place, target: Place, port: int) -> bool:
    """Say whether the network ACLs of two subnets let a TCP connection and its answers pass."""
    if source.subnet.id == target.subnet.id:
        return True
    return all(
        _passes(backend, near.subnet.id, egress, number, far.address)
        for near, far, directions in (
            (source, target, ((True, port), *((False, one) for one in EPHEMERAL))),
            (target, source, ((False, port), *((True, one) for one in EPHEMERAL))),
        )
        for egress, number in directions
    )


def _passes(backend: Any, subnet: str, egress: bool, port: int, address: str) -> bool:
    """Say what a subnet's network ACL decides: the first of its entries, by number, that speaks of it."""
    for acl in backend.network_acls.values():
        if any(one.subnet_id == subnet for one in acl.associations):
            for entry in sorted(acl.network_acl_entries, key=lambda one: int(one.rule_number)):
                if str(entry.egress).lower() == str(egress).lower() and _speaks_of(entry, port, address):
                    return bool(entry.rule_action == "allow")
            return False
    return True


def _speaks_of(entry: Any, port: int, address: str) -> bool:
    if not entry.cidr_block or ipaddress.ip_address(address) not in ipaddress.ip_network(entry.cidr_block):
        return False
    if str(entry.protocol) == "-1":
        return True
    low, high = entry.port_range_from, entry.port_range_to
    return str(entry.protocol) == "6" and (low is None or int(low) <= port <= int(high))


def _table(backend: Any, subnet: Any) -> Any:
    tables = [x for x in backend.route_tables.values() if x.vpc_id == subnet.vpc_id]
    own = [x for x in tables if subnet.id in x._associations.values()]
    return (own or [x for x in tables if x.main_association_id])[0]


def _by_interface(backend: Any, place: Place, name: str) -> bool:
    for endpoint in backend.vpc_end_points.values():
        serves = endpoint.service_name.endswith(f".{name}") and endpoint.vpc_endpoint_type == "Interface"
        ready = endpoint.state == "available" and endpoint.private_dns_enabled
        if endpoint.vpc_id == place.subnet.vpc_id and serves and ready:
            targets = [Place.of(backend.enis[x]) for x in endpoint.network_interface_ids]
            if any(connects(backend, place, target) for target in targets):
                return True
    return False


def _by_gateway(backend: Any, place: Place, name: str) -> bool:
    table = _table(backend, place.subnet)
    rules = _rules(backend, place.groups, True)
    for endpoint in backend.vpc_end_points.values():
        serves = endpoint.service_name.endswith(f".{name}") and endpoint.vpc_endpoint_type == "Gateway"
        if serves and endpoint.state == "available" and table.id in endpoint.route_table_ids:
            return _admits(rules, HTTPS, PUBLIC, frozenset(), endpoint.destination_prefix_list_id)
    return False


def _by_internet(backend: Any, place: Place) -> bool:
    routes = [x for x in _table(backend, place.subnet).routes if x.destination_cidr_block == "0.0.0.0/0"]
    way = any(x.nat_gateway or (x.gateway and place.public) for x in routes)
    vpc, subnet = place.subnet.vpc_id, place.subnet.id
    blocked = mode_for(backend.account_id, backend.region_name, vpc, subnet) == "block-bidirectional"
    return way and not blocked and _admits(_rules(backend, place.groups, True), HTTPS, PUBLIC, frozenset())


def reaches(backend: Any, place: Place, name: str) -> bool:
    """Say whether an AWS service (its endpoint's short name, such as ``ecr.api``) can be reached from a place."""
    ways = (_by_interface, _by_gateway)
    return any(way(backend, place, name) for way in ways) or _by_internet(backend, place)
