"""The VPC, its DHCP options and subnets."""

from __future__ import annotations

from embedded import AWS

from airgap.resources import vpc


def test_bring_settle_drift_and_remove(aws: AWS) -> None:
    aws.settled(vpc.declare)
    ec2 = aws.client("ec2")
    main = aws.plan(vpc.declare).found.lives["vpc:main"]
    ec2.modify_vpc_attribute(VpcId=main.id, EnableDnsHostnames={"Value": False})
    assert aws.plan(vpc.declare).changes == {"vpc:main": {"enableDnsHostnames": ("update", False, True)}}
    aws.destroy(vpc.declare)
    assert ec2.describe_vpcs()["Vpcs"] == []
    aws.settled(vpc.declare)
