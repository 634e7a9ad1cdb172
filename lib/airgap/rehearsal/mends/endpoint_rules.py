"""What AWS refuses about VPC endpoints, and moto accepts.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html and its error codes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from airgap.rehearsal.answers.endpoint_services import own_type
from airgap.rehearsal.catalogue import EndpointService, find
from airgap.rehearsal.hook import before
from airgap.rehearsal.wire import Call, Refusal

INTERFACE_ENDPOINTS_PER_VPC = 50
GATEWAY_ENDPOINTS_PER_REGION = 20


def _invalid(message: str) -> Refusal:
    return Refusal("InvalidParameter", message)


@before("ec2", "CreateVpcEndpoint")
def judge_creation(call: Call) -> None:
    """Judge service, VPC, subnets, groups, route tables, policy and private names of a new endpoint."""
    backend, kind = call.backend("ec2"), call.get("VpcEndpointType", "Gateway")
    vpc = backend.vpcs.get(call.get("VpcId"))
    if vpc is None:
        raise Refusal("InvalidVpcId.NotFound", f"The Vpc Id {call.get('VpcId')} does not exist")
    service = _service(call, backend, kind)
    _judge_policy(call, service)
    _judge_groups(backend, vpc.id, call.get("SecurityGroupIds", []))
    if kind == "Gateway":
        _judge_gateway(call, backend, vpc.id)
        return
    if kind == "Interface":
        _judge_count(backend, vpc.id)
    _judge_subnets(backend, vpc.id, service, call.get("SubnetIds", []), [])
    if kind == "Interface" and call.get("PrivateDnsEnabled", True):
        _judge_names(backend, vpc, call.get("ServiceName"), service)


def _service(call: Call, backend: Any, kind: str) -> EndpointService | None:
    """Return AWS's service, None for one that an account offers; refuse a name that nobody offers."""
    name = call.get("ServiceName", "")
    service = find(call.region, name, kind)
    own = [x for x in backend.configurations.values() if x.service_name == name and own_type(x) == kind]
    if kind in ("Resource", "ServiceNetwork") or own:
        return None
    if service is None:
        raise Refusal("InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")
    return service


def _judge_policy(call: Call, service: EndpointService | None) -> None:
    document = call.get("PolicyDocument")
    if document is None:
        return
    if service is not None and not service.policy:
        raise _invalid(f"Endpoint policies are not supported by the service {service.name}")
    try:
        statements = json.loads(document)["Statement"]
    except (ValueError, TypeError, KeyError) as error:
        raise Refusal("InvalidPolicyDocument", f"The policy document is not valid: {error}") from error
    for statement in statements if isinstance(statements, list) else [statements]:
        if "Principal" not in statement and "NotPrincipal" not in statement:
            raise Refusal("InvalidPolicyDocument", "A statement of an endpoint policy names its principals")


