"""VPC endpoints: interfaces in their subnets, routes of gateways, states, names, and deletion that ends.

moto creates, modifies and deletes the record of an endpoint and little around it; these functions take the three over.
"""

from __future__ import annotations

import json
from typing import Any

from moto.ec2.exceptions import InvalidVpcEndPointIdError
from moto.ec2.models import EC2Backend
from moto.ec2.models.vpcs import VPCEndPoint

from airgap.rehearsal import settling
from airgap.rehearsal.catalogue import find
from airgap.rehearsal.hook import after, answers, before
from airgap.rehearsal.mends.addresses import managed_interface, release
from airgap.rehearsal.wire import Call, Refusal

_record = EC2Backend.create_vpc_endpoint
_listed = EC2Backend.describe_vpc_endpoints
_modify_record = EC2Backend.modify_vpc_endpoint


def _create(self: Any, vpc_id: str, service_name: str, endpoint_type: str | None, **rest: Any) -> VPCEndPoint:
    kind = endpoint_type or "Gateway"
    subnet_ids = rest.pop("subnet_ids", None) or []
    groups = rest.pop("security_group_ids", None) or []
    tables = rest.pop("route_table_ids", None) or []
    if kind == "Interface" and not groups:
        groups = [self.get_default_security_group(vpc_id).id]
    endpoint = _record(
        self, vpc_id, service_name, kind, route_table_ids=tables, subnet_ids=[], security_group_ids=groups, **rest
    )
    endpoint.private_dns_enabled = bool(rest.get("private_dns_enabled")) and kind == "Interface"
    for subnet_id in subnet_ids:
        _attach(self, endpoint, subnet_id)
    endpoint.dns_entries = _dns_entries(self, endpoint)
    return endpoint


def _attach(backend: Any, endpoint: Any, subnet_id: str) -> None:
    kind = "gateway_load_balancer_endpoint" if endpoint.vpc_endpoint_type == "GatewayLoadBalancer" else "vpc_endpoint"
    description = f"VPC Endpoint Interface {endpoint.id}"
    eni = managed_interface(backend, subnet_id, kind, description, endpoint.security_group_ids)
    endpoint.subnet_ids.append(subnet_id)
    endpoint.network_interface_ids.append(eni.id)


def _detach(backend: Any, endpoint: Any, subnet_id: str) -> None:
    for eni_id in list(endpoint.network_interface_ids):
        if backend.enis[eni_id].subnet.id == subnet_id:
            endpoint.network_interface_ids.remove(eni_id)
            release(backend, eni_id)
    endpoint.subnet_ids.remove(subnet_id)


def _dns_entries(backend: Any, endpoint: Any) -> list[dict[str, str]]:
    """Return the names of an interface endpoint: Regional, one per zone, and the private ones where they are on."""
    if endpoint.vpc_endpoint_type != "Interface":
        return []
    region, short = backend.region_name, ".".join(reversed(endpoint.service_name.split(".")[3:]))
    number = endpoint.id.removeprefix("vpce-")
    base, end = f"{endpoint.id}-{number[:8]}", f"{short}.{region}.vpce.amazonaws.com"
    zones = [backend.get_subnet(subnet_id).availability_zone for subnet_id in endpoint.subnet_ids]
    names = [f"{base}.{end}", *(f"{base}-{zone}.{end}" for zone in zones)]
    service = find(region, endpoint.service_name, "Interface")
    private = service.private_names if service and endpoint.private_dns_enabled else ()
    entries = [{"DnsName": name, "HostedZoneId": "Z7HUB22UULQXV"} for name in names]
    return entries + [{"DnsName": name, "HostedZoneId": f"Z{number[:13].upper()}"} for name in private]


def _modify(self: Any, vpc_id: str, **changes: Any) -> None:
    endpoint = self.vpc_end_points.get(vpc_id)
    if endpoint is None or endpoint.state == "deleted":
        raise InvalidVpcEndPointIdError(vpc_id)
    added, removed = changes.pop("add_subnets", None) or [], changes.pop("remove_subnets", None) or []
    tables = list(endpoint.route_table_ids)
    _modify_record(self, vpc_id, add_subnets=[], remove_subnets=[], **changes)
    for subnet_id in [x for x in added if x not in endpoint.subnet_ids]:
        _attach(self, endpoint, subnet_id)
    for subnet_id in [x for x in removed if x in endpoint.subnet_ids]:
        _detach(self, endpoint, subnet_id)
    for eni_id in endpoint.network_interface_ids:
        self.enis[eni_id]._group_set = [self.get_security_group_from_id(x) for x in endpoint.security_group_ids]
    _reroute(self, endpoint, tables)
    endpoint.dns_entries = _dns_entries(self, endpoint)
    if added or removed:
        endpoint.state = "available"


