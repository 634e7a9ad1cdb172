"""VPC endpoints: the only doors of the sealed subnets, derived from the components, each with its policy.

AWS: PrivateLink guide, "Access AWS services through interface endpoints" and "Gateway endpoints".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from airgap.model.components import kind, service_name, takes_policy
from airgap.model.derived import endpoint_facts, endpoint_services
from airgap.model.endpoint_policies import document
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources import routing, security_groups, vpc
from airgap.resources.kind import Call, Fields, Kind, declares, tag_specifications
from airgap.resources.rights import push_policy
from airgap.resources.roles import ROLE_POLICY


def _moved(field: str, member: str) -> Any:
    """Return a function giving Add/Remove parameters that turn the live set of a field into the declared one."""

    def params(f: Fields) -> Mapping[str, Any]:
        now, was = set(f[field]), set(f["was"].get(field) or ())
        return {
            "VpcEndpointId": f["id"],
            f"Add{member}": sorted(now - was) or None,
            f"Remove{member}": sorted(was - now) or None,
        }

    return params


ENDPOINT = Kind(
    "vpc-endpoint",
    "VPC endpoint",
    Reading(
        "ec2:DescribeVpcEndpoints",
        "VpcEndpoints",
        "VpcEndpointId",
        unless=(("State", "[dD]elet*"),),
        fields={
            "vpc": Field("VpcId", change=NEVER, why="an endpoint stays in its VPC"),
            "service": Field("ServiceName", change=NEVER, why="an endpoint's service cannot be changed"),
            "type": Field("VpcEndpointType", change=NEVER, absent="Gateway", why="an endpoint's type cannot change"),
            "subnets": Field("SubnetIds", form="set", risk="interrupts", why="one per zone of the sealed subnets"),
            "groups": Field("Groups[].GroupId", form="set", risk="opens", why="its own group and no other"),
            "private_dns": Field("PrivateDnsEnabled", risk="interrupts", why="without it clients ask public addresses"),
            "route_tables": Field("RouteTableIds", form="set", risk="opens", why="every sealed table and no other"),
            "policy": Field("PolicyDocument", form="policy", risk="opens", why="who may send what, and where to"),
        },
        state="State",
        settled=("available", "Available"),
        failed=("failed", "Failed", "rejected", "Rejected", "expired", "Expired"),
    ),
    create=(
        Call(
            "ec2:CreateVpcEndpoint",
            lambda f: {
                "VpcId": f["vpc"],
                "ServiceName": f["service"],
                "VpcEndpointType": f["type"],
                "SubnetIds": f.get("subnets"),
                "SecurityGroupIds": f.get("groups"),
                "PrivateDnsEnabled": f.get("private_dns"),
                "RouteTableIds": f.get("route_tables"),
                "PolicyDocument": json.dumps(f["policy"]) if f.get("policy") else None,
                "TagSpecifications": tag_specifications("vpc-endpoint")(f),
            },
            result="VpcEndpoint",
            actions=("ec2:CreateTags", "route53:AssociateVPCWithHostedZone"),
        ),
    ),
    updates={
        "subnets": (Call("ec2:ModifyVpcEndpoint", _moved("subnets", "SubnetIds")),),
        "groups": (Call("ec2:ModifyVpcEndpoint", _moved("groups", "SecurityGroupIds")),),
        "route_tables": (Call("ec2:ModifyVpcEndpoint", _moved("route_tables", "RouteTableIds")),),
        "private_dns": (
            Call("ec2:ModifyVpcEndpoint", lambda f: {"VpcEndpointId": f["id"], "PrivateDnsEnabled": f["private_dns"]}),
        ),
        "policy": (
            Call(
                "ec2:ModifyVpcEndpoint",
                lambda f: {"VpcEndpointId": f["id"], "PolicyDocument": json.dumps(f["policy"])},
            ),
        ),
    },
    delete=(
        Call(
            "ec2:DeleteVpcEndpoints",
            lambda f: {"VpcEndpointIds": [f["id"]]},
            ignore=("InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound"),
        ),
    ),
    poll=Call(
        "ec2:DescribeVpcEndpoints",
        lambda f: {"VpcEndpointIds": [f["id"]]},
        ignore=("InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound"),
    ),
    seconds=60,
    limit=900,
    gone=True,
)


@declares(ENDPOINT)
def endpoints(intent: Intent, pages: Estate) -> Iterator[Desired]:
    """Yield the gateway endpoints on every sealed table, and the interface endpoints in every sealed zone."""
    known = endpoint_facts(intent)
    for service, who in endpoint_services(intent).items():
        common = {
            "vpc": ref("vpc:main"),
            "service": service_name(service, intent.region, intent.partition),
            "type": kind(service).capitalize(),
            **({"policy": document(service, known)} if takes_policy(service) else {}),
        }
        place = _gateway(intent) if kind(service) == "gateway" else _interface(intent)
        yield Desired("vpc-endpoint", service, {**common, **place}, why=f"needed by {', '.join(who)}")


def _gateway(intent: Intent) -> dict[str, Any]:
    return {"route_tables": [ref(key) for key in routing.private_tables(intent)]}


def _interface(intent: Intent) -> dict[str, Any]:
    """One subnet in each zone: AWS takes one per zone and endpoint."""
    zones: dict[str, str] = {}
    for name, subnet in vpc.subnets(intent).items():
        if name.startswith("private-"):
            zones.setdefault(subnet.zone, ref(f"subnet:{name}"))
    return {"subnets": list(zones.values()), "groups": [ref("security-group:endpoints")], "private_dns": True}


@declares(security_groups.RULE)
def doors(intent: Intent, pages: Estate) -> Iterator[Desired]:
    """Yield the rule of the endpoints' own group: 443 from the VPC, nothing else, no egress."""
    why = "HTTPS from the VPC to its endpoints"
    yield security_groups.rule("endpoints", "in", "tcp", 443, 443, cidr=intent.network.vpc_cidr, why=why)


@declares(ROLE_POLICY)
def push(intent: Intent, pages: Estate) -> Iterator[Desired]:
    """Yield the CI/CD role's right to push images, only through the ECR endpoints of this VPC."""
    if "ecr.api" in endpoint_services(intent):
        yield push_policy(intent, ["vpc-endpoint:ecr.api", "vpc-endpoint:ecr.dkr"])


ENDPOINTS = (endpoints, doors, push)
