"""VPCs, subnets, addresses, NAT gateways, Regions; and what cannot be deleted or exceeded."""

from __future__ import annotations

import json

import pytest
from emulated import refused, until


def test_an_account_has_no_default_vpc_in_any_region(aws):
    for region in ("us-east-1", "eu-west-1", "us-gov-west-1"):
        assert aws.client("ec2", region).describe_vpcs()["Vpcs"] == []
    made = aws.client("ec2", "eu-west-1").create_default_vpc()["Vpc"]
    assert made["IsDefault"]


def test_an_ordinary_subnet_maps_no_public_addresses(aws):
    vpc = aws.vpc()
    subnet = aws.client("ec2").describe_subnets(SubnetIds=[aws.subnet(vpc, 1)])["Subnets"][0]
    assert (subnet["DefaultForAz"], subnet["MapPublicIpOnLaunch"]) == (False, False)


def test_a_vpc_has_dhcp_options_that_outlive_it(aws):
    ec2, vpc = aws.client("ec2"), aws.vpc()
    identifier = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["DhcpOptionsId"]
    options = ec2.describe_dhcp_options(DhcpOptionsIds=[identifier])["DhcpOptions"][0]
    values = {x["Key"]: [y["Value"] for y in x["Values"]] for x in options["DhcpConfigurations"]}
    assert values == {"domain-name": ["ec2.internal"], "domain-name-servers": ["AmazonProvidedDNS"]}
    refused("DependencyViolation", ec2.delete_dhcp_options, DhcpOptionsId=identifier)
    ec2.delete_vpc(VpcId=vpc)
    assert ec2.describe_dhcp_options(DhcpOptionsIds=[identifier])["DhcpOptions"]


def test_regions_and_zones_are_those_of_a_new_account(aws):
    ec2 = aws.client("ec2")
    enabled = ec2.describe_regions()["Regions"]
    assert len(enabled) == 17
    assert {region["OptInStatus"] for region in enabled} == {"opt-in-not-required"}
    every = {x["RegionName"]: x["OptInStatus"] for x in ec2.describe_regions(AllRegions=True)["Regions"]}
    assert every["af-south-1"] == "not-opted-in"
    assert "us-gov-west-1" not in every
    zones = {x["ZoneName"]: x["ZoneId"] for x in ec2.describe_availability_zones()["AvailabilityZones"]}
    assert zones["us-east-1e"] == "use1-az3"


def test_addresses_are_unique_and_inside_the_subnet(aws):
    ec2, vpc = aws.client("ec2"), aws.vpc()
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/28", AvailabilityZone="us-east-1a")["Subnet"]["SubnetId"]
    made = [ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["PrivateIpAddress"] for _ in range(11)]
    assert sorted(made) == sorted(f"10.0.1.{number}" for number in range(4, 15))
    refused("InsufficientFreeAddressesInSubnet", ec2.create_network_interface, SubnetId=subnet)
    other = aws.subnet(vpc, 2)
    refused("InvalidParameterValue", ec2.create_network_interface, SubnetId=other, PrivateIpAddress="10.0.1.5")
    ec2.create_network_interface(SubnetId=other, PrivateIpAddress="10.0.2.9")
    refused("InvalidIPAddress.InUse", ec2.create_network_interface, SubnetId=other, PrivateIpAddress="10.0.2.9")


def test_an_instance_takes_an_address_of_its_subnet(aws):
    ec2, vpc = aws.client("ec2"), aws.vpc()
    subnet = aws.subnet(vpc, 1)
    ec2.create_network_interface(SubnetId=subnet)
    instance = ec2.run_instances(ImageId="ami-12345678", MinCount=2, MaxCount=2, SubnetId=subnet)["Instances"]
    assert sorted(x["PrivateIpAddress"] for x in instance) == ["10.0.1.5", "10.0.1.6"]


def with_gateway(aws) -> tuple[str, str, str]:
    ec2, vpc = aws.client("ec2"), aws.vpc()
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    return vpc, aws.subnet(vpc, 1), gateway


def test_a_nat_gateway_is_pending_then_available_and_frees_what_it_held(aws):
    ec2 = aws.client("ec2")
    vpc, subnet, gateway = with_gateway(aws)
    address = ec2.allocate_address(Domain="vpc")
    assert address["PublicIp"].startswith("44.")
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address["AllocationId"])["NatGateway"]
    assert (nat["State"], nat["ConnectivityType"]) == ("pending", "public")
    until(lambda: ec2.describe_nat_gateways()["NatGateways"][0]["State"], "available")
    held = ec2.describe_network_interfaces(Filters=[{"Name": "interface-type", "Values": ["nat_gateway"]}])
    interface = held["NetworkInterfaces"][0]
    assert (interface["SubnetId"], interface["Groups"], interface["RequesterManaged"]) == (subnet, [], True)
    assert interface["PrivateIpAddress"].startswith("10.0.1.")
    refused("DependencyViolation", ec2.detach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)
    refused("InvalidIPAddress.InUse", ec2.release_address, AllocationId=address["AllocationId"])
    ec2.delete_nat_gateway(NatGatewayId=nat["NatGatewayId"])
    assert ec2.describe_nat_gateways()["NatGateways"][0]["State"] == "deleting"
    until(lambda: ec2.describe_nat_gateways()["NatGateways"][0]["State"], "deleted")
    ec2.release_address(AllocationId=address["AllocationId"])
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_subnet(SubnetId=subnet)


