"""What goes with a subnet, a VPC or a bucket, and what a bucket's policy refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

TAGS = [{"Key": "env", "Value": "demo"}]


def test_a_subnet_goes_with_its_associations_and_a_vpc_with_its_default_acl(aws: Any) -> None:
    ec2, vpc = aws.client("ec2"), aws.vpc()
    subnet = aws.subnet(vpc, 1)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    ec2.delete_subnet(SubnetId=subnet)
    tables = {one["RouteTableId"]: one["Associations"] for one in ec2.describe_route_tables()["RouteTables"]}
    assert tables[table] == []
    assert [one["Associations"] for one in ec2.describe_network_acls()["NetworkAcls"]] == [[]]
    ec2.delete_route_table(RouteTableId=table)
    ec2.delete_vpc(VpcId=vpc)
    assert ec2.describe_network_acls()["NetworkAcls"] == []


def test_tags_of_the_request_that_creates_are_kept(aws: Any) -> None:
    ec2, s3, resolver, logs = (aws.client(name) for name in ("ec2", "s3", "route53resolver", "logs"))
    servers = [{"Key": "domain-name-servers", "Values": ["AmazonProvidedDNS"]}]
    made = ec2.create_dhcp_options(
        DhcpConfigurations=servers, TagSpecifications=[{"ResourceType": "dhcp-options", "Tags": TAGS}]
    )["DhcpOptions"]
    options = {one["DhcpOptionsId"]: one["Tags"] for one in ec2.describe_dhcp_options()["DhcpOptions"]}
    assert options[made["DhcpOptionsId"]] == made["Tags"] == TAGS
    s3.create_bucket(Bucket="tagged-at-birth", CreateBucketConfiguration={"Tags": TAGS})
    assert s3.get_bucket_tagging(Bucket="tagged-at-birth")["TagSet"] == TAGS
    logs.create_log_group(logGroupName="/queries")
    arn = logs.describe_log_groups()["logGroups"][0]["logGroupArn"]
    config = resolver.create_resolver_query_log_config(Name="q", DestinationArn=arn, CreatorRequestId="1", Tags=TAGS)
    tagged = resolver.list_tags_for_resource(ResourceArn=config["ResolverQueryLogConfig"]["Arn"])
    assert tagged["Tags"] == TAGS


def test_a_condition_of_transport_refuses_nothing_on_loopback_and_a_plain_denial_does(aws: Any) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="tls-only")
    plain = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::tls-only/*"}
    tls = {**plain, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    for statement, refused in ((tls, False), (plain, True)):
        s3.put_bucket_policy(Bucket="tls-only", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        if refused:
            with pytest.raises(ClientError, match="403"):
                s3.put_object(Bucket="tls-only", Key="key", Body=b"")
        else:
            s3.put_object(Bucket="tls-only", Key="key", Body=b"")