def _judge_groups(backend: Any, vpc_id: str, groups: Iterable[str]) -> None:
    for group_id in groups:
        group = backend.get_security_group_from_id(group_id)
        if group is None:
            raise Refusal("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
        if group.vpc_id != vpc_id:
            raise _invalid(f"The security group {group_id} does not belong to VPC {vpc_id}")


def _judge_gateway(call: Call, backend: Any, vpc_id: str) -> None:
    if call.get("SubnetIds") or call.get("SecurityGroupIds"):
        raise _invalid("A gateway endpoint has route tables, and neither subnets nor security groups")
    if len(_live(backend, "Gateway")) >= GATEWAY_ENDPOINTS_PER_REGION:
        raise Refusal("VpcEndpointLimitExceeded", "The maximum number of gateway endpoints has been reached")
    _judge_tables(backend, vpc_id, call.get("ServiceName"), call.get("RouteTableIds", []))


def _judge_tables(backend: Any, vpc_id: str, service_name: str, tables: Iterable[str]) -> None:
    for table_id in tables:
        table = backend.route_tables.get(table_id)
        if table is None:
            raise Refusal("InvalidRouteTableId.NotFound", f"The routeTable ID '{table_id}' does not exist")
        if table.vpc_id != vpc_id:
            raise _invalid(f"Route table {table_id} belongs to a different VPC than {vpc_id}")
        if any(table_id in x.route_table_ids and x.service_name == service_name for x in _live(backend, "Gateway")):
            message = f"route table {table_id} already has a route with a prefix list of {service_name}"
            raise Refusal("RouteAlreadyExists", message)


def _live(backend: Any, kind: str) -> list[Any]:
    return [x for x in backend.vpc_end_points.values() if x.vpc_endpoint_type == kind and x.state != "deleted"]


def _judge_count(backend: Any, vpc_id: str) -> None:
    if len([x for x in _live(backend, "Interface") if x.vpc_id == vpc_id]) >= INTERFACE_ENDPOINTS_PER_VPC:
        message = f"The maximum number of interface endpoints ({INTERFACE_ENDPOINTS_PER_VPC}) of {vpc_id} is reached"
        raise Refusal("VpcEndpointLimitExceeded", message)


def _judge_subnets(
    backend: Any, vpc_id: str, service: EndpointService | None, subnets: list[str], present: list[str]
) -> None:
    zones = {backend.get_subnet(subnet_id).availability_zone for subnet_id in present}
    for subnet_id in subnets:
        subnet = backend.get_subnet(subnet_id)
        zone = subnet.availability_zone
        if subnet.vpc_id != vpc_id:
            raise Refusal("InvalidSubnetId.NotFound", f"The subnet ID '{subnet_id}' does not exist in {vpc_id}")
        if service is not None and zone not in service.zones:
            message = f"The VPC endpoint service {service.name} does not support the availability zone of the subnet: "
            raise _invalid(message + subnet_id)
        if zone in zones:
            raise Refusal(
                "DuplicateSubnetsInSameZone",
                f"Found another VPC endpoint subnet in the availability zone of {subnet_id}. VPC endpoint subnets "
                "should be in different availability zones supported by the VPC endpoint service.",
            )
        zones.add(zone)


def _judge_names(backend: Any, vpc: Any, service_name: str, service: EndpointService | None) -> None:
    """Private DNS needs both VPC attributes, and a name can be taken once in a VPC."""
    if not (_on(vpc.enable_dns_support) and _on(vpc.enable_dns_hostnames)):
        raise _invalid(
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true "
            f"for {vpc.id}"
        )
    for other in _live(backend, "Interface"):
        if other.vpc_id == vpc.id and other.private_dns_enabled and other.service_name == service_name:
            name = service.private_names[0] if service and service.private_names else service_name
            raise _invalid(
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
                f"{name} in the VPC {vpc.id}"
            )


def _on(value: Any) -> bool:
    return str(value).lower() == "true"


@before("ec2", "ModifyVpcEndpoint")
def judge_change(call: Call) -> None:
    """Judge what a change adds to an endpoint as at its creation."""
    backend = call.backend("ec2")
    endpoint = backend.vpc_end_points.get(call.get("VpcEndpointId"))
    if endpoint is None or endpoint.state in ("deleting", "deleted"):
        message = f"The Vpc Endpoint Id '{call.get('VpcEndpointId')}' does not exist"
        raise Refusal("InvalidVpcEndpointId.NotFound", message)
    service = find(call.region, endpoint.service_name, endpoint.vpc_endpoint_type)
    _judge_policy(call, service)
    _judge_groups(backend, endpoint.vpc_id, call.get("AddSecurityGroupIds", []))
    remaining = [x for x in endpoint.subnet_ids if x not in call.get("RemoveSubnetIds", [])]
    added = [x for x in call.get("AddSubnetIds", []) if x not in remaining]
    _judge_subnets(backend, endpoint.vpc_id, service, added, remaining)
    _judge_tables(backend, endpoint.vpc_id, endpoint.service_name, call.get("AddRouteTableIds", []))
    wanted = call.get("PrivateDnsEnabled")
    if wanted and not endpoint.private_dns_enabled:
        _judge_names(backend, backend.vpcs[endpoint.vpc_id], endpoint.service_name, service)