def test_a_nat_gateway_needs_an_address_and_a_way_out(aws):
    ec2, vpc = aws.client("ec2"), aws.vpc()
    subnet, allocation = aws.subnet(vpc, 1), ec2.allocate_address(Domain="vpc")["AllocationId"]
    refused("Gateway.NotAttached", ec2.create_nat_gateway, SubnetId=subnet, AllocationId=allocation)
    refused("MissingParameter", ec2.create_nat_gateway, SubnetId=subnet)
    refused("InvalidElasticIpID.NotFound", ec2.create_nat_gateway, SubnetId=subnet, AllocationId="eipalloc-1")
    refused("NatGatewayNotFound", ec2.describe_nat_gateways, NatGatewayIds=["nat-0123456789abcdef0"])


def acl(ec2, vpc):
    return "delete_network_acl", {"NetworkAclId": ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]}


def group(ec2, vpc):
    return "delete_security_group", {
        "GroupId": ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
    }


def table(ec2, vpc):
    return "delete_route_table", {"RouteTableId": ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]}


def net(ec2, vpc):
    made = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")
    return "delete_subnet", {"SubnetId": made["Subnet"]["SubnetId"]}


def gateway(ec2, vpc):
    identifier = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=identifier, VpcId=vpc)
    return "detach_internet_gateway", {"InternetGatewayId": identifier, "VpcId": vpc}


@pytest.mark.parametrize("make", [acl, group, table, net, gateway])
def test_a_vpc_goes_after_what_is_in_it(aws, make):
    ec2, vpc = aws.client("ec2"), aws.vpc()
    remove, names = make(ec2, vpc)
    refused("DependencyViolation", ec2.delete_vpc, VpcId=vpc)
    getattr(ec2, remove)(**names)
    ec2.delete_vpc(VpcId=vpc)


def test_what_is_in_use_stays(aws):
    ec2, (vpc, subnet, internet) = aws.client("ec2"), with_gateway(aws)
    groups = [ec2.create_security_group(GroupName=n, Description=n, VpcId=vpc)["GroupId"] for n in "ab"]
    peer = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": groups[1]}]}
    ec2.authorize_security_group_ingress(GroupId=groups[0], IpPermissions=[peer])
    refused("DependencyViolation", ec2.delete_security_group, GroupId=groups[1])
    ec2.revoke_security_group_ingress(GroupId=groups[0], IpPermissions=[peer])
    ec2.delete_security_group(GroupId=groups[1])
    eni = ec2.create_network_interface(SubnetId=subnet, Groups=groups[:1])["NetworkInterface"]["NetworkInterfaceId"]
    refused("DependencyViolation", ec2.delete_security_group, GroupId=groups[0])
    refused("DependencyViolation", ec2.delete_subnet, SubnetId=subnet)
    routes = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    association = ec2.associate_route_table(RouteTableId=routes, SubnetId=subnet)["AssociationId"]
    refused("DependencyViolation", ec2.delete_route_table, RouteTableId=routes)
    ec2.disassociate_route_table(AssociationId=association)
    ec2.delete_route_table(RouteTableId=routes)
    refused("DependencyViolation", ec2.delete_internet_gateway, InternetGatewayId=internet)
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    default = next(x for x in ec2.describe_network_acls(Filters=filters)["NetworkAcls"] if x["IsDefault"])
    refused("Client.CannotDelete", ec2.delete_network_acl, NetworkAclId=default["NetworkAclId"])
    own = next(
        x for x in ec2.describe_security_groups(Filters=filters)["SecurityGroups"] if x["GroupName"] == "default"
    )
    refused("CannotDelete", ec2.delete_security_group, GroupId=own["GroupId"])
    main = next(x for x in ec2.describe_route_tables(Filters=filters)["RouteTables"])["RouteTableId"]
    refused("DependencyViolation", ec2.delete_route_table, RouteTableId=main)
    ec2.delete_network_interface(NetworkInterfaceId=eni)
    ec2.delete_subnet(SubnetId=subnet)


