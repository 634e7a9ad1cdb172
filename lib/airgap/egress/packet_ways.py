"""Rules on channels of packets that need no route: endpoints of every type, entrances, sharing, foreign interfaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.egress.facts import Item
from airgap.egress.network import target
from airgap.egress.ways import View, Way, alive

_OURS = ("com.amazonaws.", "cn.com.amazonaws.", "aws.", "com.amazonaws-")
_AMAZON = ("amazon", "aws")
_EXITING = {
    "GatewayLoadBalancer": "sends packets to whoever inspects them",
    "Resource": "leads to a resource that somebody shares",
    "ServiceNetwork": "leads to every service of a Lattice network",
    "Tunnel": "is a tunnel",
}


def _named(view: View, one: Item) -> bool:
    return str(one.get("VpcEndpointId")) in view.boundary.endpoints


def _endpoint(one: Item, what: str) -> Way:
    name = str(one.get("VpcEndpointId"))
    # Every subnet of the VPC reaches an endpoint's interfaces by the local route.
    return Way(name, what, f"delete {name}, or name it in the boundary", str(one.get("VpcId", "")))


def direct_connect(view: View) -> Iterator[Way]:
    """P7: a Direct Connect gateway that is associated with a gateway to which some subnet's routes lead."""
    tables = view.network.facts.items("RouteTables")
    for one in view.items("directconnect:DescribeDirectConnectGatewayAssociations", "directConnectGatewayAssociations"):
        gateway = str(one.get("virtualGatewayId") or (one.get("associatedGateway") or {}).get("id") or "")
        name = str(one.get("associationId") or gateway)
        led = {str(each.get("VpcId")) for each in tables for route in each.get("Routes") or []
               if route.get("State") != "blackhole" and target(route)[1] == gateway}  # fmt: skip
        if not alive(one, "associationState") or {gateway, name} & set(view.boundary.gateways):
            continue
        for vpc in sorted(led):
            what = f"Direct Connect carries what is routed to {gateway}"
            yield Way(name, what, f"delete the routes to {gateway}", vpc)


def proxies(view: View) -> Iterator[Way]:
    """P16: a proxy stands on a NAT gateway and is reached by an endpoint, without any route to either."""
    for one in view.items("ec2:DescribeNatGateways", "NatGateways"):
        for each in one.get("AttachedAppliances") or [] if alive(one) else ():
            name = str(each.get("ApplianceArn") or one.get("NatGatewayId"))
            if name not in view.boundary.gateways:
                what = f"{each.get('Type') or 'an appliance'} on {one.get('NatGatewayId')} sends on for its clients"
                yield Way(name, what, f"detach {name}, or name it in the boundary", str(one.get("VpcId", "")))


def inspection(view: View) -> Iterator[Way]:
    """P15: endpoints of a Gateway Load Balancer lead into somebody's inspection, even where no route names them."""
    for one in view.items("ec2:DescribeVpcEndpoints", "VpcEndpoints"):
        if one.get("VpcEndpointType") == "GatewayLoadBalancer" and alive(one) and not _named(view, one):
            yield _endpoint(one, _EXITING["GatewayLoadBalancer"])


def interface_endpoints(view: View) -> Iterator[Way]:
    """P17: endpoints for somebody else's service or in another Region, and types that AWS has added since."""
    owners = {
        str(one.get("ServiceName")): one for one in view.items("ec2:DescribeVpcEndpointServices", "ServiceDetails")
    }
    for one in view.items("ec2:DescribeVpcEndpoints", "VpcEndpoints"):
        kind, service = one.get("VpcEndpointType", "Interface"), str(one.get("ServiceName", ""))
        if kind in _EXITING or not alive(one) or _named(view, one):
            continue
        _, region = view.network.facts.home(one)
        elsewhere = one.get("ServiceRegion") or region
        owner = (owners.get(service) or {}).get("Owner")
        if view.foreign(one.get("OwnerId")):
            yield _endpoint(one, f"belongs to account {one['OwnerId']}, whose policy it is")
        elif kind not in ("Interface", "Gateway"):
            yield _endpoint(one, f"is of the type {kind}, of which nothing is known")._replace(decided=False)
        elif ".vpce." in service or not service.startswith(_OURS) or (owner and owner not in _AMAZON):
            yield _endpoint(one, f"leads to {service}, a service of {owner or 'a third party'}")
        elif region and elsewhere != region:
            yield _endpoint(one, f"leads to {service} in {elsewhere}")


def prefix_lists(view: View) -> Iterator[Way]:
    """P18: a prefix list of another account changes when its owner wants."""
    routed = {
        str(each["DestinationPrefixListId"])
        for table in view.network.facts.items("RouteTables")
        for each in table.get("Routes") or []
        if each.get("DestinationPrefixListId")
    }
    for one in view.items("ec2:DescribeManagedPrefixLists", "PrefixLists"):
        name = str(one.get("PrefixListId"))
        if name in routed and view.foreign(one.get("OwnerId")):
            yield Way(
                name, f"routes follow a list that account {one['OwnerId']} changes", f"copy {name} into an own one"
            )


