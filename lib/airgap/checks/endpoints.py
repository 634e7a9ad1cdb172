"""VPC endpoints: the derived set, in every sealed zone, with private DNS, behind their own group (NET-08)."""

from __future__ import annotations

from collections.abc import Iterator

from airgap.checks.check import check
from airgap.checks.groups import text
from airgap.checks.scope import (
    ENDPOINT_READS,
    SUBNET_READS,
    TABLE_READS,
    Item,
    Named,
    endpoints,
    sealed_subnets,
    sealed_tables,
    tiers,
)
from airgap.model.components import GATEWAYS, service_name, stops_without
from airgap.model.derived import endpoint_services
from airgap.model.estate import Estate
from airgap.model.intent import Intent


def service_names(intent: Intent) -> dict[str, str]:
    """Return the short name of each wanted service by its endpoint service name in the Region."""
    return {service_name(one, intent.region, intent.partition): one for one in endpoint_services(intent)}


def _wanted(intent: Intent, estate: Estate) -> list[tuple[str, str]]:
    return [(f"vpc-endpoint:{service}", name) for name, service in service_names(intent).items()]


def gateways(intent: Intent, estate: Estate) -> Named:
    """Return the gateway endpoints of the VPC."""
    return [(name, one) for name, one in endpoints(intent, estate) if one.get("VpcEndpointType") == "Gateway"]


def interface_endpoints(intent: Intent, estate: Estate) -> Named:
    """Return the endpoints of the VPC that stand in subnets, of whatever type."""
    return [(name, one) for name, one in endpoints(intent, estate) if one.get("VpcEndpointType") != "Gateway"]