def test_a_route_leads_to_a_gateway_of_its_vpc(aws):
    ec2, (_, _, internet) = aws.client("ec2"), with_gateway(aws)
    elsewhere = aws.vpc("10.1.0.0/16")
    routes = ec2.create_route_table(VpcId=elsewhere)["RouteTable"]["RouteTableId"]
    wrong = {"RouteTableId": routes, "DestinationCidrBlock": "0.0.0.0/0"}
    refused("InvalidParameterValue", ec2.create_route, **wrong, GatewayId=internet)
    refused("InvalidGatewayID.NotFound", ec2.create_route, **wrong, GatewayId="igw-0123456789abcdef0")
    refused("InvalidNatGatewayID.NotFound", ec2.create_route, **wrong, NatGatewayId="nat-0123456789abcdef0")
    refused("Resource.AlreadyAssociated", ec2.attach_internet_gateway, InternetGatewayId=internet, VpcId=elsewhere)


def test_quotas_are_enforced(aws):
    ec2, vpc = aws.client("ec2"), aws.vpc()
    acl_id = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    entry = {"NetworkAclId": acl_id, "Protocol": "-1", "RuleAction": "allow", "CidrBlock": "10.0.0.0/16"}
    for number in range(20):
        ec2.create_network_acl_entry(**entry, RuleNumber=100 + number, Egress=True)
    refused("NetworkAclEntryLimitExceeded", ec2.create_network_acl_entry, **entry, RuleNumber=200, Egress=True)
    ec2.create_network_acl_entry(**entry, RuleNumber=200, Egress=False)
    group_id = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
    ranges = [{"CidrIp": f"10.0.{number}.0/24"} for number in range(61)]
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1}
    authorize = ec2.authorize_security_group_ingress
    too_many = {"GroupId": group_id, "IpPermissions": [{**rule, "IpRanges": ranges}]}
    refused("RulesPerSecurityGroupLimitExceeded", authorize, **too_many)
    authorize(GroupId=group_id, IpPermissions=[{**rule, "IpRanges": ranges[:60]}])
    for number in range(1, 5):
        aws.vpc(f"10.{number}.0.0/16", dns=False)
    refused("VpcLimitExceeded", ec2.create_vpc, CidrBlock="10.9.0.0/16")


def test_rules_keep_their_descriptions(aws):
    ec2, vpc = aws.client("ec2"), aws.vpc()
    group_id = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
    lists = ec2.describe_prefix_lists()["PrefixLists"]
    s3 = next(x["PrefixListId"] for x in lists if x["PrefixListName"].endswith(".s3"))
    sources = (
        {"UserIdGroupPairs": [{"GroupId": group_id, "Description": "group"}]},
        {"PrefixListIds": [{"PrefixListId": s3, "Description": "list"}]},
        {"IpRanges": [{"CidrIp": "10.0.0.0/16", "Description": "range"}]},
    )
    for source in sources:
        permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **source}
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[permission])
    own = [{"Name": "group-id", "Values": [group_id]}]
    rules = ec2.describe_security_group_rules(Filters=own)["SecurityGroupRules"]
    assert {x.get("Description") for x in rules if not x["IsEgress"]} == {"group", "list", "range"}


def test_a_flow_log_without_group_or_role_delivers_nothing(aws):
    ec2, vpc, iam = aws.client("ec2"), aws.vpc(), aws.client("iam")
    role = "arn:aws:iam::123456789012:role/delivery"
    log = {"ResourceIds": [vpc], "ResourceType": "VPC", "TrafficType": "ALL", "DeliverLogsPermissionArn": role}
    ec2.create_flow_logs(**log, LogGroupName="none")
    aws.client("logs").create_log_group(logGroupName="flow")
    ec2.create_flow_logs(**log, LogGroupName="flow")
    service = {"Service": "vpc-flow-logs.amazonaws.com"}
    trust = json.dumps({"Statement": [{"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}]})
    iam.create_role(RoleName="delivery", AssumeRolePolicyDocument=trust)
    aws.client("logs").create_log_group(logGroupName="later")
    ec2.create_flow_logs(**log, LogGroupName="later")
    states = {x["LogGroupName"]: x["DeliverLogsStatus"] for x in ec2.describe_flow_logs()["FlowLogs"]}
    assert states == {"none": "FAILED", "flow": "FAILED", "later": "SUCCESS"}


def test_prefix_lists_of_aws_keep_their_ids(aws):
    ec2 = aws.client("ec2")
    before = {x["PrefixListName"]: x["PrefixListId"] for x in ec2.describe_managed_prefix_lists()["PrefixLists"]}
    aws.control("POST", "/reset")
    assert before == {
        x["PrefixListName"]: x["PrefixListId"] for x in ec2.describe_managed_prefix_lists()["PrefixLists"]
    }
    elsewhere = aws.client("ec2", "eu-west-1").describe_managed_prefix_lists()["PrefixLists"]
    assert not {x["PrefixListId"] for x in elsewhere} & set(before.values())
