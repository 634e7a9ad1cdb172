"""EC2 DescribeVpcEndpointServices, from the catalogue and the account's own endpoint services."""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.catalogue import EndpointService, endpoint_services, zone_ids
from airgap.rehearsal.hook import answers
from airgap.rehearsal.wire import Call, Refusal


@answers("ec2", "DescribeVpcEndpointServices")
def describe_services(call: Call) -> dict[str, Any]:
    """Return AWS's services and the account's own, by name and by the filters that EC2 documents for it."""
    details = [_detail(service, call.region) for service in endpoint_services(call.region)]
    own = call.backend("ec2").configurations.values()
    details += [_own(configuration, call) for configuration in own]
    names = call.get("ServiceNames", [])
    missing = set(names) - {detail["ServiceName"] for detail in details}
    if missing:
        raise Refusal("InvalidServiceName", f"The Vpc Endpoint Service '{min(missing)}' does not exist")
    chosen = [detail for detail in details if not names or detail["ServiceName"] in names]
    for one in call.get("Filters", []):
        chosen = [detail for detail in chosen if _admits(detail, one["Name"], one.get("Values", []))]
    return {"ServiceDetails": chosen, "ServiceNames": sorted({detail["ServiceName"] for detail in chosen})}


def _detail(service: EndpointService, region: str) -> dict[str, Any]:
    ids = zone_ids(region)
    detail: dict[str, Any] = {
        "ServiceName": service.name,
        "ServiceId": service.id,
        "ServiceType": [{"ServiceType": service.type}],
        "ServiceRegion": region,
        "AvailabilityZones": list(service.zones),
        "AvailabilityZoneIds": [ids[zone] for zone in service.zones],
        "Owner": "amazon",
        "BaseEndpointDnsNames": [f"{service.id}.{region}.vpce.amazonaws.com"],
        "VpcEndpointPolicySupported": service.policy,
        "AcceptanceRequired": False,
        "ManagesVpcEndpoints": False,
        "Tags": [],
        "SupportedIpAddressTypes": ["ipv4"],
    }
    if service.private_names and service.type == "Interface":
        detail["PrivateDnsName"] = service.private_names[0]
        detail["PrivateDnsNames"] = [{"PrivateDnsName": name} for name in service.private_names]
        detail["PrivateDnsNameVerificationState"] = "verified"
    return detail


def _own(configuration: Any, call: Call) -> dict[str, Any]:
    return {
        "ServiceName": configuration.service_name,
        "ServiceId": configuration.id,
        "ServiceType": [{"ServiceType": own_type(configuration)}],
        "ServiceRegion": call.region,
        "AvailabilityZones": configuration.availability_zones,
        "Owner": call.account,
        "BaseEndpointDnsNames": [],
        "VpcEndpointPolicySupported": True,
        "AcceptanceRequired": configuration.acceptance_required,
        "ManagesVpcEndpoints": configuration.manages_vpc_endpoints,
        "Tags": [],
        "SupportedIpAddressTypes": ["ipv4"],
    }


def own_type(configuration: Any) -> str:
    """Return the type of the endpoints that a service of an account takes."""
    return "GatewayLoadBalancer" if configuration.gateway_load_balancer_arns else "Interface"


def _admits(detail: dict[str, Any], name: str, values: list[str]) -> bool:
    known = {
        "service-name": [detail["ServiceName"]],
        "service-type": [kind["ServiceType"] for kind in detail["ServiceType"]],
        "service-region": [detail["ServiceRegion"]],
        "owner": [detail["Owner"]],
        "supported-ip-address-types": detail["SupportedIpAddressTypes"],
    }
    if name not in known:
        raise Refusal("InvalidFilter", f"The filter '{name}' is invalid")
    return bool(set(known[name]) & set(values))
