"""VPC endpoints: what AWS refuses, what their interfaces look like, and how they come and go."""

from __future__ import annotations

import json

import pytest
from emulated import refused, until

NAME = "com.amazonaws.us-east-1."


@pytest.fixture
def place(aws):
    vpc = aws.vpc()
    return aws.client("ec2"), vpc, aws.subnet(vpc, 10), aws.subnet(vpc, 11, "us-east-1b")


def interface(vpc, service, *subnets, **more):
    return {
        "VpcId": vpc,
        "VpcEndpointType": "Interface",
        "ServiceName": NAME + service,
        "SubnetIds": list(subnets),
        **more,
    }


def test_an_interface_endpoint_lives_in_its_subnets(place):
    ec2, vpc, first, second = place
    made = ec2.create_vpc_endpoint(**interface(vpc, "eks", first, second))["VpcEndpoint"]
    assert (made["State"], made["PrivateDnsEnabled"], made["IpAddressType"]) == ("pending", True, "ipv4")
    assert [group["GroupName"] for group in made["Groups"]] == ["default"]
    names = [entry["DnsName"] for entry in made["DnsEntries"]]
    assert names[-2:] == ["eks.us-east-1.amazonaws.com", "eks.us-east-1.api.aws"]
    assert names[1].endswith("-us-east-1a.eks.us-east-1.vpce.amazonaws.com")
    until(lambda: ec2.describe_vpc_endpoints()["VpcEndpoints"][0]["State"], "available")
    held = ec2.describe_network_interfaces(NetworkInterfaceIds=made["NetworkInterfaceIds"])["NetworkInterfaces"]
    seen = {
        (x["SubnetId"], x["PrivateIpAddress"], x["RequesterManaged"], x["Status"], x["InterfaceType"]) for x in held
    }
    expected = {(first, "10.0.10.4"), (second, "10.0.11.4")}
    assert seen == {(*pair, True, "in-use", "vpc_endpoint") for pair in expected}
    assert {x["Description"] for x in held} == {f"VPC Endpoint Interface {made['VpcEndpointId']}"}
    eni = held[0]["NetworkInterfaceId"]
    refused("OperationNotPermitted", ec2.delete_network_interface, NetworkInterfaceId=eni)
    attachment = held[0]["Attachment"]["AttachmentId"]
    refused("OperationNotPermitted", ec2.detach_network_interface, AttachmentId=attachment)


def test_a_deleted_endpoint_is_deleting_and_then_gone_with_its_interfaces(place):
    ec2, vpc, first, _ = place
    made = ec2.create_vpc_endpoint(**interface(vpc, "sts", first))["VpcEndpoint"]["VpcEndpointId"]
    unknown = ec2.delete_vpc_endpoints(VpcEndpointIds=[made, "vpce-0123456789abcdef0"])["Unsuccessful"]
    assert [x["ResourceId"] for x in unknown] == ["vpce-0123456789abcdef0"]
    assert ec2.describe_vpc_endpoints()["VpcEndpoints"][0]["State"] == "deleting"
    refused("DependencyViolation", ec2.delete_subnet, SubnetId=first)
    until(lambda: ec2.describe_vpc_endpoints()["VpcEndpoints"], [])
    refused("InvalidVpcEndpointId.NotFound", ec2.describe_vpc_endpoints, VpcEndpointIds=[made])
    ec2.delete_subnet(SubnetId=first)


def test_a_gateway_endpoint_is_the_default_and_routes(place):
    ec2, vpc, *_ = place
    tables = [ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(2)]

    def routed() -> list[bool]:
        found = ec2.describe_route_tables(RouteTableIds=tables)["RouteTables"]
        by_id = {x["RouteTableId"]: x["Routes"] for x in found}
        return [any(route.get("DestinationPrefixListId") for route in by_id[table]) for table in tables]

    made = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=NAME + "s3", RouteTableIds=tables[:1])["VpcEndpoint"]
    assert made["VpcEndpointType"] == "Gateway"
    assert routed() == [True, False]
    again = {"VpcId": vpc, "ServiceName": NAME + "s3", "RouteTableIds": tables[:1]}
    refused("RouteAlreadyExists", ec2.create_vpc_endpoint, **again)
    ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], AddRouteTableIds=tables[1:])
    assert routed() == [True, True]
    ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], RemoveRouteTableIds=tables[:1])
    assert routed() == [False, True]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
    assert routed() == [False, False]