@check(
    "endpoints-required",
    "The endpoint that the components need is there and available",
    severity="high",
    properties=("NET-08",),
    reads=ENDPOINT_READS,
    remedy="apply the step endpoints; airgap endpoints --without NAME says what stops",
    over=_wanted,
)
def required(name: str, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the endpoint is missing, doubled or not available, and which components stop without it."""
    found = [one for _, one in endpoints(intent, estate) if one.get("ServiceName") == name]
    stops = ", ".join(stops_without(intent.components, service_names(intent)[name])) or "nothing that was derived"
    if not found:
        yield f"there is no endpoint for {name}; without it stops: {stops}"
    for one in found:
        if one.get("State", "").lower() != "available":
            yield f"{one['VpcEndpointId']} is {one.get('State')}; meanwhile stops: {stops}"
    if len(found) > 1:
        yield f"there are {len(found)} endpoints for {name}"


@check(
    "endpoints-not-surplus",
    "The endpoint leads to a service of AWS in this Region that a component needs",
    severity="high",
    properties=("NET-08",),
    reads=ENDPOINT_READS,
    remedy="delete the endpoint, or name its service under endpoints.extra",
    over=endpoints,
)
def not_surplus(endpoint: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield why the endpoint is one too many: nobody needs it, or it leads to another party or Region."""
    name, kind = endpoint.get("ServiceName", ""), endpoint.get("VpcEndpointType")
    wanted = service_names(intent).get(name)
    if wanted is None:
        yield f"no component needs {name or kind}"
    elif kind != ("Gateway" if wanted in GATEWAYS else "Interface"):
        yield f"{name} has an endpoint of type {kind}"
    if endpoint.get("ServiceRegion") not in (None, "", intent.region):
        yield f"it leads to the Region {endpoint['ServiceRegion']}"
    if endpoint.get("OwnerId") not in (None, intent.account):
        yield f"it belongs to the account {endpoint['OwnerId']}"


@check(
    "endpoints-placed",
    "The interface endpoint stands in every zone of the sealed subnets, and in sealed subnets only",
    severity="high",
    properties=("NET-08",),
    reads=(*ENDPOINT_READS, *SUBNET_READS),
    remedy="give the endpoint one sealed subnet of each zone",
    over=lambda intent, estate: [
        (name, (one, sealed))
        for sealed in [{one["SubnetId"]: one["AvailabilityZone"] for _, one in sealed_subnets(intent, estate)}]
        for name, one in interface_endpoints(intent, estate)
    ],
)
def placed(item: tuple[Item, dict[str, str]], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each zone of the sealed subnets without the endpoint, and each subnet of it that is not sealed."""
    endpoint, sealed = item
    where = endpoint.get("SubnetIds", [])
    for zone in sorted({*sealed.values(), *intent.zones} - {sealed[one] for one in where if one in sealed}):
        yield f"it has no interface in {zone}"
    for one in sorted(set(where) - set(sealed)):
        yield f"it stands in {one}, of the {tiers(intent, estate).get(one, 'foreign')} tier"
    if endpoint.get("IpAddressType", "ipv4").lower() != "ipv4":
        yield f"its addresses are {endpoint['IpAddressType']}"


@check(
    "endpoints-private-dns",
    "The service's own name leads to the interface endpoint",
    severity="high",
    properties=("NET-08",),
    reads=ENDPOINT_READS,
    remedy="switch private DNS on; without it clients ask the public address and hang",
    over=interface_endpoints,
)
def private_dns(endpoint: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that private DNS is off."""
    if not endpoint.get("PrivateDnsEnabled"):
        yield f"private DNS of {endpoint.get('ServiceName')} is off"


def _with_rules(intent: Intent, estate: Estate) -> list[tuple[str, tuple[Item, list[Item]]]]:
    """The interface endpoints, each with the rules of its groups."""
    found: dict[str, list[Item]] = {}
    for rule in estate.items("ec2:DescribeSecurityGroupRules", "SecurityGroupRules"):
        found.setdefault(rule["GroupId"], []).append(rule)
    return [
        (name, (one, [rule for each in one.get("Groups", []) for rule in found.get(each["GroupId"], [])]))
        for name, one in interface_endpoints(intent, estate)
    ]


@check(
    "endpoints-group",
    "The interface endpoint's group admits 443 from the VPC and nothing else",
    severity="high",
    properties=("NET-05", "NET-08"),
    reads=(*ENDPOINT_READS, "ec2:DescribeSecurityGroupRules"),
    remedy="give the endpoint the endpoints' own group, with its one rule",
    over=_with_rules,
)
def group(item: tuple[Item, list[Item]], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each rule of the endpoint's groups beside HTTPS from the VPC, and that this one is missing."""
    wanted = (False, "tcp", 443, 443, intent.network.vpc_cidr)
    members = ("IsEgress", "IpProtocol", "FromPort", "ToPort", "CidrIpv4")
    admits = False
    for rule in item[1]:
        if tuple(rule.get(one) for one in members) == wanted:
            admits = True
        else:
            yield f"its group has the {'outbound' if rule.get('IsEgress') else 'inbound'} rule {text(rule)}"
    if not admits:
        yield f"no group of it admits 443 from {intent.network.vpc_cidr}"


@check(
    "endpoints-routed",
    "The gateway endpoint is on every sealed route table and on no other",
    severity="high",
    properties=("NET-08",),
    reads=(*ENDPOINT_READS, *TABLE_READS),
    remedy="associate the endpoint with exactly the sealed tables",
    over=gateways,
)
def routed(endpoint: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each sealed table without the endpoint or without its route, and each other table that has it."""
    names = {one["RouteTableId"]: name for name, one in sealed_tables(intent, estate)}
    tables = {one["RouteTableId"]: one for _, one in sealed_tables(intent, estate)}
    for one in sorted(set(names) - set(endpoint.get("RouteTableIds", []))):
        yield f"{names[one]} does not have it"
    for one in sorted(set(endpoint.get("RouteTableIds", [])) - set(names)):
        yield f"{one} has it and serves no sealed subnet"
    for one in sorted(set(names) & set(endpoint.get("RouteTableIds", []))):
        if not any(route.get("GatewayId") == endpoint["VpcEndpointId"] for route in tables[one].get("Routes", [])):
            yield f"{names[one]} has no route to it"


CHECKS = (required, not_surplus, placed, private_dns, group, routed)