def lattice(view: View) -> Iterator[Way]:
    """P19: a VPC in a Lattice service network, and endpoints for resources, networks and tunnels."""
    for one in view.items("ec2:DescribeVpcEndpoints", "VpcEndpoints"):
        kind = str(one.get("VpcEndpointType"))
        if kind in _EXITING and kind != "GatewayLoadBalancer" and alive(one) and not _named(view, one):
            yield _endpoint(one, _EXITING[kind])
    for one in view.items("vpc-lattice:ListServiceNetworkVpcAssociations", "items"):
        if alive(one):
            name = str(one.get("arn") or one.get("id"))
            yield Way(name, "the VPC is in a Lattice service network, whose services answer it without a route",
                      f"delete the association {one.get('id')}", str(one.get("vpcId", "")))  # fmt: skip
    for one in view.items("vpc-lattice:ListResourceGateways", "items"):
        if alive(one):
            yield Way(str(one.get("arn")), "a resource gateway takes in what others send to shared resources",
                      f"delete {one.get('name')}", str(one.get("vpcIdentifier", "")))  # fmt: skip


def entrances(view: View) -> Iterator[Way]:
    """P21: load balancers that face the internet and are not the declared ingress; CloudFront's origins."""
    for call, member in (("elbv2:DescribeLoadBalancers", "LoadBalancers"),
                         ("elb:DescribeLoadBalancers", "LoadBalancerDescriptions")):  # fmt: skip
        for one in view.items(call, member):
            zones = [str(each.get("SubnetId")) for each in one.get("AvailabilityZones") or [] if isinstance(each, dict)]
            subnets = tuple(zones or [str(each) for each in one.get("Subnets") or []])
            name = str(one.get("LoadBalancerArn") or one.get("LoadBalancerName"))
            if one.get("Scheme") == "internet-facing" and not _declared(view, one, subnets):
                what = "a load balancer faces the internet: its replies carry data"
                vpc = str(one.get("VpcId") or one.get("VPCId") or "")
                yield Way(name, what, f"name {name} as ingress in the boundary, or make it internal", vpc, subnets)
    for answer in view.answers("cloudfront:ListVpcOrigins"):
        for one in (answer.body.get("VpcOriginList") or {}).get("Items") or []:
            yield Way(str(one.get("Arn")), "CloudFront answers the internet from within the VPC", "delete the origin")


def _declared(view: View, one: Item, subnets: tuple[str, ...]) -> bool:
    """Tell whether the boundary names a load balancer, by ARN or name; one that stands in a sealed subnet it cannot."""
    named = {str(one.get("LoadBalancerArn")), str(one.get("LoadBalancerName"))} & set(view.boundary.ingress)
    sealed = view.boundary.judged(view.network.facts.items("Subnets")) if view.boundary.sealed else set()
    return bool(named) and sealed.isdisjoint(subnets)


def sharing(view: View) -> Iterator[Way]:
    """P23: subnets of or for others, interfaces of others, and who may attach one of ours."""
    for one in view.network.facts.items("Subnets"):
        if view.foreign(one.get("OwnerId")):
            what = f"the subnet belongs to account {one['OwnerId']}, who routes it"
            yield _in_subnet(one, str(one["SubnetId"]), what, "use a subnet of our own")
    for one in view.items("ec2:DescribeNetworkInterfaces", "NetworkInterfaces"):
        if view.foreign(one.get("OwnerId")):
            what = f"the interface belongs to account {one['OwnerId']}"
            yield _in_subnet(one, str(one["NetworkInterfaceId"]), what, "have it removed")
    for one in view.items("ec2:DescribeNetworkInterfacePermissions", "NetworkInterfacePermissions"):
        if view.foreign(one.get("AwsAccountId")):
            name = str(one.get("NetworkInterfaceId"))
            yield Way(name, f"account {one['AwsAccountId']} may attach it", "withdraw the permission")
    for one in view.items("ec2:DescribeSecurityGroupVpcAssociations", "SecurityGroupVpcAssociations"):
        if view.foreign(one.get("VpcOwnerId")):
            yield Way(str(one.get("GroupId")), f"the group is used in a VPC of account {one['VpcOwnerId']}", "undo it")
    for answer in view.answers("ram:GetResourceShareAssociations"):
        for one in answer.body.get("resourceShareAssociations") or []:
            sort = one.get("associationType") or answer.params.get("associationType")
            if sort == "PRINCIPAL" and alive(one) and view.foreign(_account(one.get("associatedEntity"))):
                yield Way(str(one.get("resourceShareArn")), f"shared with {one['associatedEntity']}", "end the sharing")


def services(view: View) -> Iterator[Way]:
    """P26: own endpoint services that others are admitted to."""
    for one in view.items("ec2:DescribeVpcEndpointServicePermissions", "AllowedPrincipals"):
        who = str(one.get("Principal", ""))
        if who == "*" or view.foreign(_account(who)):
            yield Way(str(one.get("ServiceId")), f"{who} may connect to it", f"withdraw the permission of {who}")


def _account(text: Any) -> str:
    parts = str(text or "").split(":")
    return parts[4] if len(parts) > 5 else str(text or "")


def _in_subnet(one: Item, name: str, what: str, fix: str) -> Way:
    return Way(name, what, fix, str(one.get("VpcId", "")), (str(one["SubnetId"]),) if one.get("SubnetId") else ())


RULES = {
    "P7": direct_connect,
    "P15": inspection,
    "P16": proxies,
    "P17": interface_endpoints,
    "P18": prefix_lists,
    "P19": lattice,
    "P21": entrances,
    "P23": sharing,
    "P26": services,
}