@after("ec2", "ModifyVpcEndpoint")
def change_names_and_policy(call: Call, _: dict[str, Any]) -> None:
    """Private DNS and the reset of the policy, which moto ignores."""
    backend = call.backend("ec2")
    endpoint = backend.vpc_end_points[call.get("VpcEndpointId")]
    if call.get("PrivateDnsEnabled") is not None:
        endpoint.private_dns_enabled = call.get("PrivateDnsEnabled")
        endpoint.dns_entries = _dns_entries(backend, endpoint)
    if call.get("ResetPolicy"):
        endpoint.policy_document = json.dumps(endpoint.DEFAULT_POLICY)


def _reroute(backend: Any, endpoint: Any, previous: list[str]) -> None:
    prefix_list = endpoint.destination_prefix_list_id
    if not prefix_list:
        return
    for table in set(endpoint.route_table_ids) - set(previous):
        backend.create_route(table, None, gateway_id=endpoint.id, destination_prefix_list_id=prefix_list)
    for table in set(previous) - set(endpoint.route_table_ids):
        backend.delete_route(table, prefix_list)


def _delete(self: Any, vpce_ids: list[str] | None = None) -> None:
    for endpoint in (self.vpc_end_points[vpce_id] for vpce_id in vpce_ids or []):
        for table in endpoint.route_table_ids if endpoint.destination_prefix_list_id else []:
            if table in self.route_tables:
                self.delete_route(table, endpoint.destination_prefix_list_id)
        endpoint.state = "deleted"
        endpoint.gone_at = settling.due("ec2:DeleteVpcEndpoints")


def sweep(backend: Any) -> None:
    """Take away the endpoints whose deletion has ended, with the interfaces that they held until then."""
    for endpoint in list(backend.vpc_end_points.values()):
        if settling.passed(getattr(endpoint, "gone_at", float("inf"))):
            for eni_id in endpoint.network_interface_ids:
                release(backend, eni_id)
            del backend.vpc_end_points[endpoint.id]


def _list(self: Any, vpc_end_point_ids: list[str] | None, filters: Any = None) -> list[VPCEndPoint]:
    sweep(self)
    found: list[VPCEndPoint] = _listed(self, vpc_end_point_ids, filters)
    return found


@before("ec2", "*")
def end_deletions(call: Call) -> None:
    """Deletions that are due have happened before any EC2 call looks."""
    sweep(call.backend("ec2"))


@answers("ec2", "DeleteVpcEndpoints")
def delete_endpoints(call: Call) -> dict[str, Any]:
    """Delete the endpoints that exist; the others are listed as unsuccessful, as EC2 does."""
    backend = call.backend("ec2")
    known = {x for x, endpoint in backend.vpc_end_points.items() if endpoint.state in ("available", "pending")}
    wanted = call.get("VpcEndpointIds", [])
    backend.delete_vpc_endpoints([x for x in wanted if x in known])
    message = "The Vpc Endpoint Id '{}' does not exist"
    return {
        "Unsuccessful": [
            {"Error": {"Code": "InvalidVpcEndpoint.NotFound", "Message": message.format(x)}, "ResourceId": x}
            for x in wanted
            if x not in known
        ]
    }


@before("ec2", "DescribeVpcEndpoints")
def known_endpoints(call: Call) -> None:
    """EC2 names the endpoint that is missing."""
    backend = call.backend("ec2")
    for identifier in call.get("VpcEndpointIds", []):
        if identifier not in backend.vpc_end_points:
            raise Refusal("InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{identifier}' does not exist")


def _filter(self: Any, filter_name: str, method_name: str | None = None) -> Any:
    known = {
        "service-name": self.service_name,
        "vpc-id": self.vpc_id,
        "vpc-endpoint-id": self.id,
        "vpc-endpoint-state": self.state,
        "vpc-endpoint-type": self.vpc_endpoint_type,
    }
    return known[filter_name] if filter_name in known else _filter_value(self, filter_name, method_name)


_filter_value = VPCEndPoint.get_filter_value
VPCEndPoint.get_filter_value = _filter
EC2Backend.create_vpc_endpoint = _create
EC2Backend.modify_vpc_endpoint = _modify
EC2Backend.delete_vpc_endpoints = _delete
EC2Backend.describe_vpc_endpoints = _list
VPCEndPoint.ip_address_type = "ipv4"
VPCEndPoint.requester_managed = False
VPCEndPoint.dns_options = {"DnsRecordIpType": "ipv4"}
VPCEndPoint.service_region = property(lambda self: self.ec2_backend.region_name)
VPCEndPoint.state = settling.Settling(
    "state",
    {"available": ("pending", "ec2:CreateVpcEndpoint"), "deleted": ("deleting", "ec2:DeleteVpcEndpoints")},
)