def test_what_aws_refuses_at_creation(aws, place):
    ec2, vpc, first, second = place
    create = ec2.create_vpc_endpoint
    refused("InvalidServiceName", create, **interface(vpc, "nonsense", first))
    refused("InvalidServiceName", create, VpcId=vpc, ServiceName=NAME + "sts")
    refused("InvalidVpcId.NotFound", create, **interface("vpc-0123456789abcdef0", "sts", first))
    refused("DuplicateSubnetsInSameZone", create, **interface(vpc, "sts", first, aws.subnet(vpc, 12)))
    refused("InvalidParameter", create, **interface(vpc, "eks", aws.subnet(vpc, 13, "us-east-1e")))
    refused("InvalidGroup.NotFound", create, **interface(vpc, "sts", first, SecurityGroupIds=["sg-0123456789abcdef0"]))
    refused("InvalidParameter", create, **interface(vpc, "acm", first, PolicyDocument='{"Statement": []}'))
    refused("InvalidPolicyDocument", create, **interface(vpc, "sts", first, PolicyDocument="{"))
    create(**interface(vpc, "sts", first))
    message = refused("InvalidParameter", create, **interface(vpc, "sts", second))
    assert "sts.us-east-1.amazonaws.com" in message
    create(**interface(vpc, "sts", second, PrivateDnsEnabled=False))


def test_private_names_need_both_attributes_of_the_vpc(aws):
    ec2, vpc = aws.client("ec2"), aws.vpc(dns=False)
    subnet = aws.subnet(vpc, 1)
    refused("InvalidParameter", ec2.create_vpc_endpoint, **interface(vpc, "sts", subnet))
    ec2.create_vpc_endpoint(**interface(vpc, "sts", subnet, PrivateDnsEnabled=False))


def test_an_endpoint_can_be_changed(aws, place):
    ec2, vpc, first, second = place
    made = ec2.create_vpc_endpoint(**interface(vpc, "sts", first))["VpcEndpoint"]["VpcEndpointId"]
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
    policy = json.dumps({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]})
    ec2.modify_vpc_endpoint(
        VpcEndpointId=made, AddSubnetIds=[second], AddSecurityGroupIds=[group], PolicyDocument=policy
    )
    read = ec2.describe_vpc_endpoints()["VpcEndpoints"][0]
    assert (sorted(read["SubnetIds"]), read["PolicyDocument"]) == (sorted([first, second]), policy)
    eni = ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group]}])["NetworkInterfaces"]
    assert len(eni) == 2
    refused("DependencyViolation", ec2.delete_security_group, GroupId=group)
    ec2.modify_vpc_endpoint(VpcEndpointId=made, RemoveSubnetIds=[first], PrivateDnsEnabled=False, ResetPolicy=True)
    read = ec2.describe_vpc_endpoints()["VpcEndpoints"][0]
    assert (read["SubnetIds"], read["PrivateDnsEnabled"], len(read["DnsEntries"])) == ([second], False, 2)
    assert json.loads(read["PolicyDocument"])["Statement"][0]["Effect"] == "Allow"
    refused("InvalidVpcEndpointId.NotFound", ec2.modify_vpc_endpoint, VpcEndpointId="vpce-0123456789abcdef0")


def test_the_catalogue_knows_newer_services_and_their_limits(aws):
    details = aws.client("ec2").describe_vpc_endpoint_services()["ServiceDetails"]
    found = {(x["ServiceName"].removeprefix(NAME), x["ServiceType"][0]["ServiceType"]): x for x in details}
    for name in ("oidc-eks", "eks-proxy", "acm", "com.amazonaws.route53"):
        assert not found[name, "Interface"]["VpcEndpointPolicySupported"]
    for name in ("wafv2", "shield", "tagging", "dynamodb-streams", "bedrock-runtime", "transcribestreaming"):
        assert found[name, "Interface"]["VpcEndpointPolicySupported"]
    assert "use1-az3" not in found["eks-auth", "Interface"]["AvailabilityZoneIds"]
    assert "use1-az3" in found["sts", "Interface"]["AvailabilityZoneIds"]
    assert {("s3", "Gateway"), ("s3", "Interface"), ("dynamodb", "Gateway")} <= set(found)
    elsewhere = aws.client("ec2", "mx-central-1").describe_vpc_endpoint_services()["ServiceNames"]
    assert not [name for name in elsewhere if name.endswith(("oidc-eks", "amazonaws.iam"))]
    unknown = {"ServiceNames": [NAME + "nonsense"]}
    refused("InvalidServiceName", aws.client("ec2").describe_vpc_endpoint_services, **unknown)
