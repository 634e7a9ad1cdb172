"""Small networks that show each part of a twin, as EC2 describes them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

# The networks of the proof's own tests.
sys.path.append(str(Path(__file__).parents[1] / "egress"))

from networks import entry, vpc

WEB = {"From": 443, "To": 443}
ANY = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def group(name: str, inward: list[dict[str, Any]], outward: list[dict[str, Any]]) -> dict[str, Any]:
    """A security group."""
    return {"GroupId": name, "VpcId": "vpc-1", "IpPermissions": inward, "IpPermissionsEgress": outward}


def interface(name: str, address: str, *groups: str, **more: Any) -> dict[str, Any]:
    """An interface in the one subnet."""
    return {"NetworkInterfaceId": name, "SubnetId": "subnet-1", "VpcId": "vpc-1", "PrivateIpAddress": address,
            "Groups": [{"GroupId": one} for one in groups], **more}  # fmt: skip


def to(block: str, **target: str) -> dict[str, Any]:
    """A route."""
    return {"DestinationCidrBlock": block, "Origin": "CreateRoute", "State": "active", **target}


def sealed() -> dict[str, Any]:
    """A subnet with an endpoint, a host that may reach it alone, and a gateway endpoint."""
    web = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    return vpc(
        [{"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-2", "State": "active"}],
        [entry(100, "allow", "10.0.0.0/16"),
         entry(110, "allow", "52.216.0.0/15", "6", PortRange=WEB),
         {**entry(100, "allow", "10.0.0.0/16"), "Egress": False}],
        PrefixLists=[{"PrefixListId": "pl-1", "Cidrs": ["52.216.0.0/15"]}],
        VpcEndpoints=[
            {"VpcEndpointId": "vpce-1", "VpcId": "vpc-1", "VpcEndpointType": "Interface", "PrivateDnsEnabled": True,
             "ServiceName": "com.amazonaws.us-east-1.sts", "NetworkInterfaceIds": ["eni-1"],
             "DnsEntries": [{"DnsName": "sts.us-east-1.amazonaws.com"}]},
            {"VpcEndpointId": "vpce-2", "VpcId": "vpc-1", "VpcEndpointType": "Gateway",
             "ServiceName": "com.amazonaws.us-east-1.s3"},
        ],
        SecurityGroups=[
            group("sg-endpoint", [{**web, "UserIdGroupPairs": [{"GroupId": "sg-host"}]}], []),
            group("sg-host", [], [{**web, "UserIdGroupPairs": [{"GroupId": "sg-endpoint"}],
                                   "PrefixListIds": [{"PrefixListId": "pl-1"}]}]),
        ],
        NetworkInterfaces=[interface("eni-1", "10.0.1.8", "sg-endpoint", InterfaceType="vpc_endpoint"),
                           interface("eni-2", "10.0.1.9", "sg-host", Attachment={"InstanceId": "i-2"})],
    )  # fmt: skip


def open_to_the_world() -> dict[str, Any]:
    """A subnet with an internet gateway, a NAT gateway, a peering that is gone, a blackhole and an appliance."""
    return vpc(
        [to("0.0.0.0/0", GatewayId="igw-1"), to("8.8.8.0/24", NatGatewayId="nat-1"),
         to("10.9.0.0/16", VpcPeeringConnectionId="pcx-1"),
         {**to("10.8.0.0/16", NatGatewayId="nat-1"), "State": "blackhole"},
         to("10.7.0.0/16", NetworkInterfaceId="eni-1"), to("10.6.0.0/16", SomethingNewId="new-1")],
        [entry(90, "deny", "9.9.9.9/32", "1", IcmpTypeCode={"Type": 8, "Code": -1}), entry(100, "allow", "0.0.0.0/0"),
         {**entry(100, "allow", "0.0.0.0/0"), "Egress": False}],
        InternetGateways=[{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1"}]}],
        NatGateways=[{"NatGatewayId": "nat-1", "VpcId": "vpc-1", "SubnetId": "subnet-1", "ConnectivityType": "public",
                      "NatGatewayAddresses": [{"PrivateIp": "10.0.1.5", "PublicIp": "203.0.113.5"}]}],
        VpcPeeringConnections=[{"VpcPeeringConnectionId": "pcx-1", "Status": {"Code": "deleted"}}],
        SecurityGroups=[group("sg-1", [{**ANY, "IpProtocol": "tcp", "FromPort": 80, "ToPort": 81}], [ANY])],
        NetworkInterfaces=[interface("eni-1", "10.0.1.8", "sg-1", SourceDestCheck=True,
                                     Association={"PublicIp": "203.0.113.8"})],
    )  # fmt: skip


NETWORKS = {"sealed": sealed, "open": open_to_the_world}
